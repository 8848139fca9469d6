"""The rows of an offline method, in order: each forget row with a retain row, by (seed, place)."""

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class Text(NamedTuple):
    """A prompt and what follows it, as token ids."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    """Ends with the end-of-sequence token."""
    reference: tuple[float, ...] | None = None
    """Log-probabilities (nats) of the completion's tokens under the original model."""


class Pair(NamedTuple):
    """What one forget row brings to a batch."""

    answer: Text | None
    refusal: Text | None
    retain: Text | None


class Pairs:
    """A map-style data set: the k-th pair since training began, whatever came before it.

    Passes over either pool are shuffled anew; the k-th pair is a function of (seed, k) alone, so
    that a resumed run sees the same batches.
    """

    def __init__(
        self,
        answers: Sequence[Text] | None,
        refusals: Sequence[Text] | None,
        retain: Sequence[Text] | None,
        *,
        count: int,
        seed: int,
    ) -> None:
        """Set the stream up.

        Args:
            answers: The forget rows with what must be forgotten.
            refusals: The same rows with what is said in its place.
            retain: The rows to go on answering.
            count: Pairs in all.
            seed: Of both orders.
        """
        self.answers, self.refusals, self.retain = answers, refusals, retain
        self.count, self.seed = count, seed
        self.forgotten = len(answers or refusals or ())

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, k: int) -> Pair:
        forget = place(f"{self.seed} f", k, self.forgotten)
        retain = self.retain
        return Pair(
            self.answers[forget] if self.answers else None,
            self.refusals[forget] if self.refusals else None,
            retain[place(f"{self.seed} b", k, len(retain))] if retain else None,
        )


def place(key: str, k: int, size: int) -> int:
    """The k-th member of an endless stream of shuffled passes over `size` members.

    >>> sorted(place("key", k, 3) for k in range(3, 6))
    [0, 1, 2]
    """
    return _pass(key, k // size, size)[k % size]


@lru_cache(maxsize=8)
def _pass(key: str, number: int, size: int) -> list[int]:
    return random.Random(f"{key} {number}").sample(range(size), size)
