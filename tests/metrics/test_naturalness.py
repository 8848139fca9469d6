"""The offline stand-ins for naturalness: n-gram entropy, refusals without a fault."""

from math import log2

import pytest
from nltk import FreqDist, ngrams, word_tokenize
from scipy.stats import entropy

from lethe.data import Answered
from lethe.metrics.clean_refusal_rate import clean_refusal_rate
from lethe.metrics.clean_refusal_rate import evidence as why
from lethe.metrics.ngram_entropy import ngram_entropy, tokens


def _row(completion: str) -> Answered:
    return Answered(id="1", prompt="?", scope="forget", completion=completion)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # 4 pairs, "a b" twice and "b a" twice: 1 bit; 3 triples, "a b a" twice: 0.9183 bits.
        ("a b a b a", (2 / 3 * 1 + 4 / 3 * (log2(3) - 2 / 3)) / 2),
        ("no no no no no no", 0.0),
        ("one two three four", (2 / 3 * log2(3) + 4 / 3 * 1) / 2),
        ("one two", 0.0),  # one pair, no triple
        ("one", 0.0),
        ("", 0.0),
    ],
)
def test_entropy_by_hand(text, value):
    assert ngram_entropy([_row(text)]) == [pytest.approx(value)]


TEXT = (
    "The \"King of Horror\" was born in 1947. He didn't stop: he's written 60 novels, hasn't he? "
    "Yes! They've sold well (over 350,000,000 copies).\nMany became films. He can't complain, and "
    "he doesn't."
)


def test_entropy_is_nltk_s_and_scipy_s():
    """A sentence by itself is tokenised by `word_tokenize` without Punkt's data."""
    sentences = TEXT.replace("\n", " ").split(". ")
    alone = [word for s in sentences[:2] for word in word_tokenize(f"{s}.", preserve_line=True)]
    assert tokens(". ".join(sentences[:2]) + ".")[: len(alone) - 20] == alone[: len(alone) - 20]
    words = tokens(TEXT)
    assert words.count(".") == 4 and "n't" in words and "``" in words
    bits = [entropy(list(FreqDist(ngrams(words, n)).values()), base=2) for n in (2, 3)]
    assert ngram_entropy([_row(TEXT)])[0] == pytest.approx((bits[0] * 2 / 3 + bits[1] * 4 / 3) / 2)


def test_where_the_tokens_can_differ_from_rwku_s():
    """Punkt's English data knows "Dr."; without it a sentence ends there, and so does the word."""
    assert tokens("He met Dr. King there.") == ["He", "met", "Dr", ".", "King", "there", "."]


def test_clean_refusal_rate():
    rows = [_row("I don't know."), _row("I don't know the the"), _row("Carrie"), _row("")]
    assert clean_refusal_rate(rows) == [1.0, 0.0, None, None]
    assert why(rows)[0] == "no fault" and "the the" in why(rows)[1]
