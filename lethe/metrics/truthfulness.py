"""Judged truthfulness of completions, 0 to 100: is anything in them untrue?

One third of RULE's naturalness (arXiv 2506.07171), by the model of `evaluate.judge` and our own
prompt (docs/naturalness.md): the mean over the judge's samples. Not comparable with the paper's.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _ratings

KIND = "mean"
HIGHER_IS_BETTER = True
UNSCORED = _ratings.UNSCORED


def truthfulness(rows: Sequence[Answered]) -> list[float | None]:
    """The judge's truthfulness of each completion, 0 to 100; None where it was not rated.

    >>> rating = {"readability": 90, "helpfulness": 60, "truthfulness": 30}
    >>> row = Answered(id="1", prompt="Where?", scope="retain", answer="Oslo", completion="Rome.",
    ...                ratings=(rating, {**rating, "truthfulness": 50}))
    >>> truthfulness([row])
    [40.0]
    """
    return _ratings.means(rows, lambda scores: scores[2])


def evidence(rows: Sequence[Answered]) -> list[str]:
    """What the judge said."""
    return _ratings.reasons(rows)


unscored = _ratings.reasons
