import numpy as np
import pytest

from lethe.metrics._interval import bootstrap, wilson


def test_wilson_textbook():
    # Newcombe 1998 (Statistics in Medicine 17), table I, method 3: score without correction.
    assert wilson(81, 263, z=1.959964) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148, z=1.959964) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20, z=1.959964) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29, z=1.959964) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_wilson_at_the_ends():
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0
    low, high = wilson(7, 7)
    assert (low, high) == pytest.approx((1 - wilson(0, 7)[1], 1.0))


def test_bootstrap():
    values = np.random.default_rng(3).random(200).tolist()
    low, high = bootstrap(values)
    assert (low, high) == bootstrap(values)
    assert (low, high) != bootstrap(values, seed=1)
    # Close to the normal interval: mean +- 1.96 sd / sqrt(n).
    half = 1.96 * float(np.std(values)) / 200**0.5
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=0.006)
    assert bootstrap([0.3]) == (0.3, 0.3)
