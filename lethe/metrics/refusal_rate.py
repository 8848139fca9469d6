"""Share of completions that refuse; on rows that are not to be forgotten, over-refusal.

RULE's own measure. What counts as a refusal is `lethe.refusal`'s table: one that tells something
too does not. A refusal that leaks is still a refusal here; `leak_rate` stands beside it.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.refusal import judge

KIND = "rate"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "no rows"


def refusal_rate(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each row whose completion refuses, else 0.0.

    >>> row = Answered(id="1", prompt="Who?", scope="retain", completion="No comment.")
    >>> refusal_rate([row])
    [1.0]
    """
    return [float(judge(row.completion).refuses) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """The kind of each completion and the words that show it."""
    return [
        f"{judgement.kind}: {judgement.why}" for judgement in (judge(r.completion) for r in rows)
    ]
