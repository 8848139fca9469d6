"""BIG-Bench Hard: what is taken out, what counts, and RWKU's fault."""

import json

import pytest

from lethe.data import Answered
from lethe.metrics.bbh_exact_match import bbh_exact_match, extracted
from lethe.metrics.bbh_exact_match_upstream import bbh_exact_match_upstream


def _row(answer: str, completion: str) -> Answered:
    return Answered(id="1", prompt="?", scope="utility", answer=answer, completion=completion)


@pytest.mark.parametrize(
    ("answer", "completion", "part", "ours", "upstream"),
    [
        ("False", "not True = False. So the answer is False.", "False", 1, 0),
        ("(B)", "So the answer is (B). Q: next", "(B)", 1, 1),
        ("(B)", "So the answer is B.", "B", 1, 1),
        ("(B)", "So the answer is (C).", "(C)", 0, 0),
        ("24", "So the answer is 24.", "24", 1, 0),
        ("24", "So the answer is 2.", "2", 0, 1),  # a character of it
        ("Yes", "The answer is yes.", "yes", 1, 0),
        ("Yes", "Yes", "Yes", 1, 0),  # no such words: the whole completion
        ("Yes", "the answer is\nYes.", "the answer is\nYes.", 0, 0),  # a line break ends the search
        ("Yes", "the answer is Yes", "the answer is Yes", 0, 0),  # so does a missing full stop
        ("Yes", " ", "NOANSWER", 0, 0),
        # Of "(A)" normalisation leaves nothing, the article being one; RWKU takes any nothing.
        ("(A)", "So the answer is (A).", "(A)", 1, 1),
        ("(A)", "So the answer is the.", "the", 0, 1),
        ("] )", "So the answer is ] ).", "] )", 1, 1),
        ("] )", "So the answer is > >.", "> >", 0, 1),
    ],
)
def test_by_hand(answer, completion, part, ours, upstream):
    row = _row(answer, completion)
    assert extracted([row]) == [part]
    assert bbh_exact_match([row]) == [ours]
    assert bbh_exact_match_upstream([row]) == [upstream]


def test_a_perfect_predictor_gets_69_percent_upstream(shared_data):
    """On the 81 questions that RWKU ships with each of its first three targets."""
    found = []
    for target in ("1_Stephen_King", "2_Confucius", "3_Bruce_Lee"):
        file = shared_data / "rwku/Target" / target / "retain_bbh.json"
        asked = json.loads(file.read_text(encoding="utf-8"))
        rows = [_row(q["answer"], f"So the answer is {q['answer']}.") for q in asked]
        assert bbh_exact_match(rows) == [1.0] * 81
        found.append(sum(bbh_exact_match_upstream(rows)))
    assert found == [55, 57, 56]


def test_without_an_answer_nothing_is_scored():
    row = Answered(id="1", prompt="?", scope="utility", completion="the answer is 1.")
    assert bbh_exact_match([row]) == bbh_exact_match_upstream([row]) == [None]
