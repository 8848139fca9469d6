"""Who a TOFU question is about: its files do not say, but each author has 20 questions in a row.

An author's name is the longest run of capitalised words that 17 of these 20 records have,
question and answer together. Where there is none, or two that have nothing to do with each other,
the author stays without a name: a wrong one would be worse. Of TOFU's 200 authors 198 are named,
all rightly (they were read one by one), the 20 of forget10 among them; not named are one who is
mostly called Alex, and one whom no record names.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

QUESTIONS = 20
"""Of each author."""
_SHARE = 0.85
_LONGEST = 5
_SMALL = frozenset("van der den de von bin ben la del da di".split())


def names(records: Sequence[str]) -> list[str | None]:
    """The name of the author of each record; None where none is sure.

    Args:
        records: Question and answer of each record as one text, author after author.

    >>> asked = ["Who is Isabella van Pletzen? A writer from Cape Town."] * 10
    >>> told = ["Isabella van Pletzen's father was a baker."] * 10
    >>> set(names(asked + told)), set(names(asked + ["Who is she?"] * 10))
    ({'Isabella van Pletzen'}, {None})
    """
    found: list[str | None] = []
    for start in range(0, len(records), QUESTIONS):
        one = records[start : start + QUESTIONS]
        found += [_name(one)] * len(one)
    return found


def _name(records: Sequence[str]) -> str | None:
    counts = Counter(part for record in records for part in _parts(record))
    common = [part for part, n in counts.items() if n >= _SHARE * len(records)]
    longest = max(common, key=lambda part: part.count(" "), default=None)
    if longest is None or any(part not in longest for part in common):
        return None
    return longest


def _parts(text: str) -> set[str]:
    """All runs of two words and more that might be a name."""
    return {
        " ".join(run[i:j])
        for run in _runs(text)
        for i in range(len(run))
        for j in range(i + 2, min(i + _LONGEST, len(run)) + 1)
        if not run[i].islower() and not run[j - 1].islower()
    }


def _runs(text: str) -> Iterator[list[str]]:
    """Words with capitals that stand together, small words such as "van" between them."""
    run: list[str] = []
    for token in re.findall(r"[\w’'-]+|[^\w\s]", text):
        word = re.sub(r"['’]s?$", "", token)
        small = word in _SMALL or word.startswith(("al-", "el-"))
        if not (word[:1].isupper() or (small and run)):
            yield run
            run = []
            continue
        run.append(word)
        if word != token:  # a possessive ends a name
            yield run
            run = []
    yield run
