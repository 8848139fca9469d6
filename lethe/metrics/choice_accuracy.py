"""Share of multiple-choice questions on which the right choice is the likeliest.

The choice with the highest summed log-probability among the texts recorded as `choices`; `answer`
is the right one's text (MMLU as RWKU asks it, arXiv 2406.10890: letters, one token each). Of equal
ones the first is taken.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence

KIND = "rate"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no choices were recorded"


def choice_accuracy(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each row whose likeliest choice is right, else 0.0; None without recorded choices.

    >>> asked = {"texts": {"choices": ("A", "B")}}
    >>> told = {"choices": [{"logprobs": (-2.0,)}, {"logprobs": (-0.5,)}]}
    >>> row = Answered.model_validate(dict(id="1", prompt="?", scope="utility", answer="B",
    ...                                    completion="", protocol=asked, scored=told))
    >>> choice_accuracy([row]), extracted([row])
    ([1.0], ['B'])
    """
    picks = zip(rows, extracted(rows), strict=True)
    return [
        float(pick == (row.answer or "").strip()) if pick is not None and row.answer else None
        for row, pick in picks
    ]


def extracted(rows: Sequence[Answered]) -> list[str | None]:
    """The likeliest choice of each row."""
    return [_likeliest(row) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """The log-probability of each choice."""
    return [", ".join(map(str, _evidence.choices(row, "choices"))) for row in rows]


def _likeliest(row: Answered) -> str | None:
    found = row.scored.get("choices")
    if not found or row.protocol is None:
        return None
    sums = [sum(scored.logprobs) for scored in found]
    return row.protocol.texts["choices"][sums.index(max(sums))].strip()
