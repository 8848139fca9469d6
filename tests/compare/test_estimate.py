"""Means and intervals, with numbers worked out by hand."""

import pytest

from lethe.compare.estimate import Measured, estimate
from lethe.metrics._interval import student, t_quantile


@pytest.mark.parametrize(
    ("freedom", "level", "expected"),
    # Two-sided 95 %, 90 % and 99 %, of the printed tables.
    [(1, 0.975, 12.7062), (2, 0.975, 4.3027), (7, 0.975, 2.3646), (29, 0.975, 2.0452),
     (60, 0.975, 2.0003), (1000, 0.975, 1.9623), (3, 0.95, 2.3534), (5, 0.995, 4.0321)],
)  # fmt: skip
def test_quantiles(freedom, level, expected):
    assert t_quantile(freedom, level) == pytest.approx(expected, abs=5e-5)


def test_over_cases_each_first_averaged_over_its_seeds():
    # Ada 0.5 (of three seeds), Bo 0.7, Cy 0.9: mean 0.7, deviation 0.2, half 4.3027 * 0.2 / sqrt 3.
    found = [Measured("Ada", v, 0, 1, 40) for v in (0.4, 0.5, 0.6)]
    found += [Measured("Bo", 0.7, 0, 1, 30), Measured("Cy", 0.9, 0, 1, 30)]
    one = estimate(found)
    assert one.value == pytest.approx(0.7)
    assert one.low == pytest.approx(0.7 - 0.49683, abs=1e-5)
    assert one.high == 1.0
    assert (one.over, one.runs, one.cases, one.items) == ("cases", 5, 3, 100)


def test_over_the_seeds_of_one_case():
    one = estimate([Measured("Ada", 0.5, 0.1, 0.9, 40), Measured("Ada", 0.6, 0.2, 0.9, 40)])
    half = 12.7062 * 0.05  # the deviation of two values over sqrt 2 is half their distance
    assert (one.value, one.low, one.high) == pytest.approx((0.55, 0.0, min(1, 0.55 + half)))
    assert (one.over, one.runs, one.cases, one.items) == ("seeds", 2, 1, 40)


def test_one_run_has_its_own_interval_if_any():
    one = estimate([Measured("Ada", 0.5, 0.4, 0.6, 40)])
    assert (one.value, one.low, one.high, one.over) == (0.5, 0.4, 0.6, "items")
    one = estimate([Measured("Ada", 12.0)], most=None)
    assert (one.value, one.low, one.high, one.over) == (12.0, None, None, "")


def test_unscored_is_not_zero():
    one = estimate([Measured("Ada", None, unscored="no answers"), Measured("Bo", 0.5, 0.4, 0.6)])
    assert (one.value, one.over, one.runs, one.cases) == (0.5, "items", 1, 1)
    nothing = estimate([Measured("Ada", None, unscored="no answers"), Measured("Bo", None)])
    assert nothing.value is None and nothing.unscored == "no answers"
    assert estimate([]).unscored == "not measured"


def test_what_is_no_share_is_not_cut_off():
    assert estimate([Measured(1, 3.0), Measured(2, 5.0)], None, None).high == pytest.approx(
        4 + 12.7062, abs=1e-3
    )
    assert student([2.0, 2.0]) == (2.0, 2.0)
