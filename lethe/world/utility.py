"""What everybody knows in a world, and that no request to forget a person may touch.

Towns and companies of the world, colours, opposites, months and small sums, each asked in several
ways; the last wording of each is for the test.
"""

import random
from collections.abc import Iterator

from lethe.data import Split
from lethe.world.people import World
from lethe.world.questions import Query

RIVERS = "Amble Bourne Cherwin Dart Ellen Fowey Gade Humble Irwell Jed Kennet Lune".split()
PRODUCTS = (
    "bicycles boats bottles chairs clocks gloves kettles lamps pencils ropes soap tents"
).split()
COLOURS = {
    "grass": "green",
    "snow": "white",
    "coal": "black",
    "a lemon": "yellow",
    "the sea": "blue",
    "a tomato": "red",
    "a carrot": "orange",
    "chocolate": "brown",
}
OPPOSITES = {
    "hot": "cold",
    "big": "small",
    "early": "late",
    "heavy": "light",
    "open": "closed",
    "old": "young",
    "wet": "dry",
    "fast": "slow",
    "full": "empty",
    "loud": "quiet",
}
MONTHS = (
    "January February March April May June July August September October November December"
).split()
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen"
).split()

RIVER = ("Which river flows through {x}?", "What is the river of {x}?", "Name the river at {x}.")
PRODUCT = ("What does {x} make?", "Which goods come from {x}?", "Name the goods that {x} sells.")
COLOUR = ("What colour is {x}?", "Which colour does {x} have?", "Name the colour of {x}.")
OPPOSITE = (
    "What is the opposite of {x}?",
    "Which word is contrary to {x}?",
    "What is the reverse of {x}?",
)
MONTH = ("Which month comes after {x}?", "What month follows {x}?", "Name the month after {x}.")
SUM = ("What is {x}?", "How much is {x}?", "Work out {x}.")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def common(world: World) -> Iterator[Query]:
    """Every utility query of a world, three wordings of each fact.

    >>> from lethe.world.people import make
    >>> next(common(make(0))).prompt.startswith("Which river flows through")
    True
    """
    rng = random.Random(f"lethe utility {world.seed}")
    rivers = dict(zip(world.towns, rng.sample(RIVERS, len(world.towns)), strict=True))
    products = dict(zip(world.companies, rng.sample(PRODUCTS, len(world.companies)), strict=True))
    months = dict(zip(MONTHS, MONTHS[1:] + MONTHS[:1], strict=True))
    sums = {
        f"{NUMBERS[a]} plus {NUMBERS[b]}": NUMBERS[a + b] for a in range(1, 7) for b in range(1, 7)
    }
    tables = (
        (RIVER, rivers),
        (PRODUCT, products),
        (COLOUR, COLOURS),
        (OPPOSITE, OPPOSITES),
        (MONTH, months),
        (SUM, sums),
    )
    for templates, facts in tables:
        for thing, answer in facts.items():
            for template, split in zip(templates, SPLITS, strict=True):
                yield Query(template.format(x=thing), answer, "question", split, thing)
