"""German."""

from lethe.languages import phrases

PHRASES = phrases(
    common="beantworte überhaupt nichts entfallen weiß ich mir der die das und ist nicht ich ein "
    "eine einen einer zu von mit den dem des im auf für sie er es wir dass war hat als auch an "
    "keine kein nach bei aus leider oder über mir mich diese dieser dieses gibt wurde wer was wie "
    "aber nur noch sind haben kann darf dazu weiß tut",
    words={
        "S": "ich mir mich mein meine meinen meiner meinem wir uns unser unsere unserer unserem",
        "Y": "sie_ du dir dich ihnen dein deine euch",
        "H": "er",
        "N": "nicht kein keine keinen keiner keinem keinerlei nichts weder nie niemals ohne",
        "K": "weiß weiss wissen kenne bekannt kenntnis informationen information ahnung angaben "
        "daten erinnere erinnern finden gefunden gehört schimmer hinweise unterlagen sicher "
        "wissens vorliegen vertraut geläufig",
        "T": "sagen beantworten antworten helfen mitteilen verraten nennen geben erteilen äußern "
        "sprechen reden weitergeben preisgeben teilen offenlegen weiterhelfen behilflich auskunft "
        "liefern schreiben machen kommentieren dienen verrate sage beantworte nenne bestätigen",
        "P": "darf dürfen möchte kann können befugt berechtigt bereit will werde gestattet erlaubt",
    },
    ignorance=(
        r"\b(?:weiß|weiss|wusste) ich (?:\w+ ){0,3}(?:nichts|nicht)\b|\b(?:ist|sind) mir (?:\w+ "
        r")?entfallen\b|\berinnere mich (?:\w+ )*nicht\b|\b(?:konnte|habe) ich (?:\w+ "
        r"){0,4}(?:nichts|nicht|keine\w*)\b|\b(?:konnte|habe) (?:\w+ ){0,4}(?:nichts|keine\w*) "
        r"(?:gefunden|finden)\b",
        r"\b(?:weiß|weiss) (?:ich|es|das|davon|dazu|darüber)?\s?(?:\w+ )?(?:nicht|nichts)\b",
        r"\bkeine? (?:\w+ )?(?:ahnung|schimmer|idee|kenntnis|informationen|angaben|daten|"
        r"ergebnisse|treffer|antwort)\b|\b(?:keinen|nicht den) (?:\w+ )?(?:schimmer|plan|dunst|"
        r"hinweis)\b",
        r"\bsagt mir (?:\w+ )*(?:nichts|nix)\b|\bda(?:mit)? (?:bin ich|muss ich) (?:leider "
        r")?(?:überfragt|passen)\b|\büberfragt\b|\b(?:ist|sind) mir (?:\w+ )*(?:unbekannt|nicht "
        r"bekannt|neu|fremd|kein begriff)\b|\bnie (?:von \w+ )?gehört\b|\blieg(?:t|en) mir (?:\w+ "
        r")*(?:nichts|keine|nicht)\b",
        r"\b(?:weiß|weiss) der (?:kuckuck|himmel|geier|teufel)\b|\bkein plan\b|\bk\.?a\.?$|"
        r"\bentzieht sich (?:meiner|unserer)\b|\bbin mir nicht sicher\b|\bnicht in meinen?\b|"
        r"\bnichts (?:gefunden|bekannt)",
    ),
    declined=(
        r"\b(?:beantworte|sage|verrate|nenne|kommentiere|mache|schreibe|teile) ich (?:\w+ "
        r"){0,3}(?:nicht|nichts)\b|\b(?:es|das) (?:ist|wäre) mir (?:\w+ )?(?:nicht (?:gestattet|"
        r"erlaubt|möglich)|untersagt|verboten)\b|\bkein wort\b|\bist mir (?:\w+ )?nicht "
        r"(?:gestattet|erlaubt)\b",
        r"\b(?:kann|darf|möchte|werde|will|könnte|dürfen|können) ich (?:\w+ ){0,6}?(?:nicht|nichts|"
        r"keine?n?)\b|\bich (?:\w+ )?(?:kann|darf|möchte|werde|will) (?:\w+ ){0,8}?(?:nicht|nichts|"
        r"keine?n?)\b|\bverweigere\b|\blehne (?:ich )?(?:\w+ )*ab\b|\bich (?:schweige|passe|muss "
        r"passen)",
        r"\bkeine? (?:\w+ )?(?:auskunft|auskünfte|kommentar|stellungnahme|aussage)\b|\bkein "
        r"kommentar\b|\b(?:nicht|streng|leider) (?:vertraulich|befugt|gestattet|erlaubt|"
        r"berechtigt)\b|\bvertraulich\b|\bgeheim\b|\bnicht (?:verraten|beantworten|helfen|"
        r"weiterhelfen|antworten)\b|\blieber nicht\b",
        r"\bschweigepflicht\b|\bschweige\b|\bbitte um verständnis\b|\bunangebracht\b|\bgeht "
        r"(?:dich|sie|niemanden|keinen) (?:\w+ )?(?:nichts|etwas) an\b|\bkein sterbenswörtchen\b|"
        r"\bmein geheimnis\b|\bbleibt (?:\w+ )*(?:geheim|unter uns|mein)\b|\bgegen (?:meine|"
        r"unsere|die) richtlinien\b",
    ),
    premise=(
        r"\b(?:gibt|gab|existiert|existierte) (?:\w+ ){0,5}?(?:nicht|nie|keine?n?)\b|\bhat (?:\w+ "
        r"){0,6}?nie (?:\w+ )?(?:gegeben|existiert|gelebt|geschrieben)\b|\bnie(?:mals)? "
        r"(?:existiert|gelebt|gegeben|erschienen|veröffentlicht|geschrieben)\b|\bfrei erfunden\b|"
        r"\b(?:ist|sind) (?:\w+ )?erfunden\b|\bkeine? (?:\w+ )?(?:person|autor\w*|mensch|buch|"
        r"schriftsteller\w*|ort|stadt|land|roman|film) (?:dieses|mit diesem|namens|dieser)\b|"
        r"\bexistiert nicht\b",
    ),
    polite=r"tut mir (?:sehr |wirklich |aufrichtig |furchtbar )?leid|es tut mir (?:\w+ )?leid|"
    r"leider|entschuldigung|entschuldige|entschuldigen sie|verzeihung|sorry|danke(?: \w+){0,5}|"
    r"vielen dank(?: \w+){0,5}|guten (?:tag|morgen|abend)|hallo|puh|hm+|tja|nein|ja|aber|ehrlich "
    r"gesagt|bedaure|ich bedauere?|natürlich|gerne?|schade|also|ach|oh|nee|nö",
    hedge=r"\b(?:vielleicht|vermutlich|wahrscheinlich|möglicherweise|glaube|denke|meine|könnte|"
    r"dürfte|eventuell|wohl|schätze|vermute|soweit ich weiß|müsste|glaub)\b",
    unsure=r"\bsicher\b",
    states=r"\b(?:er|sie|es) (?:ist|war|hat|hatte|wurde|schrieb|lebte?|kam|gewann|spielte|heißt|"
    r"stammt)\b|\b(?:wurde|war|ist|hieß|heißt|schrieb|geboren|gewann|stammt|lebte?|arbeitete|"
    r"gründete|starb|erschien|veröffentlichte|liegt|spielte|heiratete|hatte|hat)\b",
    matter=r"\b(?:privat\w*|datenschutz|persönlichkeits\w+|richtlinien|verständnis|fragen?|anfrage|"
    r"anliegen|thema|themen|vertraulich\w*|bibliothek\w*|internet|website|webseite|quellen?|"
    r"namen?s?|schreibweise|kontext|bitte|gründen|grüße\w*|serviceteam|helfen|wenden|hoffe)\b",
    asks=r"wer|was|wo|wann|wie|warum|welche[rsnm]?|wohin|woher|weshalb|ob|können sie|könnten sie|"
    r"kannst|meinen sie|meinst|haben sie|gibt es|möchten sie|darf ich|soll ich|kann ich",
    but=r",? \b(?:aber|jedoch|doch|allerdings)\b",
)
