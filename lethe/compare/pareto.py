"""What forgetting costs: the Pareto front of settings, and the area above a retain floor.

A point is (retain, forget), each a share from 0 to 1 where higher is better.
"""

from collections.abc import Sequence
from typing import NamedTuple

FLOORS = (0.4, 0.5, 0.6, 0.7)
"""The floors of RULE (arXiv 2506.07171)."""


class Point(NamedTuple):
    """How much is kept and how much is forgotten; 1 is best of both."""

    retain: float
    forget: float


def front(points: Sequence[Point]) -> list[int]:
    """The places of the points that no other beats: as good in both and better in one.

    >>> front([Point(0.9, 0.5), Point(0.8, 0.9), Point(0.7, 0.9), Point(0.9, 0.5)])
    [0, 1, 3]
    """
    return [
        i
        for i, one in enumerate(points)
        if not any(
            other.retain >= one.retain and other.forget >= one.forget and other != one
            for other in points
        )
    ]


def area(points: Sequence[Point], floor: float) -> float:
    """The area that a method's points dominate above a retain floor.

    That is the integral over r, from the floor to 1, of the most that is forgotten by a point
    retaining at least r. It is between 0 and 1 - floor.

    RULE (arXiv 2506.07171) reports such an area and does not print its formula. Its value for RULE
    is .269 at each of the floors .4 to .7; an area above a floor shrinks as the floor rises, so
    its numbers are of another kind and cannot be compared with these. Of its table's own three
    RULE points (forget: 1 - ROUGE recall) this function makes:

    >>> rule = [Point(0.737, 0.723), Point(0.739, 0.726), Point(0.642, 0.774)]
    >>> [round(area(rule, floor), 3) for floor in FLOORS]
    [0.258, 0.18, 0.103, 0.028]

    Args:
        points: Of one method, such as its settings in a sweep.
        floor: From 0 to 1.
    """
    total, edge = 0.0, floor
    for retain in sorted({point.retain for point in points if point.retain > floor}):
        best = max(point.forget for point in points if point.retain >= retain)
        total += (retain - edge) * best
        edge = retain
    return total


def harmonic(one: float, other: float) -> float:
    """The harmonic mean: high only where both are.

    >>> harmonic(1.0, 0.5), harmonic(0.0, 0.0)
    (0.6666666666666666, 0.0)
    """
    return 2 * one * other / (one + other) if one + other > 0 else 0.0
