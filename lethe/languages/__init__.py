"""Languages, one file each: the words and phrases by which `lethe.refusal` reads them.

`en` knows most, and has been measured most (`docs/refusal.md`). To add a language, write
`lethe/languages/<code>.py` with `PHRASES = phrases(...)`: its frequent words, a letter for words
that the grammar knows, and phrases that refuse, hedge, are polite or state something about others;
add its code to `CODES`, and rows of it to `tests/labelled/refusals.jsonl`. Nothing else changes.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

CODES = ("de", "fr", "es", "it", "pt", "nl", "ru", "zh", "ja", "ar")
"""Languages beside English, as ISO 639-1 codes."""
_NEVER = "(?!)"
_NOTHING = re.compile(_NEVER)
_SHARED = frozenset({"a", "no"})
"""English words that are as frequent in Spanish and Portuguese: they decide nothing early."""


class Phrases(NamedTuple):
    """What one language needs to be judged; what follows `matter` only English has so far."""

    common: frozenset[str]
    """Its most frequent words."""
    script: re.Pattern[str]
    """Letters that only it uses."""
    cue: re.Pattern[str]
    """A word without which nothing in `refusal` can match: answers leave early."""
    refusal: re.Pattern[str]
    """Refusing phrases, in one named group for each kind: ignorance, declined, premise."""
    opening: re.Pattern[str]
    """Pleasantries that open a clause; what follows them is judged."""
    hedge: re.Pattern[str]
    """Words that make a statement tentative."""
    guess: re.Pattern[str]
    """Words that make a question an answer: "Might it be Olympia?"."""
    unsure: re.Pattern[str]
    """Refusing phrases that are a hedge when a statement follows."""
    verb: re.Pattern[str]
    """A finite verb: a comma-separated piece without one is no statement."""
    predicate: re.Pattern[str]
    """The end of a lead that belongs to the refusal: "X is someone (I don't know)"."""
    subordinate: re.Pattern[str]
    """Words that open an indirect question, whose verb states nothing."""
    question: re.Pattern[str]
    """First words of a counter-question."""
    joint: re.Pattern[str]
    """Words where one sentence turns into another: "but", "and he"."""
    words: dict[str, str]
    """A letter for each word that `lethe.refusal`'s grammar knows: S oneself, Y the reader, H
    others, N negations, V "never", K knowing, T telling, P being able or allowed to."""
    third: re.Pattern[str]
    """A statement about others: "he was", "born", "the answer is"; others beside a refusal tell."""
    matter: re.Pattern[str]
    """Words about the request, privacy, where else to look: a clause of them tells nothing."""
    idiom: re.Pattern[str] = _NOTHING
    """Rarer ones, in the same groups: asked where neither `refusal` nor the grammar finds any."""
    aside: re.Pattern[str] = _NOTHING
    """Openings of clauses that tell nothing: offers, advice, talk about oneself."""
    reason: re.Pattern[str] = _NOTHING
    """Openings of clauses that tell nothing beside a refusal: reasons, talk about the request."""
    concession: re.Pattern[str] = _NOTHING
    """First words of a sentence whose second half states something: "While I don't, ..."."""
    no: re.Pattern[str] = _NOTHING
    """Words of which one makes a text that tells nothing a refusal."""
    idle: re.Pattern[str] = _NOTHING
    """Negations that negate nothing: "by no means", "not only"."""
    exception: re.Pattern[str] = _NOTHING
    """Behind a refusing phrase, what tells after all: "other than that she wrote in Polish"."""
    copula: re.Pattern[str] = _NOTHING
    """What makes a statement of a name: "it is"."""
    says: re.Pattern[str] = _NOTHING
    """Verbs of what others say, so that their refusals are told, not done."""
    advice: re.Pattern[str] = _NOTHING
    """Words that only recommend: "might help"."""


def either(*alternatives: str) -> str:
    """One pattern that matches where any of them does."""
    return "(?:" + "|".join(alternatives) + ")"


def at_words(pattern: str) -> str:
    r"""The same pattern with the word boundary of its alternatives tested once: far faster.

    >>> at_words(r"\bno\b|^yes|\b(?:a|b)")
    '(?:\\b(?:no\\b|(?:a|b))|^yes)'
    """
    alternatives, depth, start, i = [], 0, 0, 0
    while i < len(pattern):
        letter = pattern[i]
        if letter == "\\":
            i += 1
        elif letter == "[":
            i = pattern.index("]", i + 2)
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and not depth:
            alternatives.append(pattern[start:i])
            start = i + 1
        i += 1
    alternatives.append(pattern[start:])
    if len(alternatives) == 1 and pattern.startswith("(?:") and pattern.endswith(")"):
        return at_words(pattern[3:-1])
    first = [part[2:] for part in alternatives if part.startswith(r"\b")]
    other = [part for part in alternatives if not part.startswith(r"\b")]
    return either(*([rf"\b{either(*first)}"] if first else []), *other)


def lettered(words: Mapping[str, str]) -> dict[str, str]:
    """The letter of each word, of words by letter; commas, colons and brackets are ",".

    >>> lettered({"S": "i me", "N": "not"})["me"]
    'S'
    """
    letters = {word: letter for letter, listed in words.items() for word in listed.split()}
    return {**letters, **dict.fromkeys(",:()", ",")}


def phrases(
    *,
    common: str = "",
    script: str = _NEVER,
    words: Mapping[str, str] | None = None,
    ignorance: Sequence[str] = (_NEVER,),
    declined: Sequence[str] = (_NEVER,),
    premise: Sequence[str] = (_NEVER,),
    polite: str = _NEVER,
    hedge: str = _NEVER,
    unsure: str = _NEVER,
    states: str = _NEVER,
    matter: str = _NEVER,
    asks: str = _NEVER,
    but: str = _NEVER,
) -> Phrases:
    """A language of a few lists; what only English distinguishes is left out.

    Args:
        common: Its most frequent words, by which it is told from others; blanks between them.
        script: A pattern of letters that only it uses, for languages without blanks.
        words: For each letter of `Phrases.words` its words, blanks between them.
        ignorance: Patterns of phrases that say that one does not know.
        declined: Of phrases that say that one can not or will not say.
        premise: Of phrases that deny that there is anything to know.
        polite: Of what opens a clause and says nothing: apologies, thanks, greetings.
        hedge: Of words that make a statement tentative.
        unsure: Of refusing phrases that are a hedge when a statement follows.
        states: Of a statement about others: a verb of the third person.
        matter: Of words about the request, privacy and where else to look.
        asks: Of the first words of a question.
        but: Of words where one sentence turns into another.
    """
    return Phrases(
        common=frozenset(common.split()),
        script=re.compile(script),
        words=lettered(words or {}),
        cue=re.compile(""),
        refusal=re.compile(
            f"(?P<ignorance>{either(*ignorance)})|(?P<declined>{either(*declined)})|"
            f"(?P<premise>{either(*premise)})"
        ),
        opening=re.compile(rf"[\W_]*(?:(?:{polite})(?![a-zß-ÿ])[\W_]*)+"),
        hedge=re.compile(hedge),
        guess=re.compile(hedge),
        unsure=re.compile(unsure),
        verb=re.compile(states),
        predicate=re.compile(rf"(?:{states})[^,.]{{0,20}}$"),
        subordinate=re.compile(rf"\b(?:{asks})"),
        question=re.compile(rf"[\W_]*(?:{asks})"),
        joint=re.compile(but),
        third=re.compile(states),
        matter=re.compile(matter),
    )


@cache
def language(code: str) -> Phrases:
    """The phrases of a language."""
    return importlib.import_module(f"lethe.languages.{code}").PHRASES


def spoken(clean: str, words: Sequence[str]) -> Phrases:
    """The language of a text: the one whose frequent words it has most of, or whose letters.

    Args:
        clean: The text, lower-cased.
        words: Its words.
    """
    english = language("en")
    words = words[:40]
    known = english.common.intersection(words)
    if 4 * len(known - _SHARED) >= len(words) and clean.isascii():
        return english
    best, most = english, len(known) + 0.5
    for other in map(language, CODES):
        if other.script.search(clean):
            return other
        hits = sum(word in other.common for word in words)
        if hits and hits + 1 > most:
            hits += bool(other.refusal.search(clean))
            if hits > most:
                best, most = other, hits
    return best
