"""SimNPO: NPO without a reference, its reward the mean log-likelihood of a token.

Loss: -2/beta * mean log sigmoid(-beta * mean_t log p(y_t) - gamma), gamma a margin. Source: Fan et
al., arXiv 2410.07163. OpenUnlearning writes the margin as beta * delta.
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

WHY = "make the answers unlikely, token for token, without a reference"


class Config(Method):
    """SimNPO on the forget answers."""

    stage: Literal["simnpo"] = "simnpo"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    beta: float = Field(default=2.5, gt=0)
    """Inverse temperature."""
    gamma: float = Field(default=0.0, ge=0)
    """Margin."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """SimNPO's, mean over rows."""
    from torch.nn.functional import logsigmoid

    answer = batch.answer
    mean_B = answer.means_B(answer.logps_N())
    return -2 / config.beta * logsigmoid(-config.beta * mean_B - config.gamma).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "simnpo")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
