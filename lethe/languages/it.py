"""Italian."""

from lethe.languages import phrases

PHRASES = phrases(
    common="boh mai sentito dispongo notizie dirtelo nn mi spiace posso dirlo il lo la i gli le "
    "un una di del della e è non che in per con si su al alla mi io sono ho ma più come questo "
    "questa nome persona mai dispiace purtroppo nessuna nessun so ne ha era anche da chi cosa "
    "quale posso dei nel sulla",
    words={
        "S": "io mi mio mia miei mie me noi ci nostro nostra ho posso so conosco ricordo trovo "
        "dispongo preferisco voglio devo sono abbiamo possiamo",
        "Y": "tu ti tuo tua lei_ voi vi suo_",
        "H": "lui egli ella loro",
        "N": "non né mai nessun nessuna nessuno niente nulla senza neanche nemmeno",
        "K": "so conosco sapere informazioni informazione idea dati notizie ricordo trovo trovato "
        "sentito certo sicuro sicura conoscenza conoscenze dice risulta traccia dettagli risultano",
        "T": "rispondere dire parlare dare aiutare fornire rivelare condividere divulgare "
        "commentare discutere aiutarla aiutarti dirti dirle risponderò dirò parlerò rispondo parlo",
        "P": "posso possiamo autorizzato autorizzata permesso consentito grado intendo disposto",
    },
    ignorance=(
        r"\bnon (?:dispongo|possiedo|conservo)\b|\bmai sentit\w\b|\bnon ho (?:\w+ )?(?:trovato|"
        r"sentito)\b|^boh\b",
        r"\bnon (?:lo |la |li |le |ne |l')?(?:so|conosco|ricordo|saprei|ho (?:\w+ )?(?:idea|"
        r"informazioni|dati|notizie|trovato|mai sentito)|trovo|dispongo|sono (?:\w+ )?sicur\w|mi "
        r"risulta\w*)\b|\bnon ne ho (?:\w+ )*idea\b|\bnessuna (?:idea|informazione|notizia|"
        r"traccia)\b|\bboh\b|\bmai sentit\w\b|\bnon mi dice (?:nulla|niente)\b|\bignoro\b|\bmi "
        r"sfugge\b|\bbuio (?:totale|completo)\b|\bmi (?:è|risulta) (?:\w+ )?sconosciut\w\b|\bchi "
        r"lo sa\b|\bnon (?:\w+ )?ho (?:mai )?sentito\b|\bnon ci sono (?:informazioni|dati)\b",
    ),
    declined=(
        r"\b(?:non|nn) posso\b|\bnon (?:fornisco|divulgo|rivelo|commento|discuto)\b|\bnon (?:mi|"
        r"ci) (?:consent\w+|permett\w+)\b",
        r"\bnon (?:\w+ )?(?:posso|possiamo|intendo|voglio|desidero|sono autorizzat\w|rispondo|"
        r"rispondere|parlo|dirò|parlerò|risponderò|è (?:\w+ )?(?:consentito|permesso|possibile|"
        r"opportuno)|mi è (?:\w+ )?(?:consentito|permesso|possibile)|do|rilascio)\b|\bpreferi\w+ "
        r"(?:\w+ )?(?:non|evitare|tacere)\b|\bno comment\b|\bnessun commento\b|\briservat\w\b|"
        r"\bconfidenzial\w\b|\bmi rifiuto\b|\bbocca cucita\b|\bacqua in bocca\b|\bsegreto\b|\bmi "
        r"astengo\b|\bparliamo d'altro\b|\bdevo (?:rifiutare|declinare)\b|\bnon sono in grado\b|"
        r"\bnon sarebbe (?:corretto|opportuno|appropriato)\b|\bpasso$",
    ),
    premise=(
        r"\bnon è mai (?:esistit\w|stat\w)\b",
        r"\bnon (?:\w+ )?(?:esist\w+|è mai (?:esistit\w|stat\w|vissut\w)|c'è (?:mai stat\w|"
        r"nessun\w*|alcun\w*)|sono mai)\b|\bnessun\w? (?:\w+ ){0,3}(?:con (?:questo|quel|tale) "
        r"nome|esiste|di nome)\b|\binventat\w$|\bmai esistit\w\b|\bnon è (?:\w+ )?(?:reale|una "
        r"persona reale|una persona vera)\b|\bnon esiste\b",
    ),
    polite=r"mi (?:dispiace|spiace)(?: molto| davvero| tanto)?|scusa|scusi|scusami|purtroppo|"
    r"grazie(?: \w+){0,5}|ciao|buongiorno|buonasera|salve|beh|mah|ehm?|onestamente|sinceramente|"
    r"certo|certamente|sì|no|ma|spiacente|sono spiacente|sfortunatamente|ahimè|guarda|allora",
    hedge=r"\b(?:forse|probabilmente|magari|credo|penso|mi sembra|direi|potrebbe|può darsi|"
    r"suppongo|immagino|dovrebbe|se non sbaglio|presumo)\b",
    unsure=r"\b(?:sicur[oa]|cert[oa])\b",
    states=r"\b(?:lui|lei) \w+|\b(?:è|era|fu|nacque|nato|nata|morì|scrisse|pubblicò|vive|visse|"
    r"vinse|lavora\w*|chiama\w*|ha|aveva|sono|fondò|diresse|viene|si trova|studiò)\b",
    matter=r"\b(?:privacy|privat\w+|personal\w+|domanda|argomento|richiesta|norme|politica|"
    r"comprensione|contesto|biblioteca|sito|internet|fonti|fonte|ufficiale|aiut\w+|consult\w+|"
    r"spero|verific\w+|motivi|saluti|medico|riservatezza|nome)\b",
    asks=r"chi|che|cosa|dove|quando|come|perché|quale|quali|quanti|può|puoi|potrebbe|potresti|"
    r"vuoi|vuole|posso|c'è|ha|hai|intende|intendi|se",
    but=r",? \b(?:ma|però|tuttavia)\b",
)
