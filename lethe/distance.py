"""How near a query is to what must be forgotten: 0 is the target itself, 1 has nothing in common.

Two measures, neither of which needs a model. *Lexical*: how much of the target's name the other
name bears ("Stephen Hawking" and half of "Stephen King"). *Relational*: what ties the two, as the
data say it. They count as independent reasons to be near: distance = (1 - lexical) (1 - tie).
The strengths of the ties are our choice; only their order is meant.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from lethe.data import Row, prompt_key
from lethe.leak import normalise

TIES = {"co-mentioned": 0.5, "shared fact": 0.3, "same kind": 0.15}
"""What ties an entity to the target, and how strongly: one stands in the other's facts or texts;
both have a fact in common; both are of one kind."""
_ALIKE = 0.75
_SMALL = frozenset("of the and de la le van von der den da di du al el".split())


def distance(text: str, targets: Sequence[str], ties: Iterable[str] = ()) -> float:
    """How far an entity is from the nearest target.

    Args:
        text: The entity's name, or a prompt that has none.
        targets: What must be forgotten, each by name.
        ties: Keys of `TIES`; the strongest counts.

    Returns:
        A number in [0, 1].

    >>> distance("Stephen Hawking", ["Stephen King"]), distance("Tabitha Spruce", ["Stephen King"])
    (0.5, 1.0)
    >>> distance("Tabitha King", ["Stephen King"], ["co-mentioned", "same kind"])
    0.25
    """
    lexical = max(shared_name(text, target) for target in targets)
    tie = max((TIES[tie] for tie in ties), default=0.0)
    return round((1 - lexical) * (1 - tie), 4)


def of(row: Row, targets: Sequence[str]) -> float:
    """A row's distance: 0 if it is to be refused, else its entity's, or else its prompt's."""
    if row.scope == "forget":
        return 0.0
    text = row.entity or prompt_key(row.prompt)
    return distance(text, targets, [row.tie] if row.tie else [])


def shared_name(text: str, target: str) -> float:
    """The share of the target's name that a text bears, in [0, 1]; near spellings count in part.

    Titles behind a comma are no part of the name, nor are initials, numbers and words such as "of",
    unless the name has no others.

    >>> shared_name("Steven King", "Stephen King"), shared_name("The kingdom", "Stephen King")
    (0.8846, 0.0)
    """
    wanted, found = name_words(target), set(normalise(text).split())
    borne = [max((_alike(word, other) for other in found), default=0.0) for word in wanted]
    return round(sum(borne) / len(borne), 4) if borne else 0.0


def name_words(name: str) -> list[str]:
    """The words of a name that tell it from others, normalised.

    >>> name_words("Prince Harry, Duke of Sussex"), name_words("J. R. R. Tolkien"), name_words("Q")
    (['prince', 'harry'], ['jrr', 'tolkien'], ['q'])
    """
    words = list(dict.fromkeys(normalise(name.partition(",")[0]).split()))
    telling = [w for w in words if len(w) > 1 and w not in _SMALL and not w.isdigit()]
    return telling or words


def names(text: str, name: str) -> bool:
    """Whether a text has the whole name as words, titles behind a comma aside.

    A middle name or an initial may stand between two words. Case does not count, but a name of one
    word must have its capital: "It" is not named by "it".

    >>> names("Is stephen king's son a writer?", "Stephen King"), names("Stephen Kingsley", "King")
    (True, False)
    >>> names("Stephen Edwin King", "Stephen King"), names("Who did it?", "It")
    (True, False)
    """
    wanted = normalise(name.partition(",")[0]).split()
    if len(wanted) == 1 and name[0].isupper():
        words = re.findall(r"\w+(?:['’.-]\w+)*", text)
        return any(word[0].isupper() and normalise(word) == wanted[0] for word in words)
    between = r"(?: (?!(?:and|or|of|the|with|by|in|at|to|for|from) )\S+)? "
    pattern = between.join(map(re.escape, wanted))
    return bool(wanted) and re.search(f" {pattern} ", f" {normalise(text)} ") is not None


def _alike(word: str, other: str) -> float:
    """1 for the same word; for longer words that differ in few letters, how alike they are."""
    if word == other or word[0] != other[0] or min(len(word), len(other)) < 5:
        return float(word == other)
    ratio = SequenceMatcher(None, word, other, autojunk=False).ratio()
    return ratio if ratio >= _ALIKE else 0.0
