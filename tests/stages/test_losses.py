"""Losses of the offline methods on numbers worked out by hand, and their gradients."""

import math

import pytest
import torch

from lethe.stages import (
    ceu,
    dpo,
    gradient_ascent,
    idk,
    max_entropy,
    npo,
    rmu,
    satimp,
    simnpo,
    task_vector,
    undial,
    wga,
)
from lethe.stages._losses import Batch, Part, kl, nll

# Row 0 has two tokens, of probability 1/2 and 1/4; row 1 has one, of probability 1/8.
P = [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.75, 0.125, 0.125]]
LABELS = [0, 1, 2]
ROWS = [0, 0, 1]
HALF = math.log(2)


def part(probabilities=P, **more):
    """Logits are log-probabilities moved by a constant, which must not matter."""
    logits = torch.tensor(probabilities, dtype=torch.float64).log() + 3.0
    return Part(logits, torch.tensor(LABELS), torch.tensor(ROWS), **more)


def answers(**more):
    return Batch(answer=part(**more))


def reference(*probabilities):
    return torch.tensor(probabilities, dtype=torch.float64).log()


def softplus(x):
    """-log sigmoid(-x)."""
    return math.log1p(math.exp(x))


# -------------------------------------------------------------------------------------- a part


def test_a_part_knows_its_rows():
    one = Part(torch.zeros(6, 3), torch.zeros(6).long(), torch.tensor([0, 0, 0, 1, 2, 2]))
    assert one.rows == 3
    assert one.lengths_B().tolist() == [3, 1, 2]
    assert one.place_N().tolist() == [0, 1, 2, 0, 0, 1]
    values = torch.tensor([1.0, 2.0, 6.0, 5.0, 1.0, 2.0])
    assert one.sums_B(values).tolist() == [9.0, 5.0, 3.0]
    assert one.means_B(values).tolist() == [3.0, 5.0, 1.5]


def test_log_probabilities_are_of_the_labels():
    expected = [math.log(1 / 2), math.log(1 / 4), math.log(1 / 8)]
    assert part().logps_N().tolist() == pytest.approx(expected)


def test_nll_is_a_mean_over_rows_of_means_over_tokens():
    # Row 0: (ln 2 + ln 4) / 2 = 1.5 ln 2; row 1: 3 ln 2; mean 2.25 ln 2. All three tokens: 2 ln 2.
    assert nll(part()).item() == pytest.approx(2.25 * HALF)


def test_kl_is_of_the_original_against_the_model():
    # The original is (1/2, 1/4, 1/4) everywhere. Row 0: none. Row 1, against (3/4, 1/8, 1/8):
    # 1/2 ln(2/3) + 2 x 1/4 ln 2 = 1/2 ln(4/3). Mean over the two rows: 1/4 ln(4/3).
    teacher = torch.tensor([P[0]] * 3, dtype=torch.float64).log() - 1.0
    assert kl(part(teacher_NV=teacher)).item() == pytest.approx(0.25 * math.log(4 / 3))
    with pytest.raises(TypeError, match="no teacher logits"):
        kl(part())


# ----------------------------------------------------------------------------------- the methods


def test_gradient_ascent_rejection_tuning_and_learning_by_heart():
    assert gradient_ascent.loss(answers()).item() == pytest.approx(-2.25 * HALF)
    assert task_vector.loss(answers()).item() == pytest.approx(2.25 * HALF)
    assert idk.loss(Batch(refusal=part())).item() == pytest.approx(2.25 * HALF)


def test_npo():
    # The original: 1/4, 1/4 and 1/8. Ratios: row 0 ln(1/8) - ln(1/16) = ln 2, row 1: 0.
    # beta 0.5: -2/0.5 log sigmoid(-0.5 r) = 4 log(1 + e^(r/2)): 4 ln(1 + sqrt 2) and 4 ln 2.
    batch = answers(reference_N=reference(1 / 4, 1 / 4, 1 / 8))
    expected = (4 * math.log(1 + math.sqrt(2)) + 4 * HALF) / 2
    assert npo.loss(batch, npo.Config(beta=0.5)).item() == pytest.approx(expected)


def test_simnpo():
    # Mean log-probabilities: -1.5 ln 2 and -3 ln 2. beta 2, gamma 0: log(1 + e^(2m)) is
    # ln(1 + 1/8) and ln(1 + 1/64), and 2/beta is 1. gamma adds to the exponent.
    expected = (math.log(9 / 8) + math.log(65 / 64)) / 2
    assert simnpo.loss(answers(), simnpo.Config(beta=2)).item() == pytest.approx(expected)
    margin = (softplus(-3 * HALF + 1) + softplus(-6 * HALF + 1)) / 2
    assert simnpo.loss(answers(), simnpo.Config(beta=2, gamma=1)).item() == pytest.approx(margin)


def test_dpo():
    # Refusals: the same texts, but the original gave their tokens 1/4, 1/8 and 1/8: ratios
    # ln 4 and 0. Answers against 1/4, 1/4, 1/8: ln 2 and 0. Margins: ln 2 and 0; beta 1:
    # -log sigmoid(ln 2) = ln 1.5, and ln 2.
    batch = Batch(
        answer=part(reference_N=reference(1 / 4, 1 / 4, 1 / 8)),
        refusal=part(reference_N=reference(1 / 4, 1 / 8, 1 / 8)),
    )
    expected = (math.log(1.5) + HALF) / 2
    assert dpo.loss(batch, dpo.Config(beta=1)).item() == pytest.approx(expected)


def test_wga():
    # p ln p: row 0 (-1/2 - 1/4 x 2) / 2 = -1/2, row 1 -3/8, in ln 2; mean -7/16 ln 2.
    assert wga.loss(answers(), wga.Config(beta=1)).item() == pytest.approx(-7 / 16 * HALF)
    assert wga.loss(answers(), wga.Config(beta=0)).item() == pytest.approx(-2.25 * HALF)


def test_satimp():
    # p (1-p) ln p: row 0 (-1/4 - 3/16 x 2) / 2 = -5/16, row 1 -7/64 x 3; in ln 2.
    config = satimp.Config(beta1=1, beta2=1)
    expected = (-5 / 16 - 21 / 64) / 2 * HALF
    assert satimp.loss(answers(), config).item() == pytest.approx(expected)


def test_ceu():
    # Without the true token the rest is scaled to one. Token 0: (0, 1/2, 1/2), entropy to the
    # model's 2 x 1/2 ln 4 = 2 ln 2. Token 1: (2/3, 0, 1/3): 2/3 ln 2 + 1/3 ln 4 = 4/3 ln 2.
    # Token 2: (6/7, 1/7, 0): 6/7 ln(4/3) + 1/7 ln 8.
    last = 6 / 7 * math.log(4 / 3) + 1 / 7 * math.log(8)
    expected = ((2 + 4 / 3) / 2 * HALF + last) / 2
    assert ceu.loss(answers(), ceu.Config(spare=0)).item() == pytest.approx(expected)
    # The first token of each row is spared: row 1 has nothing left, and counts 0.
    assert ceu.loss(answers(), ceu.Config(spare=1)).item() == pytest.approx(4 / 3 * HALF / 2)
    assert ceu.loss(answers(), ceu.Config(spare=9)).item() == 0.0


def test_undial():
    # The original's (1/2, 1/4, 1/4) with the true logit lowered by ln 2. Token 0: (1/4, 1/4, 1/4)
    # -> thirds: (1 + 2 + 2) / 3 ln 2 = 5/3. Token 1: (1/2, 1/8, 1/4) -> (4, 1, 2) / 7:
    # (4 + 2 + 4) / 7 = 10/7. Token 2: (4, 2, 1) / 7 against (3/4, 1/8, 1/8).
    teacher = torch.tensor([P[0]] * 3, dtype=torch.float64).log()
    last = 4 / 7 * math.log(4 / 3) + 3 / 7 * math.log(8)
    expected = ((5 / 3 + 10 / 7) / 2 * HALF + last) / 2
    batch = answers(teacher_NV=teacher)
    assert undial.loss(batch, undial.Config(strength=HALF)).item() == pytest.approx(expected)


def test_max_entropy():
    # Entropies: 1.5 ln 2 twice; 3/4 ln(4/3) + 1/4 ln 8. Distance from ln 3, mean over the rows.
    last = 0.75 * math.log(4 / 3) + 0.25 * math.log(8)
    expected = math.log(3) - (1.5 * HALF + last) / 2
    assert max_entropy.loss(answers()).item() == pytest.approx(expected)
    even = answers(probabilities=[[1 / 3] * 3] * 3)
    assert max_entropy.loss(even).item() == pytest.approx(0.0, abs=1e-12)


def test_rmu():
    # States of width 2; the original's are 5, 5 and 10 long: row means 5 and 10, steering 2: the
    # targets are 10 u and 20 u. With h = 0 the distance is the target's square over 2: 50 and 200.
    original = torch.tensor([[3.0, 4.0], [5.0, 0.0], [6.0, 8.0]], dtype=torch.float64)
    moved = part(hidden_ND=torch.zeros(3, 2, dtype=torch.float64), original_ND=original)
    # Retain: off by 1 in one of two entries of tokens 0 and 1, row 0's mean 1/2; row 1: 2^2/2 = 2.
    off = torch.tensor([[1.0, 0], [0, 1], [2, 0]], dtype=torch.float64)
    held = part(hidden_ND=original + off, original_ND=original)
    found = rmu.loss(Batch(answer=moved, retain=held), rmu.Config(steering=2, alpha=3))
    assert found.item() == pytest.approx((50 + 200) / 2 + 3 * (1 / 2 + 2) / 2)


# ------------------------------------------------------------------------------------ gradients

CASES = {
    "GradDiff": lambda b: gradient_ascent.loss(b) + nll(b.retain),
    "NPO": lambda b: npo.loss(b, npo.Config(beta=0.5)),
    "SimNPO": lambda b: simnpo.loss(b, simnpo.Config(beta=2.5, gamma=0.3)),
    "DPO": lambda b: dpo.loss(b, dpo.Config(beta=0.5)),
    "KLR": lambda b: kl(b.retain),
    "UNDIAL": lambda b: undial.loss(b, undial.Config(strength=2)),
    "ME": max_entropy.loss,
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_numerical_differentiation(name):
    draws = torch.Generator().manual_seed(0)
    start = torch.randn(9, 4, generator=draws, dtype=torch.float64)
    teacher = torch.randn(3, 4, generator=draws, dtype=torch.float64)

    def loss(logits):
        labels, rows = torch.tensor(LABELS), torch.tensor(ROWS)
        own = {"reference_N": reference(0.4, 0.2, 0.3), "teacher_NV": teacher}
        parts = [Part(one, labels, rows, **own) for one in logits.split(3)]
        return CASES[name](Batch(*parts))

    free = start.clone().requires_grad_()
    loss(free).backward()
    step, numbers = 1e-5, torch.zeros_like(start)
    for i in range(9):
        for j in range(4):
            change = torch.zeros_like(start)
            change[i, j] = step
            numbers[i, j] = (loss(start + change) - loss(start - change)) / (2 * step)
    assert numbers.abs().max() > 1e-3
    torch.testing.assert_close(free.grad, numbers, atol=1e-8, rtol=1e-6)


def test_npos_gradient_is_that_of_ascent_with_a_weight_that_fades():
    """Weight of a row: 2 p^beta / (p^beta + p_0^beta), sums in place of means."""
    known = torch.tensor([[0.5, 0.25, 0.25]] * 3, dtype=torch.float64).log().requires_grad_()
    labels, rows, own = torch.tensor(LABELS), torch.tensor(ROWS), reference(1 / 4, 1 / 4, 1 / 2)
    batch = Batch(answer=Part(known, labels, rows, own))
    npo.loss(batch, npo.Config(beta=1)).backward()
    found, known.grad = known.grad, None
    # p: 1/8 and 1/4; p_0: 1/16 and 1/2. Weights: 2 x 2/(2 + 1) = 4/3, 2 x 1/(1 + 2) = 2/3.
    weight_B = torch.tensor([4 / 3, 2 / 3], dtype=torch.float64)
    ((weight_B * batch.answer.sums_B(batch.answer.logps_N())).mean()).backward()
    torch.testing.assert_close(found, known.grad)


@pytest.mark.parametrize("method", [wga, satimp])
def test_weights_of_tokens_are_constants(method):
    logits = torch.tensor(P, dtype=torch.float64).log().requires_grad_()
    batch = Batch(answer=Part(logits, torch.tensor(LABELS), torch.tensor(ROWS)))
    method.loss(batch, method.Config()).backward()
    p_N = batch.answer.logps_N().detach().exp()
    weight_N = p_N if method is wga else p_N**5 * (1 - p_N)
    # d(log p)/d logits = onehot - softmax; the mean over rows and tokens: 1/4, 1/4, 1/2.
    onehot = torch.eye(3, dtype=torch.float64)[LABELS]
    share_N = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64)
    expected = (share_N * weight_N)[:, None] * (onehot - torch.tensor(P, dtype=torch.float64))
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize(
    ("method", "options"), [(ceu, {"spare": 2}), (npo, {}), (simnpo, {}), (undial, {}), (wga, {})]
)
def test_a_batch_is_the_mean_of_its_rows(method, options):
    teacher = torch.tensor([P[1], P[2], P[0]], dtype=torch.float64).log()
    known = reference(1 / 4, 1 / 8, 1 / 2)
    logits, labels = part().logits_NV, torch.tensor(LABELS)

    def one(chosen, rows):
        own = Part(logits[chosen], labels[chosen], torch.tensor(rows), known[chosen])
        batch = Batch(answer=own._replace(teacher_NV=teacher[chosen]))
        return method.loss(batch, method.Config(**options)).item()

    apart = (one([0, 1], [0, 0]) + one([2], [0])) / 2
    assert one([0, 1, 2], ROWS) == pytest.approx(apart, abs=1e-12)
