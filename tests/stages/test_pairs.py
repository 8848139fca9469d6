"""The stream of pairs: a function of (seed, k), and every row once in each pass."""

import pytest

from lethe.stages._pairs import Pairs, Text, place


def texts(letter, count):
    return [Text((ord(letter), i), (i, 2)) for i in range(count)]


def stream(seed=0, count=40, retain=5):
    return Pairs(
        texts("a", 3), texts("r", 3), texts("k", retain) if retain else None, count=count, seed=seed
    )


def test_a_pair_is_a_function_of_seed_and_place():
    first, again, other = stream(), stream(), stream(seed=1)
    whole = [first[k] for k in range(40)]
    assert [again[k] for k in reversed(range(40))] == whole[::-1]
    assert [stream(count=9)[k] for k in range(9)] == whole[:9]
    assert [other[k] for k in range(40)] != whole
    assert len(first) == 40


def test_answer_and_refusal_are_of_the_same_row():
    assert all(pair.answer.prompt[1] == pair.refusal.prompt[1] for pair in map(stream().__getitem__, range(12)))


@pytest.mark.parametrize(("kind", "size"), [("answer", 3), ("retain", 5)])
def test_every_pass_visits_every_row_once(kind, size):
    order = [getattr(stream()[k], kind).prompt[1] for k in range(6 * size)]
    passes = [order[i : i + size] for i in range(0, len(order), size)]
    assert all(sorted(one) == list(range(size)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1, "passes are shuffled anew"


def test_what_a_method_does_not_need_is_not_there():
    alone = Pairs(None, texts("r", 2), None, count=2, seed=0)
    assert [(p.answer, p.retain) for p in map(alone.__getitem__, range(2))] == [(None, None)] * 2
    assert {alone[k].refusal.prompt[1] for k in range(2)} == {0, 1}


def test_both_orders_are_their_own():
    same = Pairs(texts("a", 5), None, texts("k", 5), count=50, seed=0)
    pairs = [(same[k].answer.prompt[1], same[k].retain.prompt[1]) for k in range(50)]
    assert len(set(pairs)) > 10
    assert place("0 f", 7, 5) == pairs[7][0]
