"""KTO through TRL: each text is good or bad by itself; forget answers are bad, all others good.

Undesirable: the answers of the forget rows. Desirable: their refusals, and the answers of the
retain rows. Loss, mean over texts: w * (1 - sigmoid(beta * (r - z0))) for a desirable text,
w * (1 - sigmoid(beta * (z0 - r))) for an undesirable one; r = log p(y|x) - log p_0(y|x), p_0 the
original, z0 >= 0 the batch's estimate of the KL from mismatched texts. Source: Ethayarajh et al.,
arXiv 2402.01306; trl.KTOTrainer.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lethe.data import Row
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _passed
from lethe.stages._chosen import Chosen, check_rows
from lethe.stages._micro import spread

WHY = "call the answers that must be forgotten bad, and refusals and all other answers good"
OWNED = {
    "beta",
    "desirable_weight",
    "learning_rate",
    "lr_scheduler_type",
    "num_train_epochs",
    "output_dir",
    "per_device_train_batch_size",
    "save_steps",
    "save_strategy",
    "undesirable_weight",
    "warmup_steps",
    "weight_decay",
}


class Config(Chosen):
    """Kahneman-Tversky optimisation."""

    stage: Literal["kto"] = "kto"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    beta: float = Field(default=0.1, gt=0)
    """Inverse temperature: how far the policy may go from the original."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """Peak learning rate of AdamW."""
    epochs: int = Field(default=3, ge=1)
    """Passes over all texts: an answer and a refusal of each forget row, an answer of each other
    row."""
    batch_size: int = Field(default=16, ge=2)
    """Texts in one optimiser step; the KL is estimated within it."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate goes on after the warm-up."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's."""
    desirable_weight: float = Field(default=1.0, ge=0)
    """Weight of a good text."""
    undesirable_weight: float = Field(default=1.0, ge=0)
    """Weight of a bad one; the source wants the sums of both sides within a factor of 4/3."""
    save_every: int = Field(default=50, ge=1)
    """Steps between resumable checkpoints."""
    trainer: dict[str, Any] = {}
    """Anything else for TRL's KTOConfig."""


def texts(data: dict[str, list[Row]]) -> list[tuple[Row, str, bool]]:
    """Row, text and whether it is good, of every text of the train split."""
    found: list[tuple[Row, str, bool]] = []
    for row in data["train"]:
        if row.answer:
            found.append((row, row.answer, row.scope != "forget"))
        if row.scope == "forget" and row.refusal:
            found.append((row, row.refusal, True))
    return found


def validate(config: Config, data: dict[str, list[Row]], where: str) -> None:
    """Raise LetheError when one side has no text, or `trainer:` has a wrong key."""
    _passed.check("KTOConfig", config.trainer, OWNED, where)
    check_rows(config, data, where)
    if spread(config.batch_size, None, where)["per_device_train_batch_size"] < 2:
        raise LetheError(
            f"{where}.batch_size: {config.batch_size} is one text for each process, but the KL is "
            f"estimated from two or more; choices: {2 * config.batch_size} or more"
        )
    sides = {good for _, _, good in texts(data)}
    if False not in sides:
        raise LetheError(f"{where}: no forget row of the train split has an `answer` to call bad")
    if True not in sides:
        raise LetheError(
            f"{where}: no row of the train split has a text to call good: a forget row's "
            "`refusal`, or another row's `answer`"
        )


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train and leave `model/` and `metrics.jsonl` in `out`; a killed run goes on."""
    validate(config, data, "kto")
    from lethe.stages import _kto

    _kto.run(config, model, data, out, seed)
