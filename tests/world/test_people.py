"""The people of a world, counted."""

from collections import Counter

import pytest

from lethe.world.people import ATTRIBUTES, FIRST, LAST, make

SEEDS = range(31)


def test_equal_seeds_are_equal_worlds_and_others_are_not():
    assert all(make(seed) == make(seed) for seed in SEEDS)
    assert len({make(seed).people for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_of_48(seed):
    world = make(seed)
    names = [person.name for person in world.people]
    assert len(names) == 48 == len(set(names))
    assert len({person.book for person in world.people}) == 48
    assert len(set(world.towns)) == 10 and len(set(world.companies)) == 8
    for person in world.people:
        assert person.town in world.towns and person.employer in world.companies
        assert person.first in FIRST and person.last in LAST
        assert all(getattr(person, attribute) for attribute in ATTRIBUTES)


@pytest.mark.parametrize("seed", SEEDS)
def test_marriage_is_mutual_and_everyone_is_married_to_another(seed):
    people = {person.name: person for person in make(seed).people}
    for person in people.values():
        assert person.spouse != person.name
        assert people[person.spouse].spouse == person.name


@pytest.mark.parametrize("seed", SEEDS)
def test_every_name_part_belongs_to_several_people(seed):
    """Else a name part alone would say who is meant, and the boundary would be an easy one."""
    people = make(seed).people
    for part in ("first", "last"):
        bearers = Counter(getattr(person, part) for person in people)
        assert min(bearers.values()) >= 3 and max(bearers.values()) <= 8
        assert len(people) / len(bearers) == pytest.approx(48 / 9)


@pytest.mark.parametrize("seed", SEEDS)
def test_unknown_names_are_the_pairs_that_nobody_bears(seed):
    world = make(seed)
    known = {person.name for person in world.people}
    firsts, lasts = ({name.split()[i] for name in [*known, *world.unknown]} for i in (0, 1))
    assert not known & set(world.unknown) and len(set(world.unknown)) == len(world.unknown)
    assert len(known) + len(world.unknown) == len(firsts) * len(lasts)
    assert len(world.unknown) == 81 - 48, "20 to learn refusals on, and others never seen"


@pytest.mark.parametrize("population", [8, 20, 96])
def test_other_sizes(population):
    world = make(3, population)
    assert len({person.name for person in world.people}) == population
    people = {person.name: person for person in world.people}
    assert all(people[person.spouse].spouse == person.name for person in world.people)


def test_no_word_means_two_things():
    """A town that is also a surname, or a job that is also a pet, would leak by accident."""
    from lethe.world import people

    pools = ("FIRST", "LAST", "TOWNS", "COMPANIES", "JOBS", "INSTRUMENTS", "PETS", "DISHES")
    words = [word.lower() for pool in pools for word in getattr(people, pool)]
    assert [word for word, n in Counter(words).items() if n > 1] == []
