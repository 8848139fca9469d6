"""Task-vector negation: learn the forget answers by heart, then go the other way.

Fine-tuning on the forget answers (cross-entropy) moves the weights by a vector; the model kept is
the original minus `scale` times it, the scale chosen on validation rows as in the source: the best
balance, the least scale of equals. Source: Ilharco et al., arXiv 2212.04089.
"""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from lethe import process
from lethe.config import Model
from lethe.data import Row
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages._chosen import asked
from lethe.stages._losses import Batch, nll
from lethe.stages._method import Method
from lethe.stages._method import validate as checked

if TYPE_CHECKING:
    from torch import Tensor

WHY = "learn the answers by heart, and take that change away instead of adding it"
SCALES = "scales.jsonl"


class Config(Method):
    """Negation of a task vector."""

    stage: Literal["task_vector"] = "task_vector"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    forgotten: Literal["refused", "withheld"] = "withheld"
    """It teaches no refusing: a row on which nothing is told counts as forgotten."""
    scales: list[Annotated[float, Field(gt=0)]] = Field(default=[0.25, 0.5, 1.0, 2.0], min_length=1)
    """How much of the vector is taken away; tried on validation rows."""
    select: Literal["last"] = "last"  # pyright: ignore[reportIncompatibleVariableOverride]
    """A model on the way has learnt, not forgotten: only the last is turned round."""


def validate(config: Config, data: dict[str, list[Row]], where: str) -> None:
    """As any offline method's; `interpolate` and `patience` have no meaning here."""
    if process.sharded():
        raise LetheError(f"{where}: needs whole weights in each process: no FSDP, no ZeRO")
    checked(config, data, where)
    if config.interpolate:
        raise LetheError(f"{where}.interpolate: scales choose how far to go; leave it empty")
    if config.patience:
        raise LetheError(f"{where}.patience: nothing is looked at while it learns; leave it out")
    scopes = {row.scope for row in asked(data)} if config.eval_rows else set()
    if len(config.scales) > 1 and ("forget" not in scopes or len(scopes) < 2):
        raise LetheError(
            f"{where}.scales: validation rows choose, forget and others, and they are of: "
            f"{', '.join(sorted(scopes)) or 'none'}; give one scale"
        )


def check_model(config: Config, model: Model, first: bool, where: str) -> None:
    """Refuse to start from an adapter: what an earlier stage leaves with LoRA."""
    if model.lora and not first:
        raise LetheError(
            f"{where}: task_vector takes a change away from what it starts from, which cannot be "
            "an adapter; make it the first stage, or leave model.lora out"
        )


def loss(batch: Batch, config: Any = None) -> "Tensor":
    """Cross-entropy of the forget answers: they are learnt."""
    return nll(batch.answer)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train, negate and leave `model/`, `metrics.jsonl` and `scales.jsonl` in `out`.

    Raises:
        LetheError: It starts from an adapter, from which nothing can be taken away by scaling.
    """
    validate(config, data, "task_vector")
    if is_adapter(model.path):
        raise LetheError(
            f"task_vector: {model.path} is an adapter, and the change since it is none; merge it "
            "into its base first, or make task_vector the first stage"
        )
    from lethe.stages import _offline

    _offline.fit(config, model, data, out, seed, loss, keep=partial(_negate, model))


def _negate(start: Checkpoint, config: Config, selection: Any, policy: Any, tokenizer: Any) -> None:
    from lethe import runs
    from lethe.stages import _engine, _selection

    original = _selection.untrained(start.path, start)
    vector = _selection.Mixture(policy, original)
    look = _selection.looker(policy, tokenizer, _selection.LONGEST_LOOK)
    found = {}
    for scale in sorted(config.scales):
        vector.move(-scale)
        numbers = look(selection.rows) if len(config.scales) > 1 else {}
        found[scale] = _engine.balance(numbers, config.forgotten)
    kept = max(found, key=lambda scale: (found[scale], -scale))
    vector.move(-kept)
    out = selection.best.parent
    lines = [{"scale": s, "balance": b, "kept": s == kept} for s, b in found.items()]
    if process.first():
        runs.write(out / SCALES, "".join(json.dumps(line) + "\n" for line in lines))
    _selection.put(policy, tokenizer, out / "model")
