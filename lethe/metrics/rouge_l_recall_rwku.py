"""RWKU's ROUGE: share of the reference's distinct words that the answer has, sentence by sentence.

RWKU (arXiv 2406.10890) scores by PyPI's package `rouge` 1.0.1, whose ROUGE-L recall is none of
rouge_score's: case and punctuation count ("King," is not "King"); a full stop ends a sentence and
is no part of a word; each sentence of the reference is aligned with each of the text, and what
counts is the *set* of words found so, over the set of the reference's words. Quirks kept: a
sentence of nothing but spaces is the empty word, and of several longest alignments the one that
skips the text's words first is taken. An empty completion reads "NOANSWER", as in RWKU; one of full
stops alone scores 0, where the package raises an error.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from lethe.data import Answered

LABEL = "ROUGE-L recall, RWKU's"
KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"
NO_ANSWER = "NOANSWER"


def rouge_l_recall_rwku(rows: Sequence[Answered]) -> list[float | None]:
    """ROUGE-L recall by RWKU's rules, 0.0 to 1.0; None without a reference answer.

    >>> row = Answered(id="1", prompt="Where?", scope="retain", answer="Portland, Maine",
    ...                completion="In Portland. It is in Maine.")
    >>> rouge_l_recall_rwku([row])
    [0.5]
    """
    return [len(found) / len(wanted) if wanted else None for found, wanted in map(_words, rows)]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many of the reference's words each completion has."""
    counts = ((len(found), len(wanted)) for found, wanted in map(_words, rows))
    return [f"{found} of {wanted} distinct words in order" for found, wanted in counts]


def _words(row: Answered) -> tuple[set[str], set[str]]:
    """The reference's distinct words that were found, and all; none without a reference."""
    return _overlap(row.answer or "", row.completion)


@lru_cache(maxsize=2**14)
def _overlap(reference: str, text: str) -> tuple[set[str], set[str]]:
    wanted, told = _sentences(reference), _sentences(text.strip() or NO_ANSWER)
    found = {word for pair in product(wanted, told) for word in _common(*pair)}
    return found, {word for sentence in wanted for word in sentence}


def _sentences(text: str) -> list[list[str]]:
    return [part.split() or [""] for part in text.split(".") if part]


def _common(reference: list[str], text: list[str]) -> list[str]:
    """The words of a longest common subsequence."""
    longest = _lengths(reference, text)
    i, j, found = len(reference), len(text), []
    while i and j:
        if reference[i - 1] == text[j - 1]:
            i, j = i - 1, j - 1
            found.append(reference[i])
        elif longest[i - 1][j] > longest[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return found


def _lengths(reference: list[str], text: list[str]) -> list[list[int]]:
    """Length of the longest common subsequence of the first i and the first j words."""
    table = [[0] * (len(text) + 1)]
    for word in reference:
        row = [0]
        for j, other in enumerate(text):
            row.append(table[-1][j] + 1 if word == other else max(table[-1][j + 1], row[j]))
        table.append(row)
    return table
