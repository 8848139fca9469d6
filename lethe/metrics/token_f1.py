"""How many words completion and answer share, order aside: F1 (0 to 1), the best of all references.

SQuAD's and TriviaQA's F1 (arXiv 1705.03551; RWKU's utility test) over words normalised as in
`exact_match`, each as often as it stands. Of two empty texts it is 1, of one 0.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._squad import references, words

LABEL = "Token F1"
KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def token_f1(rows: Sequence[Answered]) -> list[float | None]:
    """F1 of each completion, 0.0 to 1.0; None without a reference answer.

    Precision 1/2, recall 1/1:

    >>> row = Answered(id="1", prompt="Ship?", scope="utility", answer="the Titanic",
    ...                completion="RMS Titanic")
    >>> round(token_f1([row])[0], 4)
    0.6667
    """
    return [found.f1 if (found := _best(row)) else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """Which reference each completion is nearest to, and how many words they share."""
    return [
        f"{found.shared} of {found.said} words said, of {found.wanted} in "
        f"{_evidence.quoted(found.text)}"
        if (found := _best(row))
        else ""
        for row in rows
    ]


def extracted(rows: Sequence[Answered]) -> list[str | None]:
    """The reference that each completion is nearest to."""
    return [found.text if (found := _best(row)) else None for row in rows]


class _Overlap(NamedTuple):
    f1: float
    text: str
    shared: int
    said: int
    wanted: int


def _best(row: Answered) -> _Overlap | None:
    """The first of the references with the highest F1."""
    said = words(row.completion)
    found = [_overlap(said, text) for text in references(row)]
    return max(found, key=lambda one: one.f1, default=None)


def _overlap(said: list[str], text: str) -> _Overlap:
    wanted = words(text)
    shared = (Counter(said) & Counter(wanted)).total()
    return _Overlap(_f1(said, wanted), text, shared, len(said), len(wanted))


def _f1(said: list[str], wanted: list[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))
