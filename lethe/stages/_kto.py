"""KTO's half that needs torch and TRL."""

import math
import random
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers.trainer_callback import PrinterCallback
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from lethe import model as models
from lethe.config import Model
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages import _engine, _micro, _reference, _selection
from lethe.stages.kto import Config, texts


def run(
    config: Config, start: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train; see `kto.train`."""
    if _selection.finished(out):
        return

    def train(micro: int | None) -> None:
        _train(config, start, data, out, seed, micro)

    # The KL is estimated from mismatched texts of a pass, so a pass has two at least.
    _micro.held(out, config.batch_size, None, "kto", train, least=2)


def _train(
    config: Config,
    start: Checkpoint,
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    micro: int | None,
) -> None:
    """`run`, in passes of `micro` texts."""
    tokenizer = models.tokenizer(start.path, start.spec)
    trainer = build(config, start, tokenizer, data, out, seed, micro)
    curve = _engine.Curve(out, "kto")
    trainer.add_callback(curve)
    selection = _selection.train(
        trainer, config, data, tokenizer, curve, out, steps=_steps(trainer, config)
    )
    _selection.keep(config, start, selection, trainer.model, tokenizer)


def build(
    config: Config,
    start: Checkpoint,
    tokenizer: Any,
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    micro: int | None = None,
) -> KTOTrainer:
    """TRL's trainer, not yet started."""
    torch.manual_seed(seed)
    lessons = [
        {**_engine.example(row, text, tokenizer), "label": good} for row, text, good in texts(data)
    ]
    # TRL reads them in this order in every pass, and gives each the text before it to estimate the
    # KL by: rows in file order would make batches of one scope, and of a row's own two texts.
    random.Random(seed).shuffle(lessons)
    args = _arguments(config, out, seed, micro, start.spec)  # first: ZeRO-3 splits what it loads
    policy: Any = models.load(start.path, start.spec, trainable=True)
    lora = bool(start.spec.lora)
    trainer = KTOTrainer(
        model=policy,
        # Left to itself TRL would reload the reference from where the policy was loaded.
        ref_model=None if lora else models.load(start.original, start.spec),
        args=args,
        train_dataset=Dataset.from_list(lessons),
        processing_class=tokenizer,
    )
    if lora:  # TRL's reference is the adapter as it starts; ours is the model before any stage
        _reference.hold(policy, start.original)
    trainer.remove_callback(PrinterCallback)
    _engine.in_float32(policy, start.spec)
    return trainer


def _arguments(
    config: Config, out: Path, seed: int, micro: int | None = None, model: Model | None = None
) -> KTOConfig:
    own: dict[str, Any] = {
        **_micro.spread(config.batch_size, micro, "kto"),
        "beta": config.beta,
        "desirable_weight": config.desirable_weight,
        "undesirable_weight": config.undesirable_weight,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "num_train_epochs": config.epochs,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        "max_length": None,
    }
    given = dict(config.trainer)
    own["gradient_accumulation_steps"] *= given.pop("gradient_accumulation_steps", 1)
    return KTOConfig(**_engine.arguments(out, seed, model, **{**own, **given}))


def _steps(trainer: KTOTrainer, config: Config) -> int:
    """Optimiser steps of the whole training, as transformers' trainer counts them."""
    if trainer.args.max_steps > 0:
        return trainer.args.max_steps
    batches = len(trainer.get_train_dataloader())
    return math.ceil(batches / trainer.args.gradient_accumulation_steps) * config.epochs
