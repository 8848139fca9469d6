"""Which prompts are worth rolling out next: those whose rollouts are still paid little.

Most groups of an RL batch say nothing, because all their rollouts are right. `Choice` remembers
what each prompt, and each person or thing asked about, was paid lately (an exponential moving
average of the group's mean reward) and draws prompts with a probability that grows with what is
lacking: a boundary prompt seen once tells of the other prompts about the same neighbour. What is
lacking is measured between the lowest and the highest group of the scope so far, so it needs no
knowledge of the rewards; a floor keeps everybody in. Prioritised sampling: arXiv 1511.05952; this
form of it is our choice. Draws are a function of (seed, step, state); the state is plain JSON.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

RATE = 0.5
"""How much of the average one more group replaces."""
FLOOR = 0.1
"""Weight of a prompt that lacks nothing, beside 1 more for one that lacks all."""


class Choice:
    """What the rows of a stage were paid, and draws by it."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, adaptive: bool, seed: int) -> None:
        """Start knowing nothing: all rows are equal.

        Args:
            rows: The train rows; `scope`, `entity`, `id` are read.
            adaptive: Draw by what is lacking; else all rows of a scope alike.
            seed: Of the draws.
        """
        self.adaptive, self.seed = adaptive, seed
        self.sides = [_side(row["scope"]) for row in rows]
        self.pools = {s: [i for i, side in enumerate(self.sides) if side == s] for s in "fb"}
        self.keys = [(str(i), f"{_side(r['scope'])} {r.get('entity') or r['id']}")
                     for i, r in enumerate(rows)]  # fmt: skip
        self.paid: dict[str, float] = {}
        self.range: dict[str, tuple[float, float]] = {}

    def observe(self, row: int, reward: float) -> None:
        """Take in the mean reward of a group of the row."""
        for key in self.keys[row]:
            before = self.paid.get(key, reward)
            self.paid[key] = before + RATE * (reward - before)
        low, high = self.range.get(self.sides[row], (reward, reward))
        self.range[self.sides[row]] = (min(low, reward), max(high, reward))

    def lack(self, row: int) -> float:
        """0 for a row that is paid as well as any of its scope, 1 for one paid as badly.

        The mean of its own average and of its entity's; what is not known is a half.
        """
        low, high = self.range.get(self.sides[row], (0.0, 0.0))
        own, entity = (self.paid.get(key) for key in self.keys[row])
        if entity is None or high - low < 1e-6:
            return 0.5
        paid = (entity if own is None else own) / 2 + entity / 2
        return (high - paid) / (high - low)

    def draw(self, side: str, count: int, key: str, without: Collection[int] = ()) -> list[int]:
        """Different rows, so many as there are.

        Args:
            side: f, the forget rows, or b, all others.
            count: How many.
            key: Names the draw, with the seed: the step and the round.
            without: Rows that are not drawn.
        """
        pool = [row for row in self.pools[side] if row not in without]
        weights = [FLOOR + self.lack(row) if self.adaptive else 1.0 for row in pool]
        return weighted(pool, weights, count, f"{self.seed} {side} {key}")

    def state(self) -> dict[str, Any]:
        """All that was learnt, for JSON."""
        return {"paid": self.paid, "range": self.range}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.paid = dict(state["paid"])
        self.range = {side: (low, high) for side, (low, high) in state["range"].items()}


def weighted(pool: Sequence[int], weights: Sequence[float], count: int, key: str) -> list[int]:
    """`count` different members, each draw in proportion to the weights of those left.

    Exponential keys (Efraimidis and Spirakis, 2006).

    >>> weighted([4, 5, 6], [1.0, 1e-9, 1.0], 2, "k") in ([4, 6], [6, 4])
    True
    """
    chance = random.Random(key)
    keys = [-chance.expovariate(weight) for weight in weights]
    order = sorted(range(len(pool)), key=keys.__getitem__, reverse=True)
    return [pool[i] for i in order[:count]]


def _side(scope: str) -> str:
    return "f" if scope == "forget" else "b"
