"""What several metrics say of a row's value: likelihoods, choices and references in a few words.

A row of which nothing was recorded gets "": it has no value, and why not its metric says.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lethe.data import Answered
from lethe.metrics._rows import member
from lethe.protocol import Scored

_LONGEST = 60


class Choice(NamedTuple):
    """A text on offer and how likely it was found."""

    text: str
    logprob: float
    """Summed over its tokens, nats."""

    def __str__(self) -> str:
        """The text, cut where it is long, and the log-probability."""
        return f"{quoted(self.text)} {self.logprob:.3g}"


def choices(row: Answered, name: str) -> list[Choice]:
    """The texts recorded under a name; one that the protocol does not tell is its number."""
    texts = row.protocol.texts.get(name, ()) if row.protocol else ()
    sums = [sum(scored.logprobs) for scored in row.scored.get(name, ())]
    if len(texts) != len(sums):
        texts = [f"#{k}" for k in range(1, len(sums) + 1)]
    return [Choice(text.strip(), value) for text, value in zip(texts, sums, strict=True)]


def likelihood(scored: Scored | None) -> str:
    """How likely a text was found, token by token.

    >>> likelihood(Scored(logprobs=(-0.25, -0.5, -0.5)))
    'mean log-probability -0.417 over 3 tokens, the lowest -0.5'
    """
    if scored is None or not scored.logprobs:
        return ""
    n = len(scored.logprobs)
    mean = sum(scored.logprobs) / n
    return f"mean log-probability {mean:.3g} over {n} tokens, the lowest {min(scored.logprobs):.3g}"


def of_member(rows: Sequence[Answered]) -> list[str]:
    """The same of each row's text whose membership is in question."""
    found = (member(row) for row in rows)
    return [likelihood(text.scored) if text else "" for text in found]


def quoted(text: str) -> str:
    """A text in quotation marks, its middle left out where it is long.

    >>> quoted("Oslo"), len(quoted("x" * 1000))
    ("'Oslo'", 62)
    """
    half = (_LONGEST - 5) // 2
    short = text if len(text) <= _LONGEST else f"{text[: half + 1]} ... {text[-half:]}"
    return repr(short)
