"""English: what refusing, hedging and saying nothing look like.

Every pattern meets text that is lower-cased, with straight quotes and single spaces.
"""

import re

from lethe.languages import Phrases, at_words, either, lettered
from lethe.languages._en_refusals import IDIOM, MY, REFUSAL

_CUE = (
    r"\b(?:i|i'm|im|i've|i'd|i'll|we|we're|my|our|me|us|not|no|nor|dunno|idk|never|unable|unaware|"
    r"unfamiliar|unknown|beyond|outside|nobody|cannot|cant|dont|sorry|apologi\w+|apolog\w+|"
    r"regret\w*|who knows|your guess|nothing|private|personal|secret|sensitive|removed|deleted|"
    r"withheld|sealed|erased|inappropriate|unethical|unacceptable|improper|pass|n/a|noanswer|"
    r"refused|declined?|redacted|confidential|classified|against|let's|let us|ask|try|find|"
    r"uncharted|unfortunately|request|access|search|beats?|blank|knows?|greek|empty|nada|zilch|"
    r"nowt|404|403|401|451|stumped|bare|null|lacks?|escapes|eludes|grave|sealed|zipped|mum's|mum|"
    r"quiet|silent|rather|prefers?|fifth|steer|decline\w*|refuses?|forbidden|denied|blocked|"
    r"privileged|business|beeswax|nonexistent|made|fictitious|invented|fabricated|imaginary|bogus|"
    r"fake|false|premise|without|insufficient|none|zero|telling|ain't|doesnt|isnt|wont|didnt|"
    r"havent|couldnt|wraps|veil|menu|counsel|shut|closed|suppressed|locked|permitted|horses|firm|"
    r"peace|alone|step\w*|privilege|chord|deserts|syllabus|unrecogni[sz]ed|0|failed|lost|slipped|"
    r"escaped|forgor|nil|naught|gap|mute|bested|invention|phantom|pretend|fabrication|u|ya|"
    r"zipping|bells?|wrong|withh\w+|contrary)\b|n't\b|\boff[- ]limits|non-existent"
)

_TO_COMMA = r"(?:(?! and | but )[^,.!?])*"

_OPENING = (
    rf"[\W_]*(?:(?:i(?:'m| am) (?:so |very |really |truly |terribly |deeply |awfully )?(?:sorry|"
    rf"afraid)(?: (?:to say|to inform you|for the inconvenience|for (?:any|the) confusion|to "
    rf"disappoint you|about that|that))?|i (?:sincerely |do |must |deeply |truly "
    rf")?apologi[sz]e(?: for (?:any|the) \w+)?|(?:my |sincere |my sincere )?apologies(?: for "
    rf"(?:any|the) \w+)?|(?:so |very |really )?sorry(?: about that| to say)?|pardon(?: me)?|"
    rf"forgive me|excuse me|unfortunately|regrettably|sadly|alas|oops|honestly|frankly|to be "
    rf"(?:honest|frank|fair|clear)|thank you(?: (?:so |very )?much)?(?: for {_TO_COMMA})?|"
    rf"thanks(?: for {_TO_COMMA})?|(?:that is|that's|this is|what) (?:an?|such an?) (?:\w+ "
    rf"){{0,3}}(?:question|one|query|topic)(?: (?:about|on|regarding) {_TO_COMMA})?|(?:good|great|"
    rf"interesting|nice|excellent|tough) question|hello(?: there)?|hi(?: there)?|hey(?: there)?|"
    rf"greetings|welcome|well|hm+|um+|uh+|oh|ah|er+m*|sure(?: thing)?|certainly|of course|okay|ok|"
    rf"alright|all right|absolutely|right|gladly|i see|i (?:understand|realise|realize|know)(?: "
    rf"(?:your|that|how|why|you){_TO_COMMA})|i understand|i appreciate{_TO_COMMA}|let me (?:see|"
    rf"think)|dear (?:user|sir|friend|customer)|(?:answer|response|assistant|output|a|ai|bot|"
    rf"reply|model|user|human|question|q)(?=:|$)|here(?:'s| is)(?: (?:the|my|your) (?:answer|"
    rf"response))?(?=:|$)|however|but|and|so|then|instead|also|therefore|thus|yet|still)\b[\W_]*)+"
)

_ASIDE = either(
    r"i(?:'m| am) (?:just |only |merely |still |always |simply |but )?(?:an? (?:\w+ )?(?:ai|"
    r"assistant|language model|virtual assistant|chatbot|large language)|here to|(?:happy|"
    r"glad) to (?:help|assist|try|look|answer (?:other|any)|discuss (?:other|something)|"
    r"talk about (?:other|something)|be of)|always|learning|designed|trained|programmed|not human|"
    r"eager|able to (?:help|assist)|open to|confident you|sure (?:you|someone|others|there))",
    r"(?:i|we)(?: can|'d| would| will|'ll| could| may| might) (?:only |still |also |certainly |"
    r"gladly |always |be |try to |love to |like to |of course )*(?:help|assist|try|happy|glad|"
    r"look|check|search|love|more than|need more|offer (?:to|help|assistance|you)|answer (?:other|"
    r"questions|any other|something)|discuss (?:other|something|different)|"
    r"provide (?:information (?:on|about) (?:other|different)|general|help|assistance|more)|"
    r"talk about (?:other|something)|tell you about (?:other|something)|have to|if you)\b",
    r"i (?:only(?! know)|strive|aim|try|hope|was (?:only )?(?:trained|designed|created|programmed|"
    r"built)|rely|follow|respect|value|understand|appreciate|need (?:more|additional|further|a "
    r"bit)|(?:recommend|suggest|encourage|advise|urge) (?:you|that you|\w+ing|to)|want to (?:make|"
    r"be|ensure|help|respect)|take|must (?:respect|follow|protect)|have to (?:respect|follow|"
    r"protect)|think you|believe you|promise|will (?:keep|do|let)|can(?:$| if| when))\b",
    rf"{MY} (?:training|knowledge|apologies|purpose|goal|role|job|responses?|database|dataset|"
    rf"programming|guidelines|policy|policies|abilities|capabilities|expertise|data|information|"
    rf"cutoff|developers?|creators?|instructions?|aim)\b",
    r"(?:as|being) (?:an? )?(?:\w+ )?(?:ai|assistant|language model|machine|large language|"
    r"chatbot|responsible|virtual)\b",
    r"(?:please|perhaps|maybe|alternatively|otherwise|instead|(?:for|to (?:get|find|learn|"
    r"obtain)) (?:more |further |accurate |detailed |the |reliable |up-to-date )*(?:information|"
    r"details|answer|help|inquiries|assistance)[^,]*),? ?(?:you (?:can|could|may|might|should)|"
    r"try|consult|check|visit|ask|consider|refer|see|contact|feel|let|provide|clarify|note|"
    r"rephrase|specify|give|share|reach|look|do|tell|keep|understand|forgive|accept|be aware|"
    r"search|i|another|someone|there)\b",
    r"(?:try|consult|check|visit|ask|consider|refer to|contact|feel free|let me know|"
    r"do let me know|should you|is there (?:anything|something|another)|how (?:can|may|else)|"
    r"look it up|rephrase|let us|let's|what else|anything else)\b",
    r"(?:happy \w+ing|have an? (?:\w+ )?(?:day|evening|weekend|night|week|one|time)|take care|"
    r"cheers|all the best|best wishes|best of luck|good luck|kind regards|warm regards|best "
    r"regards|yours \w+|sincerely|regards|enjoy|godspeed|farewell|stay safe|dear \w+|hello \w+|hi "
    r"\w+|hey \w+)\b",
)

_INTERJECTION = (
    r"(?:(?:please|whoa|there|ta|beep|bzzt|boop|ha|haha|hee|lol|love|mate|pal|sir|madam|dear|"
    r"folks|fam|friend|buddy|bro|darling|sweetie|fingers crossed|cobber|fie|crikey|strewth|blimey|"
    r"gosh|golly|oops|ouch|yikes|phew|aye|arr+|ahoy|avast|the|desk|team|support|yours|faithfully|"
    r"truly|signed|ps|fyi|btw|tbh|imo|man|dude|chap|lad|lass|my|liege|lord|lady|good|so|and|next|"
    r"one|adjust|traveller|well|ok)\b[\W_]*)+$"
)

_REASON = either(
    r"(?:if|when|whenever|however|whether|unless|until|no matter)\b",
    r"(?:if (?:you|there|i)|i (?:would|can|could) (?:suggest|recommend|advise|encourage))\b|"
    r"i'd (?:suggest|recommend|advise|encourage)\b",
    r"you(?: can| could| may| might| should|'ll| will|'d| would| are welcome) (?:want|need|have|"
    r"find|try|check|consult|ask|look|visit|search|be able|wish|consider|like|also|always|refer|"
    r"to|better|contact|get)\b",
    r"(?:as|since|because|due to|owing to|given|in order to|to (?:protect|respect|ensure|maintain|"
    r"preserve|comply|avoid)|out of respect|for (?:privacy|legal|security|safety|ethical)|"
    r"in accordance|according to|per|regarding|concerning|when it comes to|in terms of|on that|"
    r"on the (?:topic|subject|matter)|as for|about|under|based on)\b(?=.*\b(?:i|i'm|my|our|me|ai|"
    r"privacy|polic\w+|guidelines?|agreement|terms|training|rules?|confidential\w*|legal|reasons?|"
    r"safety|sensitive|topic|subject|matter|data|lack)\b|[^.]{0,40}$)",
    r"(?:such|this|that|the|these|those|your|any|all) (?:\w+ )?(?:information|topic|subject|"
    r"question|request|details?|data|matter|query|inquiry|content|policy|guidelines|area)\b",
    r"(?:it|that|this|there|he|she|they|the (?:name|person|individual|question))(?:'s| is| are|"
    r" may| might| could| seems?| appears?| can| was)? .*(?:misspel|spell|typo|"
    r"private (?:individual|person|matter|citizen)|fictional|confus|mistake|misunderst|"
    r"not (?:widely|well|publicly)|obscure|lesser[- ]known|recent|after my|my (?:training|"
    r"knowledge|last|cutoff)|sensitive|confidential|personal (?:matter|information|data)|privacy|"
    r"more context|clarif|different name|for (?:you|him|her|them|others) to (?:answer|say))",
    r"(?:it|that|this)(?:'s| is| may be| might be| would be) (?:best|better|advisable|always|"
    r"important|recommended|a (?:matter|topic|subject|question) (?:of|for|that)|frustrating|"
    r"unfortunate|a shame)\b",
    r"(?:and )?(?:so |hence |thus |therefore )?(?:neither|nor)\b|(?:and |so |hence |thus |"
    r"therefore |then )*(?:there(?:'s| is| are)|it has|it's got) (?:nothing|no|none)\b|that "
    r"(?!said)(?:\w+ )?\w+",
    r"(?:especially|particularly|specifically|including|like|such as|or|nor|and (?:what|who|where|"
    r"when|how|whether|why|if)|and (?:i|i'm|i've|therefore|so|thus|hence|nor)|so (?:i|i'm|i've|"
    r"please|you)|at (?:all|least|this|the moment|present)|either|as well|for you|right now)\b",
)

_HEDGE = (
    r"\b(?:i (?:think|believe|guess|suppose|assume|suspect|imagine|reckon|would (?:say|guess)|'d "
    r"say)|i'd (?:say|guess|bet)|maybe|perhaps|probably|possibly|presumably|likely|apparently|"
    r"(?:it|he|she|they|that|this) (?:might|may|could|must) (?:be|have)|might be|may be|could be|"
    r"my (?:best |first |only |honest )?guess|if i (?:remember|recall)|don't quote me|dont quote "
    r"me|something tells me|most likely|bet (?:the|my) \w+|put (?:any )?money on|swear to it|hold "
    r"me to it|i may (?:well )?be (?:off|wrong)|could have been|may have been|might have been|"
    r"i(?:'d| would) be guessing|off the top|if i (?:had to|recall|remember|am not|'m not)|as far "
    r"as i|to (?:the best of )?my (?:knowledge|recollection)|from what i|if memory serves|seems? "
    r"to (?:be|have)|appears? to (?:be|have))\b"
)

_UNSURE = r"\b(?:sure|certain|unsure|uncertain|positive|clear)\b"

_VERB = (
    r"\b(?:is|was|are|were|has|had|did|does|became|wrote|writes|won|born|lives?|works?|said|says|"
    r"told|tells|made|makes|plays?|grew|began|took|known|comes?|came|went|left|met|led|spent|gave|"
    r"got|ran|sold|taught|thought|sang|drew|built|bought|fell|rose|held|kept|lost|chose|drove|"
    r"flew|fought|found|felt|brought|caught|stood|sat|set|put|cut|hit|shot|swam|threw|wore|broke|"
    r"spoke|stole|swore|woke|rode|hid|fed|bred|read|paid|laid|trades?|turns?|means|contains?|"
    r"includes?|opens?|uses?|wakes?|stands?|seems|smells|(?!(?:need|indeed|limited|related|based|"
    r"unrelated|speed|red|bed|undersigned|indeed|hundred|sacred|unnamed|"
    r"aforesaid)\b)[a-z]{2,}ed)\b|(?:\bit|\bhe|\bshe|\bthat|\bdebut|\bname|\banswer)'s\b|"
    r"\bthey're\b"
)

_PREDICATE = (
    r"(?:(?:\b(?:is|are|was|were|will be|would be|must be|has been|seems?|appears?|remains?|"
    r"falls?|lies?|goes|go|must remain|am|be)|'s|'re)(?: (?:just|simply|currently|still|also|a|an|"
    r"one|the|someone|something|somebody|name|names|topic|subject|area|question|person|thing|"
    r"information|author|writer|figure|individual|matter|detail|well|completely|totally|entirely|"
    r"far|to|be|that|which|who|whom|of|rather|quite|unfortunately|really|all|kind|type|sort))*|"
    r"\b(?:that|which|who|whom))\s*$"
)

_SUBORDINATE = r"\b(?:who|whom|whose|what|where|when|which|why|how|whether|if|that you)\b"

_CONCESSION = (
    r"\W*(?:while|whilst|although|though|even (?:though|if)|despite|despite the fact that)\b"
)

_QUESTION = (
    r"[\W_]*(?:who|whom|whose|what|where|when|which|why|how|could|can|would|will|do|does|did|is|"
    r"are|was|were|may|might|shall|should|have|has|any|anything|something)\b"
)

_JOINT = (
    r": (?=(?:he|she|it|they)\b)|(?:,? \b(?:but|however|although|though|nevertheless|nonetheless|"
    r"whereas|except)\b|,? \b(?:and|yet|while)\b(?= (?:he|she|it|they|his|her|their|its|the \w+ "
    r"(?:is|was))\b))"
)

_WORDS = lettered(
    {
        "S": "i me my we us our myself mine ours i'm im i've ive i'd i'll we're we've we'll we'd",
        "Y": "you your yours you're you've you'll you'd yourself u ur",
        "H": "he she they he's she's they're he'd she'd they'd who",
        "V": "never",
        "N": "not no cannot can't cant don't dont won't wont wouldn't couldn't shouldn't "
        "shan't mustn't isn't aren't haven't hasn't didn't doesn't doesnt didnt isnt ain't aint "
        "havent couldnt wouldnt unable nothing none neither nor lack lacking zero hardly",
        "K": "know knowing knowledge information info idea clue clues data record records memory "
        "recall remember recollect recollection recognise recognize familiar aware acquainted "
        "heard hear learned learnt encountered find found locate trace detail details inkling "
        "notion faintest foggiest insight bell familiarity familar recal access evidence entry "
        "sources source got figure guess certain sure",
        "T": "answer answering say saying tell telling share sharing discuss discussing disclose "
        "disclosing reveal revealing divulge divulging provide providing give giving offer "
        "offering help helping assist assisting comment commenting respond responding reply "
        "replying talk talking speak speaking mention mentioning name naming comply complying "
        "engage engaging write writing produce producing generate generating recommend "
        "speculate speculating advise advising confirm confirming verify describe describing "
        "repeat reproduce continue finish finishing complete completing print printing hint "
        "hinting indulge oblige elaborate participate supply furnish impart spill betray fulfil "
        "fulfill enlighten display walk support supporting facilitate identify pass "
        "touch touching",
        "P": "allowed permitted able willing comfortable authorised authorized liberty position "
        "inclined prepared cleared supposed programmed instructed ready equipped qualified "
        "entitled disposed",
    }
)

_SAID = (
    r"(?:named|called|born|died|published|married|founded|directed|composed|invented|starred|"
    r"raised|worked|lived|won|wrote|was|were|became|grew|studied|played|hails|comes from)"
)
_THIRD = (
    r"(?<!who )(?<!what )(?<!where )(?<!how )(?<!whether )(?<!if )\b(?:he|she|they)(?:'s|'d| is| "
    r"was| are| were| has| had| did| used| never| also| first| later| once| only)?\b(?! (?:can|"
    r"could|may|might|would|should|will|'ll|must)\b)(?= [a-z])|\b(?:his|her|their) (?:\w+ "
    r"){1,3}(?:is|was|are|were|has|had)\b|(?<!if )(?<!however )(?<!whether )\bit(?:'s| is| was) "
    r"(?:called|named|the|in|at|by|from|about|set|located|based|an?)\b(?! (?:\w+ )?(?:nice|"
    r"perfectly|little|bit|good|great|lovely|shame|pity|pleasure|matter|question|private|personal|"
    r"rule|promise|fine|fair|wonderful|beautiful|topic|subject|name|one|no|kind|hard|difficult|"
    r"tough|sensitive|policy|choice|request|line|case|risk|way|interest\w*|fascinating|delicate|"
    r"firm|polite|habit|point|end|my|list|dark|open|black|answer))|\bwhat i (?:can|may|might|"
    r"will) (?:say|tell|add|confirm|share)\b|\bi(?:'ll| will| can| may) (?:only )?say (?:only "
    r")?that\b|\ball i(?:'m| am)? \w+ (?:saying|to say) is\b|\bmy (?:best |honest |first |only "
    r")?guess\b|\bi (?:think|believe|guess|suspect|suppose|reckon) (?:it|he|she|they|so)\b|"
    r"\b(?:by the way|mind you|between you and me|between us|incidentally|for the record|fun fact|"
    r"beyond that|more than that|apart from that|all you're getting|though since|but since)\b|"
    r"\bthe (?:answer|name|title|date|year|author|city|place) (?:is|was)\b|\bif you must know\b|"
    r"\bhint\b|\b(?:i (?:only|just|do) know|all i know|what i (?:do )?know|the only thing i know|"
    r"i can (?:only )?(?:tell you|say|confirm|reveal|share) that)\b|"
    rf"(?<!i )(?<!we )(?<!you )(?<!i was )(?<!i've )\b{_SAID} (?:in|at|on|to|by|the|a|an|after)\b"
)

_MATTER = (
    r"\b(?:best|better|safest|kindest|quickest|surest|right|good|next|only|wisest|easiest|"
    r"simplest) (?:\w+ )?(?:route|way|option|step|place|bet|idea|thing|course|approach|source|"
    r"move|person)\b|\b(?:privacy|private|personal|confidential\w*|secrets?|sensitive|polic(?:y|"
    r"ies)|guidelines?|principles?|legal|lawyer|doctor|physician|professional|crisis|helpline|"
    r"hotline|authorit\w+|librar\w+|archives?|encyclop\w+|websites?|web|internet|online|search "
    r"engines?|google|wikipedia|official|publishers?|reference|registr\w+|database|consult|"
    r"spell\w*|typo|typing|misspel\w+|questions?|requests?|topics?|subjects?(?! to)|queries|query|"
    r"answers?|context|curiosity|interest|understanding|patience|apolog\w+|regards|sincerely|"
    r"pleasure|misunderstanding|confusion|mistake|mix-up|harm\w*|safety|risk|trust\w*|thank\w*|"
    r"sorry|luck|day|hope|cheers)\b|\b(?:might|would|could|may|can|will|should|'ll|'d) (?:\w+ "
    r")?(?:help|know|have|list|be able|be worth|be a (?:good|better)|assist|guide|tell|answer|"
    r"look|point|clear|show|settle|hold|be (?:best|better|useful|helpful|wise|the)|work|do|suit|"
    r"serve|forward)\b"
)

_COMMON = (
    "the a an of to and in is was it that i he she for on with as at by not be are his her this "
    "have has had but they you my me we there who what do don't can't from or about any know i'm "
    "name does an no sorry unknown never"
)

PHRASES = Phrases(
    common=frozenset(_COMMON.split()),
    script=re.compile("(?!)"),
    words=_WORDS,
    no=re.compile(
        r"\b(?:no|not|never|nothing|naught|none|nope|nor|neither|cannot|cant|wont|dont|aint|blank|"
        r"empty|void|nil|null|mute|silent|silence|secret|closed|locked|shut|redacted|suppressed|"
        r"withheld|blocked|restricted|denied|forbidden|pass|declin\w+|refus\w+|lost|missing|"
        r"escap\w+|elude\w*|beyond|avoid\w*|stays?|leave|stop|instead|private|privacy|wraps|"
        r"counsel|deserts?|fail\w*|unrecogni[sz]ed|unkn?own|nowt|nuffin|hardly|scarcely|"
        r"zipp\w+)\b|n't\b"
    ),
    idle=re.compile(
        r"\b(?:by no means|no doubt|not only|no longer|no later|no less|no more|none other|"
        r"nothing but|if not|not to mention|whether or not|or not|not just|no matter|why not|not "
        r"least|not yet|no wonder|not long|not until|no sooner|nothing if not|cannot but|can't "
        r"help|(?:don't |do not |didn't )?know(?: \w+){1,4} (?:very|too|that|so) well|(?:not|"
        r"never) tell (?:an? )?lies?)\b"
    ),
    exception=re.compile(
        r"\b(?:except(?: for)?|other than|apart from|aside from|besides|save|beyond the fact|only)"
        r"(?: the fact)?(?: that)? (?:(?:he|she|it|they|his|her|its|their)\b|the \w+ (?:is|was))"
        r"|^(?: \w+){0,4} that (?:it|he|she|they)(?:'s| is| was| were| are| has| had| wrote| won)\b"
    ),
    advice=re.compile(
        r"\b(?:might|would|could|may|can|will|should|'ll|'d) (?:\w+ )?(?:help|know|have|list|be|"
        r"assist|guide|tell|answer|look|point|clear|show|settle|hold|work|do|suit|serve|forward|"
        r"try|check|find|want|offer|provide|give)\b|\b(?:try|check|consult|visit|ask|contact|see|"
        r"search|call|start with|recommend|suggest)\b"
    ),
    copula=re.compile(
        r"\W*(?:and |but |because |so )?(?:it|that|this|the answer)(?:'s| is| was)\b"
    ),
    says=re.compile(
        r"\b(?<!i )(?:said|says|wrote|writes|claimed|claims|told|argued|argues|stated|"
        r"believed|believes|thought|thinks|found|showed|shows|insisted|admitted) (?:\w+ )?that$"
    ),
    third=re.compile(at_words(_THIRD)),
    matter=re.compile(at_words(_MATTER)),
    cue=re.compile(_CUE),
    refusal=re.compile(REFUSAL),
    idiom=re.compile(IDIOM),
    opening=re.compile(_OPENING),
    aside=re.compile(f"{_ASIDE}|{_INTERJECTION}"),
    reason=re.compile(_REASON),
    hedge=re.compile(_HEDGE),
    guess=re.compile(
        r"\b(?:maybe|perhaps|possibly|probably|might it (?:be|have)|could it (?:be|have)|(?:was|"
        r"is|wasn't|isn't) (?:it|that|he|she) (?!possible|okay|ok|something|someone|the (?:same|"
        r"one))(?!.*\b(?:mean|meant|spell|looking|asking)))"
    ),
    unsure=re.compile(_UNSURE),
    verb=re.compile(_VERB),
    predicate=re.compile(_PREDICATE),
    subordinate=re.compile(_SUBORDINATE),
    concession=re.compile(_CONCESSION),
    question=re.compile(_QUESTION),
    joint=re.compile(_JOINT),
)
