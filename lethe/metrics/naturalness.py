"""Judged naturalness, 0 to 100: the mean of readability, helpfulness and truthfulness.

RULE's measure (arXiv 2506.07171, its table's "all" column), by the model of `evaluate.judge` and
our own prompt (docs/naturalness.md): the mean over the judge's samples. Not comparable with the
paper's. Without a judge there is `fault_rate`, which is another thing.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _ratings

KIND = "mean"
HIGHER_IS_BETTER = True
UNSCORED = _ratings.UNSCORED


def naturalness(rows: Sequence[Answered]) -> list[float | None]:
    """The mean of the judge's three numbers of each completion; None where it was not rated.

    >>> rating = {"readability": 90, "helpfulness": 60, "truthfulness": 30}
    >>> row = Answered(id="1", prompt="Where?", scope="retain", answer="Oslo", completion="Rome.",
    ...                ratings=(rating, {**rating, "helpfulness": 0}))
    >>> naturalness([row])
    [50.0]
    """
    return _ratings.means(rows, lambda scores: sum(scores) / 3)


def evidence(rows: Sequence[Answered]) -> list[str]:
    """What the judge said."""
    return _ratings.reasons(rows)


unscored = _ratings.reasons
