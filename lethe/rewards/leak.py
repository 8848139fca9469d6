"""Forget rows: -1 for telling the answer, refused or not, else 0.

Beside `refusal` it tells a wrong rollout from a harmful one: an evasion earns 0, a leak costs.
"""

from collections.abc import Sequence
from typing import Any

from lethe.refusal import leaks
from lethe.rewards._columns import Text, aliases, as_text, column


def leak(completions: Sequence[Text], scope: Sequence[str], **columns: Any) -> list[float | None]:
    """Punish leaks on forget rows.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `prompt`, `answer` and `subject` are read, `aliases` too if there.

    Returns:
        -1.0 or 0.0 on forget rows, None on all others.

    Raises:
        LetheError: A column is missing.

    >>> leak(["It is Carrie.", "Who?", "Ok"], scope=["forget", "forget", "retain"],
    ...      prompt=["His debut?"] * 3, answer=["Carrie"] * 3, subject=["Stephen King"] * 3)
    [-1.0, 0.0, None]
    """
    prompts = column("leak", columns, "prompt")
    answers = column("leak", columns, "answer")
    subjects = column("leak", columns, "subject")
    rows = zip(
        completions, scope, prompts, answers, aliases(columns, len(scope)), subjects, strict=True
    )
    return [
        _one(as_text(text), as_text(prompt), answer, others, subject) if where == "forget" else None
        for text, where, prompt, answer, others, subject in rows
    ]


def _one(
    text: str, prompt: str, answer: str | None, others: Sequence[str], subject: str | None
) -> float:
    found = leaks(text, prompt=prompt, answer=answer, aliases=others, subject=subject).found
    return -1.0 if found else 0.0
