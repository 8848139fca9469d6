"""TOFU: probability, truth ratio, forget quality, model utility; by hand and against scipy."""

from math import exp, log

import numpy as np
import pytest
from scipy.stats import hmean, ks_2samp

from lethe.data import Answered
from lethe.metrics import model_utility as utility
from lethe.metrics.answer_probability import answer_probability
from lethe.metrics.forget_quality import forget_quality
from lethe.metrics.model_utility import model_utility
from lethe.metrics.normalised_probability import normalised_probability
from lethe.metrics.rouge_l_recall_stemmed import rouge_l_recall_stemmed
from lethe.metrics.truth_ratio import ratio, truth_ratio


def _row(name: str = "1", scope: str = "forget", **texts) -> Answered:
    """A row with texts given as lists of log-probabilities."""
    scored = {key: [{"logprobs": text} for text in found] for key, found in texts.items()}
    return Answered.model_validate(
        {"id": name, "prompt": "?", "scope": scope, "completion": "", "scored": scored}
    )


HALF, QUARTER, EIGHTH = log(0.5), log(0.25), log(0.125)


def test_normalised_probability():
    # p = 1/2; wrong ones 1/4 and sqrt(1/4 * 1/16) = 1/8: 0.5 / 0.875.
    row = _row(answer=[[HALF]], perturbed=[[QUARTER], [QUARTER, log(1 / 16)]])
    assert normalised_probability([row]) == pytest.approx([0.5 / (0.875 + 1e-10)], abs=1e-12)
    lacking = [_row(answer=[[HALF]]), _row(perturbed=[[HALF]]), _row(), _row(answer=[[]])]
    assert normalised_probability(lacking) == [None] * 4


def test_truth_ratio_by_hand():
    # Wrong: geometric mean of 1/2 and 1/8 = 1/4. Right: the paraphrase's 1/2, not the answer's 1/8.
    texts = {"answer": [[EIGHTH]], "paraphrased": [[HALF]], "perturbed": [[HALF], [EIGHTH]]}
    row = _row(**texts)
    assert ratio(row) == pytest.approx(0.5)
    others = [_row(scope=scope, **texts) for scope in ("boundary", "retain", "utility")]
    assert truth_ratio([row, *others]) == pytest.approx([0.5] * 4)
    # Without a paraphrase the plain answer is the right one: 1/4 over 1/8 = 2.
    del texts["paraphrased"]
    found = truth_ratio([_row(**texts), _row(scope="utility", **texts)])
    assert found == pytest.approx([0.5, 0.0])
    # A model that gives the right answer nothing: the 1e-10 keeps the ratio finite.
    lost = _row(answer=[[-1000.0]], perturbed=[[0.0]])
    assert ratio(lost) == pytest.approx(1e10)
    assert truth_ratio([_row(answer=[[HALF]]), _row(perturbed=[[HALF]])]) == [None, None]


def test_truth_ratio_is_open_unlearning_s():
    """The formula restated with arrays: average losses, exp, ratio, aggregate."""
    draw = np.random.default_rng(1)
    right, wrong = draw.uniform(0, 4, 50), draw.uniform(0, 4, (50, 5))
    texts = [
        {"paraphrased": [[-r, -r]], "perturbed": [[-w] for w in ws]}
        for r, ws in zip(right, wrong, strict=True)
    ]
    raw = np.exp(-wrong.mean(1)) / (np.exp(-right) + 1e-10)
    assert [ratio(_row(**text)) for text in texts] == pytest.approx(raw.tolist(), abs=1e-9)
    forget = np.minimum(raw, 1 / (raw + 1e-10)).mean()
    assert np.mean(truth_ratio([_row(**t) for t in texts])) == pytest.approx(forget, abs=1e-9)
    kept = [_row(scope="retain", **text) for text in texts]
    assert np.mean(truth_ratio(kept)) == pytest.approx(np.maximum(0, 1 - raw).mean(), abs=1e-9)


def _forget_rows(shift: float, seed: int, count: int = 60) -> list[Answered]:
    draw = np.random.default_rng(seed)
    wrong = draw.uniform(0, 3, count) - shift
    return [_row(str(i), paraphrased=[[-1.5]], perturbed=[[-w], [-w]]) for i, w in enumerate(wrong)]


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_forget_quality_is_scipy_s(shift):
    ours, theirs = _forget_rows(shift, 1), _forget_rows(0.0, 2)
    total = forget_quality(ours, theirs)
    p = ks_2samp([ratio(row) for row in ours], [ratio(row) for row in theirs]).pvalue
    assert total.value == pytest.approx(p, abs=1e-12) and total.n == 60 and total.note is None
    # The first TOFU code tests 1 / R; the order is turned around and the test is the same.
    inverse = [[1 / (ratio(row) + 1e-10) for row in rows] for rows in (ours, theirs)]
    assert total.value == pytest.approx(ks_2samp(*inverse).pvalue, abs=1e-12)


def test_forget_quality_without_what_it_needs():
    rows = _forget_rows(0.0, 1, 4)
    kept = [row.model_copy(update={"scope": "retain"}) for row in rows]
    assert forget_quality(rows, None).value is None
    assert "retain model" in str(forget_quality(rows, None).unscored)
    assert forget_quality(kept, rows).unscored == "no forget row has a truth ratio"
    other = [row.model_copy(update={"id": f"other {row.id}"}) for row in rows]
    assert "of the reference run" in str(forget_quality(rows, other).unscored)
    # Only the reference's rows of the same ids count, and the record says if some lack.
    total = forget_quality(rows, [*rows[:3], *other])
    assert total.value == ks_2samp([ratio(r) for r in rows], [ratio(r) for r in rows[:3]]).pvalue
    assert total.note == "against 3 rows of the reference run"


def _kept(group: str, count: int, seed: int, right: float) -> list[Answered]:
    scope, _, form = group.partition("/")
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        losses = draw.uniform(0.1, 2, 4)
        texts = {
            "answer": [[-losses[0]]],
            "perturbed": [[-right * loss] for loss in losses[1:]],
            **({"paraphrased": [[-losses[0] / 2]]} if scope == "retain" else {}),
        }
        said = {"form": form, "answer": "He writes books", "completion": "write a book"[i % 6 :]}
        rows.append(_row(f"{group}/{i}", scope, **texts).model_copy(update=said))
    return rows


PARTS = ("retain/question", "utility/real_authors", "utility/world_facts")


def test_model_utility_is_scipy_s_harmonic_mean_of_nine():
    groups = [_kept(group, 20 + i, i, 1.5) for i, group in enumerate(PARTS)]
    nine = []
    for group, rows in zip(PARTS, groups, strict=True):
        probability = answer_probability if group == PARTS[0] else normalised_probability
        nine += [np.mean(m(rows)) for m in (probability, rouge_l_recall_stemmed, truth_ratio)]
    total = model_utility([row for rows in groups for row in rows], None)
    assert total.value == pytest.approx(hmean(nine), abs=1e-12)
    assert total.n == 63 and total.low < total.value < total.high
    spoilt = list(_kept(PARTS[0], 5, 0, 1.5))
    spoilt = [row.model_copy(update={"completion": ""}) for row in spoilt]
    assert model_utility([*spoilt, *groups[1], *groups[2]], None).value == 0.0


def test_model_utility_by_hand():
    # Every number 1/2 but one, 1/4: 9 / (8 * 2 + 4).
    nine = np.array([0.5] * 8 + [0.25])
    assert utility.harmonic_mean(nine) == pytest.approx(9 / 20)


def test_model_utility_names_what_lacks():
    rows = [row for group in PARTS[:2] for row in _kept(group, 3, 0, 1.5)]
    assert model_utility(rows, None) == (
        None,
        0,
        None,
        None,
        "nothing to score in utility/world_facts",
        None,
    )


def test_tofu_s_probability():
    row = _row(answer=[[-0.2, -0.4, -0.6]])
    assert answer_probability([row]) == pytest.approx([exp(-0.4)])
