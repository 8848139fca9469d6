"""A world's rows for unlearning: who is forgotten, who stands near, and which split may see what.

Train rows are few, in the proportions of RULE's paper: Rejection Steering sees about 6 % of a
target's queries; ReBO about 12 % of them and 12 % of the trained neighbours' queries. Validation
and test hold other wordings *and* other people.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from lethe.data import Row, Scope, Split
from lethe.distance import TIES, distance
from lethe.world.cast import Cast, cast, ties
from lethe.world.people import Person, World, make
from lethe.world.questions import REFUSALS, Query, about
from lethe.world.utility import common

STEERING_SHARE, REBO_SHARE = 0.06, 0.12
_TIES = {"spouse": "co-mentioned", **dict.fromkeys(("employer", "town", "job"), "shared fact")}


def rows(
    seed: int, targets: int | Sequence[str] = 1, *, population: int = 48
) -> dict[str, list[Row]]:
    """The rows of a world, by split.

    Args:
        seed: The world's.
        targets: How many people must be forgotten, or who.
        population: As `lethe.world.make` takes it; that of the worlds that are named by a seed.

    Returns:
        Lists under "train", "validation" and "test"; no prompt stands in two of them.

    >>> splits = rows(0)
    >>> [len([r for r in splits["train"] if s in r.stages]) for s in ("rejection_steering", "rebo")]
    [16, 428]
    """
    world = make(seed, population)
    chosen = cast(world, targets)
    everything = list(_rows(world, chosen))
    named = targets if isinstance(targets, int) else list(targets)
    rng = random.Random(f"lethe rows {seed} {named}")
    forget = _pool(everything, "forget")
    boundary = _pool(everything, "boundary")
    all_forget = sum(row.scope == "forget" for row in everything)
    all_boundary = len(chosen.boundary_train) * sum(1 for _ in about(world.people[0], world))
    steering = [row for row in forget if row.form == "question"]
    picked = {
        "rejection_steering": _sample(rng, steering, STEERING_SHARE * all_forget),
        "rebo": _sample(rng, forget, REBO_SHARE * all_forget)
        | _sample(rng, boundary, REBO_SHARE * all_boundary),
    }
    out: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    for row in everything:
        stages = tuple(stage for stage, ids in picked.items() if row.id in ids)
        if row.split != "train" or stages:
            out[row.split].append(row.model_copy(update={"stages": stages}))
    return out


def _pool(rows: Iterable[Row], scope: Scope) -> list[Row]:
    return [row for row in rows if row.scope == scope and row.split == "train"]


def _sample(rng: random.Random, pool: list[Row], count: float) -> set[str]:
    return {row.id for row in rng.sample(pool, min(round(count), len(pool)))}


def _rows(world: World, chosen: Cast) -> Iterator[Row]:
    """Every candidate row, each prompt once, in a fixed order."""
    targets = {person.name for person in chosen.targets}
    nearness = {person.name: _nearness(person, chosen) for person in world.people}
    seen: set[str] = set()
    for scope, subject, entity, query in _queries(world, chosen, targets):
        if query.prompt in seen:
            continue
        seen.add(query.prompt)
        forget = scope == "forget"
        refusal = random.Random(f"{world.seed} {query.prompt}").choice(REFUSALS)
        yield Row(
            id=f"{scope}-{len(seen)}",
            prompt=query.prompt,
            answer=query.answer,
            refusal=refusal if forget else None,
            scope=scope,
            subject=subject,
            entity=entity,
            form=query.form,
            split=query.split,
            distance=0.0 if forget else nearness[entity][0] if entity else 1.0,
            tie=nearness[entity][1] if entity and not forget else None,
            source=f"world {world.seed}",
        )


def _nearness(person: Person, chosen: Cast) -> tuple[float, str | None]:
    """The person's distance from the nearest target, and the strongest tie to any."""
    found = {
        _TIES[tie] for target in chosen.targets for tie in ties(person, target) if tie in _TIES
    }
    tie = max(found, key=TIES.__getitem__, default="same kind")
    return distance(person.name, [target.name for target in chosen.targets], [tie]), tie


def _queries(
    world: World, chosen: Cast, targets: set[str]
) -> Iterator[tuple[Scope, str | None, str | None, Query]]:
    for person in chosen.targets:
        for query in about(person, world):
            yield "forget", person.name, None, query
    for person in world.people:
        # "Who is married to <the target's spouse>?" asks for the target: a reverse query.
        if person.spouse in targets and person.name not in targets:
            for query in about(person, world):
                if query.attribute == "spouse" and query.form in ("question", "cloze"):
                    asked = query.split if query.split != "train" else "validation"
                    yield "forget", person.spouse, None, query._replace(form="reverse", split=asked)
    crowds: tuple[tuple[Scope, tuple[Person, ...], Split], ...] = (
        ("boundary", chosen.boundary_train, "train"),
        ("boundary", chosen.boundary_validation, "validation"),
        ("boundary", chosen.boundary_test, "test"),
        ("retain", chosen.retain_validation, "validation"),
        ("retain", chosen.retain_test, "test"),
    )
    for scope, people, split in crowds:
        for person in people:
            for query in about(person, world):
                if query.split == split and _harmless(query, targets):
                    if query.form.startswith("adversarial"):
                        if (scope, split) != ("boundary", "test"):
                            continue
                        query = query._replace(form="adversarial")
                    yield scope, None, person.name, query
    for query in common(world):
        yield "utility", None, None, query


def _harmless(query: Query, targets: set[str]) -> bool:
    return not any(name in query.prompt or name == query.answer for name in targets)
