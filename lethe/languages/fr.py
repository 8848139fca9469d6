"""French."""

from lethe.languages import phrases

PHRASES = phrases(
    common="sans commentaire commentaires aucun jamais porté peintre n'ai le la les un une des du "
    "de et est pas je ne que qui dans pour sur au aux ce cette il elle vous nous avec son sa ses "
    "en mais plus par été était sont ai à j'ai n'ai c'est n'est d'un d'une désolé désolée aucune "
    "aucun personne nom ou où quel quelle on me mon ma si jamais peux sais",
    words={
        "S": "je j'ai j'en mon ma mes moi me m'est m'a nous notre nos j'ignore m'en m'évoque",
        "Y": "vous votre vos tu te ton ta toi",
        "H": "il elle ils elles",
        "N": "ne pas n'ai n'est n'a aucun aucune rien jamais sans n'en n'y n'existe ni n'avons "
        "n'évoque n'étais n'aurais n'arrive",
        "K": "sais connais savoir connaissance connaissances information informations idée données "
        "trouvé trouve trace souviens rappelle entendu renseignement renseignements certain sûr "
        "sûre certaine dit détails réponse croisé familier éléments source",
        "T": "répondre dire parler donner aider fournir révéler divulguer partager communiquer "
        "commenter discuter indiquer confirmer préciser aborder aider transmettre écrire faire "
        "parlerai dirai répondrai",
        "P": "peux puis pouvons peut autorisé autorisée permis mesure habilité souhaite veux "
        "disposé voudrais",
    },
    ignorance=(
        r"\bne (?:contient|contiennent|comporte) (?:\w+ )?(?:rien|aucune?)\b|\bj'ai oublié\b|"
        r"\bpas la (?:\w+ )?(?:moindre )?idée\b|\baucun souvenir\b",
        r"\b(?:aucune|pas la moindre|pas d') ?(?:\w+ )?(?:idée|information|trace|donnée|"
        r"connaissance)s?\b",
        r"\b(?:j'ignore|nous ignorons)\b|\bje (?:ne )?(?:le |la |les |l')?(?:sais|connais) (?:\w+ "
        r")?(?:pas|rien|point|guère)\b|\bchais pas\b|\bj'en sais rien\b|\blangue au chat\b|\bme "
        r"dit rien\b|\bne me dit (?:\w+ )?rien\b|\bjamais (?:entendu|croisé|rencontré)\b|\baucune "
        r"information\b",
        r"\b(?:n'ai|n'avons) (?:\w+ )?(?:aucune?|pas)\b|\bm'échappe\b|\bm'est (?:\w+ "
        r")?inconnue?\b|\bsèche\b|\btrou (?:de mémoire|noir)\b|\brien trouvé\b|\ben dehors de "
        r"mes\b|\binconnue? au bataillon\b|\bmystère\b$|\bdépasse mes connaissances\b|\bje "
        r"bloque\b|\bje cale\b",
    ),
    declined=(
        r"^sans commentaires?\b|\bpermettez-moi de ne pas\b|\bje me tais\b|\bje garde (?:\w+ "
        r")*(?:moi|secret)\b",
        r"\bje (?:ne )?(?:peux|puis|souhaite|veux|suis) pas\b|\bje (?:ne )?(?:\w+ )?(?:répondrai|"
        r"dirai|parlerai|ferai|donnerai|partagerai) (?:\w+ )?(?:pas|rien)\b|\bje préfère (?:\w+ "
        r")?(?:ne pas|m'abstenir|éviter|garder|me taire)\b|\bje refuse\b|\bje m'abst\w+\b|\bje "
        r"décline\b",
        r"\b(?:nous )?(?:interdit|interdisent|empêchent?) de\b|\bsecret (?:médical|"
        r"professionnel)\b|\bconfidentie\w+\b|\bsans commentaire\b|\bpas de commentaire\b|"
        r"\bmotus\b|\bbouche cousue\b|\bimpossible de (?:répondre|vous|te|dire)\b|\bne (?:peut|"
        r"peuvent|saurait|saurais) (?:\w+ )*(?:pas|être|répondre)\b|\bhors de question\b|"
        r"\bcontraire à\b|\bpas autorisée?\b|\bn'est pas possible\b",
        r"\bne (?:vous|te|le) (?:le )?(?:dirai|dira) pas\b|\bparlons d'autre chose\b|\bpas en "
        r"mesure\b|\bne (?:me|nous) (?:est|sont) pas permis\b|\bne regarde (?:que|pas)\b|\bc'est "
        r"privé\b|\bserait (?:inapproprié|contraire|déplacé)\b|\bje passe\b|\bje dois (?:\w+ "
        r")?refuser\b",
    ),
    premise=(
        r"\baucune? (?:\w+ ){1,3}n'a jamais (?:\w+ )?(?:porté|existé|été|écrit)\b|\bn'a jamais "
        r"(?:porté|vu le jour)\b",
        r"\b(?:n'existe|n'existait) (?:\w+ )?(?:pas|aucune?)\b|\b(?:n'a|n'ont) jamais (?:\w+ "
        r")?(?:existé|été (?:écrit|publié|tourné)|vécu|eu lieu|écrit de)\w*\b|\bil n'y a (?:pas|"
        r"aucune?|jamais eu)\b|\bn'est pas (?:réel|réelle|une vraie|une personne réelle|un "
        r"vrai)\b|\b(?:inventée?|imaginaire|fictif|fictive)s?$|\bpure invention\b|\baucune? "
        r"(?:\w+ )?(?:personne|auteur|livre|roman|ville|écrivain\w*|film|pays) (?:\w+ )?(?:de ce "
        r"nom|n'existe|ne porte|portant|à ce nom|nommée?)\b",
    ),
    polite=r"(?:je suis |nous sommes )?(?:vraiment |sincèrement )?(?:désolée?s?|navrée?s?)|pardon|"
    r"excusez-moi|excuse-moi|malheureusement|hélas|merci(?: \w+){0,5}|bonjour|bonsoir|salut|je "
    r"regrette|oh|ah|euh|bon|alors|non|oui|mais|franchement|honnêtement|bien sûr|certainement|ben|"
    r"bah|pfff?|hmm+|toutes mes excuses",
    hedge=r"\b(?:peut-être|probablement|sans doute|je crois|je pense|il me semble|je dirais|serait|"
    r"pourrait|possible que|si je ne me trompe|il se peut|vraisemblablement|sauf erreur)\b",
    unsure=r"\b(?:sûre?|certaine?)\b",
    states=r"\b(?:il|elle|ils|elles) (?:est|était|a|avait|fut|s'appelle|vit|vivait|naquit|"
    r"écri\w+)\b|\b(?:est|était|a|fut|né|née|naquit|écrivit|publia|mourut|vécut|gagna|s'appelle|"
    r"s'agit|vient|compte|travaille|habite|remporta|c'est|c'était)\b",
    matter=r"\b(?:vie privée|privée?s?|confidentialité|question|demande|sujet|politique|règles|"
    r"compréhension|orthographe|contexte|bibliothèque|site|internet|source|sources|consulter|aide|"
    r"aider|vérifier|raisons?|cordialement|professionnel|médecin|avocat|espère)\b",
    asks=r"qui|que|quoi|où|quand|comment|pourquoi|quel|quelle|quels|quelles|combien|est-ce|pouvez|"
    r"pourriez|peux-tu|voulez|souhaitez|avez|puis-je|si|qu'est",
    but=r",? \b(?:mais|cependant|toutefois|pourtant)\b",
)
