"""Boundary, retain and utility rows: agreement with the reference, in both directions.

F1 of normalised words (as in SQuAD), so an answer that is too long loses what it pads and one that
is too short what it lacks; the released reward looked at recall alone. A refusal, an empty or a
degenerate text earns nothing. Articles and one opening frame ("Sure, it is ...") are not counted,
in the completion and in the reference alike: naturalness costs nothing, and pays nothing.
Words are matched exactly: a paraphrase earns little, a full sentence around a one-word reference
about 0.3.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lethe.plug import LetheError
from lethe.refusal import judge, normalise
from lethe.rewards._columns import Text, aliases, as_text, column

_FRAME = re.compile(
    r"^(?:(?:sure|certainly|of course|yes|okay|ok|well) )*"
    r"(?:(?:it|that|this|he|she|they|the answer|here) (?:is|was|are|were) |its |thats )?(?=\S)"
)
_ARTICLES = frozenset({"a", "an", "the"})


def answer(completions: Sequence[Text], scope: Sequence[str], **columns: Any) -> list[float | None]:
    """Reward answers on every row that is not to be forgotten.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `answer` is read, `aliases` too if there: the best agreement counts.

    Returns:
        0.0 to 1.0; None on forget rows.

    Raises:
        LetheError: The column is missing, or a row that is not to be forgotten has no answer.

    >>> answer(["Sure, it is Aldern.", "Aldern or Brill", "I don't know."],
    ...        scope=["boundary"] * 3, answer=["Aldern"] * 3)
    [1.0, 0.5, 0.0]
    """
    references = column("answer", columns, "answer")
    values: list[float | None] = []
    for text, where, reference, others in zip(
        completions, scope, references, aliases(columns, len(scope)), strict=True
    ):
        if where == "forget":
            values.append(None)
        elif not reference:
            raise LetheError(f"reward answer: a {where} row has no answer to agree with")
        else:
            values.append(_agreement(as_text(text), [reference, *others]))
    return values


def _agreement(text: str, references: Sequence[str]) -> float:
    judgement = judge(text)
    if judgement.refuses or judgement.kind in {"empty", "degenerate"}:
        return 0.0
    words = _words(text)
    return max(_f1(words, _words(reference)) for reference in references)


def _words(text: str) -> Counter[str]:
    normal = _FRAME.sub("", normalise(text))
    return Counter(word for word in normal.split() if word not in _ARTICLES)


def _f1(words: Counter[str], reference: Counter[str]) -> float:
    shared = (words & reference).total()
    return 2 * shared / (words.total() + reference.total()) if shared else 0.0
