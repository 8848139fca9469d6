"""All rows: a penalty for length, from 0 down to -1; what is short enough costs nothing.

Padding is the cheapest way to please a reward that only looks for words: a refusal of 500 words, an
answer amid a lecture. Free are 40 words of a refusal, and for an answer 12 words or twice its
longest reference, whichever is more; from there the penalty grows linearly and is whole at one and
a half times the free length. The numbers are our choice: none of the released refusals pays.
"""

from collections.abc import Sequence
from typing import Any

from lethe.rewards._columns import Text, aliases, as_text, column

REFUSAL_WORDS = 40
ANSWER_WORDS = 12
LETTERS = 12
"""A word without a blank in it is as long as its letters: so many count as one."""


def brevity(
    completions: Sequence[Text], scope: Sequence[str], **columns: Any
) -> list[float | None]:
    """Punish length.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `answer` is read, `aliases` too if there: the longest sets what is free.

    Returns:
        0.0 down to -1.0 for every row.

    Raises:
        LetheError: The column is missing.

    >>> brevity(["no " * 40, "no " * 50, "no " * 500], scope=["forget"] * 3, answer=[None] * 3)
    [0.0, -0.5, -1.0]
    """
    answers = column("brevity", columns, "answer")
    rows = zip(completions, scope, answers, aliases(columns, len(scope)), strict=True)
    return [
        _one(as_text(text), _free(where, [answer or "", *others]))
        for text, where, answer, others in rows
    ]


def _free(scope: str, references: Sequence[str]) -> int:
    if scope == "forget":
        return REFUSAL_WORDS
    return max(ANSWER_WORDS, 2 * max(map(_length, references)))


def _one(text: str, free: int) -> float:
    over = max(0, _length(text) - free)
    return -min(1.0, 2 * over / free) if over else 0.0


def _length(text: str) -> int:
    return max(len(text.split()), -(-len(text) // LETTERS))
