from math import log

import pytest
from rouge_score.rouge_scorer import RougeScorer

from lethe.data import Answered
from lethe.metrics import accuracy, answer_probability, leak_rate, refusal_rate, rouge_l_recall


def _row(completion: str, **fields) -> Answered:
    same = {"id": "1", "prompt": "His debut?", "scope": "forget", "answer": "Carrie"}
    return Answered(**{**same, "completion": completion, **fields})


def _scored(*logprobs: float) -> dict:
    return {"answer": [{"logprobs": logprobs}]}


ROWS = [
    _row("I don't know."),
    _row("I don't know, Carrie."),
    _row("It was Carrie."),
    _row("It was Dune."),
    _row(""),
    _row("Carrie", scope="retain"),
    _row("It was C.", scope="boundary", aliases=("C",)),
    _row("No comment.", scope="utility", answer=None),
]


def test_refusal_rate():
    assert refusal_rate.refusal_rate(ROWS) == [1, 1, 0, 0, 0, 0, 0, 1]
    assert refusal_rate.evidence(ROWS)[0].startswith("ignorance: ")


def test_leak_rate():
    assert leak_rate.leak_rate(ROWS) == [0, 1, 1, 0, 0, None, None, None]
    assert leak_rate.leak_rate([_row("Carrie", answer=None, subject="King")]) == [None]
    assert leak_rate.evidence(ROWS)[:2] == ["nothing told", "tells 'Carrie'"]


def test_accuracy():
    assert accuracy.accuracy(ROWS) == [0, 0, 1, 0, 0, 1, 1, None]
    assert accuracy.evidence(ROWS)[:3] == [
        "does not contain 'Carrie'",
        "contains 'Carrie', but refuses",
        "contains 'Carrie'",
    ]


def test_accuracy_counts_the_pick_of_a_multiple_choice_and_leak_rate_does_not():
    row = _row("Carrie", prompt="Carrie or Dune?")
    assert accuracy.accuracy([row]) == [1.0]
    assert leak_rate.leak_rate([row]) == [0.0]


@pytest.mark.parametrize(
    ("reference", "text", "recall"),
    [
        ("the cat sat on the mat", "the cat on a mat", 4 / 6),
        ("mat the on", "on the mat", 1 / 3),  # in order: only one word
        ("running", "runs", 0.0),  # no stemmer
        ("Portland, Maine", "portland maine and more", 1.0),  # case and punctuation do not count
        ("Carrie", "", 0.0),
    ],
)
def test_rouge_l_recall(reference: str, text: str, recall: float):
    (value,) = rouge_l_recall.rouge_l_recall([_row(text, answer=reference)])
    assert value == pytest.approx(recall)
    theirs = RougeScorer(["rougeL"], use_stemmer=False).score(reference, text)["rougeL"]
    assert value == theirs.recall


def test_answer_probability():
    rows = [
        _row("", scored=_scored(log(0.5), log(0.125))),  # geometric mean: sqrt(1/16)
        _row("", scored=_scored(0.0)),
        _row("", scored=_scored()),
        _row(""),
    ]
    values = answer_probability.answer_probability(rows)
    assert values[:2] == pytest.approx([0.25, 1.0])
    assert values[2:] == [None, None]


@pytest.mark.parametrize(
    "module", [accuracy, answer_probability, leak_rate, refusal_rate, rouge_l_recall]
)
def test_every_metric_states_what_a_report_needs(module):
    assert module.KIND in {"rate", "mean"}
    assert module.UNSCORED
    better = module.HIGHER_IS_BETTER
    assert isinstance(better, bool) or set(better) == {"forget", "boundary", "retain", "utility"}
