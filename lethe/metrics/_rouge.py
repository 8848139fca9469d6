"""ROUGE-L by package rouge_score, Google's: letters a-z and digits only, case folded."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from lethe.data import Answered


class Overlap(NamedTuple):
    """The longest common subsequence of words as a share of the text, of the reference, and F1."""

    precision: float
    recall: float
    f1: float
    shared: int
    """Words of that subsequence."""
    wanted: int
    """Words of the reference."""
    said: int
    """Words of the text."""


@lru_cache(maxsize=2**14)
def rouge_l(reference: str, text: str, *, stemmer: bool) -> Overlap:
    """ROUGE-L of a text.

    Args:
        reference: What should have been said.
        text: What was said.
        stemmer: Whether Porter's stemmer makes "books" and "book" one word.

    >>> rouge_l("two books", "a book", stemmer=True)
    Overlap(precision=0.5, recall=0.5, f1=0.5, shared=1, wanted=2, said=2)
    """
    scorer, tokenizer = _scorer(stemmer)
    found = scorer.score(reference, text)["rougeL"]
    wanted, said = (len(tokenizer.tokenize(words)) for words in (reference, text))
    numbers = (float(found.precision), float(found.recall), float(found.fmeasure))
    return Overlap(*numbers, round(found.recall * wanted), wanted, said)


def evidence(rows: Sequence[Answered], *, stemmer: bool) -> list[str]:
    """How many of the reference's words each completion has in order, and of how many words."""
    found = (
        rouge_l(row.answer, row.completion, stemmer=stemmer) if row.answer else None for row in rows
    )
    return [f"{one.shared} of {one.wanted} words in order, {one.said} said" if one else ""
            for one in found]  # fmt: skip


@cache
def _scorer(stemmer: bool) -> tuple[Any, Any]:
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

    tokenizer = DefaultTokenizer(use_stemmer=stemmer)
    return RougeScorer(["rougeL"], tokenizer=tokenizer), tokenizer
