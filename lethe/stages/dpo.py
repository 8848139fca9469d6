"""DPO with refusals: prefer the refusal to the answer that must be forgotten.

Loss: -mean log sigmoid(beta * [(log p(r|x) - log p_0(r|x)) - (log p(y|x) - log p_0(y|x))]), sums
over tokens, r the row's refusal, y its answer, p_0 the original. Source: Rafailov et al., arXiv
2305.18290; with refusals: TOFU (arXiv 2401.06121). OpenUnlearning multiplies it by 2/beta.
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

WHY = "prefer a refusal to the answer that must be forgotten"


class Config(Method):
    """Direct preference optimisation of refusals over answers."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"answer", "refusal", "reference"})
    stage: Literal["dpo"] = "dpo"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    beta: float = Field(default=0.1, gt=0)
    """Inverse temperature: how far the policy may go from the original."""


def loss(batch: Batch, config: Config) -> "Tensor":
    """DPO's sigmoid loss, mean over rows."""
    from torch.nn.functional import logsigmoid

    won, lost = (
        part.sums_B(part.logps_N() - part.reference_N) for part in (batch.refusal, batch.answer)
    )
    return -logsigmoid(config.beta * (won - lost)).mean()


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; see `_offline.fit`."""
    validate(config, data, "dpo")
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss)
