"""95 % intervals: Wilson's for rates, the bootstrap for means of rows, Student's of few numbers."""

from collections.abc import Sequence
from math import atan, cos, pi, sin, sqrt


def wilson(hits: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of the rate hits / n (Wilson 1927).

    Args:
        hits: how many of the items.
        n: number of items, at least 1.
        z: standard normal quantile; 1.96 for 95 %.

    >>> tuple(round(bound, 4) for bound in wilson(8, 10))
    (0.4902, 0.9433)
    """
    rate = hits / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 and 1 the bound is exact; rounding would leave it a hair outside the rate.
    return (0.0 if hits == 0 else centre - half, 1.0 if hits == n else centre + half)


def bootstrap(values: Sequence[float], seed: int = 0, samples: int = 1000) -> tuple[float, float]:
    """Percentile bootstrap of the mean: 2.5th and 97.5th percentile of resampled means.

    Args:
        values: at least one.
        seed: of the resampling; the same seed gives the same interval.
        samples: number of resamples.

    >>> bootstrap([0.5, 0.5, 0.5])
    (0.5, 0.5)
    """
    import numpy as np  # here: whoever types a wrong key need not wait for it

    array_N = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    # One resample at a time: a matrix of all would hold samples * n numbers.
    means = [array_N[rng.integers(len(array_N), size=len(array_N))].mean() for _ in range(samples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def student(values: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean of at least two values.

    >>> low, high = student([0.7, 0.8, 0.9])  # 0.8 -+ 4.3027 * 0.1 / sqrt(3)
    >>> round(low, 4), round(high, 4)
    (0.5516, 1.0484)
    """
    n, middle = len(values), sum(values) / len(values)
    variance = sum((value - middle) ** 2 for value in values) / (n - 1)
    half = t_quantile(n - 1) * sqrt(variance / n)
    return middle - half, middle + half


def of_mean(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """95 % interval of the mean of values that have intervals: the root of their halves' squares.

    Args:
        parts: Each value with the ends of its interval; at least one.

    >>> low, high = of_mean([(0.5, 0.2, 0.5), (0.7, 0.3, 0.8)])  # 0.6 - sqrt(.09 + .16) / 2
    >>> round(low, 4), round(high, 4)
    (0.35, 0.65)
    """
    k, middle = len(parts), sum(value for value, _, _ in parts) / len(parts)
    down = sqrt(sum((value - low) ** 2 for value, low, _ in parts)) / k
    up = sqrt(sum((high - value) ** 2 for value, _, high in parts)) / k
    return middle - down, middle + up


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
