"""What each batch holds, counted."""

from collections import Counter
from itertools import islice

import pytest

from lethe.stages._sampler import ScopeSampler, draw, shares


def sampler(forget=6, boundary=10, per_step=(2, 3), num_generations=4, repeats=1, seed=0):
    return ScopeSampler(
        range(forget),
        range(100, 100 + boundary),
        per_step=per_step,
        num_generations=num_generations,
        repeats=repeats,
        seed=seed,
    )


def batches(made, size):
    rows = list(made)
    assert len(rows) == len(made) and len(rows) % size == 0
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def stream(made, count):
    """The first `count` rows, over as many epochs as that takes."""
    out, epoch = [], 0
    while len(out) < count:
        made.set_epoch(epoch)
        out += list(islice(made, count - len(out)))
        epoch += 1
    return out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("per_step", [(2, 3), (1, 1), (6, 10), (5, 1), (1, 7)])
def test_every_batch_holds_its_share_of_each_scope_in_groups(per_step, seed):
    made = sampler(per_step=per_step, seed=seed)
    for epoch in range(3):
        made.set_epoch(epoch)
        for batch in batches(made, sum(per_step) * 4):
            groups = [batch[i : i + 4] for i in range(0, len(batch), 4)]
            assert all(len(set(group)) == 1 for group in groups)
            prompts = [group[0] for group in groups]
            assert sum(row < 100 for row in prompts) == per_step[0]
            assert sum(row >= 100 for row in prompts) == per_step[1]


def test_an_epoch_is_one_pass_over_the_scope_that_takes_longest():
    assert len(sampler()) == 3 * 5 * 4  # 6 forget rows by 2 and 10 boundary rows by 3: 3 batches
    assert len(sampler(boundary=30)) == 10 * 5 * 4
    assert len(sampler(forget=2, boundary=3)) == 1 * 5 * 4
    assert len(sampler(repeats=3)) == 3 * 5 * 4 * 3


@pytest.mark.parametrize("forget", [2, 5, 6, 7, 11])
@pytest.mark.parametrize("per_step", [(2, 3), (1, 4)])
def test_every_row_is_drawn_once_before_any_twice(forget, per_step):
    made = sampler(forget=forget, boundary=7, per_step=per_step, num_generations=2)
    rows = stream(made, 2 * sum(per_step) * 60)[::2]
    for pool in ([r for r in rows if r < 100], [r for r in rows if r >= 100]):
        size = forget if pool[0] < 100 else 7
        for start in range(0, len(pool) - size, size):
            assert len(set(pool[start : start + size])) == size
        assert set(pool) == set(pool[:size])


def test_a_batch_is_repeated_for_every_use_of_its_rollouts():
    once = batches(sampler(), 20)
    assert batches(sampler(repeats=3), 20) == [batch for batch in once for _ in range(3)]


def test_equal_seed_and_epoch_are_equal_rows_and_others_are_not():
    made, again = sampler(), sampler()
    first = list(made)
    assert list(made) == first == list(again)
    made.set_epoch(4)
    later = list(made)
    again.set_epoch(9)
    again.set_epoch(4)
    assert list(again) == later != first
    assert list(sampler(seed=1)) != first


def test_epochs_go_on_where_the_one_before_ended():
    made, rows = sampler(), []
    for epoch in range(4):
        made.set_epoch(epoch)
        rows += list(made)
    assert rows == [row for i in range(12) for row in made.batch(i) for _ in range(4)]
    # A trainer that resumes sets the epoch and skips what it has seen of it.
    fresh = sampler()
    fresh.set_epoch(2)
    assert list(islice(fresh, 20, None)) == rows[2 * 60 + 20 : 3 * 60]


def test_the_two_scopes_are_not_shuffled_alike():
    made = sampler(forget=20, boundary=20, per_step=(20, 20), num_generations=1)
    rows = list(made)
    assert rows[:20] != [row - 100 for row in rows[20:]]


def test_orders_differ_between_passes():
    passes = [tuple(draw(range(8), 8, i, "k")) for i in range(6)]
    assert len(set(passes)) == 6 and {frozenset(p) for p in passes} == {frozenset(range(8))}


def test_positions_are_shared_out_evenly():
    firsts = Counter(draw(range(5), 1, 5 * i, "k")[0] for i in range(2000))
    assert all(abs(n - 400) < 4 * (2000 * 0.2 * 0.8) ** 0.5 for n in firsts.values())


@pytest.mark.parametrize(
    ("prompts", "fraction", "expected"),
    [(32, 0.5, (16, 16)), (8, 0.2, (2, 6)), (2, 0.5, (1, 1)), (3, 0.3, (1, 2)), (4, 0.1, (0, 4))],
)
def test_shares(prompts, fraction, expected):
    assert shares(prompts, fraction) == expected
