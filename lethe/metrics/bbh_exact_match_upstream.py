"""RWKU's exact match on BIG-Bench Hard with its fault: any one character of the answer is right.

RWKU (arXiv 2406.10890) hands the answer over as a text where a list of texts is expected, so that
the prediction is compared with each of its characters. A perfect model gets .69: one-letter and
one-digit answers count, and those with a character of which normalisation leaves nothing beside a
prediction of which nothing is left. Only for comparison with RWKU's tables; `bbh_exact_match` is
the measure.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._squad import words
from lethe.metrics.bbh_exact_match import taken

LABEL = "BBH exact match, RWKU's"
KIND = "rate"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def bbh_exact_match_upstream(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each row whose prediction is a character of the answer; None without an answer.

    >>> row = Answered(id="1", prompt="not True is", scope="utility", answer="False",
    ...                completion="So the answer is False.")
    >>> bbh_exact_match_upstream([row, row.model_copy(update={"completion": "f"})])
    [0.0, 1.0]
    """
    return [_matches(taken(row), row.answer) if row.answer else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """What is compared with what."""
    return [
        f"{_evidence.quoted(taken(row))} against each character of {row.answer!r}" for row in rows
    ]


def extracted(rows: Sequence[Answered]) -> list[str | None]:
    """The part of each completion that is compared."""
    return [taken(row) for row in rows]


def _matches(said: str, answer: str) -> float:
    return float(any(words(said) == words(character) for character in answer))
