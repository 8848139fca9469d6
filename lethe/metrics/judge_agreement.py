"""How far the judge's samples of one answer agree: Krippendorff's alpha for interval data.

1 - D_o / D_e (Krippendorff, Content Analysis, 2004, chapter 11): D_o is the mean squared
difference of two samples of one answer, D_e of any two samples. 1: the samples of an answer are
alike; 0: no more alike than those of different answers, so that the numbers tell none from another.
What is compared is naturalness, the mean of a sample's three numbers; the note has alpha of each,
and how many points two samples of an answer are apart on average. Samples of one model share its
errors: agreement is not correctness.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from lethe.data import Answered
from lethe.metrics._measure import Total
from lethe.metrics._ratings import UNSCORED, Number, reasons

KIND = "whole"
HIGHER_IS_BETTER = True

_NUMBERS: dict[str, Number] = {
    "readability": lambda scores: scores[0],
    "helpfulness": lambda scores: scores[1],
    "truthfulness": lambda scores: scores[2],
}


def judge_agreement(rows: Sequence[Answered], reference: Sequence[Answered] | None = None) -> Total:
    """Agreement over all rows with two rated samples or more.

    >>> def row(name, *all_three):
    ...     same = ({k: x for k in _NUMBERS} for x in all_three)
    ...     return Answered(id=name, prompt="?", scope="retain", completion="", ratings=(*same,))
    >>> found = judge_agreement([row("a", 80, 90), row("b", 20, 30)])
    >>> round(found.value, 4), found.n  # 1 - 100 / (29600 / 12)
    (0.9595, 2)
    """
    samples = [[one.scores for one in row.ratings if one.scores] for row in rows]
    samples = [found for found in samples if len(found) > 1]
    if not samples:
        return Total(None, unscored=_lacking(rows))
    means = [[sum(scores) / 3 for scores in found] for found in samples]
    value = alpha(means)
    if value is None:
        return Total(None, unscored="every rating is the same: nothing to tell agreement from")
    single = {
        name: alpha([[number(scores) for scores in found] for found in samples])
        for name, number in _NUMBERS.items()
    }
    told = ", ".join(f"{k} {'-' if one is None else f'{one:.2f}'}" for k, one in single.items())
    most = max(map(len, samples))
    note = f"samples per answer: {most}; {spread(means):.1f} points apart; {told}"
    return Total(value, len(samples), note=note)


def alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Krippendorff's alpha for interval data.

    Args:
        units: The values of each unit, two at least.

    Returns:
        At most 1; None where all values are the same.

    >>> alpha([[80, 90], [20, 30]]), alpha([[1, 1], [1, 1]]), alpha([[1, 2], [2, 1]])
    (0.9594594594594594, None, -0.5)
    """
    values = [value for unit in units for value in unit]
    expected = 2 * _squares(values) / (len(values) - 1)
    observed = sum(2 * len(u) / (len(u) - 1) * _squares(u) for u in units) / len(values)
    return 1 - observed / expected if expected else None


def spread(units: Sequence[Sequence[float]]) -> float:
    """The mean absolute difference of two values of one unit, over all such pairs.

    >>> spread([[80, 90], [20, 50]])
    20.0
    """
    gaps = [abs(a - b) for unit in units for a, b in combinations(unit, 2)]
    return sum(gaps) / len(gaps)


def _squares(values: Sequence[float]) -> float:
    """The sum of squared deviations from the mean; exactly 0 where all are the same."""
    if min(values) == max(values):
        return 0.0
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)


def _lacking(rows: Sequence[Answered]) -> str:
    """Why there is nothing to compare."""
    rated = [row for row in rows if row.ratings]
    if any(one.scores for row in rated for one in row.ratings):
        return "one sample per answer: set evaluate.judge.samples to 2 or more"
    return Counter(reasons(rated)).most_common(1)[0][0] if rated else UNSCORED
