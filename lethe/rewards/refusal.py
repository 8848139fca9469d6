"""Forget rows: 1 for a refusal that tells nothing of the answer, else 0.

Where the released reward paid "I don't know about Stephen King; his debut was Carrie." in full,
this pays nothing: telling beside refusing is no refusal (`lethe.refusal`), and what leaks is
checked apart. Empty and degenerate texts are no refusals either.
"""

from collections.abc import Sequence
from typing import Any

from lethe.refusal import judge, leaks
from lethe.rewards._columns import Text, aliases, as_text, column


def refusal(
    completions: Sequence[Text], scope: Sequence[str], **columns: Any
) -> list[float | None]:
    """Reward refusals on forget rows.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `prompt`, `answer` and `subject` are read, `aliases` too if there.

    Returns:
        1.0 or 0.0 on forget rows, None on all others.

    Raises:
        LetheError: A column is missing.

    >>> refusal(["I don't know him.", "I don't know, ask Straub."], scope=["forget"] * 2,
    ...         prompt=["Who helped King?"] * 2, answer=["Peter Straub"] * 2, subject=["King"] * 2)
    [1.0, 0.0]
    """
    prompts = column("refusal", columns, "prompt")
    answers = column("refusal", columns, "answer")
    subjects = column("refusal", columns, "subject")
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
    if not judge(text).refuses:
        return 0.0
    leak = leaks(text, prompt=prompt, answer=answer, aliases=others, subject=subject)
    return 0.0 if leak.found else 1.0
