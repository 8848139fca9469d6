"""Gradient ascent (GA); with `gdr: 1` gradient difference (GradDiff), with `klr: 1` GA + KLR.

Loss: the mean log-likelihood of the answers that must be forgotten, which has no lower end: more
steps always make the model worse, so the learning rate and the epochs decide all. Source: Jang et
al., arXiv 2210.01504; with descent on retain rows: Liu et al., arXiv 2203.12817 (GradDiff); both as
in TOFU (arXiv 2401.06121).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages._losses import Batch, nll
from lethe.stages._method import Method, validate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WHY", "Config", "loss", "train", "validate"]

WHY = "make the answers that must be forgotten less likely"


class Config(Method):
    """Gradient ascent on the forget answers."""

    stage: Literal["gradient_ascent"] = "gradient_ascent"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""


def loss(batch: Batch, config: Any = None) -> "Tensor":
    """Minus the cross-entropy of the forget answers."""
    return -nll(batch.answer)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "gradient_ascent")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
