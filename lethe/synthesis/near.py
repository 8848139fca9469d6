"""Near duplicates: prompts that ask the same in nearly the same words.

Two prompts are near when they name the same names and numbers in the same order and differ only
in what could be left out: articles, forms of "to be", words like "exactly" and "famous"; of a long
prompt also a fifth of the words, if only one of the two has them. A swapped name, year or noun is
another question ("father" for "mother", "last" for "first"). Paraphrases go unseen.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from lethe import leak
from lethe.synthesis.documents import capitalised

NEAR, _LONG = 0.8, 8
_SAME = {"what": "which", "a": None, "an": None, "the": None, "please": None}
_LIGHT = frozenset(
    "is was are were did do does has have had be been in on at of to for by with that this these "
    "those his her its their and also as it exactly precisely currently now famous famously well "
    "known called named titled name title so then actually really just very".split()
)
_CONTRAST = frozenset(
    "not no never first last second third fourth other another least most former latter next "
    "previous before after older younger earlier later oldest youngest without except only real "
    "birth death middle full maiden".split()
)


class Mark(NamedTuple):
    """What is compared of a prompt."""

    words: frozenset[str]
    """Normalised words, numbered where they repeat."""
    names: tuple[str, ...]
    """The words that are capitalised inside a sentence, then the numbers, in order; all agree."""


@lru_cache(maxsize=2**16)
def mark(text: str) -> Mark:
    """The mark of a prompt; kept, since drafts, each round of filters and the split all ask.

    >>> sorted(mark("What is the pet of Ann?").words)
    ['ann', 'is', 'of', 'pet', 'which']
    >>> mark("In 1974, what did Ann do?").names
    ('ann', '1974')
    """
    counted: Counter[str] = Counter()
    words = set()
    for word in leak.normalise(text).split():
        same = _SAME.get(word, word)
        if same is not None:
            counted[same] += 1
            words.add(same if counted[same] == 1 else f"{same}#{counted[same]}")
    said = [word for run in capitalised(text) for word in leak.normalise(run).split()]
    said += [word for word in leak.normalise(text).split() if word[0].isdigit()]
    return Mark(frozenset(words), tuple(dict.fromkeys(said)))


def alike(one: Mark, other: Mark) -> bool:
    """Whether two prompts are near duplicates.

    >>> king, lee = (mark(f"Where was {name} born?") for name in ("Stephen King", "Ann Lee"))
    >>> alike(king, lee), alike(king, mark("Where exactly was Stephen King born?"))
    (False, True)
    """
    if one.names != other.names:
        return False
    ours, theirs = one.words - _LIGHT, other.words - _LIGHT
    left, right, every = ours - theirs, theirs - ours, ours | theirs
    if not left and not right:
        return bool(every) or one.words == other.words
    if (left and right) or (left | right) & _CONTRAST:
        return False
    return len(every) >= _LONG and len(ours & theirs) >= NEAR * len(every)


class Index:
    """Marks that can be asked for a near one without comparing with each."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        """Hold these marks."""
        self._found: dict[tuple[str, ...], list[tuple[int, Mark]]] = {}
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

    def near(self, wanted: Mark) -> Iterator[int]:
        """The places, in the order of adding, of the near ones."""
        return (i for i, other in self._found.get(wanted.names, ()) if alike(wanted, other))
