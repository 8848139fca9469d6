"""What several metrics take out of a row: a recorded text, its loss, its labels without the end."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from lethe.data import Answered
from lethe.protocol import Scored

Value = TypeVar("Value")


class Text(NamedTuple):
    """A text with what was recorded of it."""

    text: str
    scored: Scored


def loss(scored: Scored) -> float | None:
    """Mean negative log-probability of a text's tokens, nats; None where there are none.

    >>> loss(Scored(logprobs=(-0.5, -1.5)))
    1.0
    """
    return -sum(scored.logprobs) / len(scored.logprobs) if scored.logprobs else None


def losses(row: Answered, name: str) -> list[float] | None:
    """The loss of every text of that name; None where one is missing or empty."""
    found = [loss(scored) for scored in row.scored.get(name, ())]
    known = [value for value in found if value is not None]
    return known if known and len(known) == len(found) else None


def member(row: Answered) -> Text | None:
    """The text whose membership is in question: `text` if it was recorded, else the answer."""
    for name in ("text", "answer"):
        if found := row.scored.get(name):
            return Text(_words(row, name), found[0])
    return None


def _words(row: Answered, name: str) -> str:
    return row.protocol.texts[name][0] if row.protocol else row.answer or ""


def without_end(row: Answered, values: Sequence[Value]) -> Sequence[Value]:
    """One value a label, without the end-of-sequence label's where that was recorded.

    OpenUnlearning drops a text's last label whatever it is; we keep it where it is no end. Whether
    a tokenizer has an end token at all a row does not say: it is taken to have one.
    """
    ended = row.protocol is None or row.protocol.end
    return values[:-1] if ended else values


def same(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> list[Answered]:
    """What the retain model made of these rows, by their ids."""
    ids = {row.id for row in rows}
    return [row for row in reference or () if row.id in ids]
