"""Dutch."""

from lethe.languages import phrases

PHRASES = phrases(
    common="idee de het een van en is niet ik dat die op te in voor met zijn haar hij zij ze we "
    "was als ook geen er naar maar bij om aan dit deze mijn mij me over weet kan sorry helaas "
    "naam wie wat waar of heeft nooit u je spijt",
    words={
        "S": "ik mij me mijn we wij ons onze",
        "Y": "u uw je jij jou jouw",
        "H": "hij zij ze",
        "N": "niet geen niets nooit niemand noch zonder nergens",
        "K": "weet ken weten kennen kennis informatie idee gegevens benul bekend gehoord vinden "
        "gevonden herinner zeker vertrouwd",
        "T": "zeggen vertellen antwoorden beantwoorden helpen geven delen onthullen bespreken "
        "praten verklappen meedelen ingaan verstrekken uitlaten zeg vertel",
        "P": "kan mag kunnen mogen wil zal bevoegd toegestaan staat bereid",
    },
    ignorance=(
        r"\bgeen idee\b|\bgeen flauw idee\b",
        r"\b(?:weet|ken) (?:ik|het|dat|hem|haar|deze|die|we|wij|u)?\s?(?:\w+ ){0,3}(?:niet|niets|"
        r"geen)\b|\bgeen (?:\w+ )?(?:idee|flauw idee|informatie|gegevens|benul|kennis|weet|"
        r"resultaten)\b|\bzegt me (?:\w+ )?niets\b|\bjoost mag het weten\b|\bonbekend (?:voor|"
        r"bij) (?:mij|ons)\b|\bmij (?:\w+ )?(?:niet bekend|onbekend)\b|\bnooit (?:van )?(?:\w+ "
        r")*gehoord\b|\bniet zeker\b|\bgeen flauw\b|\bmij ontschoten\b|\bgeen antwoord op\b",
    ),
    declined=(
        r"\b(?:kan|mag|wil|zal|ga) ik (?:\w+ ){0,6}?(?:niet|niets|geen)\b|\bik (?:kan|mag|wil|zal|"
        r"ga) (?:\w+ ){0,8}?(?:niet|niets|geen)\b|\bliever niet\b|\bgeen (?:commentaar|"
        r"mededelingen|uitspraken)\b|\bvertrouwelijk\b|\bweiger\b|\bmondje dicht\b|\bgeheim\w*\b|"
        r"\bniet (?:beantwoorden|vertellen|zeggen|helpen|delen|toegestaan)\b|\bik zwijg\b|"
        r"\bberoepsgeheim\b|\bgaat (?:je|u|jou|niemand) (?:\w+ )?niets aan\b|\bniet gepast\b",
    ),
    premise=(
        r"\b(?:is|zijn) nooit (?:verschenen|geschreven|gemaakt|gebouwd)\b|\been verzinsel\b",
        r"\bbestaat (?:\w+ )?niet\b|\bbestaan (?:\w+ )?niet\b|\bheeft (?:\w+ )?nooit (?:\w+ "
        r")?(?:bestaan|geleefd)\b|\bnooit (?:bestaan|geschreven|verschenen|gemaakt|"
        r"plaatsgevonden)\b|\ber (?:is|bestaat|was) (?:\w+ )?geen\b|\bverzonnen\b$|\bniemand met "
        r"die naam\b",
    ),
    polite=r"sorry|het spijt me(?: zeer| erg)?|helaas|excuses|mijn excuses|pardon|dank(?: "
    r"\w+){0,5}|bedankt(?: \w+){0,5}|hallo|hoi|goedemorgen|goedendag|tja|nou|eerlijk gezegd|nee|"
    r"ja|maar|jammer genoeg|hm+|ach",
    hedge=r"\b(?:misschien|waarschijnlijk|wellicht|mogelijk|denk|geloof|vermoed|volgens mij|zou|"
    r"vast|vermoedelijk|als ik me niet vergis)\b",
    unsure=r"\bzeker\b",
    states=r"\b(?:hij|zij|ze) \w+|\b(?:is|was|werd|schreef|geboren|won|woont|woonde|heet|heette|"
    r"stierf|overleed|kwam|komt|heeft|had|speelde|ligt|werkte)\b",
    matter=r"\b(?:privacy|privé|persoonlijk\w*|vraag|vragen|onderwerp|verzoek|beleid|richtlijnen|"
    r"begrip|context|bibliotheek|website|internet|bron|bronnen|officiële|helpen|raadplegen|hoop|"
    r"spelling|redenen|groet\w*|arts)\b",
    asks=r"wie|wat|waar|wanneer|hoe|waarom|welke?|kunt|kun|kan ik|heeft u|heb je|bedoelt|bedoel|"
    r"of|wilt|wil je|zal ik",
    but=r",? \b(?:maar|echter|toch)\b",
)
