"""Maximum entropy (ME): make every token of a forget answer as good as any other.

Loss: KL(model || uniform) = log V - H(model), mean over the answer's tokens, then rows; the paper
adds descent on retain rows (`gdr: 1`) and a weight of 0.1 (`forget_weight`). Source: Yuan et al.,
arXiv 2410.08109, equation 3 (its code has the arguments the other way round).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages._losses import Batch
from lethe.stages._method import Method, validate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WHY", "Config", "loss", "train", "validate"]

WHY = "make the model undecided where it knew the answer"


class Config(Method):
    """Maximum entropy on the forget answers."""

    stage: Literal["max_entropy"] = "max_entropy"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""


def loss(batch: Batch, config: Any = None) -> "Tensor":
    """Distance from the uniform distribution (nats); 0 where all tokens are equally likely."""
    from math import log

    answer = batch.answer
    logps_NV = answer.logits_NV.log_softmax(dim=-1)
    negative_entropy_N = (logps_NV.exp() * logps_NV).sum(dim=-1)
    return answer.means_B(negative_entropy_N + log(logps_NV.size(1))).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "max_entropy")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
