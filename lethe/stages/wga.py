"""Weighted gradient ascent (WGA): a token counts by how likely it still is.

Loss: mean over tokens of p(y_t)^beta * log p(y_t), the weight taken as a constant; with beta 0 it
is gradient ascent. Source: Wang et al., arXiv 2502.19301.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages._losses import Batch
from lethe.stages._method import Method, validate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WHY", "Config", "loss", "train", "validate"]

WHY = "make likely tokens of the answers unlikely, and leave unlikely ones"


class Config(Method):
    """Weighted gradient ascent."""

    stage: Literal["wga"] = "wga"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    beta: float = Field(default=1.0, ge=0)
    """How fast a token's weight falls with its probability."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """WGA's, mean over tokens, then rows."""
    answer = batch.answer
    logps_N = answer.logps_N()
    weight_N = logps_N.detach().exp() ** config.beta
    return answer.means_B(weight_N * logps_N).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "wga")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
