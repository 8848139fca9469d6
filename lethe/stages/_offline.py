"""The one trainer of all offline methods: forget rows and retain rows read together.

A batch is pairs (`_pairs`): their answers, refusals and retain texts, read at once (`_reading`).
The reference's log-probabilities are computed once, before the first step; only what needs its
whole logits (KLR, UNDIAL) or its states (RMU) keeps it in memory, and with LoRA it is the policy
with its adapter switched off (`_reference`).
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from lethe import model as models
from lethe.config import Model
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages import _engine, _micro, _selection
from lethe.stages._losses import Batch, Part, kl, nll
from lethe.stages._method import Method, forget_rows, retain_rows
from lethe.stages._pairs import Pairs, Text
from lethe.stages._reading import KINDS, Collator, read, text
from lethe.stages._reference import Reference, with_reference

Loss = Callable[[Batch, Any], torch.Tensor]
Keep = Callable[[Any, _selection.Selection, Any, Any], None]


def fit(
    config: Method,
    start: Checkpoint,
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    loss: Loss,
    keep: Keep | None = None,
    layer: Callable[[int], int] | None = None,
) -> None:
    """Train by a loss and leave `model/` and `metrics.jsonl` in `out`.

    A run that was killed goes on from its last checkpoint and ends in the same weights.

    Args:
        config: Settings.
        start: What to start from, and the original.
        data: Rows by split; validation rows choose the checkpoint.
        out: The stage's folder.
        seed: Of the order of the rows.
        loss: The method's own, of a batch and `config`.
        keep: What to keep in the end, in place of `_selection.keep`.
        layer: From the number of layers to the one whose states the loss reads (from 0).
    """
    if _selection.finished(out):
        return

    def train(micro: int | None) -> None:
        here = config.model_copy(update={"micro_batch": micro})
        _fit(here, start, data, out, seed, loss, keep, layer)

    _micro.held(out, config.batch_size, config.micro_batch, config.stage, train)


def _fit(
    config: Method,
    start: Checkpoint,
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    loss: Loss,
    keep: Keep | None,
    layer: Callable[[int], int] | None,
) -> None:
    """`fit`, in passes of `micro_batch` pairs."""
    tokenizer = models.tokenizer(start.path, start.spec)
    trainer = build(config, start, tokenizer, data, out, seed, loss, layer)
    curve = _engine.Curve(out, config.stage.replace("_", " "))
    trainer.add_callback(curve)
    steps, looks = trainer.args.max_steps, keep is None
    selection = _selection.train(
        trainer, config, data, tokenizer, curve, out, steps=steps, looks=looks
    )
    if keep is not None:
        keep(config, selection, trainer.model, tokenizer)
    else:
        _selection.keep(config, start, selection, trainer.model, tokenizer)


def build(
    config: Method,
    start: Checkpoint,
    tokenizer: Any,
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
    loss: Loss,
    layer: Callable[[int], int] | None = None,
) -> "OfflineTrainer":
    """The trainer of a stage, not yet started; its arguments are those of `fit`."""
    torch.manual_seed(seed)
    args = _arguments(config, out, seed, len(forget_rows(config, data)), start.spec)
    policy: Any = models.load(start.path, start.spec, trainable=True)
    if not start.spec.quantization:  # those weights are where they belong, and cannot be moved
        policy.to(args.device)
    depth = layer(policy.config.num_hidden_layers) if layer else None
    if depth is not None and not config.gdr and not config.klr:
        _still_above(policy, depth)
    reference = Reference(policy, start)
    pairs = _pairs(config, data, tokenizer, reference, args)
    kinds = original_kinds(config)
    if not kinds:
        reference.release()
    trainer = OfflineTrainer(
        config=config,
        loss=loss,
        reference=reference if kinds else None,
        layer=depth,
        model=policy,
        args=args,
        train_dataset=pairs,
        data_collator=Collator(tokenizer.pad_token_id),  # pyright: ignore[reportArgumentType]
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _still_above(policy: Any, layer: int) -> None:
    """Say of what lies above the layer whose states are read that it does not learn.

    No gradient reaches it, for which DDP would wait.
    """
    last = policy.config.num_hidden_layers - 1
    for name, weight in policy.named_parameters():
        block = re.search(r"\.(?:layers|h|blocks)\.(\d+)\.", name)
        final = "norm" in name or "ln_f" in name
        idle = int(block[1]) > layer if block else "lm_head" in name or (final and layer < last)
        if idle:
            weight.requires_grad_(False)


class OfflineTrainer(Trainer):
    """transformers' Trainer with pairs in their own order and a loss of all parts of a batch."""

    def __init__(
        self, *, config: Method, loss: Loss, reference: Any, layer: int | None, **kwargs: Any
    ) -> None:
        """Build the trainer.

        Args:
            config: The weights of the three losses.
            loss: The method's own.
            reference: A `Reference`, if whole logits or states of it are needed.
            layer: Whose states the loss reads.
            **kwargs: Trainer's.
        """
        self.config, self.loss, self.reference, self.layer = config, loss, reference, layer
        super().__init__(**kwargs)
        # The loss is a mean already: it is neither told of the number of tokens nor scaled by it.
        self.model_accepts_loss_kwargs = False

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:  # pyright: ignore[reportIncompatibleMethodOverride]
        return SequentialSampler(train_dataset or self.train_dataset)  # pyright: ignore[reportArgumentType]

    def compute_loss(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **kwargs: Any
    ) -> torch.Tensor:
        batch = Batch(**self.parts(model, inputs))
        config = self.config
        total = config.forget_weight * self.loss(batch, config)
        if config.gdr:
            total = total + config.gdr * nll(batch.retain)
        if config.klr:
            total = total + config.klr * kl(batch.retain)
        return total

    def parts(self, model: Any, inputs: dict[str, Any]) -> dict[str, Part]:
        """What the model makes of a collated batch, cut into its parts."""
        policy = self.accelerator.unwrap_model(model)
        seen = _engine.through(model, policy, lambda: read(policy, inputs, self.layer))
        row_N, kind_N = seen["row"], inputs["kind"][seen["row"]]
        found = {}
        for number, kind in enumerate(KINDS):
            chosen_N = kind_N == number
            if not bool(chosen_N.any()):
                continue
            known = self._original(inputs, number)
            rows_N = row_N[chosen_N]
            found[kind] = Part(
                logits_NV=seen["logits"][chosen_N],
                labels_N=seen["labels"][chosen_N],
                row_N=rows_N - rows_N[0],
                reference_N=inputs["reference"][chosen_N] if "reference" in inputs else None,
                teacher_NV=known.get("logits"),
                hidden_ND=seen["hidden"][chosen_N] if "hidden" in seen else None,
                original_ND=known.get("hidden"),
            )
        return found

    def _original(self, inputs: dict[str, Any], number: int) -> dict[str, torch.Tensor]:
        """What the original makes of the rows of a kind, if anything asks for it."""
        if self.reference is None or KINDS[number] not in original_kinds(self.config):
            return {}
        names = ("ids", "scored", "length")
        own = {name: inputs[name][inputs["kind"] == number] for name in names}
        with torch.no_grad(), self.reference.model() as original:
            return read(original, own, self.layer)


def _pairs(
    config: Method,
    data: dict[str, list[Row]],
    tokenizer: Any,
    reference: Reference,
    args: TrainingArguments,
) -> Pairs:
    forget = forget_rows(config, data)
    texts: list[list[Text] | None] = [None, None]
    if "answer" in config.NEEDS:
        texts[0] = [text(tokenizer, row.prompt, row.answer or "") for row in forget]
    if "refusal" in config.NEEDS:
        said = [row.refusal for row in forget if row.refusal]
        given = (row.refusal or said[i % len(said)] for i, row in enumerate(forget))
        texts[1] = [
            text(tokenizer, row.prompt, refusal) for row, refusal in zip(forget, given, strict=True)
        ]
    if "reference" in config.NEEDS:
        texts = [known and with_reference(known, reference, tokenizer) for known in texts]
    kept = retain_rows(data) if config.pairs else []
    retain = [text(tokenizer, row.prompt, row.answer or "") for row in kept]
    count = args.max_steps * config.batch_size
    return Pairs(texts[0], texts[1], retain or None, count=count, seed=args.seed)


def original_kinds(config: Method) -> set[str]:
    """Of which rows the original is asked while training: log-probabilities alone are known."""
    whole = "original" in config.NEEDS
    kinds = {"answer"} if whole else set()
    if config.klr or (whole and "retain" in config.NEEDS):
        kinds.add("retain")
    return kinds


def _arguments(
    config: Method, out: Path, seed: int, forget: int, model: Model | None = None
) -> TrainingArguments:
    own = {
        **_micro.spread(config.batch_size, config.micro_batch, config.stage),
        "max_steps": math.ceil(forget / config.batch_size) * config.epochs,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        "remove_unused_columns": False,
    }
    return TrainingArguments(**_engine.arguments(out, seed, model, **{**own, **config.trainer}))
