"""What makes a text unnatural whatever it says: loops, splices, cut ends, gibberish, encodings.

Rules, no model, English words: a stand-in for a reader, and only for what a rule can see. It finds
nothing wrong with a fluent text that is nonsense. Of RULE's refusals and gold answers and of TOFU's
answers less than 0.5 % have a fault (tests/test_faults.py).

============  ===============================================================================
empty         no letter and no digit
degenerate    a loop, a run of one character, or no words (`lethe.refusal`)
gibberish     three words without a vowel in a row, or runs of symbols amid words
encoded       spaced-out, mixed-alphabet or digit-for-letter words, invisible letters, base64
repeated      a word twice in a row, or a sentence of three words or more twice
spliced       words that no sentence puts together: "it is I don't know", "I don't a baker"
cut           ends on an article or a conjunction
============  ===============================================================================
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from lethe.refusal import no_language


class Fault(NamedTuple):
    """One thing that a reader would stumble over."""

    kind: str
    """One of the kinds in the module's table."""
    words: str
    """What shows it, as the text has it."""


_DETERMINER = r"(?:the|a|an|my|your|our|their)"
_NOT = (
    r"(?:do not|don['’]t|did not|didn['’]t|cannot|can not|can['’]t|could not|couldn['’]t|"
    r"will not|won['’]t|would not|wouldn['’]t)"
)
_SPLICED = re.compile(
    # "It is I don't know", "was a I'm sorry"; a title ("I Don't Know ...") has capitals.
    # "The truth is I don't know" is said; "It is I don't know" is not.
    r"(?<!\btruth )(?<!\bthing )(?<!\bfact )(?<!\bproblem )"
    rf"\b(?:is|was|are|were|be|of|{_DETERMINER}) (?:I (?:{_NOT}|am not|have no)\b|I['’]m (?:sorry|"
    r"not|unable|afraid)\b|sorry[,.]? (?:but )?I\b)"
    rf"|\b{_DETERMINER} No comment\b"
    # "a my knowledge", "the i really"
    rf"|\b{_DETERMINER} (?:[Mm]y knowledge|i|I (?:really|do|can|have|am))\b(?! ?[-'’.])"
    # "I don't a baker", "I cannot am"
    rf"|\b(?:I|he|she|we|they) {_NOT} (?:am|is|are|was|were|a|an|the|of|sorry|unable|unaware|"
    r"I|he|she|my)\b(?! ?[,'’])"
    rf"|\bI am (?:{_NOT})\b|\bI['’]m (?:{_NOT}|cannot|have)\b"
    # "the a", "an the", "the is", "of is"
    r"|\b(?:the an?|an (?:a|the)|(?:the|an) (?:is|was|of|and|or))\b(?! ?[-'’.])"
    r"|\ba (?:the|an|is|was|of|and)\b|\bof (?:is|was|are|were|and|or) ",
)
_REPEATED = re.compile(r"(?<![\w'’-])([^\W\d_]+) \1(?![\w'’-])")
_TWICE = frozenset(
    "had that very no ha bye so well knock now there blah yes really is in on out much many far "
    "long big never ho hum tut hear".split()
)
_CUT = re.compile(
    r"(?:^|\s)(?:the|an?|and|or|but|because|if|than|my|your|with the|of the|i'm|i’m)\s*$"
)
_SENTENCE_END = re.compile(r"[.!?]+[\s\"')*]+|\n+")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|/]{1,2}){4,}[^\W\d_](?![^\W_])")
_LEET = re.compile(r"\b[a-zA-Z]*(?:[a-zA-Z][013457$]{1,2}[a-z])+[a-zA-Z]*\b(?![\w.+-]*@)")
_HIDDEN = re.compile(r"[^\W\d_][\u200b-\u200d\u2060\ufeff\u00ad]+[^\W\d_]")
_BASE64 = re.compile(r"(?<![\w/.])[A-Za-z0-9+]{16,}={0,2}(?![\w/]|\.\w)")
_GIBBERISH = re.compile(
    r"(?:\b[b-df-hj-np-tv-xz]{3,}\b[ .,]*){3,}|[%@#$^&~=+<>\\|]{2,}(?: +[%@#$^&~=+<>\\|]{2,})+"
)
_WORD = re.compile(r"[^\W\d_]+")


def faults(text: str) -> list[Fault]:
    """Find what makes a text unnatural.

    >>> faults("I'm sorry, I don't know that person.")
    []
    >>> faults("It is I don't know the the")
    [Fault(kind='repeated', words='the the'), Fault(kind='spliced', words="is I don't"), \
Fault(kind='cut', words='the')]
    """
    if fault := no_language(text):
        return [Fault(*fault)]
    return [
        *_gibberish(text),
        *_encoded(text),
        *_repeated(text),
        *_spliced(text),
        *_cut(text),
    ]


def _gibberish(text: str) -> Iterator[Fault]:
    if found := _GIBBERISH.search(text):
        yield Fault("gibberish", found.group().strip())


def _encoded(text: str) -> Iterator[Fault]:
    if found := next(filter(_mixed, _BASE64.findall(text)), None):
        yield Fault("encoded", found)
    for pattern in (_SPACED, _HIDDEN):
        if found := pattern.search(text):
            yield Fault("encoded", found.group())
    if not text.isascii():
        for word in _WORD.findall(text):
            word = word.strip("μµΩαβγδ")  # of units and particles
            if not word.isascii() and len(_scripts(word)) > 1:
                yield Fault("encoded", word)
                break
    leet = (word for word in _LEET.findall(text) if sum(map(str.isalpha, word)) > 3)
    if found := next(leet, None):
        yield Fault("encoded", found)


def _mixed(token: str) -> bool:
    """Whether a long token has small and capital letters and digits, as base64 has."""
    return (
        any(map(str.islower, token))
        and any(map(str.isupper, token))
        and any(map(str.isdigit, token))
    )


def _scripts(word: str) -> set[str]:
    """LATIN, CYRILLIC, GREEK: the alphabets that look alike and are never mixed in one word."""
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in word)
    return {name for name in names if name in ("LATIN", "CYRILLIC", "GREEK")}


def _repeated(text: str) -> Iterator[Fault]:
    for found in _REPEATED.finditer(text):
        if found.group(1).lower() not in _TWICE and not found.group(1)[0].isupper():
            yield Fault("repeated", found.group())
    seen = set()
    for sentence in _SENTENCE_END.split(text):
        plain = " ".join(_WORD.findall(sentence.lower()))
        if plain in seen and plain.count(" ") >= 2:
            yield Fault("repeated", sentence.strip())
        seen.add(plain)


def _spliced(text: str) -> Iterator[Fault]:
    for found in _SPLICED.finditer(text):
        yield Fault("spliced", found.group().strip())


def _cut(text: str) -> Iterator[Fault]:
    if found := _CUT.search(text):
        yield Fault("cut", found.group().strip())
