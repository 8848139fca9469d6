"""ROUGE-L by package rouge_score, Google's: letters a-z and digits only, case folded."""

from functools import cache
from typing import Any, NamedTuple


class Overlap(NamedTuple):
    """The longest common subsequence of words as a share of the text, of the reference, and F1."""

    precision: float
    recall: float
    f1: float


def rouge_l(reference: str, text: str, *, stemmer: bool) -> Overlap:
    """ROUGE-L of a text.

    Args:
        reference: What should have been said.
        text: What was said.
        stemmer: Whether Porter's stemmer makes "books" and "book" one word.

    >>> rouge_l("two books", "a book", stemmer=True)
    Overlap(precision=0.5, recall=0.5, f1=0.5)
    """
    found = _scorer(stemmer).score(reference, text)["rougeL"]
    return Overlap(float(found.precision), float(found.recall), float(found.fmeasure))


@cache
def _scorer(stemmer: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=stemmer)
