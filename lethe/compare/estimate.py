"""One number out of many runs: its mean, and a 95 % interval that says what it covers.

Runs differ in the *case* (what is forgotten) and in the seed. A case is averaged over its seeds
first, so that a case run five times does not count five times.
"""

from collections.abc import Hashable, Sequence
from math import atan, cos, pi, sin, sqrt
from typing import NamedTuple

CASES, SEEDS, ITEMS, NOTHING = "cases", "seeds", "items", ""


class Measured(NamedTuple):
    """What one run says of one quantity."""

    case: Hashable
    value: float | None
    low: float | None = None
    high: float | None = None
    """The run's own 95 % interval, over its items."""
    items: int = 0
    """Test rows that have a value."""
    unscored: str | None = None


class Estimate(NamedTuple):
    """A mean over runs with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    over: str
    """What the interval is taken over: `CASES`, `SEEDS`, `ITEMS`, or `NOTHING` without one."""
    runs: int
    """Runs that have a value."""
    cases: int
    """Their cases."""
    items: int
    """Their test rows; those of a case count once, however many seeds were run."""
    unscored: str | None
    """Why there is no value."""


def estimate(
    found: Sequence[Measured], least: float | None = 0.0, most: float | None = 1.0
) -> Estimate:
    """The mean over cases, each first averaged over its runs, and a 95 % interval.

    Student's t over the cases where there are at least two; else over the runs of the one case;
    else the one run's own interval over its items. Each covers the luck of what it is taken over
    and nothing else. Runs without a value are left out, not counted as zero.

    Args:
        found: One a run.
        least: The interval is cut off below; None leaves it.
        most: And above.

    >>> two = [Measured("Ada", 0.8), Measured("Ada", 0.6), Measured("Bo", 0.9)]
    >>> e = estimate(two)  # Ada 0.7, Bo 0.9; half-width 12.706 * 0.1414 / sqrt(2), cut off
    >>> round(e.value, 6), e.low, e.high, e.over, e.runs, e.cases
    (0.8, 0.0, 1.0, 'cases', 3, 2)
    """
    scored = [one for one in found if one.value is not None]
    if not scored:
        reasons = dict.fromkeys(one.unscored for one in found if one.unscored)
        why = "; ".join(reasons) or "not measured"
        return Estimate(None, None, None, NOTHING, 0, 0, 0, why)
    by_case: dict[Hashable, list[Measured]] = {}
    for one in scored:
        by_case.setdefault(one.case, []).append(one)
    averages = [mean([one.value or 0.0 for one in runs]) for runs in by_case.values()]
    over, (low, high) = _interval(scored, averages)
    low = low if low is None or least is None else max(least, low)
    high = high if high is None or most is None else min(most, high)
    items = sum(max(one.items for one in runs) for runs in by_case.values())
    return Estimate(mean(averages), low, high, over, len(scored), len(by_case), items, None)


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)


def t_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean of at least two values.

    >>> low, high = t_interval([0.7, 0.8, 0.9])  # 0.8 -+ 4.3027 * 0.1 / sqrt(3)
    >>> round(low, 4), round(high, 4)
    (0.5516, 1.0484)
    """
    n, middle = len(values), mean(values)
    variance = sum((value - middle) ** 2 for value in values) / (n - 1)
    half = t_quantile(n - 1) * sqrt(variance / n)
    return middle - half, middle + half


def t_quantile(freedom: int, level: float = 0.975) -> float:
    """The quantile of Student's t distribution, by bisection of its distribution function.

    Args:
        freedom: Degrees of freedom, at least 1.
        level: Between 0.5 and 1; 0.975 for a two-sided 95 %.

    >>> [round(t_quantile(n), 3) for n in (1, 2, 3, 4, 5, 9, 14, 30, 120)]
    [12.706, 4.303, 3.182, 2.776, 2.571, 2.262, 2.145, 2.042, 1.98]
    >>> round(t_quantile(4, 0.95), 3), round(t_quantile(10, 0.995), 3)
    (2.132, 3.169)
    """
    low, high = 0.0, 1.0
    while _within(high, freedom) < 2 * level - 1:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 2 * level - 1 else (low, middle)
    return (low + high) / 2


def _interval(
    scored: Sequence[Measured], averages: Sequence[float]
) -> tuple[str, tuple[float | None, float | None]]:
    if len(averages) > 1:
        return CASES, t_interval(averages)
    if len(scored) > 1:
        return SEEDS, t_interval([one.value or 0.0 for one in scored])
    only = scored[0]
    return (NOTHING if only.low is None else ITEMS), (only.low, only.high)


def _within(t: float, freedom: int) -> float:
    """P(|T| < t), in closed form for whole degrees of freedom (Abramowitz & Stegun 26.7.3-4)."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
