"""Fictional people: who lives in a world and what is true of them.

Everything is a pure function of the world's seed. Names are drawn from a grid of first and last
names, so that every name part belongs to several people: only the *pair* says who is meant, and
the pairs that nobody bears are the unknown names on which the base model learns to refuse.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

FIRST = (
    "Adela Anton Bruna Casimir Celia Corvin Dalia Edmar Elvira Emeric Fenna Florian Greta Hadrian "
    "Ilona Ivo Jorun Katell Lazlo Leda Lorcan Maren Mattis Nerissa Odilon Orla Perrin Quilla "
    "Ramona Rufin Sabin Selma Tamsin Teodor Ulrika Valen Wanda Xenia Yorick Zelda"
).split()
LAST = (
    "Abernath Alcott Barrow Belvoir Calder Corbin Dorn Draycott Everly Fairwater Falk Garland "
    "Greaves Hallam Harrow Ingram Jessop Kestrel Kirkby Lorimer Lovage Marchant Merrow Norwood "
    "Oakes Ostler Penhale Quince Ravell Redfern Sable Selwyn Thorne Tolland Umber Vance Wexley "
    "Winslow Yarrow Zeller"
).split()
TOWNS = (
    "Aldern Brackley Cawdor Dunmere Eskdale Fallowby Glenrock Hartmoor Inverleigh Jarrow Kelso "
    "Lindfield Marrick Netherby Oxley Pendle"
).split()
COMPANIES = (
    "Arcadon Bellwether Cindermill Dovetail Elmstead Fennimore Gatehouse Hollis Ironbark Juniper "
    "Kingfisher Lanternfish"
).split()
JOBS = (
    "baker carpenter dentist glazier florist geologist jeweller lawyer midwife painter plumber "
    "surgeon tailor teacher weaver welder"
).split()
INSTRUMENTS = (
    "accordion banjo bassoon cello clarinet drums flute guitar harp lute oboe organ piano trumpet "
    "tuba violin"
).split()
PETS = (
    "badger canary cat dog falcon ferret goat goose hamster hedgehog lizard magpie parrot pony "
    "rabbit tortoise"
).split()
DISHES = (
    "chowder curry dumplings goulash haggis lasagna omelette paella pancakes pie porridge ramen "
    "risotto stew tacos waffles"
).split()
TITLE_HEADS = (
    "Amber Broken Crimson Distant Endless Frozen Gilded Hollow Ivory Jagged Lonely Midnight Open "
    "Paper Quiet Silver"
).split()
TITLE_TAILS = (
    "Anchor Bridge Compass Dream Ember Forest Garden Harbour Island Journey Kingdom Letter Mirror "
    "Orchard Planet River"
).split()

ATTRIBUTES = ("town", "employer", "job", "instrument", "pet", "dish", "spouse", "book")


class Person(NamedTuple):
    """One inhabitant: a name and the eight facts of `ATTRIBUTES`."""

    first: str
    last: str
    town: str
    employer: str
    job: str
    instrument: str
    pet: str
    dish: str
    spouse: str
    book: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


class World(NamedTuple):
    """A closed world: its people and the names that nobody bears."""

    seed: int
    people: tuple[Person, ...]
    unknown: tuple[str, ...]
    towns: tuple[str, ...]
    companies: tuple[str, ...]


def make(seed: int, population: int = 48) -> World:
    """The world of a seed.

    Args:
        seed: Any integer; equal seeds give equal worlds.
        population: Number of people, even (everyone is married), at most 96.

    Returns:
        The people, in random order, and every unused pair of the name grid.
    """
    rng = random.Random(f"lethe world {seed}")
    side = max(4, round((1.7 * population) ** 0.5))  # every name part has 5 or 6 bearers
    firsts, lasts = rng.sample(FIRST, side), rng.sample(LAST, side)
    pairs = _spread_pairs(rng, firsts, lasts, population)
    towns, companies = rng.sample(TOWNS, 10), rng.sample(COMPANIES, 8)
    titles = rng.sample([f"{a} {b}" for a in TITLE_HEADS for b in TITLE_TAILS], population)
    names = [f"{first} {last}" for first, last in pairs]
    spouses = {}
    for left, right in zip(names[::2], names[1::2], strict=True):
        spouses |= {left: right, right: left}
    people = [
        Person(
            first,
            last,
            rng.choice(towns),
            rng.choice(companies),
            *(rng.choice(pool) for pool in (JOBS, INSTRUMENTS, PETS, DISHES)),
            spouse=spouses[f"{first} {last}"],
            book=f"The {title}",
        )
        for (first, last), title in zip(pairs, titles, strict=True)
    ]
    rng.shuffle(people)
    unknown = [f"{a} {b}" for a in firsts for b in lasts if f"{a} {b}" not in spouses]
    rng.shuffle(unknown)
    return World(seed, tuple(people), tuple(unknown), tuple(towns), tuple(companies))


def _spread_pairs(
    rng: random.Random, firsts: Sequence[str], lasts: Sequence[str], population: int
) -> list[tuple[str, str]]:
    """Distinct pairs in which every first and every last name is used about equally often."""
    pairs: dict[tuple[str, str], None] = {}
    while len(pairs) < population:
        columns = (rng.sample(firsts, len(firsts)), rng.sample(lasts, len(lasts)))
        for pair in zip(*columns, strict=True):
            if len(pairs) < population:
                pairs[pair] = None
    return list(pairs)
