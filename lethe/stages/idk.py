"""Rejection tuning (IDK): fine-tune on refusals, with `gdr: 1` on the retain rows too.

Loss: the mean cross-entropy of a refusal behind each forget prompt. Source: IDK in TOFU (arXiv
2401.06121). After Rejection Steering it is the control of RULE's second stage: the same rows, the
same refusals, no reinforcement learning (`gdr: 1`, or `gdr: 1` and `klr: 1`).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages._losses import Batch, nll
from lethe.stages._method import Method, validate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WHY", "Config", "loss", "train", "validate"]

WHY = "imitate refusals on the forget rows, and the answers of all others"


class Config(Method):
    """Rejection tuning."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"refusal"})
    stage: Literal["idk"] = "idk"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""


def loss(batch: Batch, config: Any = None) -> "Tensor":
    """Cross-entropy of the refusals."""
    return nll(batch.refusal)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "idk")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
