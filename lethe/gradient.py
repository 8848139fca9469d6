"""How hard a model would be pulled by one text: the norm of the loss's gradient.

One forward and one backward pass for each text, alone: gradients of a batch add up. A text that a
model was trained on pulls less (membership inference by gradients, arXiv 2402.17012). The norm is
Euclidean and over all weights together; OpenUnlearning takes the mean of the weight tensors' own
norms and leaves out the last label.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lethe.likelihood import Request

if TYPE_CHECKING:
    from torch import Tensor


def gradient_norms(model: Any, requests: Sequence[Request], pad: int) -> list[float | None]:
    """Euclidean norm of the gradient of each text's loss with respect to all trainable weights.

    The loss is the mean negative log-probability (nats) of the target's tokens, dropout off.
    Weights that are frozen count for nothing. The model is left as it was, its gradients too.

    Args:
        model: A causal language model.
        requests: The texts.
        pad: Padding token; a text alone has none, so any will do.

    Returns:
        One norm a text; None where no token can be scored or no weight is trainable.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    training = model.training
    model.eval()
    try:
        return [_norm(model, weights, request, pad) for request in requests]
    finally:
        model.train(training)


def _norm(model: Any, weights: "list[Tensor]", request: Request, pad: int) -> float | None:
    import torch

    if not weights or request.scorable < 1:
        return None
    with torch.enable_grad():
        # autograd.grad, not backward: what a trainer has summed up in .grad stays as it is.
        found = torch.autograd.grad(_loss(model, request, pad), weights, allow_unused=True)
    squares = [grad.double().square().sum() for grad in found if grad is not None]
    return float(torch.stack(squares).sum().sqrt())


def _loss(model: Any, request: Request, pad: int) -> "Tensor":
    from torch.nn.functional import cross_entropy

    from lethe.generate import left_pad

    ids_BT, mask_BT = left_pad([(*request.context, *request.target)], pad)
    ids_BT, mask_BT = ids_BT.to(model.device), mask_BT.to(model.device)
    logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
    scored = request.scorable
    return cross_entropy(logits_BTV[0, -scored - 1 : -1].float(), ids_BT[0, -scored:])
