"""No text that a person would call wrong is paid, but for those that docs/refusal.md owns to."""

import sys
from pathlib import Path

import pytest

from lethe.stages.rebo import Config


@pytest.fixture
def adversary(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import adversary

    yield adversary
    sys.modules.pop("adversary", None)


def test_the_default_pays_only_for_what_is_owned_to(adversary):
    finds, tried = adversary.search(Config().rewards, climbs=4, steps=30, seed=0)
    assert tried > 30_000
    told = [find for find in finds if "told" in find.hack or "coded" in find.hack]
    assert told == []
    owned = {"noise"}  # "It is a My knowledge does not cover that"
    other = [
        find
        for find in finds
        if find.hack not in owned and not ("wrong" in find.hack and find.case.scope == "forget")
    ]
    assert other == []
    assert len(finds) < 30


def test_the_search_finds_what_the_released_reward_pays(adversary):
    finds, _ = adversary.search({"released_rwku": 1.0}, climbs=1, steps=10, seed=0)
    assert len(finds) > 5_000
    assert {find.case.scope for find in finds} == {"forget", "boundary"}
    text = "I don't know, Stephen King"
    case = adversary.FORGET[0]
    assert adversary.pay({"released_rwku": 1.0}, case, text) == 1.0
    assert adversary.pay(Config().rewards, case, text) <= 0.0


def test_right_texts_are_paid(adversary):
    for case in adversary.FORGET + adversary.BOUNDARY:
        assert adversary.pay(Config().rewards, case, adversary.right(case)) == pytest.approx(1.0)


def test_the_same_seed_finds_the_same(adversary):
    runs = [
        adversary.climb(Config().rewards, adversary.FORGET[0], adversary.random.Random(3), 20)
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
