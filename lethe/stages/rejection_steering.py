"""Rejection Steering: a short supervised stage that teaches the model to refuse.

RULE's first stage (Reinforcement UnLEarning, arXiv 2506.07171): cross-entropy on the response
tokens of (forget query, natural refusal), through TRL's SFTTrainer. It over-refuses, and is meant
to: a model that never refuses gives the second stage nothing to reward. Left out: packing, mixing
with retain rows (that is another method).
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lethe.config import Stage
from lethe.data import Row, seen_by
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _passed
from lethe.stages._micro import spread

OWNED = {
    "learning_rate",
    "num_train_epochs",
    "output_dir",
    "per_device_train_batch_size",
    "save_strategy",
    "warmup_steps",
    "weight_decay",
}
WHY = "teach the model to refuse, on a few forget questions (it may refuse too much)"


class Config(Stage):
    """Rejection Steering. Released setting: 300 questions, lr 4e-7, 3 epochs of batch 8."""

    stage: Literal["rejection_steering"] = "rejection_steering"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """Peak learning rate; the paper's 4e-7 is for full fine-tuning of 8 B in bf16."""
    epochs: float = Field(default=3, gt=0)
    """Passes over the forget rows."""
    batch_size: int = Field(default=8, ge=1)
    """Rows in one optimiser step."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises; it falls as a cosine after."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's."""
    trainer: dict[str, Any] = {}
    """Anything else for TRL's SFTConfig, such as gradient_checkpointing."""


def rows(data: dict[str, list[Row]]) -> list[Row]:
    """The train rows that this stage learns from: forget rows with a refusal."""
    return [
        row
        for row in seen_by("rejection_steering", data["train"])
        if row.scope == "forget" and row.refusal
    ]


def validate(config: Config, data: dict[str, list[Row]], where: str) -> None:
    """Raise LetheError when there is nothing to learn from, or `trainer:` has a wrong key."""
    if not rows(data):
        raise LetheError(
            f"{where}: no forget row of the train split has a `refusal` to imitate; "
            "give the forget rows a `refusal` field"
        )
    _passed.check("SFTConfig", config.trainer, OWNED, where)
    spread(config.batch_size, None, where)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Fine-tune on refusals and leave `model/`, `metrics.jsonl` and `samples.jsonl` in `out`.

    Args:
        config: Settings.
        model: What to start from.
        data: Rows by split; train rows teach, validation rows are only measured.
        out: The stage's folder.
        seed: Of the order of the rows.

    Raises:
        LetheError: No row can be learnt from.
    """
    validate(config, data, "rejection_steering")
    from lethe.stages import _steering

    _steering.run(config, model, rows(data), data, out, seed)
