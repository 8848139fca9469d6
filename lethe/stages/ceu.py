"""CE-U: cross-entropy to the model's own distribution with the true token taken out.

Loss: mean over tokens of H(softmax(z with z[y_t] = -inf), softmax(z)), the target a constant. The
first tokens of an answer are spared. Source: Yang, arXiv 2503.01224 (CE-U and its footnote).
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

WHY = "move the probability of the answers' tokens to all others"


class Config(Method):
    """Cross-entropy unlearning."""

    stage: Literal["ceu"] = "ceu"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    spare: int = Field(default=1, ge=0)
    """First tokens of each answer that are left alone."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """CE-U's, mean over the tokens that are not spared, then rows; a row without any counts 0."""
    answer = batch.answer
    target_NV = answer.logits_NV.detach().scatter(1, answer.labels_N[:, None], float("-inf"))
    logps_NV = answer.logits_NV.log_softmax(dim=-1)
    entropy_N = -(target_NV.softmax(dim=-1) * logps_NV).sum(dim=-1)
    taken_N = (answer.place_N() >= config.spare).to(entropy_N.dtype)
    taken_B, sum_B = answer.sums_B(taken_N), answer.sums_B(entropy_N * taken_N)
    return (sum_B / taken_B.clamp(min=1)).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "ceu")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
