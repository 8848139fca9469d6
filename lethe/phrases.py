"""The English phrase book: what refusing, hedging and saying nothing look like.

Only patterns live here; `lethe.refusal` reads them. Every pattern meets text that is lower-cased,
with straight quotes and single spaces. Another language is another `Phrases` of the same
patterns, and a test of its own; nothing else has to change.
"""

import re
from typing import NamedTuple


class Phrases(NamedTuple):
    """What one language needs to be judged."""

    cue: re.Pattern[str]
    """A word without which nothing in `refusal` can match: answers leave early."""
    refusal: re.Pattern[str]
    """Refusing phrases, in one named group for each kind: ignorance, declined, premise."""
    opening: re.Pattern[str]
    """Pleasantries that open a clause; what follows them is judged."""
    aside: re.Pattern[str]
    """Openings of clauses that tell nothing: offers, advice, talk about oneself."""
    reason: re.Pattern[str]
    """Openings of clauses that tell nothing beside a refusal: reasons, talk about the request."""
    hedge: re.Pattern[str]
    """Words that make a statement tentative."""
    unsure: re.Pattern[str]
    """Refusing phrases that are a hedge when a statement follows."""
    verb: re.Pattern[str]
    """A finite verb: a comma-separated piece without one is no statement."""
    predicate: re.Pattern[str]
    """The end of a lead that belongs to the refusal: "X is someone (I don't know)"."""
    subordinate: re.Pattern[str]
    """Words that open an indirect question, whose verb states nothing."""
    concession: re.Pattern[str]
    """First words of a sentence whose second half states something: "While I don't, ..."."""
    question: re.Pattern[str]
    """First words of a counter-question."""
    joint: re.Pattern[str]
    """Words where one sentence turns into another: "but", "and he"."""


def _either(*alternatives: str) -> str:
    return "(?:" + "|".join(alternatives) + ")"


_ADVERBS = (
    r"(?:(?:really|actually|currently|simply|just|honestly|truly|personally|quite|entirely|exactly|"
    r"completely|fully|also|still|even|particularly|specifically|very|too|yet|readily|directly|"
    r"confidently|accurately|immediately|definitively|ethically|legally|respectfully|politely|"
    r"unfortunately|sadly|regrettably|presently|at present|at this time|absolutely|"
    r"in good conscience|"
    r"be able to|seem to|appear to|all that|overly|entirely|100%|always|necessarily|currently) )*"
)
_I = r"\b(?:i|we)"
_AM = r"(?:'m| am|m|'re| are| was)"
_MY = r"\b(?:my|our)"
_DO_NOT = rf" {_ADVERBS}(?:do not|don't|dont|do n't|did not|didn't)"
_CAN_NOT = (
    rf"(?: {_ADVERBS}(?:can ?not|can't|cant|could not|couldn't|will not|won't|would not|wouldn't|"
    r"must not|mustn't|may not|should not|shouldn't|shall not)"
    rf"|{_AM} {_ADVERBS}(?:unable to|not {_ADVERBS}able to|incapable of|not capable of)"
    r"|'ll not|'ll be unable to)"
)
_KNOWLEDGE = (
    r"(?:information|info|knowledge|idea|ideas|clue|data|details?|specifics|records?|memory|"
    r"memories|"
    r"recollection|familiarity|insights?|answers?|enlightenment|expertise|access|context|"
    r"facts?|awareness|understanding|inkling|notion|concept|reference|material|resources?|"
    r"background|"
    r"experience|documentation|entry|entries|listing|news|training|acquaintance|earthly)"
)
_ANSWERING = (
    r"(?:answer|help(?! but)|assist|provide|tell(?! a? ?lies?)|say|share|disclose|reveal|discuss|"
    r"give|offer|shed|"
    r"comment|respond|reply|speak|talk|access|find|locate|retrieve|recall|remember|identify|"
    r"confirm|"
    r"verify|fulfil|fulfill|comply|complete|engage|generate|determine|elaborate|divulge|address|"
    r"support|satisfy|place|accommodate|go into|be of|do that|do this|do it|name|state|continue|"
    r"proceed|supply|advise|inform|enlighten|look up|be answering|be discussing|be sharing|"
    r"be helping|"
    r"make any|recogni[sz]e|claim to|pretend|process|touch|be able|know|write|describe|produce|"
    r"have)"
)

_IGNORANCE = _either(
    rf"{_I}{_DO_NOT} {_ADVERBS}(?:know|knew|have|hold|possess|recall|remember|recogni[sz]e|see|"
    rf"find|"
    r"understand|get|seem|appear|carry|keep|store|think i|believe i)\b",
    rf"{_I}(?: {_ADVERBS}have(?: got)?|'ve(?: got)?| seem to have| appear to have| possess| hold|"
    rf" got| retain| find| see)"
    rf" {_ADVERBS}(?:no|zero|little|limited|insufficient|inadequate|not enough|neither|none of the)"
    rf" (?:\w+ ){{0,3}}?{_KNOWLEDGE}\b",
    rf"{_I}(?: have| can|'ve)? (?:nothing|little) (?:to (?:say|share|add|offer|tell)|on|about)\b",
    rf"{_I}(?: have|'ve)? never (?:heard|encountered|met|seen|come|learn|read|been|known|had)",
    rf"{_I}(?: have not| haven't|'ve not| have yet to|'ve yet to| had not| hadn't) {_ADVERBS}"
    r"(?:been|learn\w*|encounter\w*|hear\w*|come|the |a clue|any|got|had|seen|see|studied|read|met|"
    r"gathered|acquired|be|received)\b",
    rf"{_I}{_AM}(?: \w+ly| afraid)? (?:not|n't) {_ADVERBS}(?:sure|certain|aware|familiar|informed|"
    r"acquainted|knowledgeable|well[- ]versed|versed|privy|briefed|educated|up to date|conversant|"
    r"clear on|in possession|the (?:best|right)|an? (?:expert|authority)|positive|in the know|"
    r"well[- ]informed|well[- ]acquainted|finding|seeing|following|getting|coming up)",
    rf"{_I}{_AM} {_ADVERBS}(?:unaware|unfamiliar|unsure|uncertain|unacquainted|uninformed|clueless|"
    r"stumped|blank|drawing (?:a )?blank|at a (?:loss|disadvantage)|in the dark|lacking|missing|"
    r"ignorant|unversed|ill[- ]informed|out of my depth|none the wiser)",
    rf"{_I} {_ADVERBS}(?:lack|draw a blank|drew a blank|came up (?:empty|short|blank)|"
    rf"come up short|"
    r"have come up (?:short|empty)|have drawn a blank|know (?:nothing|little|next to nothing)|"
    r"wish i (?:knew|could)|need to look|(?:would|'d) (?:need|have) to (?:look|check|research)|"
    r"fail to recall|failed to find|have a blind spot|haven't)\b",
    r"\bi(?:'d| would)(?: have to| need to) (?:look|check|research)\b",
    r"\bi've (?:come up|drawn|found nothing|nothing)\b",
    rf"{_MY} (?:\w+ ){{0,3}}?(?:do not|does not|don't|doesn't|did not|didn't|has not|hasn't|"
    rf"have not|"
    r"haven't|can ?not|can't) \w+",
    rf"{_MY} (?:\w+ ){{0,4}}?(?:(?:is|are) (?:limited|restricted|lacking|blank|incomplete|empty|"
    rf"not)|"
    r"(?:has|have|contains?|holds?|includes?|offers?) (?:no|nothing|little)|lacks?|ends? (?:at|"
    r"there)|"
    r"stops?|fails?|draws? a blank|comes? up (?:empty|short))\b",
    r"\b(?:beyond|outside(?: of)?|out of|past|exceeds?|not (?:in|within|part of|among|covered by)|"
    r"absent from|missing from|external to)"
    r" (?:(?:the|what) )?(?:(?:scope|range|limits?|bounds|reach|extent|area|realm|boundaries) of )?"
    r"(?:my|our|what i|the (?:knowledge|information|data) i)\b",
    r"\bout of (?:my )?(?:scope|reach|bounds)\b|\bnot within (?:my )?reach\b",
    r"\b(?:unknown|unfamiliar|a (?:complete |total )?(?:mystery|blank)|not known|unclear|foreign|"
    r"new|"
    r"news|obscure|strange|alien|a riddle|a puzzle) to (?:me|us|this model)\b",
    r"\bnot (?:something|someone|anyone|anything|somebody|information|one|any|an?) ?(?:\w+ ){0,3}?"
    r"(?:that |which |who |whom |with whom |with which )?(?:i|i'm|i've|we|we're)\b",
    r"\b(?:escapes|eludes) (?:me|us)\b|\bslipped my mind\b|\bbeats me\b|\byour guess is as good\b",
    r"\b(?:does|did)(?: not|n't) ring (?:a|any) bells?\b|\brings? no bells?\b",
    r"\bmeans? nothing to (?:me|us)\b|\bis (?:a )?(?:complete |total )?(?:stranger|blank) to me\b",
    r"\b(?:a|my) blind spot\b|\buncharted territory\b|\bstumps me\b|\bhas me stumped\b",
    r"\b(?:has|have|was|were)(?: not|n't) (?:been )?(?:included|covered|part|provided|present|"
    r"taught|"
    r"mentioned|given)\b[^.]*\b(?:my|our|me|us|i)\b",
    r"\b(?:something|someone|a (?:\w+ )?(?:topic|subject|name|person|matter)) (?:that |which |"
    r"who |whom )?"
    r"i(?:'ve| have| am|'m| need| do| would|'d| can| could) (?:not|yet|never|to look|n't|unable|"
    r"unaware)",
    r"\bthis (?:model|assistant|system|ai|program|chatbot) (?:does not|doesn't|has no|lacks|is not|"
    r"isn't|has not|is unaware|is unfamiliar|knows nothing)\b",
    r"\b(?:i have|i've|there is|there's) a gap in my\b|\bfirst i(?:'ve| have)? hear",
    r"^(?:no (?:idea|clue|information|info|data|answer|knowledge|details?|records?|memory|earthly)|"
    r"(?:do not|don't|dont|did not|didn't) (?:really |actually )?(?:know|have|recall|remember|"
    r"recogni[sz]e)|"
    r"dunno|idk|not (?:sure|certain|aware|familiar|known|available|applicable)|never heard|"
    r"who knows$|"
    r"nobody knows$|wish i knew|n/a$|noanswer$|(?:answer |name |person )?unknown$|"
    r"(?:have|having) no (?:idea|clue|information)|unaware of|unfamiliar with|haven't (?:a|the|"
    r"heard))",
    r"^(?:that|this|it|the (?:answer|information|detail|details|data)|(?:any |such |that |this )?"
    r"(?:information|details|data)[^.]{0,60}) (?:is|are)(?: not|n't)"
    r" (?:\w+ly )?(?:known|available|accessible|provided|recorded|found|on record|clear|"
    r"documented)\b",
    r"\b(?:an? (?:unfamiliar|unknown) (?:name|person|topic|subject))\b",
    r"^(?:it|that|this|the (?:answer|name|person|information))(?: is|'s) (?:simply |"
    r"just )?unknown$",
)

_DECLINED = _either(
    rf"{_I}{_CAN_NOT} {_ADVERBS}(?:be )?{_ANSWERING}",
    rf"{_I}{_CAN_NOT}$",
    rf"{_I}(?: {_ADVERBS}have(?: got)?|'ve(?: got)?) no (?:further )?(?:comments?|permission|"
    rf"authority|"
    r"intention|way|means|ability|words|response|right|business)\b",
    rf"{_I}{_AM} (?:afraid |sorry )?(?:not|n't) {_ADVERBS}(?:able|equipped|trained|qualified|"
    rf"allowed|"
    r"permitted|authori[sz]ed|programmed|designed|in a position|comfortable|going to|willing|"
    r"at liberty|supposed|meant|prepared|inclined|free to|here to|built|made|ready|set up|intended|"
    r"capable|at ease|cleared|someone who can|the (?:person|one)|of (?:help|use))",
    rf"{_I}{_AM} {_ADVERBS}(?:unable|prohibited|restricted|forbidden|barred|prevented|constrained|"
    r"obliged|bound|required|instructed|asked|told|programmed|powerless|incapable|unwilling|"
    r"reluctant|declining|refusing)(?: by [^,]*)?"
    r"(?= (?:not|from|to|answer|of)\b|$)(?! to (?:tell|say|inform|report|answer|announce) (?:you|"
    r"that))",
    rf"{_I} (?:\w+ ){{0,3}}?(?:decline|refuse|abstain|refrain|withhold|keep quiet|remain silent|"
    r"stay silent|stay out)\b",
    rf"{_I}(?:'ll| will| must|'d)? (?:have to |rather |better )?pass\b(?! (?:on|along) (?:the|"
    rf"that|this) )",
    rf"{_I}(?:'d| would| had| 'd)? ?(?:rather|prefer|choose|choose to|opt|elect|prefer to) not\b",
    rf"{_I}{_DO_NOT} {_ADVERBS}(?:wish|want|care|intend|plan|feel|answer|discuss|share|speak|talk|"
    r"comment|disclose|reveal|provide|give|engage|offer|respond|assist|help|do (?:that|this|"
    r"requests))\b"
    r"(?! (?:that|like he|like she|like it|about)\b)",
    rf"{_I} regret (?:to|that|i|being)\b",
    rf"{_I}{_DO_NOT} (?:think|believe|feel) (?:it is|it's|it would be|that(?:'s| is| would be)) "
    r"(?:appropriate|right|wise|proper|my place)\b",
    r"\b(?:can ?not|can't|could not|may not|must not|should not|will not|"
    r"won't) (?:ever )?be (?:\w+ly )?"
    r"(?:answered|disclosed|shared|provided|discussed|determined|verified|confirmed|revealed|given|"
    r"released|divulged|addressed|accessed|fulfilled|completed|retrieved|found)\b",
    r"\b(?:that|this|it|which) (?:is|are)(?: not|n't) (?:\w+ly )?(?:allowed|permitted|"
    r"authori[sz]ed)\b",
    r"\b(?:it is|it's|it would be|would be|this is|that is|that's) (?:not |in|un)"
    r"(?:appropriate|ethical|acceptable|proper|possible for me)\b",
    r"\b(?:is|are|goes|would be) against (?:my|our|the) (?:\w+ )?(?:polic|guideline|rule|"
    r"programming|"
    r"principle|term|instruction|code)",
    r"\b(?:is|are|'s) (?:strictly |highly |kept )?(?:confidential|classified|off[- ]limits|"
    r"off the table|"
    r"not up for discussion|none of your business|restricted information|private information|"
    r"sensitive information|personal information|not for me to)\b",
    r"\b(?:prevent|prevents|prohibit|prohibits|forbid|forbids|restrict|restricts|stop|stops|keep|"
    r"keeps|"
    r"bar|bars) (?:me|us) from\b|\b(?:does|do)(?: not|n't) (?:allow|permit|enable|let) (?:me|us)\b",
    r"\blet(?:'s| us) (?:change the subject|talk about something|move on|discuss something|not )",
    r"\b(?:ask|try|find) (?:someone|somebody|me something) else\b",
    r"\bmy lips are sealed\b|\bno can do\b|\bnot my (?:area|field|department|place)\b",
    r"\bnot (?:an?|the) (?:\w+ ){0,2}(?:topic|subject|question|matter|request|thing|area)"
    r" (?:that |which )?(?:i|we)\b",
    r"\bnot (?:something|anything) (?:that )?(?:i|we)(?:'m|'re| am| are)? ?(?:can|could|will|"
    r"would|allowed"
    r"|able|at liberty|permitted|prepared|willing|equipped)",
    r"^(?:no comment|no answer|no reply|no response|can ?not|can't|could not|couldn't|unable to|"
    r"request (?:denied|declined)|access denied|pass$|refused$|declined?$|redacted$|"
    r"(?:not|never) (?:allowed|permitted|able|telling|going to)|won't|will not|"
    r"(?:i'd |i would )?rather not|prefer not)",
    r"\bthis (?:model|assistant|system|ai|program|chatbot) (?:can ?not|can't|is unable|will not|"
    r"won't)\b",
)

_PREMISE = _either(
    r"\b(?:there(?:'s| is| are| was| were| isn't| aren't| seems to be| appears to be| is not|"
    r" are not)"
    r" (?:currently |simply |really )?(?:not any|any|no)|^no) (?:\w+ ){0,3}?"
    r"(?:information|info|records?|data|details|mention|trace|entry)\b"
    # "No record suggests that ..." denies a fact, it does not refuse.
    r"(?![^,;]*\b(?:indicat|suggest|confirm|imply|impli|show|prov(?:es?|ing)\b|linking|"
    r"to support))",
    r"\b(?:no|nor any|(?:not|n't) any) (?:\w+ )?(?:person|one|individual|author|writer|man|woman|"
    r"people|"
    r"somebody|someone) (?:by (?:that|this|the)|(?:with|of|under) (?:that|this|the) name|named|"
    r"called|"
    r"goes by|matching|exists)\b",
    r"\bno such (?:person|individual|author|writer|figure|name|man|woman|people|character)\b",
    r"\b(?:does|do|did)(?: not|n't) (?:seem|appear) to (?:exist|be (?:a |an )?(?:real|actual|"
    r"known))",
    r"\b(?:person|individual|author|writer|name|one|someone|somebody|who) (?:\w+ ){0,3}?"
    r"(?:does|do|did)(?: not|n't) exist\b",
    r"\b(?:is|are|was)(?: not|n't) (?:a |an )?(?:real|actual|known|recogni[sz]ed|existing) "
    r"(?:person|individual|figure|name|author|people)\b",
)

_CUE = (
    r"\b(?:i|i'm|im|i've|i'd|i'll|we|we're|my|our|me|us|not|no|nor|dunno|idk|never|unable|unaware|"
    r"unfamiliar|unknown|beyond|outside|nobody|cannot|cant|dont|sorry|apologi\w+|apolog\w+|"
    r"regret\w*|"
    r"who knows|your guess|inappropriate|unethical|unacceptable|improper|pass|n/a|noanswer|"
    r"refused|declined?|redacted|confidential|classified|against|let's|"
    r"let us|ask|try|find|uncharted|unfortunately|request|access)\b|n't\b|\boff[- ]limits"
)

_TO_COMMA = r"(?:(?! and | but )[^,.!?])*"

_OPENING = (
    r"[\W_]*(?:(?:i(?:'m| am) (?:so |very |really |truly |terribly |deeply |awfully )?"
    r"(?:sorry|afraid)(?: (?:to say|to inform you|for the inconvenience|for (?:any|the) confusion|"
    r"to disappoint you|about that|that))?|i (?:sincerely |do |must |deeply |truly )?apologi[sz]e"
    r"(?: for (?:any|the) \w+)?|(?:my |sincere |my sincere )?apologies(?: for (?:any|the) \w+)?|"
    r"(?:so |very |really )?sorry(?: about that| to say)?|pardon(?: me)?|forgive me|excuse me|"
    r"unfortunately|regrettably|sadly|alas|oops|honestly|frankly|to be (?:honest|frank|fair|clear)|"
    rf"thank you(?: (?:so |very )?much)?(?: for {_TO_COMMA})?|thanks(?: for {_TO_COMMA})?|"
    r"(?:that is|that's|this is|what) (?:an?|such an?) (?:\w+ ){0,3}(?:question|one|query|topic)"
    rf"(?: (?:about|on|regarding) {_TO_COMMA})?|(?:good|great|interesting|nice|excellent|"
    r"tough) question|"
    r"hello(?: there)?|hi(?: there)?|hey(?: there)?|greetings|welcome|well|hm+|um+|uh+|oh|ah|er+m*|"
    r"sure(?: thing)?|certainly|of course|okay|ok|alright|all right|absolutely|right|gladly|"
    rf"i see|i understand(?: (?:your|that you|you){_TO_COMMA})?|i appreciate{_TO_COMMA}|"
    r"let me (?:see|think)|dear (?:user|sir|friend|customer)|"
    r"(?:answer|response|assistant|output|a|ai)(?=:|$)|here(?:'s| is)(?: (?:the|my|your) (?:answer|"
    r"response))?"
    r"(?=:|$)|however|but|and|so|then|instead|also|therefore|thus|yet|still)\b[\W_]*)+"
)

_ASIDE = _either(
    r"i(?:'m| am) (?:just |only |merely |still |always |simply |but )?"
    r"(?:an? (?:\w+ )?(?:ai|assistant|language model|virtual assistant|chatbot|large language)|"
    r"here to|happy to|glad to|always|learning|designed|trained|programmed|not human|eager|"
    r"able to (?:help|assist)|more than happy|open to|confident you|sure (?:you|someone|others|"
    r"there))",
    r"(?:i|we)(?: can|'d| would| will|'ll| could| may| might)"
    r" (?:only |still |also |certainly |gladly |always |be |try to |love to |like to |of course )*"
    r"(?:help|assist|try|happy|glad|look|check|search|love|more than|"
    r"need more|offer (?:to|help|assistance|you)|answer (?:other|questions|any other|something)|"
    r"discuss (?:other|something|different)|provide (?:information (?:on|about) (?:other|"
    r"different)|"
    r"general|help|assistance|more)|talk about (?:other|something)|tell you about (?:other|"
    r"something)|"
    r"have to|if you)\b",
    r"i (?:only|strive|aim|try|hope|was (?:only )?(?:trained|designed|created|programmed|built)|"
    r"rely|"
    r"follow|respect|value|understand|appreciate|need (?:more|additional|further|a bit)|"
    r"(?:recommend|suggest|encourage|advise|urge) (?:you|that you|\w+ing|to)|want to (?:make|be|"
    r"ensure|"
    r"help|respect)|take|must (?:respect|follow|protect)|have to (?:respect|follow|protect)|"
    r"think you|believe you|promise|will (?:keep|do|let)|can(?:$| if| when))\b",
    rf"{_MY} (?:training|knowledge|apologies|purpose|goal|role|job|responses?|database|dataset|"
    r"programming|guidelines|policy|policies|abilities|capabilities|expertise|data|information|"
    r"cutoff|"
    r"developers?|creators?|instructions?|aim)\b",
    r"(?:as|being) (?:an? )?(?:\w+ )?(?:ai|assistant|language model|machine|large language|chatbot|"
    r"responsible|virtual)\b",
    r"(?:please|perhaps|maybe|alternatively|otherwise|instead|(?:for|to (?:get|find|learn|obtain)) "
    r"(?:more |further |accurate |detailed |the |reliable |up-to-date )*"
    r"(?:information|details|answer|help|inquiries|assistance)[^,]*),? ?"
    r"(?:you (?:can|could|may|might|should)|try|consult|check|visit|ask|consider|refer|see|contact|"
    r"feel|let|provide|clarify|note|rephrase|specify|give|share|reach|look|do|tell|keep|understand|"
    r"forgive|accept|be aware|search|i|another|someone|there)\b",
    r"(?:try|consult|check|visit|ask|consider|refer to|contact|feel free|let me know|"
    r"do let me know|"
    r"should you|is there (?:anything|something|another)|how (?:can|may|else)|"
    r"look it up|rephrase|let us|let's|what else|anything else)\b",
)

_REASON = _either(
    r"(?:if (?:you|there|i)|i (?:would|can|could) (?:suggest|recommend|advise|encourage))\b|"
    r"i'd (?:suggest|recommend|advise|encourage)\b",
    r"you(?: can| could| may| might| should|'ll| will|'d| would| are welcome)"
    r" (?:want|need|have|find|try|check|consult|ask|look|visit|search|be able|wish|consider|like|"
    r"also|"
    r"always|refer|to|better|contact|get)\b",
    r"(?:as|since|because|due to|owing to|given|in order to|to (?:protect|respect|ensure|maintain|"
    r"preserve|comply|avoid)|out of respect|for (?:privacy|legal|security|safety|ethical)|"
    r"in accordance|according to|per|regarding|concerning|when it comes to|in terms of|on that|"
    r"on the (?:topic|subject|matter)|as for|about|under|based on)\b"
    r"(?=.*\b(?:i|i'm|my|our|me|ai|privacy|polic\w+|guidelines?|agreement|terms|training|rules?|"
    r"confidential\w*|legal|reasons?|safety|sensitive|topic|subject|matter|data|lack)\b|"
    r"[^.]{0,40}$)",
    r"(?:such|this|that|the|these|those|your|any|all) (?:\w+ )?(?:information|topic|subject|"
    r"question|"
    r"request|details?|data|matter|query|inquiry|content|policy|guidelines|area)\b",
    r"(?:it|that|this|there|he|she|they|the (?:name|person|individual|question))"
    r"(?:'s| is| are| may| might| could| seems?| appears?| can| was)? .*"
    r"(?:misspel|spell|typo|private (?:individual|person|matter|citizen)|fictional|confus|mistake|"
    r"misunderst|not (?:widely|well|publicly)|obscure|lesser[- ]known|recent|after my|"
    r"my (?:training|"
    r"knowledge|last|cutoff)|sensitive|confidential|personal (?:matter|information|data)|privacy|"
    r"more context|clarif|different name|for (?:you|him|her|them|others) to (?:answer|say))",
    r"(?:it|that|this)(?:'s| is| may be| might be| would be) (?:best|better|advisable|always|"
    r"important|"
    r"recommended|a (?:matter|topic|subject|question) (?:of|for|that)|frustrating|unfortunate|"
    r"a shame)\b",
    r"(?:especially|particularly|specifically|including|like|such as|or|nor|and (?:what|who|"
    r"where|when|"
    r"how|whether|why|if)|and (?:i|i'm|i've|therefore|so|thus|hence|nor)|so (?:i|i'm|i've|please|"
    r"you)|"
    r"at (?:all|least|this|the moment|present)|either|as well|for you|right now)\b",
)

_HEDGE = (
    r"\b(?:i (?:think|believe|guess|suppose|assume|suspect|imagine|reckon|would (?:say|guess)|"
    r"'d say)|"
    r"i'd (?:say|guess|bet)|maybe|perhaps|probably|possibly|presumably|likely|apparently|"
    r"(?:it|he|she|they|that|this) (?:might|may|could|must) (?:be|have)|might be|may be|could be|"
    r"my (?:best |first |only )?guess|if i (?:had to|recall|remember|am not|'m not)|as far as i|"
    r"to (?:the best of )?my (?:knowledge|recollection)|from what i|if memory serves|"
    r"seems? to (?:be|have)|"
    r"appears? to (?:be|have))\b"
)

_UNSURE = r"\b(?:sure|certain|unsure|uncertain|positive|clear)\b"

_VERB = (
    r"\b(?:is|was|are|were|has|had|did|does|became|wrote|writes|won|born|lives?|works?|said|says|"
    r"told|"
    r"tells|made|makes|plays?|grew|began|took|known|comes?|came|went|left|met|led|spent|gave|got|"
    r"ran|"
    r"sold|taught|thought|sang|drew|built|(?!(?:need|indeed|limited|related|based|unrelated|"
    r"speed|red|bed)"
    r"\b)[a-z]{2,}ed)\b|(?:\bit|\bhe|\bshe|\bthat|\bdebut|\bname|\banswer)'s\b|\bthey're\b"
)

_PREDICATE = (
    r"(?:(?:\b(?:is|are|was|were|will be|would be|must be|has been|seems?|appears?|remains?|"
    r"falls?|lies?|"
    r"goes|go|must remain|am|be)|'s|'re)(?: (?:just|simply|currently|still|also|a|an|one|the|"
    r"someone|"
    r"something|somebody|name|names|topic|subject|area|question|person|thing|information|author|"
    r"writer|"
    r"figure|individual|matter|detail|well|completely|totally|entirely|far|to|be|that|which|who|"
    r"whom|of|"
    r"rather|quite|unfortunately|really|all|kind|type|sort))*|\b(?:that|which|who|whom))\s*$"
)

_SUBORDINATE = r"\b(?:who|whom|whose|what|where|when|which|why|how|whether|if|that you)\b"

_CONCESSION = (
    r"\W*(?:while|whilst|although|though|even (?:though|if)|despite|despite the fact that)\b"
)

_QUESTION = (
    r"[\W_]*(?:who|whom|whose|what|where|when|which|why|how|could|can|would|will|do|does|did|is|"
    r"are|was|"
    r"were|may|might|shall|should|have|has|any|anything|something)\b"
)

_JOINT = (
    r"(?:,? \b(?:but|however|although|though|nevertheless|nonetheless|whereas|except)\b"
    r"|,? \b(?:and|yet|while)\b(?= (?:he|she|it|they|his|her|their|its|the \w+ (?:is|was))\b))"
)

ENGLISH = Phrases(
    cue=re.compile(_CUE),
    refusal=re.compile(
        f"(?P<ignorance>{_IGNORANCE})|(?P<declined>{_DECLINED})|(?P<premise>{_PREMISE})"
    ),
    opening=re.compile(_OPENING),
    aside=re.compile(_ASIDE),
    reason=re.compile(_REASON),
    hedge=re.compile(_HEDGE),
    unsure=re.compile(_UNSURE),
    verb=re.compile(_VERB),
    predicate=re.compile(_PREDICATE),
    subordinate=re.compile(_SUBORDINATE),
    concession=re.compile(_CONCESSION),
    question=re.compile(_QUESTION),
    joint=re.compile(_JOINT),
)
