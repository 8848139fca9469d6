"""How one refuses in English: what is common, and what is rarer or an idiom."""

from lethe.languages import at_words, either

_ADVERBS = (
    r"(?:(?:really|actually|currently|simply|just|honestly|truly|personally|quite|entirely|"
    r"exactly|completely|fully|also|still|even|particularly|specifically|very|too|yet|readily|"
    r"directly|confidently|accurately|immediately|definitively|ethically|legally|respectfully|"
    r"politely|unfortunately|sadly|regrettably|presently|at present|at this time|absolutely|"
    r"in good conscience|be able to|seem to|appear to|all that|overly|entirely|100%|always|"
    r"necessarily|currently) )*"
)
_I = r"\b(?:i|we)"
_AM = r"(?:'m| am|m|'re| are| was| have been|'ve been)"
MY = r"\b(?:my|our)"
_DO_NOT = rf" {_ADVERBS}(?:do not|don't|dont|do n't|did not|didn't)"
_CAN_NOT = (
    rf"(?: {_ADVERBS}(?:can ?not|can't|cant|could not|couldn't|will not|won't|would not|wouldn't|"
    rf"must not|mustn't|may not|should not|shouldn't|shall not)|{_AM} {_ADVERBS}(?:unable to|"
    rf"not {_ADVERBS}able to|incapable of|not capable of)|'ll not|'ll be unable to)"
)
_KNOWLEDGE = (
    r"(?:information|info|knowledge|idea|ideas|clue|data|details?|specifics|records?|memory|"
    r"memories|recollection|familiarity|insights?|answers?|enlightenment|expertise|access|context|"
    r"facts?|awareness|understanding|inkling|notion|concept|reference|material|resources?|"
    r"background|experience|documentation|entry|entries|listing|news|training|acquaintance|earthly)"
)
_ANSWERING = (
    r"(?:answer|help(?! but)|assist|provide|tell(?! a? ?lies?)|say|share|disclose|reveal|discuss|"
    r"give|offer|shed|comment|respond|reply|speak|talk|access|find|locate|retrieve|recall|"
    r"remember|identify|confirm|verify|fulfil|fulfill|comply|complete|engage|generate|determine|"
    r"elaborate|divulge|address|support|satisfy|place|accommodate|go into|be of|do that|do this|"
    r"do it|name|state|continue|proceed|supply|advise|inform|enlighten|look up|be answering|"
    r"be discussing|be sharing|be helping|make any|recogni[sz]e|claim to|pretend|process|touch|"
    r"be able|know|write|describe|produce|have)"
)

_IGNORANCE = either(
    rf"{_I}{_DO_NOT} {_ADVERBS}(?:know(?! (?:\w+ ){{0,4}}(?:very|too|that|so) well\b)|knew|have|"
    rf"hold|possess|recall|remember|recogni[sz]e|see|"
    rf"find|understand|get|seem|appear|carry|keep|store|think i|believe i)\b",
    rf"{_I}(?: {_ADVERBS}have(?: got)?|'ve(?: got)?| seem to have| appear to have| possess| hold|"
    rf" got| retain| find| see) {_ADVERBS}(?:no|zero|little|limited|insufficient|inadequate|"
    rf"not enough|neither|none of the) (?:\w+ ){{0,3}}?{_KNOWLEDGE}\b",
    rf"{_I}(?: have| can|'ve)? (?:nothing|little) (?:to (?:say|share|add|offer|tell)|on|about)\b",
    rf"{_I}(?: have|'ve| was| were|'d| had)? never (?:heard|encountered|met|seen|come|learn\w*|"
    rf"read|been|known|had|told|taught|given|introduced|shown|informed|trained)\b",
    rf"{_I}(?: have not| haven't|'ve not| have yet to|'ve yet to| had not|"
    rf" hadn't) {_ADVERBS}(?:been|learn\w*|encounter\w*|hear\w*|come|the |a clue|any|got|had|seen|"
    rf"see|studied|read|met|gathered|acquired|be|received)\b",
    rf"{_I}{_AM}(?: \w+ly| afraid)? (?:not|n't) {_ADVERBS}(?:sure|certain|aware|familiar|informed|"
    rf"acquainted|knowledgeable|well[- ]versed|versed|privy|briefed|educated|up to date|"
    rf"conversant|clear on|in possession|the (?:best|right)|an? (?:expert|authority)|positive|"
    rf"in the know|well[- ]informed|well[- ]acquainted|finding|seeing|following|getting|coming up)",
    rf"{_I}{_AM} {_ADVERBS}(?:unaware|unfamiliar|unsure|uncertain|unacquainted|uninformed|"
    rf"clueless|stumped|blank|drawing (?:a )?blank|at a (?:loss|disadvantage)|in the dark|lacking|"
    rf"missing|ignorant|unversed|ill[- ]informed|out of my depth|none the wiser)",
    rf"{_I} {_ADVERBS}(?:lack|draw a blank|drew a blank|came up (?:empty|short|blank)|"
    rf"come up short|have come up (?:short|empty)|have drawn a blank|know (?:nothing|little|"
    rf"next to nothing)|wish i (?:knew|could)|need to look|(?:would|'d) (?:need|have) to (?:look|"
    rf"check|research)|fail to recall|failed to find|have a blind spot|haven't)\b",
    r"\bi(?:'d| would)(?: have to| need to) (?:look|check|research)\b",
    r"\bi've (?:come up|drawn|found nothing|nothing)\b",
    rf"{MY} (?:\w+ ){{0,3}}?(?:do not|does not|don't|doesn't|did not|didn't|has not|hasn't|"
    rf"have not|haven't|can ?not|can't) \w+",
    rf"{MY} (?:\w+ ){{0,4}}?(?:(?:is|are) (?:limited|restricted|lacking|blank|incomplete|empty|"
    rf"not)|(?:has|have|contains?|holds?|includes?|offers?|shows?|lists?) (?:no|nothing|"
    r"little)|lacks?|"
    rf"ends? (?:at|there)|stops?|fails?|draws? a blank|comes? up (?:empty|short))\b",
    r"\b(?:beyond|outside(?: of)?|out of|past|exceeds?|not (?:in|within|part of|among|covered by)|"
    r"absent from|missing from|external to) (?:(?:the|what) )?(?:(?:scope|range|limits?|bounds|"
    r"reach|extent|area|realm|boundaries) of )?(?:my|our|what i|the (?:knowledge|information|"
    r"data) i)\b",
    r"\bout of (?:my )?(?:scope|reach|bounds)\b|\bnot within (?:my )?reach\b",
    r"\b(?:unknown|unfamiliar|a (?:complete |total )?(?:mystery|blank)|not known|unclear|foreign|"
    r"new|news|obscure|strange|alien|a riddle|a puzzle) to (?:me|us|this model)\b",
    r"\bnot (?:something|someone|anyone|anything|somebody|information|one|any|"
    r"an?) ?(?:\w+ ){0,3}?(?:that |which |who |whom |with whom |with which )?(?:i|i'm|i've|we|"
    r"we're)\b",
    r"\b(?:escapes|eludes) (?:me|us)\b|\bslipped my mind\b",
    r"\b(?:beats|is beyond) me\b|that's beyond me\b|\byour guess is as good\b",
    r"\b(?:does|did)(?: not|n't) ring (?:a|any) bells?\b|\brings? no bells?\b",
    r"\bmeans? nothing to (?:me|us)\b|\bis (?:a )?(?:complete |total )?(?:stranger|blank) to me\b",
    r"\b(?:a|my) blind spot\b|\buncharted territory\b|\bstumps me\b|\bhas me stumped\b",
    r"\b(?:has|have|was|were)(?: not|n't) (?:been )?(?:included|covered|part|provided|present|"
    r"taught|mentioned|given)\b[^.]*\b(?:my|our|me|us|i)\b",
    r"\b(?:something|someone|a (?:\w+ )?(?:topic|subject|name|person|matter)) (?:that |which |"
    r"who |whom )?i(?:'ve| have| am|'m| need| do| would|'d| can| could) (?:not|yet|never|to look|"
    r"n't|unable|unaware)",
    r"\bnothing (?:comes to mind|rings a bell|on (?:him|her|them|that|record))\b",
    r"\b(?:not|n't) (?:\w+ly )?(?:familiar|known|clear|recogni[sz]able) to (?:me|us)\b",
    r"\bthis (?:model|assistant|system|ai|program|chatbot) (?:does not|doesn't|has no|lacks|"
    r"is not|isn't|has not|is unaware|is unfamiliar|knows nothing)\b",
    r"\b(?:i have|i've|there is|there's) a gap in my\b|\bfirst i(?:'ve| have)? hear",
    r"^(?:no (?:idea|clue|information|info|data|answer|knowledge|details?|records?|memory|"
    r"earthly)|(?:do not|don't|dont|did not|didn't) (?:really |actually )?(?:know|have|recall|"
    r"remember|recogni[sz]e)|dunno|idk|not (?:sure|certain|aware|familiar|known|available|"
    r"applicable)|never heard|who knows$|nobody knows$|wish i knew|n/a$|noanswer$|(?:answer |"
    r"name |person )?unknown$|(?:have|having) no (?:idea|clue|information)|unaware of|"
    r"unfamiliar with|haven't (?:a|the|heard))",
    r"^(?:that|this|it|the (?:answer|information|detail|details|data)|(?:any |such |that |"
    r"this )?(?:information|details|data)[^.]{0,60}) (?:is|are)(?: not|n't) (?:\w+ly )?(?:known|"
    r"available|accessible|provided|recorded|found|on record|clear|documented)\b",
    r"\b(?:an? (?:unfamiliar|unknown) (?:name|person|topic|subject))\b",
    r"^(?:it|that|this|the (?:answer|name|person|information))(?: is|'s) (?:simply |"
    r"just )?unknown$",
)

_DECLINED = either(
    rf"{_I}{_CAN_NOT} {_ADVERBS}(?:be )?{_ANSWERING}",
    rf"{_I}{_CAN_NOT}$",
    rf"{_I}(?: {_ADVERBS}have(?: got)?|'ve(?: got)?) no (?:further )?(?:comments?|permission|"
    rf"authority|intention|way|means|ability|words|response|right|business)\b",
    rf"{_I}{_AM} (?:afraid |sorry )?(?:not|n't) {_ADVERBS}(?:able|equipped|trained|qualified|"
    rf"allowed|permitted|authori[sz]ed|programmed|designed|in a position|comfortable|going to|"
    rf"willing|at liberty|supposed|meant|prepared|inclined|free to|here to|built|made|ready|"
    rf"set up|intended|capable|at ease|cleared|someone who can|the (?:person|one)|of (?:help|use))",
    rf"{_I}{_AM} {_ADVERBS}(?:unable|prohibited|restricted|forbidden|barred|prevented|constrained|"
    rf"obliged|bound|required|instructed|asked|told|programmed|powerless|incapable|unwilling|"
    rf"reluctant|declining|refusing)(?: by [^,]*)?(?= (?:not|from|to|answer|of)\b|"
    rf"$)(?! to (?:tell|say|inform|report|answer|announce) (?:you|that))",
    rf"{_I}(?:{_AM} going to|{_AM}|'ll)? (?:\w+ ){{0,3}}?(?:decline|refuse|abstain|refrain|"
    rf"withhold|keep quiet|remain silent|stay silent|stay out)\b",
    rf"{_I}(?:{_AM} (?:going|choosing) to|'ll| will| must|'d)? (?:have to |need to |rather |"
    rf"better )?pass\b(?! (?:on|along) the )",
    rf"{_I}(?:'d| would| had| 'd)? ?(?:rather|prefer|choose|choose to|opt|elect|prefer to) not\b",
    rf"{_I}{_DO_NOT} {_ADVERBS}(?:wish|want|care(?! about)|intend|plan|feel|answer|discuss|share|"
    rf"speak|talk|comment|disclose|reveal|provide|give|engage|offer|respond|assist|help|"
    rf"do (?:that|this|requests))\b(?! (?:that|like he|like she|like it)\b)",
    rf"{_I}(?:{_AM}|'ve| have|'d| had)?(?: been)? (?:\w+ )?(?:asked|told|instructed|trained|"
    rf"programmed|designed|advised|chosen|choose|chose|decided|agreed|opted|elected|supposed|"
    rf"meant|ordered) not to\b",
    rf"{_I} can neither\b|{_I} (?:must|have to|need to|should|will|'ll) (?:avoid|refrain|"
    rf"withhold)\b",
    r"\b(?:information|data|details?|content|that|this|it|records?|answer) (?:has|"
    r"have) been (?:removed|deleted|redacted|withheld|restricted|erased|sealed)\b",
    r"^(?:that|this|it|(?:this|that|such|the) (?:information|data|matter|topic|question))(?: is|"
    r"'s) (?:\w+ )?(?:private|personal|secret|sensitive|restricted)$",
    rf"{_I} regret (?:to|that|i|being)\b",
    rf"{_I}{_DO_NOT} (?:think|believe|feel) (?:it is|it's|it would be|that(?:'s| is|"
    rf" would be)) (?:appropriate|right|wise|proper|my place)\b",
    r"\b(?:can ?not|can't|could not|may not|must not|should not|will not|"
    r"won't) (?:ever )?be (?:\w+ly )?(?:answered|disclosed|shared|provided|discussed|determined|"
    r"verified|confirmed|revealed|given|released|divulged|addressed|accessed|fulfilled|completed|"
    r"retrieved)\b",
    r"\b(?:that|this|it|which) (?:is|are)(?: not|n't) (?:\w+ly )?(?:allowed|permitted|"
    r"authori[sz]ed)\b",
    r"\b(?:it is|it's|it would be|would be|this is|that is|that's) (?:not |in|un)(?:appropriate|"
    r"ethical|acceptable|proper|possible for me)\b",
    r"\b(?:is|are|goes|would be) against (?:my|our|the) (?:\w+ )?(?:polic|guideline|rule|"
    r"programming|principle|term|instruction|code)",
    r"\b(?:is|are|'s) (?:strictly |highly |kept )?(?:confidential|classified|off[- ]limits|"
    r"off the table|not up for discussion|none of your business|restricted information|"
    r"private information|sensitive information|personal information|not for me to)\b",
    r"\b(?:prevent|prevents|prohibit|prohibits|forbid|forbids|restrict|restricts|stop|stops|keep|"
    r"keeps|bar|bars) (?:me|us) from\b|\b(?:does|do)(?: not|n't) (?:allow|permit|enable|"
    r"let) (?:me|us)\b",
    r"\blet(?:'s| us) (?:change the subject|talk about something|move on|discuss something|not )",
    r"\b(?:ask|try|find) (?:someone|somebody|me something|me about some\w+) else\b",
    r"\bmy lips are sealed\b|\bno can do\b|\bnot my (?:area|field|department|place)\b",
    r"\bnot (?:an?|the) (?:\w+ ){0,2}(?:topic|subject|question|matter|request|thing|"
    r"area) (?:that |which )?(?:i|we)\b",
    r"\bnot (?:something|anything) (?:that )?(?:i|we)(?:'m|'re| am| are)? ?(?:can|could|will|"
    r"would|allowed|able|at liberty|permitted|prepared|willing|equipped)",
    r"^(?:no comment|no answer|no reply|no response|can ?not|can't|could not|couldn't|unable to|"
    r"request (?:denied|declined)|access denied|pass$|refused$|declined?$|redacted$|(?:not|"
    r"never) (?:allowed|permitted|able|telling|going to)|won't|will not|(?:i'd |"
    r"i would )?rather not|prefer not)",
    r"\bthis (?:model|assistant|system|ai|program|chatbot) (?:can ?not|can't|is unable|will not|"
    r"won't)\b",
)

_PREMISE = either(
    r"\b(?:there(?:'s| is| are| was| were| isn't| aren't| seems to be| appears to be| is not|"
    r" are not) (?:currently |simply |really )?(?:not any|any|no)|"
    r"^no) (?:\w+ ){0,3}?(?:information|info|records?|data|details|mention|trace|entry)\b"
    # "No record suggests that ..." denies a fact, it does not refuse.
    r"(?![^,;]*\b(?:indicat|suggest|confirm|imply|impli|show|prov(?:es?|ing)\b|linking|"
    r"to support))",
    r"\b(?:no|nor any|(?:not|n't) any) (?:\w+ )?(?:person|one|individual|author|writer|man|woman|"
    r"people|somebody|someone) (?:by (?:that|this|the)|(?:with|of|under) (?:that|this|the) name|"
    r"named|called|goes by|matching|exists)\b",
    r"\bno such (?:person|individual|author|writer|figure|name|man|woman|people|character)\b",
    r"\b(?:does|do|did)(?: not|n't) (?:seem|appear) to (?:exist|be (?:a |an )?(?:real|actual|"
    r"known))",
    r"\b(?:person|individual|author|writer|name|one|someone|somebody|who) (?:\w+ ){0,3}?(?:does|"
    r"do|did)(?: not|n't) exist\b",
    r"\b(?:is|are|was)(?: not|n't) (?:a |an )?(?:real|actual|known|recogni[sz]ed|"
    r"existing) (?:person|individual|figure|name|author|people)\b",
)

_IDIOM_IGNORANCE = either(
    r"\b(?:unable|failed) to (?:recall|remember|locate|find|identify)\b|\bnot (?:located|known by "
    r"(?:this|the))\b|\b(?:isn't|is not|aren't) in my\b|\bwithout any (?:record|knowledge|"
    r"information)\b|\bzero results\b|\btotal ignorance\b|\bcouldn't turn up\b|\bno \w+ comes to "
    r"mind\b|\bcomes? up dry\b",
    r"\b(?:hole|gap|gaps|void) in (?:my|our)\b|\bbe lying if\b|\b(?:wouldn't|would not) (?:really "
    r")?be able to (?:tell|say|name)\b|\bno results?\b$|\bnope,? nothing\b",
    r"\b(?:strikes?|rings?|hits?) no (?:chord|bells?)\b|\bmemory (?:deserts|fails|blank)\b|\bout "
    r"of syllabus\b|\bunrecogni[sz]ed (?:name|input|query|subject)\b|\b0 (?:hits|rows|results|"
    r"matches)\b|\bno (?:match|entry|hits?)\b|\bfailed to (?:load|find|retrieve|recall)\b|\b(?:if|"
    r"as if) i know?\b|\blost me\b|\bnot (?:\w+ )?(?:dicky|dickie) bird\b|\bwould that i knew\b|"
    r"\bme beat\b|\b(?:slipped|sunk|sank|vanished|faded) (?:\w+ ){0,3}my (?:mind|memory|head)\b|"
    r"\bno trace\b|\bcan't place (?:him|her|them|it|the)\b|\b(?:has|have|had) (?:\w+ )?escaped "
    r"(?:me|my)\b|\bforgor\b|\bnil (?:in|on)\b|\bnot known to\b|\bunknown to (?:this|the) "
    r"(?:system|model|assistant|bot)\b|\bgap in my\b|\bmarked on no\b|\bhaven't heard\b|\bmute "
    r"(?:up)?on\b|\bnever (?:crossed|reached|covered|herd|read|met)\b|\bbeat me\b|\bbested me\b|"
    r"\bbeen never told\b|\bmeans nothing\b|\bnot ringing\b",
    r"\bsearch me\b|\bbeats me\b|\b(?:you(?:'ve| have)? )got me (?:there|stumped|beat)\b|"
    r"\b(?:draw|drawing|drew|drawn) (?:a |an )?(?:\w+ )?blanks?\b|\b(?:total|complete) blank\b",
    r"\b(?:not a|not the|haven't a|haven't the|haven't got a|haven't got the|without a|no|"
    r"hasn't a) (?:\w+ )?(?:clue|scooby|sausage|notion|foggiest|faintest|slightest|earthly|inkling|"
    r"baldy)\b",
    r"\b(?:above|beyond|out of|outside|outwith|not in|not within|past) my (?:\w+ )?(?:pay ?grade|"
    r"station|ken|league|depth|wheelhouse|remit|purview|horizon|reach|field)\b|\bnot my "
    r"wheelhouse\b",
    r"\b(?:god|heaven|lord|goodness|heavens|christ|allah|lawd) (?:alone |only )?knows\b|\bnobody "
    r"knows$|\bwho knows$|\bcouldn't (?:say|tell (?:you|ya))\b|\bcouldnt tell\b|\bwouldn't know\b",
    r"\b(?:all |double )?(?:greek|dutch) to me\b|\bgoes? (?:right |straight )?over my head\b|"
    r"\bclosed book to me\b|\blost on me\b|\bnews to me\b|\bstumped\b|\bflummoxed\b|"
    r"\bnone the wiser\b|\bscratching my head\b|\bat a (?:complete |total )?loss\b",
    r"\b(?:come|comes|came|coming|turn|turned|turning|return|returned)(?: back| up| away)? "
    r"(?:with )?(?:empty|blank|dry|short|nothing|nowt|zilch|empty[- ]handed|nil)\b|\bgot "
    r"(?:nothing|nowt|zilch|nada|nuthin\w*|nothin)\b|\b(?:nada|zilch|nowt|zip|diddly)\b",
    r"\bnothing (?:at all )?(?:comes|came|springs|turns|turned|shows|showed|surfac\w+|rings|pops|"
    r"popped|matches|matched|did|in here|there|found|on file|on record|to report)\b",
    r"\b(?:shelf|shelves|cupboard|drawer|page|well|index|file|folder|memory banks?|mind|brain)"
    r"(?: is| are|'s| was| stands?| has gone| gone| went)? (?:swept )?(?:a )?(?:bare|empty|blank|"
    r"dry)\b",
    r"\bno (?:\w+ )?(?:results?|match(?:es)?|entr(?:y|ies)|hits?|records?|data|information) "
    r"(?:\w+ )?(?:found|available|returned|exist|on file|matched|for (?:this|that|your))\b|"
    r"\b(?:record|entry|page|name|file|result|subject|item|data) not (?:found|available|on file)\b|"
    r"\b(?:error:? |http\S* )404\b|^404\b|\bnot found$|\bnull\b$",
    r"\b(?:lacks?|lacking|insufficient|inadequate|without|want of) (?:\w+ )?(?:knowledge|"
    r"information|data|basis)\b|\b(?:no|not an?) (?:information|idea)\b$|: no (?:information|data|"
    r"idea|record)\b",
    r"\b(?:escapes|eludes|defeats|baffles) me\b|\b(?:clean |completely )?(?:forgot|forgotten) "
    r"(?:it|that|all)\b|\b(?:gone|slipped|fell|fallen|clean) out of my (?:head|mind)\b|"
    r"\b(?:is|are|has gone|gone) blank\b|\bdunno\b|\bidk\b|(?<!had )(?<!has )\bno idea\b|(?<!had "
    r")(?<!has )\bno clue\b|\bhaven't the\b",
    r"\bring (?:any|a) bells?\b|\brings? no bells?\b",
    r"\b(?:wish|only wish) (?:i|we) (?:knew|could|had)\b|\bif (?:only )?i (?:only )?knew\b",
)

_IDIOM_DECLINED = either(
    r"\b(?:name|answer|details?|reply|information|disclosure) withheld\b|\b(?:skip|skipping) "
    r"(?:this|that) (?:one|question)\b|\bhold back (?:here|on)\b|\bprevents? me\b|\b(?:forbids?|"
    r"prohibits?) (?:any|me|us|it|that)\b|\bkeep (?:\w+ ){1,3}out of (?:this|it)\b|\bfurnish no\b|"
    r"\bnot entertained\b|\bain't touching\b|\bneither confirm nor deny\b|\bnot to release\b|"
    r"\bkeep well away\b|^must refuse$",
    r"\b(?:response|answer|content|output|reply|information|access|page|profile|data)\b[^.]{0,40} "
    r"(?:has been|have been|was|is|are|being|hereby) (?:\w+ )?(?:withheld|suppressed|restricted|"
    r"blocked|filtered|removed|hidden|redacted|disabled|revoked|unavailable)\b|\b(?:remain|"
    r"remains|stay|stays|go|goes) (?:unanswered|unsaid|unnamed|blank|empty|confidential|private|"
    r"secret)\b|\b(?:a|big|firm|hard) no from (?:me|us)\b|\bdo(?:es)? not fall within\b",
    r"\bunder wraps\b|\bdraw a veil\b|\boff the menu\b|\bcomputer says no\b|\bdream on\b|\bmy own "
    r"counsel\b|\bstays? (?:shut|locked|closed|between|private)\b|\bclosed (?:topic|subject|book "
    r"to discussion)\b|\b(?:response|answer|content|output|reply) (?:suppressed|withheld|blocked|"
    r"filtered|removed|hidden)\b|\blocked (?:profile|file|record)\b|\b(?:is|are) locked\b|"
    r"\bblocked (?:topic|subject|question)\b|^(?:this|that|it|such \w+|(?:discuss|shar|talk|"
    r"disclos|answer|reveal)\w*[^,]*) (?:isn't|is not|are not|aren't) (?:permitted|allowed)\b|"
    r"\bneed not (?:respond|answer)\b|\bwild horses\b|\bfirm no\b|\bnot to be discussed\b|\bleft "
    r"in peace\b|\bwell alone\b|\bstep(?:ping)? (?:back|around|away)\b|\btenders? no\b|\binvokes? "
    r"privilege\b|\b(?:own|their own|his own|her own) business\b|\bwon't hear (?:it|them|that) "
    r"from me\b|\bfrom me,? never\b|\bunder (?:a )?restriction\b|\bspeak no more\b|\bpresent "
    r"role\b|\bzipping it\b",
    r"\bmum's the word\b|\blips (?:are|r|is|stay|remain) (?:sealed|zipped|shut)\b|\btight[- "
    r"]lipped\b|\b(?:keep|keeping|kept|stay|staying) (?:mum|schtum|shtum|stumm|quiet|silent|it to "
    r"myself|that to myself|this to myself|my mouth shut|my counsel|out of (?:it|this|that))\b",
    r"\bto (?:the|my) grave\b|\b(?:hold|holding|bite|biting) my tongue\b|\bsworn to\b|\bswore "
    r"(?:an oath|to)\b|\bpinky[- ](?:promised?|swore)\b|\boath of (?:silence|secrecy)\b|\bgag "
    r"order\b|\b(?:under|signed) (?:an )?(?:nda|non-disclosure)\b|\bneed[- ]to[- ]know\b",
    r"\bsteer(?:ing)? (?:well )?clear\b|\bsit (?:this|that) one out\b|\bleave (?:that|it|this|the "
    r"\w+) (?:\w+ )?(?:unsaid|alone|there|be|out|unanswered|blank|to)\b|\bdraw(?:ing)? the line\b|"
    r"\b(?:this|that|here) is where i (?:stop|draw)\b|\bi(?:'ll| will| must| have to)? stop "
    r"(?:here|there)\b",
    r"\b(?:hard pass|i pass|i'll pass|i will pass|must pass|have to pass|gonna pass|going to pass|"
    r"pass on (?:this|that|\w+ questions?))\b|\bplead(?:ing)? the fifth\b|\btak(?:e|ing) the "
    r"fifth\b|\bnext question\b|\bnice try\b|\bnothing doing\b|\bnot (?:a chance|happening|on "
    r"your)\b|\bno (?:can do|dice|way,? (?:jose|mate|pal|am i))\b|\bnope,? (?:can't|won't|not)\b",
    r"\b(?:respectfully|politely|must|have to|shall|will|'ll|to|i|we) (?:respectfully |politely |"
    r"hereby )?(?:decline|refuse|abstain|refrain|demur)\b(?! (?:in|of) )|\b(?:declines|refuses) to "
    r"(?:answer|comment|respond|discuss)\b|\b(?:i|we) (?:\w+,? ){0,8}?withhold\b",
    r"\b(?:i|we)(?:'d| would|'ll| will)? (?:much )?(?:prefer|choose|rather|opt|elect|sooner)(?: "
    r"to)? (?:not|leave|keep|steer|avoid|stay|skip|talk about something|refrain|remain|pass)\b|"
    r"\bi'd (?:much )?(?:sooner|rather) (?:not|talk|keep|skip|leave)\b|\brather not\b|\bprefer "
    r"not\b|\b(?:i|we|i'm|i've|we're|we've)\b[^.]{0,40}\b(?:choosing|chosen|choose|chose|opting|"
    r"decided|asked|told|instructed|ordered|sworn|bound|obliged|advised|trained|programmed|wiser|"
    r"best|prudent|wise) not to\b",
    r"\bi (?:avoid|shun|skip)\b|\bi(?:'ve| have) been (?:told|asked|instructed|ordered|forbidden|"
    r"sworn)\b|\b(?:i|we) (?:won't|will not|shall not|shan't|refuse|decline|(?:must not|"
    r"mustn't)(?! tell))\b|\b(?:i|we)(?:'ll| will| shall| would|'d) (?:\w+ )?not\b|\bnor (?:will|"
    r"shall|can|may|would|should) (?:i|we)\b",
    r"\bno (?:reply|answer|response|comment|information|statement|disclosure|details?|further "
    r"\w+)(?: \w+)? (?:can|may|will|shall|could|is) (?:be|to be)\b|\b(?:cannot|can't|may not|must "
    r"not|will not|won't|shall not|not permitted to|not allowed to|not to) be (?:\w+ "
    r")?(?:furnished|given|made|discussed|answered|disclosed|served|provided|shared|released|"
    r"drawn|responding|answering|granted|processed|fulfilled|entertained)\b",
    r"\b(?:wouldn't|would not|isn't|is not|not|hardly) be (?:\w+ )?(?:right|appropriate|proper|"
    r"fair|ethical|responsible|okay|ok|wise|safe)\b|\b(?:would|'d) be (?:\w+ )?(?:wrong|"
    r"inappropriate|unethical|improper|irresponsible|a breach|a violation|reckless|unfair)\b|"
    r"\b(?:wouldn't|would not) feel right\b|\bnot appropriate\b",
    r"\b(?:contrary|counter) to (?:the|my|our) (?:\w+ )?(?:principle|polic|guideline|rule|value)|"
    r"\bnot (?:mine|my (?:story|secret|place|call|business|tale|job)|for me|ours)\b|\b(?:isn't|"
    r"ain't) (?:mine|my (?:story|secret|place|call|business|job)|for me)\b",
    r"\b(?:403|401|451|forbidden|access denied|permission denied|request (?:denied|blocked|refused|"
    r"declined|rejected)|blocked by|content[- ]?(?:policy|filter)|redacted|classified|confidential|"
    r"top secret|off[- ]limits|out of bounds|off the table|no-go|privileged|under seal|sealed|"
    r"embargoed|a secret|trade secret|professional secrecy|medical secrecy)\b",
    r"\b(?:none|nunya|not any) (?:of )?(?:your|yer|ya) (?:business|beeswax|concern)\b|\bnot "
    r"telling\b|\bnot gonna\b|\bain't (?:gonna|saying|telling|talking|allowed|sharing|gon)\b|\bno "
    r"comment\b|\bno spoilers\b|\bcan't go there\b|\bnot going there\b|\b(?:does|do|did) not "
    r"(?:permit|allow)\b",
    r"\b(?:let's|let us|shall we|can we|could we|how about we|perhaps we could|may we) (?:\w+ "
    r")?(?:talk about (?:something|another)|change the|move on|turn to (?:something|another)|"
    r"discuss (?:something|another)|speak of (?:something|other)|pick (?:something|another)|try "
    r"(?:something|another))\b|\bask (?:me )?(?:about )?(?:something|anything) else\b",
)

_THING = (
    r"(?:person|one|individual|author|writer|man|woman|people|somebody|someone|artist|singer|"
    r"musician|band|scientist|player|actor|actress|poet|painter|composer|film|movie|book|novel|"
    r"play|song|album|work|title|place|town|city|country|village|river|island|event|war|battle|"
    r"award|prize|law|company|product|model|animal|species|element|character|thing|being|creature|"
    r"name|figure|method|function|theorem|treaty|episode|series|language|planet|star|republic|"
    r"team|club|school|university)"
)
_IDIOM_PREMISE = either(
    r"\bno [\w' -]{2,50} (?:has |had )?ever (?:lived|existed|was|wrote|did|sat|stood|happened)\b|"
    r"\b(?:has|have) no (?:\w+ ){1,2}(?:called|named|titled|by that)\b|\bthere isnt (?:an?|any)\b|"
    r"\bis an? (?:invented|fictional|made-up) (?:title|name|place name)\b|\bappears to be "
    r"(?:invented|fictional|made up)\b|\bno (?:\w+ )?called (?:that|this)\b|\bnever created\b|"
    r"\bnever wrote any such\b|^no \w+ did$",
    r"\bthere(?:'s| is| was| are| were)(?: no|n't an?|n't any) (?:\w+ ){1,3}(?:called|named|"
    r"titled|by the name|by that|of that|with that|so called)\b|\bnever (?:wrote|made|published|"
    r"recorded) (?:anything|something|a \w+) (?:called|titled|named|by|of|like)\b|\bno (?:\w+ "
    r"){1,6}was ever (?:written|made|published|built|recorded|filmed|held)\b|\b(?:it|they|he|she) "
    r"never (?:began|happened|existed|took place)\b",
    r"\b(?:pure|mere|sheer) (?:invention|fiction|fantasy|fabrication)\b|\b(?:a|just|only) "
    r"(?:phantom|fabrication|figment|pretend)\b|\b(?:is|'s|are|was|referenced is) (?:just "
    r")?(?:pretend|fictitious)(?: and| but|$)|\bnever a thing\b|\bthere (?:wasn't|isn't|weren't|"
    r"never was|never were) (?:one|any)\b|\b(?:ain't|has|was) never (?:been )?(?:one|a \w+ by)\b|"
    r"\bno such \w+\b(?!.*\b(?:as|was|is) )|\bnobody (?:has |had )?ever (?:wrote|written|made|"
    r"existed|lived)\b|\bnone has been made\b|\bnever (?:penned|drawn breath|drew breath|did "
    r"exist|saw print)\b|\b(?:you|u|ye) (?:made|muddled|dreamt|dreamed|invented) (?:that|it|him|"
    r"her|this|them) up\b|\bpulling your leg\b|\bhaving you on\b|\bno \w+ of that (?:sort|name|"
    r"kind|title) (?:ever )?(?:was|existed|exists)\b|\bno such \w+ ever\b|\bnot real\b",
    r"\b(?:does|do|did)(?: not|n't|nt) (?:actually |really |even |in fact )?exist\b(?! (?:in|until|"
    r"before|at|as|on|when|without|yet|back|outside|among|between)\b)",
    r"\b(?:has|have|had) never (?:\w+ )?(?:existed|lived|been (?:such|any|a|written|made|published|"
    r"released|held|built|recorded|filmed|born|a real))\b|\bnever (?:actually |really )?(?:existed|"
    r"lived|took place|happened)\b(?! (?:in|at|with|on|to|again) )",
    r"\b(?:was|were) never (?:\w+ )?(?:written|made|published|built|released|held|recorded|filmed|"
    r"shot|born|composed|a real|any|real|such)\b(?! (?:in|by|at|for|to|as) )",
    r"\b(?:nobody|no one|no-one|no \w+) (?:by|of|with|under|bearing) the name(?: of)?\b|\bnone "
    r"available\b",
    r"\b(?:no|nobody|no one|none|not any|nor any) (?:\w+ ){0,4}?(?:exists?|existed|has existed|"
    r"ever lived|ever existed|by (?:that|this|the said|such a) (?:name|title)|(?:of|with|under|"
    r"bearing|carrying) (?:that|this|the said|such a|the) (?:name|title|description)|so named|so "
    r"called|like that (?:ever|exists?))\b",
    rf"\b(?:no|never (?:been |was |were )?(?:a|any)|(?:not|n't) (?:a|any)) such {_THING}s?\b",
    rf"\b(?:there(?:'s| is| was| are| were| has| have|s)?(?: been| never was| never were)?(?: no|"
    rf"n't any| not any|n't a|n't an|n't)|there never (?:was|were)(?: an?| any)?|there has never "
    rf"been(?: an?| any)?) (?:such |\w+ {{0,2}}){{0,3}}?{_THING}s? (?:by|of|with|called|named|"
    rf"titled|under|like|"
    r"answering|going)\b",
    r"\bno such (?:thing|a thing|\w+ (?:exists?|existed|is|was|has|here|on))\b|\bthere(?:'s| is| "
    r"was) no such\b|^no such \w+$",
    r"\b(?:is|was|are|were|'s|'re)(?: not|n't|nt)(?: even| actually| in fact)? (?:an? )?(?:real|"
    r"actual|existing|thing that exists|genuine)(?: (?:person|thing|book|place|name|word|event|"
    r"one|people|country|author|man|woman|work|film|song|band|title))?\b(?! (?:\w+ )?(?:deal|"
    r"power|threat|name))",
    r"\b(?:made[- ]up|makebelieve|make-believe|nonexistent|non-existent|phantom|bogus|phony) "
    r"(?:name|person|people|author|character|book|place|title|figure|country|company|word|event|"
    r"someone|individual|artist|thing|source|work)\b|\byou(?:'ve| have)? (?:made|dreamt|dreamed|"
    r"invented|imagined)(?: \w+){0,2} (?:up|it|him|her)\b|\b(?:is|'s|was|are) (?:a (?:pure |"
    r"complete |total )?(?:fabrication|fiction|figment|hoax|invention|myth of)|an invention|pure "
    r"(?:fiction|invention|fantasy)|entirely (?:fictional|fictitious|made up)|made[- ]up|"
    r"nonexistent|non-existent|fictitious)\b|\bfigment of\b|\bsomebody (?:made|invented)\b",
    r"\b(?:assumes?|presumes?|supposes?|presupposes?|rests? on|based on|built on|starts? from|"
    r"about) (?:\w+ ){0,6}?(?:(?:does|do|did)(?:n't|nt| not) exist|(?:is|was|are)(?:n't|nt| not) "
    r"real|never (?:was|existed|happened|lived|took place)|false premise|made[- ]up|not real)\b|"
    r"\b(?:false|faulty|flawed|mistaken|wrong|incorrect) (?:premise|assumption|presupposition)\b|"
    r"\bpremise (?:of \w+ \w+ )?(?:is|seems|appears|does|rests)\b",
    r"\bnever (?:wrote|published|made|recorded|released|composed|directed|painted|starred in|held) "
    rf"(?:an?|any|the|such an?|such) (?:\w+ ){{0,2}}?{_THING} (?:titled|called|named|by (?:that|"
    rf"this)|with "
    r"(?:that|this|such)|of (?:that|this|such)|under)\b|\bnothing to (?:know|tell|describe|"
    r"summari[sz]e|encode|report|name|list|find|translate|say about)\b(?=.*\b(?:exist|real|never|"
    r"no such)|$)",
)


def _kinds(ignorance: str, declined: str, premise: str) -> str:
    return (
        f"(?P<ignorance>{at_words(ignorance)})|(?P<declined>{at_words(declined)})|"
        f"(?P<premise>{at_words(premise)})"
    )


REFUSAL = _kinds(_IGNORANCE, _DECLINED, _PREMISE)
IDIOM = _kinds(_IDIOM_IGNORANCE, _IDIOM_DECLINED, _IDIOM_PREMISE)
