"""Who plays which part when some people of a world must be forgotten.

The neighbours that make the boundary a real one share a part of the target's name, or are tied to
the target as spouse, colleague or fellow townsman; some of each kind are never trained on.
"""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from lethe.plug import LetheError, choices
from lethe.world.people import Person, World

Tie = Literal["first name", "last name", "spouse", "employer", "town", "job"]
NAME_TIES = {"first name", "last name"}
RELATIONS = {"spouse", "employer", "town"}


def ties(person: Person, target: Person) -> tuple[Tie, ...]:
    """What two people share, nearest first.

    >>> from lethe.world.people import make
    >>> a, b = make(0).people[:2]
    >>> "last name" in ties(a, a), ties(a, a)[0]
    (True, 'first name')
    """
    found: list[Tie] = []
    if person.first == target.first:
        found.append("first name")
    if person.last == target.last:
        found.append("last name")
    if person.name == target.spouse:
        found.append("spouse")
    if person.employer == target.employer:
        found.append("employer")
    if person.town == target.town:
        found.append("town")
    if person.job == target.job:
        found.append("job")
    return tuple(found)


class Cast(NamedTuple):
    """Who plays which part when some people must be forgotten."""

    targets: tuple[Person, ...]
    boundary_train: tuple[Person, ...]
    boundary_validation: tuple[Person, ...]
    boundary_test: tuple[Person, ...]
    retain_validation: tuple[Person, ...]
    retain_test: tuple[Person, ...]


def cast(world: World, targets: int | Sequence[str] = 1) -> Cast:
    """Choose the people to forget and deal their neighbours to the splits.

    Neighbours are the bearers of a part of the target's name, then the people with most other
    ties: 24 for each target, at most half of the others. They are dealt in that order, of nine two
    to test, two to validation and five to training, so that all three hold near and far ones.
    Targets (where they are named, the deals alone) are drawn again until both the trained and the
    never-trained neighbours hold a sharer of the first name and one of the last, and two of the
    never-trained are tied to a target by spouse, employer or town.

    Args:
        world: Where to choose.
        targets: How many people to forget, 1 to 8; or who, by name.

    Returns:
        The cast.

    Raises:
        LetheError: Another number of people, nobody of that name, or the world has no such cast.
    """
    named = None if isinstance(targets, int) else _named(world, targets)
    count = targets if isinstance(targets, int) else len(targets)
    if not 1 <= count <= 8:
        raise LetheError(f"targets: {count}: 1 to 8 people of a world can be forgotten")
    key = targets if isinstance(targets, int) else list(targets)
    rng = random.Random(f"lethe cast {world.seed} {key}")
    for _ in range(200):
        chosen = named or rng.sample(world.people, count)
        dealt = _deal(world, chosen, rng)
        test_ties = [_ties_to_any(person, chosen) for person in dealt.boundary_test]
        related = sum(bool(RELATIONS & tie) for tie in test_ties)
        trained = set().union(*(_ties_to_any(p, chosen) for p in dealt.boundary_train))
        if set().union(*test_ties) >= NAME_TIES and trained >= NAME_TIES and related >= 2:
            return dealt
    whom = f"{count} targets" if isinstance(targets, int) else f"target set {', '.join(targets)}"
    raise LetheError(f"world {world.seed} has no {whom} with neighbours near enough")


def _named(world: World, names: Sequence[str]) -> list[Person]:
    people = {person.name: person for person in world.people}
    for name in names:
        if name not in people:
            raise LetheError(f"targets: world {world.seed}: {name!r}: {choices(name, people)}")
        if names.count(name) > 1:
            raise LetheError(f"targets: {name!r} stands there twice")
    return [people[name] for name in names]


def _ties_to_any(person: Person, targets: list[Person]) -> set[Tie]:
    return {tie for target in targets for tie in ties(person, target)}


def _deal(world: World, targets: list[Person], rng: random.Random) -> Cast:
    others = [person for person in world.people if person not in targets]
    rng.shuffle(others)
    others.sort(key=lambda person: -len(_ties_to_any(person, targets)))
    sharers = [p for p in others if NAME_TIES & _ties_to_any(p, targets)]
    rest = [p for p in others if p not in sharers]
    near = min(24 * len(targets), (len(others) + 1) // 2)
    neighbours = sharers[:near] + rest[: max(0, near - len(sharers))]
    parts: dict[str, list[Person]] = {"test": [], "train": [], "validation": []}
    order = "test train validation train test train train validation train".split()
    for position, person in enumerate(neighbours):
        parts[order[position % len(order)]].append(person)
    far = [p for p in others if p not in neighbours]
    third = len(far) // 3
    return Cast(
        tuple(targets),
        tuple(parts["train"]),
        tuple(parts["validation"]),
        tuple(parts["test"]),
        tuple(far[:third]),
        tuple(far[third:]),
    )
