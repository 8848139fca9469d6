"""Share of chains of thought that end in the right answer: BIG-Bench Hard, exact match.

What stands behind the first "the answer is" up to a full stop, else the whole completion, against
`answer`, normalised as in `exact_match` (RWKU, arXiv 2406.10890). Two things differ from RWKU's
code, whose number is `bbh_exact_match_upstream`: it compares with each *character* of the answer;
and its normalisation leaves nothing of "(A)" or "] )", so that any punctuation would match. Where
nothing is left of the answer, articles are kept, and where that leaves nothing, punctuation.
"""

import re
from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._squad import plain, words

LABEL = "BBH exact match"
KIND = "rate"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"
_ANSWER = re.compile(r"[Tt|]he answer is (.*?)\.")  # the bar is RWKU's


def bbh_exact_match(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each row whose last words are the answer, else 0.0; None without a reference answer.

    >>> row = Answered(id="1", prompt="not True is", scope="utility", answer="False",
    ...                completion="not True = False. So the answer is False.")
    >>> bbh_exact_match([row])
    [1.0]
    """
    return [float(_same(taken(row), row.answer)) if row.answer else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """What is compared with what."""
    return [f"{_evidence.quoted(taken(row))} against {row.answer!r}" for row in rows]


def extracted(rows: Sequence[Answered]) -> list[str | None]:
    """The part of each completion that is compared."""
    return [taken(row) for row in rows]


def taken(row: Answered) -> str:
    """What is compared; "NOANSWER" where that is nothing, as in RWKU.

    >>> taken(Answered(id="1", prompt="?", scope="utility", completion="So the answer is (B)."))
    '(B)'
    """
    found = _ANSWER.search(row.completion)
    return (found[1] if found else row.completion).strip() or "NOANSWER"


def _same(said: str, answer: str) -> bool:
    for view in (words, lambda text: plain(text).split(), str.split):
        if view(answer):
            return view(said) == view(answer)
    return False
