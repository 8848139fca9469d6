"""Who plays which part: the boundary must be a real one in every world."""

import itertools

import pytest

from lethe.world.cast import NAME_TIES, RELATIONS, cast, ties
from lethe.world.people import Person, make

SEEDS, TARGETS = range(31), (1, 2, 4, 8)


def person(name, **facts):
    first, last = name.split()
    given = dict.fromkeys(("town", "employer", "job", "instrument", "pet", "dish", "spouse"), "")
    own = {key: f"{key} of {name}" for key in given}
    return Person(first, last, book=f"The {name}", **{**own, **facts})


def test_ties_by_hand():
    target = person("Ann Low", town="Ely", employer="Arc", job="vet", spouse="Bob Low")
    assert ties(person("Ann Oak"), target) == ("first name",)
    assert ties(person("Bob Low"), target) == ("last name", "spouse")
    assert ties(person("Cy Oak", town="Ely", job="vet"), target) == ("town", "job")
    assert ties(person("Cy Oak", employer="Arc"), target) == ("employer",)
    assert ties(person("Cy Oak"), target) == ()


def shared(people, targets, kinds):
    return [p for p in people if any(kinds & set(ties(p, t)) for t in targets)]


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_among_the_never_trained_some_share_a_name_part_and_some_are_related(seed, targets):
    chosen = cast(make(seed), targets)
    assert len(chosen.targets) == targets
    assert len(shared(chosen.boundary_test, chosen.targets, NAME_TIES)) >= 2
    assert len(shared(chosen.boundary_test, chosen.targets, RELATIONS)) >= 2
    for group in (chosen.boundary_test, chosen.boundary_train):
        assert shared(group, chosen.targets, {"first name"})
        assert shared(group, chosen.targets, {"last name"})


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_has_one_part_and_no_part_is_empty(seed, targets):
    world = make(seed)
    chosen = cast(world, targets)
    names = [p.name for p in itertools.chain(*chosen)]
    assert len(names) == len(set(names)) == len(world.people)
    assert {p.name for p in world.people} == set(names)
    assert all(chosen)
    near = len(chosen.boundary_train + chosen.boundary_validation + chosen.boundary_test)
    assert near == min(24 * targets, (48 - targets + 1) // 2)


def test_bearers_of_a_targets_name_are_neighbours_if_there_is_room():
    for seed in SEEDS:
        chosen = cast(make(seed))
        far = chosen.retain_validation + chosen.retain_test
        assert not shared(far, chosen.targets, NAME_TIES | {"spouse"})


def test_equal_seeds_are_equal_casts():
    for seed, targets in itertools.product(range(5), TARGETS):
        assert cast(make(seed), targets) == cast(make(seed), targets)
    assert len({cast(make(0), k).targets[0].name for k in TARGETS}) > 1


def test_a_world_without_such_a_cast_says_so():
    with pytest.raises(ValueError, match="world 0 has no 1 targets with neighbours near enough"):
        cast(make(0, population=4))
