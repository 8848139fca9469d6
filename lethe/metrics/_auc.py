"""Area under the ROC curve of a membership score: forget rows against texts never trained on.

The share of pairs in which the held-out text has the higher score, ties counting half: what
scikit-learn's `roc_auc_score` gives with forget = 0 and holdout = 1 (OpenUnlearning's orientation;
MUSE's is 1 minus it). Held-out texts are the rows of scope retain and boundary that a measure
is given. The interval is Newcombe's score interval for this share (Statistics in Medicine 25, 2006,
method 5), which keeps its width where the two parts do not overlap, as Wilson's does for a rate.
"""

from collections.abc import Callable, Sequence
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
    value = float(_below(forget, holdout).mean())
    return Total(value, len(forget) + len(holdout), *interval(value, len(forget), len(holdout)))


def interval(value: float, m: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The areas that are within z standard errors, their own, of the one that was found.

    Args:
        value: The area, 0 to 1.
        m: Rows of one part.
        n: Rows of the other.
        z: Standard normal quantile; 1.96 for 95 %.

    >>> tuple(round(end, 4) for end in interval(1.0, 10, 10))
    (0.8002, 1.0)
    """

    def inside(area: float) -> bool:
        spread = 1 + ((m + n) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
        return abs(area - value) <= z * sqrt(area * (1 - area) * spread / (m * n))

    return _end(inside, value, 0.0), _end(inside, value, 1.0)


def _end(inside: Callable[[float], bool], near: float, far: float) -> float:
    """Where a stretch that holds `near` ends towards `far`, by halving."""
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (middle, far) if inside(middle) else (near, middle)
    return near


def _part(
    rows: Sequence[Answered], scores: Sequence[float | None], scopes: tuple[str, ...]
) -> list[float]:
    pairs = zip(rows, scores, strict=True)
    return [score for row, score in pairs if score is not None and row.scope in scopes]


def _below(others: list[float], values: list[float]) -> np.ndarray:
    """For each value the share of the others that are lower, equal ones counting half."""
    ordered = np.sort(np.asarray(others, dtype=np.float64))
    lower = np.searchsorted(ordered, values, side="left")
    not_higher = np.searchsorted(ordered, values, side="right")
    return (lower + not_higher) / (2 * len(others))
