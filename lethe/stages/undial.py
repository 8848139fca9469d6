"""UNDIAL: distil from the original with the true token's logit lowered.

Loss: mean over tokens of H(softmax(z_0 - strength * onehot(y_t)), softmax(z)), z_0 the original's
logits. Source: Dong et al., arXiv 2402.10052. Masked here to the answer's tokens; OpenUnlearning
averages over prompts and padding too.
"""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages._losses import Batch
from lethe.stages._method import Method, validate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WHY", "Config", "loss", "train", "validate"]

WHY = "imitate the original with the answers' tokens turned down"


class Config(Method):
    """UNDIAL's self-distillation."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"answer", "original"})
    stage: Literal["undial"] = "undial"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    strength: float = Field(default=10.0, gt=0)
    """How far the true token's logit is lowered."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """UNDIAL's, mean over the answer's tokens, then rows."""
    answer = batch.answer
    at_N1 = answer.labels_N[:, None]
    lowered_N1 = answer.teacher_NV.gather(1, at_N1) - config.strength
    target_NV = answer.teacher_NV.scatter(1, at_N1, lowered_N1).softmax(dim=-1)
    entropy_N = -(target_NV * answer.logits_NV.log_softmax(dim=-1)).sum(dim=-1)
    return answer.means_B(entropy_N).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "undial")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
