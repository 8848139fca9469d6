"""Membership scores by hand, their AUC against scikit-learn, PrivLeak in both orientations."""

import zlib

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lethe.data import Answered
from lethe.metrics._auc import MISSING, interval
from lethe.metrics.auc_gradnorm import auc_gradnorm
from lethe.metrics.auc_loss import auc_loss
from lethe.metrics.auc_min_k import auc_min_k
from lethe.metrics.auc_min_k_plus_plus import auc_min_k_plus_plus
from lethe.metrics.auc_reference import auc_reference
from lethe.metrics.auc_zlib import auc_zlib
from lethe.metrics.mia_gradnorm import mia_gradnorm
from lethe.metrics.mia_loss import mia_loss
from lethe.metrics.mia_min_k import mia_min_k
from lethe.metrics.mia_min_k_plus_plus import mia_min_k_plus_plus
from lethe.metrics.mia_zlib import mia_zlib
from lethe.metrics.priv_leak import priv_leak
from lethe.metrics.priv_leak_muse import priv_leak_muse

TEXT = "A text of some length, of some length."


def _row(name="1", scope="forget", logprobs=(-1.0,), end=False, **also) -> Answered:
    protocol = {"texts": {"text": (TEXT,)}, "end": end}
    scored = {"text": [{"logprobs": logprobs, **also}]}
    same = {"prompt": "", "completion": "", "protocol": protocol, "scored": scored}
    return Answered.model_validate({"id": name, "scope": scope, **same})


LOGPS = (-0.5, -6.0, -2.0, -4.0, -1.5)


def test_scores_by_hand():
    row = _row(logprobs=LOGPS, means=[-3.0] * 5, variances=[4.0, 4.0, 0.0, 4.0, 4.0], gradient=7.5)
    assert mia_loss([row]) == pytest.approx([14 / 5])
    assert mia_zlib([row]) == pytest.approx([14 / 5 / len(zlib.compress(TEXT.encode()))])
    assert mia_min_k([row]) == pytest.approx([5.0])  # two of five: -6, -4
    # z: 1.25, -1.5, (-2 + 3) / sqrt(1e-6) = 1000, -0.5, 0.75
    assert mia_min_k_plus_plus([row]) == pytest.approx([1.0])
    assert mia_gradnorm([row]) == [7.5]


def test_at_least_one_token_counts_and_the_end_does_not():
    assert mia_min_k([_row(logprobs=(-1.0, -2.0))]) == [2.0]  # int(0.8) = 0: one
    ended = _row(logprobs=(*LOGPS, -100.0), end=True)
    assert mia_min_k([ended]) == [5.0]
    assert mia_loss([ended]) == pytest.approx([114 / 6])  # the loss has the end in it
    assert mia_min_k([_row(logprobs=(-1.0,), end=True)]) == [None]


def test_what_was_not_recorded_is_not_scored():
    bare = Answered(id="1", prompt="?", scope="forget", completion="", answer="x")
    every = (mia_loss, mia_zlib, mia_min_k, mia_min_k_plus_plus, mia_gradnorm)
    assert [metric([bare]) for metric in every] == [[None]] * 5
    assert mia_min_k_plus_plus([_row()]) == [None] and mia_gradnorm([_row()]) == [None]
    # Without `text` it is the answer, here as a row without protocol has it.
    scored = {"answer": [{"logprobs": (-1.0, -3.0)}]}
    plain = bare.model_copy(update={"answer": "Carrie"})
    plain = Answered.model_validate({**plain.model_dump(), "scored": scored})
    assert mia_loss([plain]) == [2.0]
    assert mia_zlib([plain]) == [2.0 / len(zlib.compress(b"Carrie"))]
    assert mia_min_k([plain]) == [1.0]  # the second label is the end


def test_rwku_s_numbers_are_minus_ours():
    """RWKU's log-likelihood and Min-K (k = 0.4 of its sweep), restated with arrays."""
    logps = np.array(LOGPS)
    row = _row(logprobs=LOGPS)
    assert mia_loss([row])[0] == pytest.approx(-logps.mean())
    assert mia_min_k([row])[0] == pytest.approx(-np.sort(logps)[: int(5 * 0.4)].mean())


def _sample(count: int, seed: int, shift: float = 0.4) -> list[Answered]:
    draw = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        scope = ("forget", "forget", "retain", "boundary", "utility")[i % 5]
        length = int(draw.integers(2, 9))
        logps = -draw.exponential(1 + shift * (scope != "forget"), length).round(1)
        also = {"means": (-draw.random(length) - 2).tolist(), "variances": [1.5] * length}
        norm = float(draw.integers(1, 9))  # with ties
        rows.append(_row(f"{i}", scope, tuple(logps.tolist()), gradient=norm, **also))
    return rows


@pytest.mark.parametrize(
    ("whole", "score"),
    [
        (auc_loss, mia_loss),
        (auc_zlib, mia_zlib),
        (auc_min_k, mia_min_k),
        (auc_min_k_plus_plus, mia_min_k_plus_plus),
        (auc_gradnorm, mia_gradnorm),
    ],
)
def test_auc_is_scikit_learn_s(whole, score):
    rows = _sample(120, 3)
    known = [row for row in rows if row.scope != "utility"]
    labels = [row.scope != "forget" for row in known]
    total = whole(rows, None)
    assert total.value == pytest.approx(roc_auc_score(labels, score(known)), abs=1e-12)
    assert total.n == len(known) and total.low < total.value < total.high


def test_auc_reference():
    rows, reference = _sample(60, 1), _sample(60, 2)
    known = [i for i, row in enumerate(rows) if row.scope != "utility"]
    less = [mia_loss(rows)[i] - mia_loss(reference)[i] for i in known]
    theirs = roc_auc_score([rows[i].scope != "forget" for i in known], less)
    assert auc_reference(rows, reference).value == pytest.approx(theirs, abs=1e-12)
    assert "no reference run" in str(auc_reference(rows, None).unscored)
    assert auc_reference(rows, reference[:1]).unscored == MISSING
    assert auc_reference(rows, reference[:20]).n == 16  # 4 of the 20 are utility


def test_auc_interval_by_hand():
    """At 1 of ten and ten: 0.2 = 1.96 sqrt(.8 * .2 * (1 + 9 (.2 / 1.2 + .8 / 1.8)) / 100)."""
    assert interval(1.0, 10, 10) == pytest.approx((0.8, 1.0), abs=3e-4)
    assert interval(0.0, 10, 10) == pytest.approx((0.0, 0.2), abs=3e-4)
    low, high = interval(0.3, 40, 25)
    assert (1 - high, 1 - low) == pytest.approx(interval(0.7, 25, 40))


def test_auc_interval_holds_the_truth_about_95_times_in_100():
    """Two normals of 20 each, one standard deviation apart: AUC = Phi(1 / sqrt 2) = 0.7602."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        m, n = rng.normal(0, 1, 20), rng.normal(1, 1, 20)
        low, high = interval(float((n[:, None] > m).mean()), 20, 20)
        inside += low <= 0.760250 <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_auc_needs_both_parts():
    rows = [_row("1"), _row("2", "retain", (-2.0,)), _row("3", "utility")]
    assert auc_loss(rows[:1], None).unscored == auc_loss(rows[1:], None).unscored == MISSING
    assert auc_loss(rows, None)[:2] == (1.0, 2) and auc_loss(rows, None).high == 1.0


def _quartet(prefix: str, *losses: float) -> list[Answered]:
    """Two forget and two held-out texts of one token each."""
    scopes = ("forget", "forget", "boundary", "boundary")
    pairs = enumerate(zip(scopes, losses, strict=True))
    return [_row(f"{prefix}{i}", scope, (-value,)) for i, (scope, value) in pairs]


def test_priv_leak_by_hand():
    # AUC: of four pairs (1, 3), (1, 2), (2.5, 3), (2.5, 2) three are won: 3/4. The retain model's
    # is 1/4, so that 100 * (1/4 - 3/4) / (3/4) = -66.67; against chance 100 * (1/4 - 1/2) / (1/2).
    rows, retrained = _quartet("x/", 1, 2.5, 3, 2), _quartet("x/", 3, 2, 1, 2.5)
    assert auc_min_k(rows, None).value == 0.75 and auc_min_k(retrained, None).value == 0.25
    found = priv_leak(rows, retrained)
    assert found.value == pytest.approx(-200 / 3, abs=1e-6) and found.note is None
    alone = priv_leak(rows, None)
    assert alone.value == pytest.approx(-50, abs=1e-6)
    assert alone.note == "no reference run: its AUC is taken for 0.5"
    assert "without Min-K" in str(priv_leak(rows, _quartet("y/", 1, 1, 1, 1)).note)
    assert priv_leak(rows[:2], None).unscored == MISSING
    # From the same retrained model both orientations give the same number.
    assert priv_leak_muse(rows, retrained).value == pytest.approx(found.value, abs=1e-9)


def test_priv_leak_against_muse_s_published_models():
    # MUSE's AUC is 1 - 3/4. News: 100 * (.25 - .4772) / .4772; Books: 100 * (.25 - .5393) / .5393.
    news = priv_leak_muse(_quartet("news/privleak/", 1, 2.5, 3, 2), None)
    books = priv_leak_muse(_quartet("books/privleak/", 1, 2.5, 3, 2), None)
    assert news.value == pytest.approx(-47.6110645, abs=1e-6)
    assert books.value == pytest.approx(-53.6436121, abs=1e-6)
    assert news.note == "against MUSE's published AUC of the retrained model, 0.4772"
    unknown = _quartet("mine/", 1, 2.5, 3, 2)
    assert "News or Books" in str(priv_leak_muse(unknown, None).unscored)
    assert priv_leak_muse([*_quartet("news/", 1, 2, 3, 4), *unknown], None).value is None


def test_priv_leak_s_interval_turns_the_auc_s_around():
    rows = _sample(120, 3)
    whole, leak = auc_min_k(rows, None), priv_leak(rows, None)
    ends = [((1 - end) - 0.5) / (0.5 + 1e-10) * 100 for end in (whole.high, whole.low)]
    assert (leak.low, leak.high) == pytest.approx(tuple(ends))
    assert leak.low < leak.value < leak.high


def test_priv_leak_is_muse_s_roc_area():
    """MUSE: area of the ROC curve of minus the score, forget = 0, over the retrained one's."""
    rows = [row for row in _sample(100, 8) if row.scope != "utility"]
    rows = [row.model_copy(update={"id": f"news/{row.id}"}) for row in rows]
    labels = [row.scope != "forget" for row in rows]
    area = roc_auc_score(labels, [-score for score in mia_min_k(rows)])
    theirs = (area - 0.4772) / 0.4772 * 100
    assert priv_leak_muse(rows, None).value == pytest.approx(theirs, abs=1e-6)
