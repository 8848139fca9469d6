"""Multiple choice: MMLU's letters, TruthfulQA's MC1 and MC2; by hand and by RWKU's formulas."""

from math import log

import numpy as np
import pytest

from lethe.data import Answered
from lethe.metrics import choice_accuracy
from lethe.metrics.mc1 import mc1
from lethe.metrics.mc2 import mc2


def _row(answer=None, **texts) -> Answered:
    scored = {name: [{"logprobs": text} for text in found] for name, found in texts.items()}
    letters = "ABCD"[: len(texts.get("choices", ()))]
    protocol = {"texts": {"choices": tuple(letters)}}
    same = {"id": "1", "prompt": "?", "scope": "utility", "completion": ""}
    return Answered.model_validate(
        {**same, "answer": answer, "scored": scored, "protocol": protocol}
    )


def test_choice_accuracy():
    likeliest_c = [[-3.0], [-2.0], [-1.0], [-4.0]]
    rows = [_row("C", choices=likeliest_c), _row("B", choices=likeliest_c)]
    assert choice_accuracy.choice_accuracy(rows) == [1.0, 0.0]
    assert choice_accuracy.extracted(rows) == ["C", "C"]
    # Summed, not averaged: two tokens of -1.5 are less likely than one of -2.
    assert choice_accuracy.extracted([_row("A", choices=[[-2.0], [-1.5, -1.5]])]) == ["A"]
    # Of equal ones the first.
    assert choice_accuracy.extracted([_row("A", choices=[[-1.0], [-1.0]])]) == ["A"]
    assert choice_accuracy.choice_accuracy([_row("A"), _row(choices=[[-1.0]])]) == [None, None]


def test_mc1():
    false = [[-1.0, -2.0], [-4.0]]  # the likelier one: -3
    assert mc1([_row(mc1_true=[[-2.9]], mc1_false=false)]) == [1.0]
    assert mc1([_row(mc1_true=[[-3.0]], mc1_false=false)]) == [0.0]  # a tie is no win
    assert mc1([_row(mc1_true=[[-3.5], [-1.0]], mc1_false=false)]) == [0.0]  # only the first counts
    assert mc1([_row(mc1_true=[[-1.0]]), _row()]) == [None, None]


def test_mc2():
    # (1/2 + 1/8) / (1/2 + 1/8 + 1/4) = 5/7
    row = _row(mc2_true=[[log(0.5)], [log(0.5), log(0.25)]], mc2_false=[[log(0.25)]])
    assert mc2([row]) == pytest.approx([5 / 7])
    assert mc2([_row(mc2_true=[[-1.0]]), _row()]) == [None, None]


def test_mc2_is_the_published_formula():
    draw = np.random.default_rng(0)
    for _ in range(50):
        true, false = -draw.exponential(9, 3), -draw.exponential(9, 4)
        row = _row(mc2_true=[[v] for v in true], mc2_false=[[v] for v in false])
        theirs = (np.exp(true) / (np.exp(true).sum() + np.exp(false).sum())).sum()
        assert mc2([row]) == pytest.approx([theirs], abs=1e-12)


def test_mc2_of_hopelessly_unlikely_answers():
    assert mc2([_row(mc2_true=[[-2000.0]], mc2_false=[[-2000.0]])]) == [0.5]
