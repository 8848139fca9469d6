"""RMU: misdirect the states inside on forget answers, and hold them on retain answers.

Loss: mean over rows of the mean over the answer's tokens of |h - s * u|^2 / D, h the state after
`layer`, u a random unit vector, s = `steering` times the mean length of the row's h in the
original; plus `alpha` times the same distance to the original's states on the retain rows. Layers
above `layer` get no gradient. Source: Li et al., arXiv 2403.03218, whose s is a number; relative to
the original's length as in Adaptive RMU (Dang et al., arXiv 2408.06223). u has entries from the
uniform distribution on [0, 1), as in the released code. Means are of each example over its own
tokens; OpenUnlearning divides by a shape that broadcasts one example's length over all.
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

WHY = "scramble what the model thinks at forget answers, and keep it at all others"


class Config(Method):
    """Representation misdirection."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"answer", "original", "retain"})
    stage: Literal["rmu"] = "rmu"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    layer: float = Field(default=0.25, ge=0, le=1)
    """Depth of the layer whose states are moved, as a share of all layers; of the last layer (1.0)
    the states are those behind the final norm."""
    steering: float = Field(default=5.0, gt=0)
    """Length of the target, in mean lengths of the original's states."""
    alpha: float = Field(default=100.0, ge=0)
    """Weight of holding the retain rows' states."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """RMU's: both distances, each a mean over rows."""
    import torch

    answer, retain = batch.answer, batch.retain
    width = answer.hidden_ND.size(1)
    # The same direction in every step, and wherever the stage is resumed.
    toward_D = torch.rand(width, generator=torch.Generator().manual_seed(0))
    toward_D = (toward_D / toward_D.norm()).to(answer.hidden_ND)
    length_B = config.steering * answer.means_B(answer.original_ND.norm(dim=1))
    target_ND = length_B[answer.row_N, None] * toward_D
    moved_N = (answer.hidden_ND - target_ND).pow(2).mean(dim=1)
    held_N = (retain.hidden_ND - retain.original_ND).pow(2).mean(dim=1)
    return answer.means_B(moved_N).mean() + config.alpha * retain.means_B(held_N).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "rmu")
    from lethe.stages import _offline

    def layer(count: int) -> int:
        return round(config.layer * (count - 1))

    _offline.fit(config, model, data, out, seed, loss, layer=layer)
