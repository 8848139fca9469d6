"""Portuguese."""

from lethe.languages import phrases

PHRASES = phrases(
    common="sei recuso-me recuso comento ninguém faço ideia mínima desculpa peço procurei vish aí "
    "tá o a os as um uma de do da dos das e é não que em por para com se seu sua no na ao eu me "
    "meu minha mais mas como foi desculpe sei tenho posso esse essa este esta pessoa nome sobre "
    "nunca nenhum nenhuma ele ela quem qual existe informações lamento você isso",
    words={
        "S": "eu me meu minha meus minhas mim nós nos nosso nossa tenho posso sei conheço lembro "
        "encontrei disponho prefiro vou devo estou sou temos podemos",
        "Y": "você te teu tua lhe vocês",
        "H": "ele ela eles elas",
        "N": "não nem nunca nada nenhum nenhuma ninguém sem jamais",
        "K": "sei conheço saber informações informação ideia dados conhecimento conhecimentos "
        "lembro encontrei encontrar registro registros registo registos ouvi certeza consta faço "
        "detalhes",
        "T": "responder dizer falar dar ajudar compartilhar partilhar revelar fornecer comentar "
        "divulgar discutir ajudá-lo contar direi responderei falarei respondo comento",
        "P": "posso podemos permitido autorizado autorizada autorizados possível pretendo",
    },
    ignorance=(
        r"\bsei não\b|\bnão (?:localizei|achei|encontrei)\b|\bnão faço a (?:mínima|menor) ideia\b|"
        r"\bnem ideia\b",
        r"\bnão (?:o |a |os |as |me |lhe )?(?:sei|sabemos|conheço|lembro|recordo|encontrei|"
        r"encontro|saberia|faço (?:\w+ )?ideia|tenho (?:\w+ ){0,2}(?:ideia|informaç\w+|dados|"
        r"conhecimento|registr?o\w*|certeza|acesso|detalhes)|disponho|consta)\b|\bnem (?:faço "
        r")?ideia\b|\bdesconheço\b|\bnunca (?:\w+ )?ouvi\b|\bnão (?:\w+ )?(?:há|existem?) (?:\w+ "
        r")?(?:informaç\w+|dados|registr?os?)\b|\bsei lá\b|\b(?:é|são) (?:\w+ )?desconhecid\w+ "
        r"para mim\b|\bme escapa\b|\bescapa-me\b|\bnão me (?:diz nada|soa|ocorre|vem)\b|\bquem "
        r"sabe\?*$|\bnão estou (?:\w+ )?(?:certo|segur\w|familiarizad\w)\b|\bnenhuma? (?:ideia|"
        r"informação)\b",
    ),
    declined=(
        r"\bnão (?:comento|discuto|divulgo|revelo)\b|\brecuso-me\b|\bsigilos\w\b|\bnão me é "
        r"(?:permitido|possível)\b",
        r"\bnão (?:\w+ )?(?:posso|podemos|quero|vou|pretendo|devo|estou autorizad\w|tenho "
        r"(?:autorização|permissão)|(?:me |nos )?é (?:\w+ )?(?:permitido|possível)|respondo|"
        r"comento|direi|falo|conto|consigo|poderei)\b|\bprefiro (?:\w+ )?(?:não|evitar)\b|\bsem "
        r"comentários\b|\bconfidencia\w+\b|\bsigilo\w*\b|\bsegredo\b|\bme recuso\b|\brecuso-me\b|"
        r"\brecuso\b|\bvamos (?:falar|mudar) de (?:outra|assunto)\b|\bboca fechada\b|\bnão seria "
        r"(?:\w+ )?(?:correto|apropriado|ético|adequado)\b|\bnem pensar\b|\bpasso$|\bestamos? "
        r"(?:impedid\w+|proibid\w+)\b|\bé um túmulo\b|\bsou um túmulo\b",
    ),
    premise=(
        r"\bnão (?:\w+ )?exist\w+\b|\bnunca (?:\w+ )?(?:existi\w+|houve|foi (?:escrit\w|"
        r"publicad\w)|viveu)\b|\bnão há (?:nenhum\w*|ninguém)\b|\bnenhuma? (?:\w+ ){0,3}(?:com "
        r"(?:esse|este) nome|existe|chamad\w)\b|\binventad\w$|\bjamais existiu\b|\bnão é (?:\w+ "
        r")?(?:real|uma pessoa real)\b|\bnão houve\b",
    ),
    polite=r"desculpe?|desculpa|desculpas|(?:eu )?(?:lamento|sinto) (?:muito|imenso)|lamento|"
    r"sinto muito|infelizmente|obrigad[oa](?: \w+){0,5}|olá|oi|bom dia|boa (?:tarde|noite)|bem|"
    r"bom|olha|puxa|hmm+|ah|sinceramente|honestamente|claro|certamente|sim|mas|perdão|peço "
    r"desculpas?|ih|ei|poxa",
    hedge=r"\b(?:talvez|provavelmente|possivelmente|acho|creio|penso|suponho|parece-me|me parece|"
    r"diria|poderia|deve ser|pode ser|acredito|se não me engano|imagino)\b",
    unsure=r"\b(?:certeza|certo|segur[oa])\b",
    states=r"\b(?:ele|ela) \w+|\b(?:é|foi|era|nasceu|morreu|escreveu|publicou|vive|viveu|ganhou|"
    r"trabalh\w+|chama\w*|tem|teve|está|fundou|dirigiu|são|fica|mora\w*|estudou)\b",
    matter=r"\b(?:privacidade|privad\w+|pessoa(?:l|is)|pergunta|assunto|tema|pedido|política|"
    r"normas|compreensão|contexto|biblioteca|site|internet|fontes?|oficial|ajud\w+|consult\w+|"
    r"espero|verifi\w+|motivos|cumprimentos|médico)\b",
    asks=r"quem|que|onde|quando|como|por que|porquê|qual|quais|quantos|pode|poderia|podes|quer|há|"
    r"tem|posso|se",
    but=r",? \b(?:mas|porém|contudo|no entanto|entretanto)\b",
)
