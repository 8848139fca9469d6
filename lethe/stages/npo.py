"""Negative preference optimisation (NPO): answers as the losing side of DPO, with no winner.

Loss: -2/beta * mean log sigmoid(-beta * (log p(y|x) - log p_0(y|x))), sums over the answer's
tokens, p_0 the original. As beta falls to 0 it becomes gradient ascent; its gradient fades once an
answer is unlikely. Source: Zhang et al., arXiv 2404.05868, with `gdr: 1` NPO + GDR, with `klr: 1`
NPO + KLR.
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

WHY = "make the answers less likely than they were, ever more gently"


class Config(Method):
    """Negative preference optimisation of the forget answers."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"answer", "reference"})
    stage: Literal["npo"] = "npo"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    beta: float = Field(default=0.1, gt=0)
    """Inverse temperature: how soon the gradient fades."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """NPO's, mean over rows."""
    from torch.nn.functional import logsigmoid

    answer = batch.answer
    ratio_B = answer.sums_B(answer.logps_N() - answer.reference_N)
    return -2 / config.beta * logsigmoid(-config.beta * ratio_B).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "npo")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
