"""How varied a completion's word pairs and triples are (bits): low in loops, high in real text.

RWKU's fluency (arXiv 2406.10890): the mean of 2/3 of the entropy of the bigrams and 4/3 of that of
the trigrams, log2. A stand-in for naturalness where no judge is at hand: it knows a loop from a
text, and a longer text scores higher whatever it says. RWKU tokenises with `nltk.word_tokenize`;
this uses NLTK's same word tokenizer behind Punkt's rules without its English data (which is a
download): other tokens only where a sentence ends at an abbreviation that the data knows ("Dr.").
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import log2
from typing import Any

from lethe.data import Answered

LABEL = "N-gram entropy"
KIND = "mean"
HIGHER_IS_BETTER = True
UNSCORED = "no rows"


def ngram_entropy(rows: Sequence[Answered]) -> list[float | None]:
    """Entropy of each completion, 0 and up; 0 of fewer than two words.

    Three different pairs, log2(3), two different triples, 1 bit: (2/3 * 1.585 + 4/3) / 2.

    >>> row = Answered(id="1", prompt="?", scope="utility", completion="one two three four")
    >>> round(ngram_entropy([row])[0], 4)
    1.195
    """
    return [_entropy(row.completion) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many pairs and triples of words differ."""
    return [_why(tokens(row.completion)) for row in rows]


def _why(words: Sequence[str]) -> str:
    pairs, triples = _counts(words, 2), _counts(words, 3)
    return (
        f"{len(pairs)} of {pairs.total()} pairs and {len(triples)} of {triples.total()} triples "
        f"differ, {len(words)} words"
    )


def _entropy(text: str) -> float:
    words = tokens(text)
    return (2 / 3 * _bits(words, 2) + 4 / 3 * _bits(words, 3)) / 2


def tokens(text: str) -> list[str]:
    """Words and punctuation marks, sentence by sentence.

    >>> tokens("He didn't. Why?")
    ['He', 'did', "n't", '.', 'Why', '?']
    """
    sentences, words = _tokenizers()
    return [word for sentence in sentences.tokenize(text) for word in words.tokenize(sentence)]


@cache
def _tokenizers() -> tuple[Any, Any]:
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    return PunktSentenceTokenizer(), NLTKWordTokenizer()


def _bits(words: Sequence[str], n: int) -> float:
    counts = _counts(words, n)
    total = counts.total()
    return sum(-count / total * log2(count / total) for count in counts.values())


def _counts(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[k:] for k in range(n)), strict=False))
