"""The norm of a text's gradient, against finite differences and a plain backward pass."""

import pytest
import torch

from lethe.gradient import gradient_norms
from lethe.likelihood import Request, score

TEXTS = [Request((1, 4, 12, 13), (20, 21, 2)), Request((1,), (30, 2)), Request((), (1, 30, 31))]


def loss(model, request: Request) -> float:
    ((_, (found,)),) = score(model, [request], pad=0)
    return -sum(found.logprobs) / len(found.logprobs)


def test_equal_to_a_plain_backward_pass(net):
    model = net()
    for request, norm in zip(TEXTS, gradient_norms(model, TEXTS, 0), strict=True):
        ids = torch.tensor([[*request.context, *request.target]])
        labels = ids.clone()
        labels[:, : len(request.context)] = -100
        model.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        flat = torch.cat([w.grad.flatten() for w in model.parameters() if w.grad is not None])
        assert norm == pytest.approx(flat.norm().item(), rel=1e-5)


def test_it_is_the_slope_of_the_loss_along_the_gradient(net):
    """(L(w + h g/|g|) - L(w - h g/|g|)) / 2h is |g|: the recorder's own losses, no autograd."""
    model = net(scale=0.1).double()
    request = TEXTS[0]
    (norm,) = gradient_norms(model, [request], 0)
    ids = torch.tensor([[*request.context, *request.target]])
    labels = ids.clone()
    labels[:, : len(request.context)] = -100
    model(input_ids=ids, labels=labels).loss.backward()
    weights = [w for w in model.parameters() if w.grad is not None]
    step = 2e-3

    def moved(by: float) -> float:
        with torch.no_grad():
            for weight in weights:
                weight += by * weight.grad / norm
        found = loss(model, request)
        with torch.no_grad():
            for weight in weights:
                weight -= by * weight.grad / norm
        return found

    assert (moved(step) - moved(-step)) / (2 * step) == pytest.approx(norm, rel=1e-3)


def test_frozen_weights_have_no_gradient(net):
    model = net()
    (everything,) = gradient_norms(model, TEXTS[:1], 0)
    for name, weight in model.named_parameters():
        weight.requires_grad_("lm_head" in name)
    (head,) = gradient_norms(model, TEXTS[:1], 0)
    assert 0 < head < everything
    model.requires_grad_(False)
    assert gradient_norms(model, TEXTS[:1], 0) == [None]


def test_the_model_is_left_as_it_was(net):
    model = net(attention_dropout=0.5).train()
    weight = next(model.parameters())
    weight.grad = torch.ones_like(weight)
    before = weight.detach().clone()
    with torch.no_grad():
        twice = [gradient_norms(model, TEXTS, 0) for _ in range(2)]
    assert twice[0] == twice[1]  # no dropout while it is taken
    assert model.training
    assert torch.equal(weight, before) and torch.equal(weight.grad, torch.ones_like(weight))


def test_a_text_without_a_token_to_score(net):
    assert gradient_norms(net(), [Request((), (5,)), Request((1,), ())], 0) == [None, None]
