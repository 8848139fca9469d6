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
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages import _engine, _selection
from lethe.stages.kto import Config, texts


def run(
    config: Config, start: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Train; see `kto.train`."""
    if _selection.finished(out):
        return
    tokenizer = models.tokenizer(start.path, start.spec)
    trainer = build(config, start, tokenizer, data, out, seed)
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
) -> KTOTrainer:
    """TRL's trainer, not yet started."""
    torch.manual_seed(seed)
    lessons = [
        {**_engine.example(row, text, tokenizer), "label": good} for row, text, good in texts(data)
    ]
    # TRL reads them in this order in every pass, and gives each the text before it to estimate the
    # KL by: rows in file order would make batches of one scope, and of a row's own two texts.
    random.Random(seed).shuffle(lessons)
    trainer = KTOTrainer(
        model=models.load(start.path, start.spec, trainable=True),
        # Left to itself TRL would reload the reference from where the policy was loaded.
        ref_model=models.load(start.original, start.spec),
        args=_arguments(config, out, seed),
        train_dataset=Dataset.from_list(lessons),
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(config: Config, out: Path, seed: int) -> KTOConfig:
    own = {
        "beta": config.beta,
        "desirable_weight": config.desirable_weight,
        "undesirable_weight": config.undesirable_weight,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "num_train_epochs": config.epochs,
        "per_device_train_batch_size": config.batch_size,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        "max_length": None,
    }
    return KTOConfig(**_engine.arguments(out, seed, **{**own, **config.trainer}))


def _steps(trainer: KTOTrainer, config: Config) -> int:
    """Optimiser steps of the whole training, as transformers' trainer counts them."""
    if trainer.args.max_steps > 0:
        return trainer.args.max_steps
    batches = len(trainer.get_train_dataloader())
    return math.ceil(batches / trainer.args.gradient_accumulation_steps) * config.epochs
