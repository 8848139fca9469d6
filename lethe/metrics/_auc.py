"""Area under the ROC curve of a membership score: forget rows against texts never trained on.

The share of pairs in which the held-out text has the higher score, ties counting half: what
scikit-learn's `roc_auc_score` gives with forget = 0 and holdout = 1 (OpenUnlearning's orientation;
MUSE's is 1 minus it). Held-out texts are the rows of scope retain and boundary that a measure
is given. The interval is DeLong's (1988), cut off at 0 and 1; where the two parts do not overlap it
has no width, which is not certainty.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from lethe.data import Answered
from lethe.metrics._measure import Total

MISSING = "needs scored forget rows and scored retain or boundary rows, as held-out texts"


def auc(rows: Sequence[Answered], scores: Sequence[float | None]) -> Total:
    """AUC of scores that are low where the model knows a text; `n` counts both parts.

    >>> rows = [Answered(id=str(i), prompt="", scope=scope, completion="")
    ...         for i, scope in enumerate(["forget", "forget", "retain", "retain"])]
    >>> auc(rows, [1.0, 2.0, 2.0, 3.0]).value
    0.875
    """
    forget = _part(rows, scores, ("forget",))
    holdout = _part(rows, scores, ("retain", "boundary"))
    if not forget or not holdout:
        return Total(None, unscored=MISSING)
    return Total(*_area(forget, holdout))


def _part(
    rows: Sequence[Answered], scores: Sequence[float | None], scopes: tuple[str, ...]
) -> list[float]:
    pairs = zip(rows, scores, strict=True)
    return [score for row, score in pairs if score is not None and row.scope in scopes]


def _area(
    forget: list[float], holdout: list[float]
) -> tuple[float, int, float | None, float | None]:
    """Value, number of rows, and the ends of the interval."""
    above_N = 1 - _below(holdout, forget)
    below_M = _below(forget, holdout)
    value, n = float(below_M.mean()), len(forget) + len(holdout)
    if min(len(forget), len(holdout)) < 2:
        return value, n, None, None
    variance = above_N.var(ddof=1) / len(forget) + below_M.var(ddof=1) / len(holdout)
    half = 1.96 * sqrt(variance)
    return value, n, max(0.0, value - half), min(1.0, value + half)


def _below(others: list[float], values: list[float]) -> np.ndarray:
    """For each value the share of the others that are lower, equal ones counting half."""
    ordered = np.sort(np.asarray(others, dtype=np.float64))
    lower = np.searchsorted(ordered, values, side="left")
    not_higher = np.searchsorted(ordered, values, side="right")
    return (lower + not_higher) / (2 * len(others))
