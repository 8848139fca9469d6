"""Near duplicates: prompts that ask the same in nearly the same words.

Two prompts are near when they name the same names and numbers, and 80 % of the words that either
has are in both (articles aside; "what" is "which"). So a swapped name or year is another question,
and an added "exactly" is not. Paraphrases in other words go unseen.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from lethe import leak
from lethe.synthesis.documents import capitalised

NEAR = 0.8
_SAME = {"what": "which", "a": None, "an": None, "the": None, "please": None}


class Mark(NamedTuple):
    """What is compared of a prompt."""

    words: frozenset[str]
    """Normalised words, numbered where they repeat."""
    names: frozenset[str]
    """The words that are capitalised inside a sentence, and numbers; all of these must agree."""


def mark(text: str) -> Mark:
    """The mark of a prompt.

    >>> sorted(mark("What is the pet of Ann?").words)
    ['ann', 'is', 'of', 'pet', 'which']
    >>> sorted(mark("In 1974, what did Ann do?").names)
    ['1974', 'ann']
    """
    counted: Counter[str] = Counter()
    words = set()
    for word in leak.normalise(text).split():
        same = _SAME.get(word, word)
        if same is not None:
            counted[same] += 1
            words.add(same if counted[same] == 1 else f"{same}#{counted[same]}")
    said = {word for run in capitalised(text) for word in leak.normalise(run).split()}
    return Mark(frozenset(words), frozenset(said | {word for word in words if word[0].isdigit()}))


def alike(one: Mark, other: Mark) -> bool:
    """Whether two prompts are near duplicates.

    >>> king, lee = (mark(f"Where was {name} born?") for name in ("Stephen King", "Ann Lee"))
    >>> alike(king, lee), alike(king, mark("Where exactly was Stephen King born?"))
    (False, True)
    """
    if one.names != other.names:
        return False
    return len(one.words & other.words) >= NEAR * len(one.words | other.words)


class Index:
    """Marks that can be asked for a near one without comparing with each."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        """Hold these marks."""
        self._found: dict[frozenset[str], list[tuple[int, Mark]]] = {}
        self._size = 0
        for each in marks:
            self.add(each)

    def add(self, new: Mark) -> None:
        """Hold one more."""
        self._found.setdefault(new.names, []).append((self._size, new))
        self._size += 1

    def has(self, wanted: Mark) -> bool:
        """Whether a near one is held."""
        return next(self.near(wanted), None) is not None

    def near(self, wanted: Mark):
        """The places, in the order of adding, of the near ones."""
        return (i for i, other in self._found.get(wanted.names, ()) if alike(wanted, other))
