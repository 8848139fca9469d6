"""Which prompts make a batch: so many of each scope, as a function of (seed, epoch) alone."""

import random
from collections.abc import Iterator, Sequence


def shares(prompts_per_step: int, forget_fraction: float) -> tuple[int, int]:
    """How many forget and how many boundary prompts a step takes.

    >>> shares(32, 0.5), shares(8, 0.2)
    ((16, 16), (2, 6))
    """
    forget = round(prompts_per_step * forget_fraction)
    return forget, prompts_per_step - forget


def draw(pool: Sequence[int], count: int, batch: int, key: str) -> list[int]:
    """The `batch`-th draw of `count` from an endless stream of shuffled passes over `pool`.

    Every member is drawn once before any is drawn twice, whatever `count` is.

    >>> sorted(draw([7, 8, 9], 2, 0, "k") + draw([7, 8, 9], 1, 2, "k"))
    [7, 8, 9]
    """
    places = range(batch * count, (batch + 1) * count)
    passes = {place // len(pool) for place in places}
    orders = {p: random.Random(f"{key} {p}").sample(pool, len(pool)) for p in passes}
    return [orders[place // len(pool)][place % len(pool)] for place in places]


class ScopeSampler:
    """Row indices in TRL's order: each prompt `num_generations` times, each batch `repeats` times.

    TRL's own sampler replays its first permutation after a resume in a later epoch; this one has
    `set_epoch`, which accelerate calls, and nothing but (seed, epoch) decides the order.
    """

    def __init__(
        self,
        forget: Sequence[int],
        boundary: Sequence[int],
        *,
        per_step: tuple[int, int],
        num_generations: int,
        repeats: int,
        seed: int,
    ) -> None:
        """Set the stream up.

        Args:
            forget: Indices of the forget rows.
            boundary: Indices of the rows that must be answered.
            per_step: How many of each make a batch.
            num_generations: Completions of each prompt.
            repeats: How often the trainer asks for the same batch.
            seed: Of the order.
        """
        self.pools = (tuple(forget), tuple(boundary))
        self.per_step, self.num_generations = per_step, num_generations
        self.repeats, self.seed, self.epoch = repeats, seed, 0
        passes = [len(p) // n for p, n in zip(self.pools, per_step, strict=True) if n]
        self.batches = max(1, *passes)

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of an epoch: one pass over the scope that takes longest."""
        self.epoch = epoch

    def batch(self, index: int) -> list[int]:
        """The rows of one batch, counted from the start of training."""
        return [
            row
            for scope, pool, count in zip("fb", self.pools, self.per_step, strict=True)
            if count
            for row in draw(pool, count, index, f"{self.seed} {scope}")
        ]

    def __iter__(self) -> Iterator[int]:
        for index in range(self.epoch * self.batches, (self.epoch + 1) * self.batches):
            rows = self.batch(index)
            for _ in range(self.repeats):
                for row in rows:
                    yield from [row] * self.num_generations

    def __len__(self) -> int:
        return self.batches * self.repeats * sum(self.per_step) * self.num_generations
