"""SatImp: gradient ascent on tokens that are neither forgotten yet nor beyond doubt.

Loss: mean over tokens of p^beta1 * (1 - p)^beta2 * log p, the weights (saturation, importance)
taken as constants. Source: Yang et al., arXiv 2505.11953.
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

WHY = "make the answers' tokens unlikely, each by how far it still has to go"


class Config(Method):
    """SatImp's weighted gradient ascent."""

    stage: Literal["satimp"] = "satimp"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    beta1: float = Field(default=5.0, ge=0)
    """Saturation: how fast the weight falls with the probability."""
    beta2: float = Field(default=1.0, ge=0)
    """Importance: how fast it falls as the probability nears 1."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """SatImp's, mean over tokens, then rows."""
    answer = batch.answer
    logps_N = answer.logps_N()
    p_N = logps_N.detach().exp()
    weight_N = p_N**config.beta1 * (1 - p_N) ** config.beta2
    return answer.means_B(weight_N * logps_N).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "satimp")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
