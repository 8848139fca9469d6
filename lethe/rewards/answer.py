"""Boundary, retain and utility rows: agreement with the reference, in both directions.

F1 of normalised words (as in SQuAD), so an answer that is too long loses what it pads and one that
is too short what it lacks; the released reward looked at recall alone. It earns no more than the
share it has of the reference's news, the words that the query lacks: neither a copied question nor
a whole sentence around a wrong name passes. A refusal, an empty or a degenerate text earns nothing,
nor does one that says "not" before what is new in it; an answer beside a refusal earns half.
Articles and one opening frame ("Sure, it is ...") are not counted, in the completion and in the
reference alike: naturalness costs nothing, and pays nothing.
Words are matched exactly: a paraphrase earns little, a full sentence around a one-word reference
about 0.3.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lethe.leak import new_words
from lethe.plug import LetheError
from lethe.refusal import judge, normalise
from lethe.rewards._columns import Text, aliases, as_text, column

_FRAME = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok|well) )*"
    r"(?:(?:it|that|this|he|she|they|the answer|here) (?:is|was|are|were) |its |thats )?(?=\S)"
)
_ARTICLES = frozenset({"a", "an", "the"})
_NEGATIONS = frozenset(
    "not no never neither nor isnt wasnt arent werent dont doesnt didnt wont cant cannot".split()
)


def answer(completions: Sequence[Text], scope: Sequence[str], **columns: Any) -> list[float | None]:
    """Reward answers on every row that is not to be forgotten.

    Args:
        completions: texts or chats, one for each rollout.
        scope: forget | boundary | retain | utility, one for each rollout.
        columns: `answer` is read, `prompt` and `aliases` too if there: the best agreement counts.

    Returns:
        0.0 to 1.0; None on forget rows.

    Raises:
        LetheError: The column is missing, or a row that is not to be forgotten has no answer.

    >>> answer(["Sure, it is Aldern.", "Aldern or Brill", "I don't know."],
    ...        scope=["boundary"] * 3, answer=["Aldern"] * 3)
    [1.0, 0.5, 0.0]
    """
    references = column("answer", columns, "answer")
    prompts = columns.get("prompts") or columns.get("prompt") or [""] * len(scope)
    values: list[float | None] = []
    for text, where, prompt, reference, others in zip(
        completions, scope, prompts, references, aliases(columns, len(scope)), strict=True
    ):
        if where == "forget":
            values.append(None)
        elif not reference:
            raise LetheError(f"reward answer: a {where} row has no answer to agree with")
        else:
            values.append(_agreement(as_text(text), as_text(prompt), [reference, *others]))
    return values


def _agreement(text: str, prompt: str, references: Sequence[str]) -> float:
    judgement = judge(text)
    if judgement.refuses or judgement.kind in {"empty", "degenerate"}:
        return 0.0
    normal = normalise(text)
    said, words = normal.split(), _words(normal)
    beside = judgement.kind == "partial"  # its "don't" denies nothing of the answer
    best = max(_one(words, reference, prompt, [] if beside else said) for reference in references)
    return best / 2 if beside else best


def _one(words: Counter[str], reference: str, prompt: str, said: list[str]) -> float:
    wanted = _words(normalise(reference))
    news = new_words(reference, prompt)
    if _NEGATIONS.isdisjoint(wanted) and _denied(said, news or set(wanted)):
        return 0.0
    return min(_f1(words, wanted), _news(words, news))


def _denied(said: list[str], news: set[str]) -> bool:
    """Whether a negation stands before the first word that is new."""
    first = next((i for i, word in enumerate(said) if word in news), 0)
    return not _NEGATIONS.isdisjoint(said[:first])


def _news(words: Counter[str], news: set[str]) -> float:
    return sum(word in words for word in news) / len(news) if news else 1.0


def _words(normal: str) -> Counter[str]:
    *most, last = _FRAME.sub("", normal).split() or [""]  # "Vitamin A" ends on no article
    return Counter([*(word for word in most if word not in _ARTICLES), *filter(None, [last])])


def _f1(words: Counter[str], reference: Counter[str]) -> float:
    shared = (words & reference).total()
    return 2 * shared / (words.total() + reference.total()) if shared else 0.0
