"""Rejection Steering's half that needs torch and TRL."""

import contextlib
import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers.trainer_callback import PrinterCallback
from trl.trainer.sft_config import SFTConfig

from lethe import model as models
from lethe import process
from lethe.config import Model
from lethe.data import Row
from lethe.generate import complete
from lethe.model import Checkpoint
from lethe.stages import _engine, _health, _micro, _selection
from lethe.stages._filled import FilledTrainer
from lethe.stages.rejection_steering import Config


def run(
    config: Config,
    start: Checkpoint,
    lessons: list[Row],
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
) -> None:
    """Train; see `rejection_steering.train`."""

    def train(micro: int | None) -> None:
        _train(config, start, lessons, data, out, seed, micro)

    _micro.held(out, config.batch_size, None, "rejection_steering", train)


def _train(
    config: Config,
    start: Checkpoint,
    lessons: list[Row],
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    micro: int | None,
) -> None:
    """`run`, in passes of `micro` rows."""
    torch.manual_seed(seed)
    tokenizer = models.tokenizer(start.path, start.spec)
    args = _arguments(config, out, seed, micro, start.spec)  # first: ZeRO-3 splits what it loads
    policy = models.load(start.path, start.spec, trainable=True)
    curve = _engine.Curve(out, "rejection steering")
    curve.forget_after(-1)
    trainer = FilledTrainer(
        batch=config.batch_size,
        model=policy,
        args=args,
        train_dataset=Dataset.from_list(
            [_engine.example(row, row.refusal or "", tokenizer) for row in lessons]
        ),
        processing_class=tokenizer,
        callbacks=[curve, _health.Health(out, "rejection_steering")],
    )
    trainer.remove_callback(PrinterCallback)
    _engine.in_float32(policy, start.spec)
    with contextlib.closing(curve), _micro.passes():
        trainer.train()
    _report(policy, tokenizer, lessons, data, curve, trainer.state.global_step, out)
    _selection.save(trainer, tokenizer, out / "model")


def _arguments(
    config: Config, out: Path, seed: int, micro: int | None = None, model: Model | None = None
) -> SFTConfig:
    own: dict[str, Any] = {
        **_micro.spread(config.batch_size, micro, "rejection_steering"),
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup,
        "num_train_epochs": config.epochs,
        "weight_decay": config.weight_decay,
        "save_strategy": "no",
        "max_length": None,
        "packing": False,
        "completion_only_loss": True,
    }
    given = dict(config.trainer)
    own["gradient_accumulation_steps"] *= given.pop("gradient_accumulation_steps", 1)
    return SFTConfig(**_engine.arguments(out, seed, model, **{**own, **given}))


def _report(
    policy: object,
    tokenizer: object,
    lessons: list[Row],
    data: dict[str, list[Row]],
    curve: _engine.Curve,
    step: int,
    out: Path,
) -> None:
    """Validation numbers at the end, and what the model now says to its first lessons."""
    held_out = _engine.evenly(data.get("validation", []), 32)
    for scope, found in _engine.probe(policy, tokenizer, held_out, max_new_tokens=32).items():
        curve.write(step=step, split="validation", scope=scope, **found)
    shown = lessons[:8]
    ids = [models.render(tokenizer, row.prompt) for row in shown]  # pyright: ignore[reportArgumentType]
    texts = complete(policy, tokenizer, ids, max_new_tokens=32)
    if not process.first():
        return
    with (out / "samples.jsonl").open("w") as lines:
        for row, text in zip(shown, texts, strict=True):
            sample = {"step": step, "scope": row.scope, "prompt": row.prompt, "completion": text}
            lines.write(json.dumps({**sample, "reward": None}, ensure_ascii=False) + "\n")
