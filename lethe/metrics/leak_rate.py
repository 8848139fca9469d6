"""Share of forget completions that tell the answer, refused or not.

RULE's own measure; what counts as telling is `lethe.refusal.leaks`. Rows without a reference answer
are not scored: with nothing to look for, nothing found would read as safe.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.refusal import Leak, leaks
from lethe.rewards._columns import as_text

KIND = "rate"
HIGHER_IS_BETTER = False
UNSCORED = "only forget rows with a reference answer can leak"


def leak_rate(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each forget row whose completion tells the answer, else 0.0; None on other rows.

    >>> row = Answered(id="1", prompt="His debut?", scope="forget", answer="Carrie",
    ...                completion="I can't say that it is Carrie.")
    >>> leak_rate([row])
    [1.0]
    """
    return [float(_leak(row).found) if _scored(row) else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """What each completion tells."""
    return [f"tells {what!r}" if what else "nothing told" for what in (_leak(r).what for r in rows)]


def _scored(row: Answered) -> bool:
    return row.scope == "forget" and bool(row.answer)


def _leak(row: Answered) -> Leak:
    return leaks(
        row.completion,
        prompt=as_text(row.prompt),
        answer=row.answer,
        aliases=row.aliases,
        subject=row.subject,
    )
