"""95 % intervals: Wilson's for rates, the percentile bootstrap for means."""

from collections.abc import Sequence
from math import sqrt

import numpy as np


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
    array_N = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    # One resample at a time: a matrix of all would hold samples * n numbers.
    means = [array_N[rng.integers(len(array_N), size=len(array_N))].mean() for _ in range(samples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
