"""What every offline method shares: settings, which rows it learns from, and the checks.

An offline method trains on fixed texts: the answers that must be forgotten (or refusals in their
place), and, if asked for, the answers of all other rows. Its file holds its `Config(Method)` and a
pure `loss`; `_offline` does the rest.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from lethe.data import Row
from lethe.plug import LetheError
from lethe.stages import _passed
from lethe.stages._chosen import Chosen, check_rows
from lethe.stages._micro import spread

OWNED = {
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler_type",
    "max_steps",
    "num_train_epochs",
    "output_dir",
    "per_device_train_batch_size",
    "save_steps",
    "save_strategy",
    "warmup_steps",
    "weight_decay",
}


class Method(Chosen):
    """An offline method: forget_weight * its own loss + gdr * NLL + klr * KL, on pairs of rows."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"answer"})
    """Of answer, refusal (texts of forget rows), reference (their log-probabilities under the
    original), original (its logits and states while training), retain (rows in any case)."""

    learning_rate: float = Field(default=1e-5, gt=0)
    """Peak learning rate of AdamW."""
    epochs: int = Field(default=10, ge=1)
    """Passes over the forget rows."""
    batch_size: int = Field(default=16, ge=1)
    """Forget rows in one optimiser step; as many retain rows go with them."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate goes on after the warm-up."""
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's."""
    forget_weight: float = Field(default=1.0, ge=0)
    """Weight of the method's own loss on the forget rows."""
    gdr: float = Field(default=0.0, ge=0)
    """Weight of gradient descent on the retain rows (GDR): the mean cross-entropy of their
    answers. Every train row that is not to be forgotten is a retain row."""
    klr: float = Field(default=0.0, ge=0)
    """Weight of KL(original || model) on the answers of the retain rows (KLR), mean over tokens."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Pairs in one forward pass; null takes the whole batch."""
    save_every: int = Field(default=50, ge=1)
    """Steps between resumable checkpoints."""
    trainer: dict[str, Any] = {}
    """Anything else for transformers' TrainingArguments."""

    @model_validator(mode="after")
    def _divides(self) -> "Method":
        if self.micro_batch and self.batch_size % self.micro_batch:
            raise ValueError(
                f"micro_batch {self.micro_batch} does not divide batch_size {self.batch_size}"
            )
        return self

    @property
    def pairs(self) -> bool:
        """Whether retain rows go with the forget rows."""
        return bool(self.gdr or self.klr or "retain" in self.NEEDS)


def forget_rows(config: Method, data: dict[str, list[Row]]) -> list[Row]:
    """The train rows to forget that have the texts which the method needs."""
    rows = [row for row in data["train"] if row.scope == "forget"]
    if "refusal" in config.NEEDS and not any(row.refusal for row in rows):
        return []
    return [row for row in rows if row.answer or "answer" not in config.NEEDS]


def retain_rows(data: dict[str, list[Row]]) -> list[Row]:
    """The train rows that must go on being answered."""
    return [row for row in data["train"] if row.scope != "forget"]


def _wanting(config: Method) -> str:
    if "retain" in config.NEEDS:
        return "the method learns"
    return f"gdr {config.gdr} and klr {config.klr} (0 turns them off) learn"


def validate(config: Method, data: dict[str, list[Row]], where: str) -> None:
    """Raise LetheError when there is nothing to learn from, or `trainer:` has a wrong key."""
    _passed.check("TrainingArguments", config.trainer, OWNED, where)
    check_rows(config, data, where)
    spread(config.batch_size, config.micro_batch, where)
    if not forget_rows(config, data):
        wanted = " and ".join(n for n in ("answer", "refusal") if n in config.NEEDS)
        raise LetheError(f"{where}: no forget row of the train split has the {wanted} it learns by")
    if config.pairs and not retain_rows(data):
        raise LetheError(
            f"{where}: {_wanting(config)} of retain rows, but every row of the train split is to "
            "be forgotten; add others"
        )
