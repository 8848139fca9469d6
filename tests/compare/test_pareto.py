"""The front and the area, worked out on paper."""

import pytest

from lethe.compare.pareto import Point, area, front, harmonic


def test_area_of_one_point():
    assert area([Point(0.8, 0.5)], 0.4) == pytest.approx(0.2)  # 0.4 wide, 0.5 high
    assert area([Point(0.8, 0.5)], 0.8) == 0.0
    assert area([Point(0.8, 0.5)], 0.9) == 0.0
    assert area([Point(1.0, 1.0)], 0.0) == 1.0
    assert area([], 0.4) == 0.0


def test_area_of_a_curve():
    # Above 0.5: 0.1 * 0.9 up to 0.6, then 0.3 * 0.4 up to 0.9; the third point is dominated.
    points = [Point(0.9, 0.4), Point(0.6, 0.9), Point(0.55, 0.3)]
    assert area(points, 0.5) == pytest.approx(0.09 + 0.12)
    assert area(points[::-1], 0.5) == pytest.approx(0.21)
    # A point below the floor adds nothing.
    assert area([*points, Point(0.45, 1.0)], 0.5) == pytest.approx(0.21)


def test_rules_own_table():
    # arXiv 2506.07171, RWKU: 1 - ROUGE recall against retain, of three optimizers.
    rule = [Point(0.737, 0.723), Point(0.739, 0.726), Point(0.642, 0.774)]
    above = {0.4: 0.242 * 0.774 + 0.097 * 0.726, 0.7: 0.039 * 0.726}
    for floor, expected in above.items():
        assert area(rule, floor) == pytest.approx(expected)


def test_front():
    points = [Point(1.0, 0.0), Point(0.9, 0.8), Point(0.9, 0.7), Point(0.5, 0.8), Point(0.4, 0.9)]
    assert front(points) == [0, 1, 4]
    assert front([]) == []


def test_harmonic_mean():
    assert harmonic(0.5, 1.0) == pytest.approx(2 / 3)
    assert harmonic(0.0, 1.0) == 0.0
