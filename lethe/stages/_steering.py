"""Rejection Steering's half that needs torch and TRL."""

import contextlib
import json
from pathlib import Path

import torch
from datasets import Dataset
from transformers.trainer_callback import PrinterCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from lethe import model as models
from lethe.config import Model
from lethe.data import Row
from lethe.generate import complete
from lethe.model import Checkpoint
from lethe.stages import _engine
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
    torch.manual_seed(seed)
    tokenizer = models.tokenizer(start.path, start.spec)
    policy = models.load(start.path, start.spec, trainable=True)
    curve = _engine.Curve(out, "rejection steering")
    curve.forget_after(-1)
    trainer = SFTTrainer(
        model=policy,
        args=_arguments(config, out, seed, start.spec),
        train_dataset=Dataset.from_list(
            [_engine.example(row, row.refusal or "", tokenizer) for row in lessons]
        ),
        processing_class=tokenizer,
        callbacks=[curve],
    )
    trainer.remove_callback(PrinterCallback)
    with contextlib.closing(curve):
        trainer.train()
    _report(policy, tokenizer, lessons, data, curve, trainer.state.global_step, out)
    models.save(policy, tokenizer, out / "model")


def _arguments(config: Config, out: Path, seed: int, model: Model | None = None) -> SFTConfig:
    own = {
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": config.warmup,
        "num_train_epochs": config.epochs,
        "per_device_train_batch_size": config.batch_size,
        "weight_decay": config.weight_decay,
        "save_strategy": "no",
        "max_length": None,
        "packing": False,
        "completion_only_loss": True,
    }
    return SFTConfig(**_engine.arguments(out, seed, model, **{**own, **config.trainer}))


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
    with (out / "samples.jsonl").open("w") as lines:
        for row, text in zip(shown, texts, strict=True):
            sample = {"step": step, "scope": row.scope, "prompt": row.prompt, "completion": text}
            lines.write(json.dumps({**sample, "reward": None}, ensure_ascii=False) + "\n")
