"""From a model's logits to the metrics: the recorder's numbers against OpenUnlearning's steps.

The steps are restated from its `src/evals/metrics`: labels of the answer and the end, the last
label dropped but in the loss, one plain forward pass.
"""

from math import exp

import pytest
import torch

from lethe.data import Answered
from lethe.likelihood import request, score
from lethe.metrics.answer_probability import answer_probability
from lethe.metrics.exact_memorisation import exact_memorisation
from lethe.metrics.extraction_strength import extraction_strength
from lethe.metrics.mia_loss import mia_loss
from lethe.metrics.mia_min_k import mia_min_k
from lethe.metrics.mia_min_k_plus_plus import mia_min_k_plus_plus
from lethe.model import render

ANSWERS = ["Oslo", "Ada does live", "Sure , Bo was a baker of Rome and Lima", "I don't know it ."]


def _said(model, words, length: int) -> str:
    """What the model itself would say, but for tokens that are no words: it hits most of it."""
    ids = list(render(words, "Where is Bo ?"))
    for _ in range(length):
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
        logits[words.all_special_ids] = -torch.inf
        ids.append(int(logits.argmax()))
    return words.decode(ids[-length:])


def _recorded(model, words, answers) -> list[Answered]:
    rows = []
    for i, answer in enumerate(answers):
        asked = request(words, render(words, "Where is Bo ?"), answer, spread=True)
        ((_, (found,)),) = score(model, [asked], pad=0)
        row = Answered(id=str(i), prompt="Where is Bo ?", scope="forget", completion="")
        rows.append(row.model_copy(update={"answer": answer, "scored": {"answer": (found,)}}))
    return rows


def _by_hand(model, words, answer: str) -> dict[str, float]:
    context = render(words, "Where is Bo ?")
    labels = [*words.encode(answer, add_special_tokens=False), words.eos_token_id]
    with torch.no_grad():
        logits = model(torch.tensor([[*context, *labels]])).logits[0].double()
    logps = logits.log_softmax(-1)[len(context) - 1 : -1]
    picked = logps[range(len(labels)), labels]
    every, kept, wanted = logps[:-1], picked[:-1], torch.tensor(labels[:-1])
    mean = (every.exp() * every).sum(-1)
    spread = ((every.exp() * every.square()).sum(-1) - mean.square()).clamp(min=1e-6)
    z = (kept - mean) / spread.sqrt()
    lowest = max(1, int(len(kept) * 0.4))
    right = every.argmax(-1) == wanted
    k = next((k for k in range(len(wanted)) if right[k:].all()), len(wanted) - 1)
    return {
        "loss": -picked.mean().item(),
        "min_k": -kept.sort().values[:lowest].mean().item(),
        "min_k_plus_plus": -z.sort().values[:lowest].mean().item(),
        "memorised": right.double().mean().item(),
        "strength": 1 - k / len(wanted),
    }


# A model in single precision rounds its logits by other last digits in other batches; where Min-K++
# subtracts a mean from a log-probability near it, that shows in the sixth digit (1.8e-6 was seen).
@pytest.mark.parametrize(("precision", "rel"), [("float64", 1e-6), ("float32", 3e-6)])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_open_unlearning_s_steps(net, words, seed, precision, rel):
    model = net(seed=seed).to(getattr(torch, precision))
    said = _said(model, words, 9)
    answers = [*ANSWERS, said, f"Kiev Kiev {said}", f"{said} Kiev"]
    rows = _recorded(model, words, answers)
    theirs = [_by_hand(model, words, answer) for answer in answers]
    ours = {
        "loss": mia_loss(rows),
        "min_k": mia_min_k(rows),
        "min_k_plus_plus": mia_min_k_plus_plus(rows),
        "memorised": exact_memorisation(rows),
        "strength": extraction_strength(rows),
    }
    for name, values in ours.items():
        assert values == pytest.approx([found[name] for found in theirs], rel=rel), name
    assert len({found["memorised"] for found in theirs}) > 2
    p = [exp(-found["loss"]) for found in theirs]
    assert answer_probability(rows) == pytest.approx(p, rel=1e-6)
