"""What is done to a batch of rollouts before it is trained on, on batches made by hand."""

import torch

from lethe.stages._choice import Choice
from lethe.stages._rollouts import Rolled, Roller, flat, members, total

NAN = float("nan")
ROWS = [{"id": f"f{i}", "scope": "forget"} for i in range(3)]
ROWS += [{"id": f"b{i}", "scope": "boundary", "entity": str(i)} for i in range(5)]


def rolled(numbers, rewards):
    """Groups of two of these rows, with these rewards; the text says row and member."""
    rows = [ROWS[i] for i in numbers for _ in range(2)]
    texts = [f"{row['id']}.{i % 2}" for i, row in enumerate(rows)]
    ids = [[len(text), i] for i, text in enumerate(texts)]
    extra = [{"seen": text} for text in texts]
    return Rolled(rows, ids, ids, texts, None, torch.tensor(rewards)[:, None], extra)


def roller(adaptive=False):
    index = {row["id"]: i for i, row in enumerate(ROWS)}
    return Roller(Choice(ROWS, adaptive=adaptive, seed=0), index, 2, torch.tensor([1.0]))


def test_totals_skip_what_is_not_said():
    rewards = torch.tensor([[1.0, NAN, 2.0], [NAN, NAN, NAN], [0.0, -1.0, NAN]])
    found = total(rewards, torch.tensor([1.0, 0.5, 0.25])).tolist()
    assert found[0] == 1.5 and found[1] != found[1] and found[2] == -0.5


def test_flat_groups_and_their_members():
    totals = torch.tensor([0.0, 0.0, 0.0, 1.0, NAN, NAN, NAN, 0.5])
    assert flat(totals, 2) == [0, 2, 3]
    assert members([1, 3], 2) == [2, 3, 6, 7]


def test_rollouts_are_put_in_the_place_of_others():
    first, second = rolled([0, 3], [0.0, 0, 1, 1]), rolled([5], [0.5, 0.25])
    found = first.put([2, 3], second)
    assert found.completions == ["f0.0", "f0.1", "b2.0", "b2.1"]
    assert [row["id"] for row in found.rows] == ["f0", "f0", "b2", "b2"]
    assert found.rewards_BR[:, 0].tolist() == [0, 0, 0.5, 0.25]
    assert found.extra[3] == {"seen": "b2.1"} and found.logprobs is None
    assert found.completion_ids == first.completion_ids[:2] + second.completion_ids
    assert first.completions == ["f0.0", "f0.1", "b0.0", "b0.1"]  # a copy
    assert found.take([3, 0]).completions == ["b2.1", "f0.0"]


def test_dead_groups_give_their_place_to_live_ones_of_their_scope():
    batch = rolled([0, 1, 3, 4], [0.0, 1, 1, 1, 0, 0, 1, 1])  # 1, 3 and 4 are dead
    asked = []

    def roll(numbers, number):
        asked.append((numbers, number))
        pay = {2: [0.0, 1.0], 5: [1.0, 1.0], 6: [0.0, 0.5], 7: [0.5, 0.0]}
        return rolled(numbers, [reward for row in numbers for reward in pay[row]])

    found = roller().resample(batch, 3, "7", roll)
    ids = [row["id"] for row in found.rows[::2]]
    assert ids[:2] == ["f0", "f2"]  # the only other forget row
    assert set(ids[2:]) <= {"b3", "b4"} and len(set(ids)) == 4
    assert not flat(found.rewards_BR[:, 0], 2)
    rolled_out = [row for numbers, _ in asked for row in numbers]
    assert len(rolled_out) == len(set(rolled_out)), "nothing is tried twice"
    assert [number for _, number in asked] == list(range(1, len(asked) + 1))
    again = roller().resample(batch, 3, "7", roll)
    assert again.completions == found.completions


def test_without_dead_groups_or_other_rows_nothing_is_rolled():
    def roll(numbers, number):
        raise AssertionError(numbers)

    live = rolled([0, 3], [0.0, 1, 0, 1])
    assert roller().resample(live, 2, "0", roll) is live
    dead = rolled([0, 1, 2], [1.0] * 6)
    assert roller().resample(dead, 2, "0", roll) is dead


def test_one_round_only_when_one_is_asked_for():
    rounds = []

    def roll(numbers, number):
        rounds.append(number)
        return rolled(numbers, [0.0] * 2 * len(numbers))

    batch = rolled([3], [0.0, 0.0])
    assert roller().resample(batch, 1, "0", roll).completions == batch.completions
    assert rounds == [1]


def test_the_choice_hears_of_every_group():
    made = roller(adaptive=True)
    made.observe(rolled([0, 3], [0.0, 1, 1, NAN]))
    assert made.choice.paid == {"0": 0.5, "f f0": 0.5, "3": 1.0, "b 0": 1.0}
    made.observe(rolled([4], [NAN, NAN]))
    assert "4" not in made.choice.paid


def test_a_reply_is_shown_where_all_fail_alike_and_it_earns_more():
    batch = rolled([0, 1, 3, 4], [0.0, 0, 1, 1, 0, 1, -1, -1])  # the third group is alive

    def show(asked):
        assert asked.completions == ["f0.1", "f1.1", "b1.1"]  # the last of each flat group
        gained = torch.tensor([[1.0], [1.0], [0.5]])
        return asked._replace(completions=["No."] * 3, rewards_BR=gained)

    found, shown = roller().guide(batch, show)
    assert shown.tolist() == [False, True, False, False, False, False, False, True]
    assert found.completions[1] == found.completions[7] == "No."
    assert found.completions[3] == "f1.1"  # right already
    assert found.rewards_BR[:, 0].tolist() == [0, 1, 1, 1, 0, 1, -1, 0.5]
    assert batch.completions[1] == "f0.1"
