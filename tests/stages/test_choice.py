"""Which prompts are drawn, counted."""

import json
from collections import Counter

import pytest

from lethe.stages._choice import FLOOR, Choice, weighted

ROWS = [
    {"id": "f0", "scope": "forget"},
    {"id": "f1", "scope": "forget", "entity": None},
    {"id": "a0", "scope": "boundary", "entity": "Ada"},
    {"id": "a1", "scope": "boundary", "entity": "Ada"},
    {"id": "c0", "scope": "retain", "entity": "Cy"},
    {"id": "c1", "scope": "boundary", "entity": "Cy"},
]


def choice(adaptive=True, seed=0):
    return Choice(ROWS, adaptive=adaptive, seed=seed)


def test_at_first_all_rows_are_equal():
    assert [choice().lack(i) for i in range(6)] == [0.5] * 6


def test_what_is_lacking_by_hand():
    made = choice()
    for row, reward in [(2, 0.0), (4, 1.0), (2, 0.5)]:
        made.observe(row, reward)
    # Ada, and a0: 0, then halfway to .5 = .25. Cy: 1. The scope reaches from 0 to 1.
    assert made.lack(2) == pytest.approx(0.75)
    assert made.lack(3) == pytest.approx(0.75)  # never seen: as Ada
    assert made.lack(4) == made.lack(5) == 0
    made.observe(3, 1.0)
    # Ada is halfway to 1 = .625; a1's own is 1: mean .8125; a0's own .25: mean .4375.
    assert (made.lack(3), made.lack(2)) == pytest.approx((0.1875, 0.5625))
    assert made.lack(0) == 0.5  # nothing is known of the other side


def test_a_scope_in_which_all_are_paid_alike_is_drawn_from_alike():
    made = choice()
    for row in (2, 4):
        made.observe(row, 0.7)
    assert [made.lack(i) for i in (2, 3, 4, 5)] == [0.5] * 4


def test_draws_follow_the_weights():
    made = choice()
    made.observe(2, 0.0)
    made.observe(4, 1.0)
    first = Counter(made.draw("b", 1, str(step))[0] for step in range(4000))
    share = (1 + FLOOR) / (2 + 4 * FLOOR)
    assert first[2] / 4000 == pytest.approx(share, abs=0.03)
    assert first[5] / 4000 == pytest.approx(FLOOR / (2 + 4 * FLOOR), abs=0.02)
    plain = choice(adaptive=False)
    plain.observe(2, 0.0)
    even = Counter(plain.draw("b", 1, str(step))[0] for step in range(4000))
    assert all(even[row] / 4000 == pytest.approx(0.25, abs=0.03) for row in (2, 3, 4, 5))


def test_a_draw_holds_different_rows_of_its_side_and_none_that_are_excluded():
    made = choice()
    assert sorted(made.draw("b", 9, "k")) == [2, 3, 4, 5]
    assert sorted(made.draw("f", 2, "k")) == [0, 1]
    assert sorted(made.draw("b", 3, "k", without={2, 5})) == [3, 4]


def test_draws_are_a_function_of_seed_key_and_state():
    made, again, other = choice(), choice(), choice(seed=1)
    made.observe(2, 0.0)
    made.observe(4, 1.0)
    again.restore(json.loads(json.dumps(made.state())))
    other.restore(made.state())
    keys = [str(i) for i in range(40)]
    drawn = [made.draw("b", 2, key) for key in keys]
    assert [again.draw("b", 2, key) for key in keys] == drawn
    assert [other.draw("b", 2, key) for key in keys] != drawn
    assert len({tuple(rows) for rows in drawn}) > 3
    for each in (made, again):
        each.observe(3, 0.3)
    assert again.state() == made.state()


def test_more_of_a_heavy_member_without_putting_back():
    found = Counter(row for i in range(3000) for row in weighted([0, 1, 2], [2, 1, 1], 2, str(i)))
    # In of the first two: 1/2 + 2 x 1/4 x 2/3 for the heavy one.
    assert found[0] / 3000 == pytest.approx(5 / 6, abs=0.03)
    assert found[1] / 3000 == pytest.approx(7 / 12, abs=0.03)
