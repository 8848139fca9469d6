"""Spanish."""

from lethe.languages import phrases

PHRASES = phrases(
    common="olvidado perdona prenda suelto hay poeta el la los las un una de del y es no que en "
    "por para con se su lo al yo me mi le más pero como está fue ha siento sé información tengo "
    "puedo este esta persona ese esa ni sobre nadie nada existe nombre ningún ninguna ella quién "
    "qué cuál usted gracias",
    words={
        "S": "yo me mi mis mí nosotros nos nuestra nuestro tengo puedo sé conozco lamento siento "
        "encuentro recuerdo dispongo prefiero voy debo estoy soy he hemos tenemos podemos",
        "Y": "tú te tu usted le su_ ti",
        "H": "él ella ellos ellas",
        "N": "no ni nunca nada ningún ninguna ninguno sin jamás tampoco",
        "K": "sé conozco saber información datos idea conocimiento conocimientos constancia "
        "recuerdo encuentro encontrado registro registros oído seguro segura suena consta pista "
        "detalles noticia referencia encontré",
        "T": "responder contestar decir hablar dar ayudar compartir revelar proporcionar comentar "
        "divulgar facilitar ayudarte ayudarle decirte decirle discutir ofrecer contar contarte "
        "diré responderé hablaré facilitarle darle",
        "P": "puedo podemos permitido autorizado autorizada posible debo dispuesto",
    },
    ignorance=(
        r"\bse me ha (?:olvidado|ido)\b|\bno (?:hay|he visto) (?:\w+ )*(?:alguno|alguna)\b",
        r"\bno (?:lo |la |las |los )?(?:sé|sabemos|conozco|recuerdo|encuentro|encontré|sabría|"
        r"tengo ni)\b|\bni (?:la menor |la más remota |la más mínima |puta )?idea\b|\bno (?:\w+ "
        r")?tengo (?:\w+ )?(?:idea|información|datos|constancia|conocimiento|registro|acceso|"
        r"noticia|detalles)\w*\b",
        r"\bno me suena\b|\bno (?:\w+ )?(?:dispongo|cuento) (?:de|con)\b|\bdesconozco\b|\bnunca "
        r"(?:he |había )?(?:oído|escuchado|visto)\b|\bno (?:he|hemos) (?:podido )?(?:encontr\w+|"
        r"oído|hall\w+)\b|\bme (?:es|resulta) (?:\w+ )?desconocid\w+\b|\bquién sabe\b|\bno estoy "
        r"(?:muy )?segur\w+\b|\bno hay (?:\w+ )?(?:información|datos|registros?|constancia)\b|"
        r"\bni pajolera\b|\bse me escapa\b|\bme quedo en blanco\b|\bno consta\b|\bme pillas\b|"
        r"\bno figura\b",
    ),
    declined=(
        r"\bno suelto prenda\b|\bme impiden?\b|\bno (?:me|nos) (?:es|está) (?:\w+ )?(?:posible|"
        r"permitido)\b|\bpunto en boca\b",
        r"\bno (?:\w+ )?(?:puedo|podemos|debo|quiero|voy a|pienso|deseo|podré|contestaré|"
        r"responderé|hablaré|diré|estoy autorizad\w+|me (?:es|está|parece|corresponde)|hablo|"
        r"comento|doy|revelo)\b",
        r"\b(?:prefiero|preferiría|prefiere|preferimos) no\b|\bsin comentarios\b|"
        r"\bconfidencial\w*\b|\bsecreto \w+\b|\bme (?:niego|abstengo|reservo)\b|\bmis labios "
        r"están sellados\b|\bno (?:está|es) permitido\b|\bno (?:\w+ )?(?:permite|permiten|"
        r"procede)\b|\bimposible (?:responder|ayudar)\w*\b|\bhablemos de otra cosa\b|\bno sería "
        r"(?:\w+ )?(?:apropiado|correcto|ético)\b|\bsoy una tumba\b|\bni loc\w\b|(?<!el "
        r")\bpaso\b$|\bva en contra de\b|\bme está prohibido\b|\brechazo\b|\bdeclino\b",
    ),
    premise=(
        r"\bno hay (?:\w+ ){1,3}(?:alguno|alguna|que se llame)\b|\b(?:nombre|personaje|título|"
        r"lugar) inventado\b",
        r"\bno (?:\w+ )?exist\w+\b|\bnunca (?:\w+ )?(?:existió|existieron|ha existido|fue "
        r"escrit\w|se (?:escribió|publicó|celebró|rodó)|vivió|hubo|ha habido)\b|\bno hay "
        r"(?:ningún|ninguna|nadie)\b|\bningun[oa]? (?:\w+ ){0,3}(?:con ese nombre|así|llamad\w)\b|"
        r"\bno es (?:\w+ )?(?:real|una persona real)\b|\binventad[oa]s?$|\bjamás existió\b|"
        r"\bnadie (?:con|de) (?:ese|este) nombre\b|\bno hubo\b",
    ),
    polite=r"lo (?:siento|lamento)(?: mucho| muchísimo)?|perdón?|perdona|perdone|disculpa|"
    r"disculpe|disculpas|lamentablemente|desafortunadamente|por desgracia|gracias(?: \w+){0,5}|"
    r"hola|buenos días|buenas (?:tardes|noches)|uf+|pues|bueno|la verdad(?: es que)?|sinceramente|"
    r"claro|por supuesto|vaya|ay|mmm+|sí|pero|desgraciadamente|estimado \w+|lamento",
    hedge=r"\b(?:quizás?|tal vez|probablemente|posiblemente|creo|supongo|me parece|diría|podría|"
    r"seguramente|a lo mejor|puede (?:que|ser)|imagino|si no me equivoco|juraría)\b",
    unsure=r"\bsegur[oa]\b",
    states=r"\b(?:él|ella) \w+|\b(?:es|fue|era|nació|murió|escribió|publicó|vive|vivió|ganó|"
    r"trabaj\w+|llam\w+|tiene|tuvo|está|estaba|estudió|fundó|dirigió|viene|ha|había|son|eran)\b",
    matter=r"\b(?:privacidad|privad\w+|personal\w*|pregunta|tema|solicitud|política|normas|"
    r"comprensión|entend\w+|ortografía|contexto|biblioteca|página|internet|fuentes?|oficial|"
    r"ayud\w+|consult\w+|espero|verifi\w+|motivos|saludos|médico|abogado|profesional|gracias)\b",
    asks=r"quién|qué|dónde|cuándo|cómo|por qué|cuál|cuáles|cuántos?|podrías?|puedes?|puede|podría|"
    r"quieres?|quiere|hay|te refieres|se refiere|si|quien|donde|cuando|como|cual",
    but=r",? \b(?:pero|sin embargo|no obstante|aunque)\b",
)
