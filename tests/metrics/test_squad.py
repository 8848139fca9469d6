"""Exact match and F1 as SQuAD and TriviaQA have them, by hand and by precision and recall."""

import json
import random
from collections import Counter

import pytest

from lethe.data import Answered
from lethe.metrics._squad import words
from lethe.metrics.exact_match import exact_match
from lethe.metrics.token_f1 import token_f1


def _row(completion: str, answer: str | None, *aliases: str) -> Answered:
    same = {"id": "1", "prompt": "?", "scope": "utility", "aliases": aliases}
    return Answered(**same, answer=answer, completion=completion)


@pytest.mark.parametrize(
    ("row", "match", "f1"),
    [
        (_row("The Titanic!", "titanic"), 1, 1.0),
        (_row("RMS Titanic", "the Titanic"), 0, 2 / 3),
        (_row("RMS Titanic", "Olympic", "Titanic, RMS"), 0, 1.0),  # order does not count in F1
        (_row("J. R. R. Tolkien", "JRR Tolkien", "Tolkien"), 0, 0.4),
        (_row("sail-boat", "sailboat"), 1, 1.0),  # punctuation goes without a space
        (_row("an apple a day", "Apple day"), 1, 1.0),
        (_row("go go go", "go"), 0, 0.5),  # 1 of 3, 1 of 1
        (_row("", "Titanic"), 0, 0.0),
        (_row("the", "A"), 1, 1.0),  # both nothing
        (_row("x", None), None, None),
    ],
)
def test_by_hand(row, match, f1):
    assert exact_match([row]) == [match]
    assert token_f1([row]) == [pytest.approx(f1)]


def test_what_rwku_s_own_functions_gave(shared_data):
    """Input F of docs/metrics.md, where RWKU's functions gave .30 and .5668571."""
    file = shared_data / "rwku/Target/1_Stephen_King/triviaqa.json"
    asked = [question["answers"] for question in json.loads(file.read_text(encoding="utf-8"))]
    rows = [_row(answers[-1], *answers[:2]) for answers in asked]
    assert len(rows) == 100 and sum(exact_match(rows)) == 30
    assert sum(token_f1(rows)) / 100 == pytest.approx(0.5668571, abs=5e-8)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    draw = random.Random(0)
    for _ in range(200):
        said, wanted = (
            " ".join(draw.choices("the big red, red. ship a".split(), k=draw.randint(1, 6)))
            for _ in range(2)
        )
        ours, theirs = Counter(words(said)), Counter(words(wanted))
        shared = sum((ours & theirs).values())
        if not ours or not theirs:
            expected = float(ours == theirs)
        elif not shared:
            expected = 0.0
        else:
            p, r = shared / sum(ours.values()), shared / sum(theirs.values())
            expected = 2 * p * r / (p + r)
        assert token_f1([_row(said, wanted)]) == [pytest.approx(expected, abs=1e-12)]
