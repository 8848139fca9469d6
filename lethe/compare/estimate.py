"""One number out of many runs: its mean, and a 95 % interval that says what it covers.

Runs differ in the *case* (what is forgotten) and in the seed. A case is averaged over its seeds
first, so that a case run five times does not count five times.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from lethe.metrics._interval import student

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


def _interval(
    scored: Sequence[Measured], averages: Sequence[float]
) -> tuple[str, tuple[float | None, float | None]]:
    if len(averages) > 1:
        return CASES, student(averages)
    if len(scored) > 1:
        return SEEDS, student([one.value or 0.0 for one in scored])
    only = scored[0]
    return (NOTHING if only.low is None else ITEMS), (only.low, only.high)
