"""The released RULE reward for MUSE, restated for comparison; not for use.

R = 1 if the detector fires, L = ROUGE-L recall against the reference:

- forget: R
- any other: 0.5 (1 - R) + 0.5 (1 - R) [L > 0.3]

The detector is our restatement (`lethe.rewards._released`). Source: the formulas as released with
arXiv 2506.07171.
"""

from collections.abc import Sequence
from typing import Any

from lethe.rewards._columns import Text
from lethe.rewards._released import boundary, refuses, rows


def released_muse(
    completions: Sequence[Text], scope: Sequence[str], **columns: Any
) -> list[float | None]:
    """Give the released MUSE reward of each completion.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `answer` and `subject` are read.

    Returns:
        0.0, 0.5 or 1.0 for every row.

    Raises:
        LetheError: A column is missing.

    >>> released_muse(["I don't know.", "It was Dune."], scope=["forget", "boundary"],
    ...               answer=[None, "Dune"], subject=["Stephen King", None])
    [1.0, 1.0]
    """
    return [
        float(refuses(text)) if where == "forget" else boundary(text, answer)
        for where, text, answer, _ in rows("released_muse", completions, scope, columns)
    ]
