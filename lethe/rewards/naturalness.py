"""All rows: a penalty for what no person would write: loops, splices, cut ends, encodings.

A policy that learns to refuse splices at first ("It is I don't know"), and one that is paid by
words repeats them. What counts is `lethe.faults`' table: a repetition or a cut end costs 0.5, any
other fault 1, together at most 1. It pays nothing for being fluent.
"""

from collections.abc import Sequence
from typing import Any

from lethe.faults import faults
from lethe.rewards._columns import Text, as_text

COST = {"repeated": 0.5, "cut": 0.5}


def naturalness(
    completions: Sequence[Text], scope: Sequence[str], **columns: Any
) -> list[float | None]:
    """Punish unnatural text.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout; not read.
        columns: not read.

    Returns:
        0.0, -0.5 or -1.0 for every row.

    >>> naturalness(["I don't know.", "It is I don't know", "", "C a r r i e"], ["forget"] * 4)
    [0.0, -1.0, -1.0, -1.0]
    """
    return [_one(as_text(text)) for text in completions]


def _one(text: str) -> float:
    cost = sum(COST.get(fault.kind, 1.0) for fault in faults(text))
    return -min(1.0, cost) if cost else 0.0
