"""The one trainer of all offline methods: forget rows and retain rows in one forward pass.

A batch is pairs (`_pairs`); their answers, refusals and retain texts are concatenated, prompts
padded on the left and completions on the right, and the LM head runs on the completions' window
alone. The reference's log-probabilities are computed once, before the first step; only what needs
its whole logits (KLR, UNDIAL) or its states (RMU) keeps it in memory, and with LoRA it is the
policy with its adapter switched off.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from trl.trainer.utils import pad

from lethe import model as models
from lethe.data import Row
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.stages import _engine, _selection
from lethe.stages._chosen import asked, check_start
from lethe.stages._losses import Batch, Part, kl, nll
from lethe.stages._method import Method, forget_rows, retain_rows
from lethe.stages._pairs import Pair, Pairs, Text

Loss = Callable[[Batch, Any], torch.Tensor]
Keep = Callable[[Any, _selection.Selection, Any, Any], None]
KINDS = ("answer", "refusal", "retain")
LONGEST_LOOK = 64


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
    check_start(config, start, config.stage)
    torch.manual_seed(seed)
    tokenizer = models.tokenizer(start.path, start.spec)
    args = _arguments(config, out, seed, len(forget_rows(config, data)))
    policy: Any = models.load(start.path, start.spec, trainable=True)
    policy.to(args.device)
    reference = Reference(policy, start)
    pairs = _pairs(config, data, tokenizer, reference, args)
    curve = _engine.Curve(out, config.stage.replace("_", " "))
    trainer = OfflineTrainer(
        config=config,
        loss=loss,
        reference=reference if _whole(config) else None,
        layer=layer(policy.config.num_hidden_layers) if layer else None,
        model=policy,
        args=args,
        train_dataset=pairs,
        data_collator=Collator(tokenizer.pad_token_id),  # pyright: ignore[reportArgumentType]
        callbacks=[curve],
    )
    trainer.remove_callback(PrinterCallback)
    if not _whole(config):
        reference.release()
    selection = _selection.Selection(
        config,
        _engine.evenly(asked(data), config.eval_rows),
        out,
        curve,
        save=lambda folder: _selection.save(policy, tokenizer, folder),
        look=_selection.looker(policy, tokenizer, LONGEST_LOOK),
    )
    trainer.add_callback(selection)
    trainer.add_callback(_engine.MarkCheckpoints())
    last = _engine.last_checkpoint(out / "checkpoints", before=args.max_steps)
    step, checkpoint = last or (-1, None)
    curve.forget_after(step)
    with contextlib.closing(curve):
        trainer.train(resume_from_checkpoint=checkpoint)
    if keep is not None:
        keep(config, selection, policy, tokenizer)
    else:
        _selection.keep(config, start, selection, policy, tokenizer, LONGEST_LOOK)


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
        """One forward pass over a collated batch, cut into its parts."""
        seen = _read(model, inputs, self.layer)
        teacher = {}
        if self.reference is not None:
            with torch.no_grad(), self.reference.model() as original:
                teacher = _read(original, inputs, self.layer)
        row_N, kinds_N = inputs["mask"].nonzero()[:, 0], inputs["kind"]
        found = {}
        for number, kind in enumerate(KINDS):
            chosen_N = kinds_N[row_N] == number
            if not bool(chosen_N.any()):
                continue
            own = {name: value[chosen_N] for name, value in seen.items()}
            known = {name: value[chosen_N] for name, value in teacher.items()}
            rows_N = row_N[chosen_N]
            found[kind] = Part(
                logits_NV=own["logits"],
                labels_N=own["labels"],
                row_N=rows_N - rows_N[0],
                reference_N=inputs["reference"][chosen_N] if "reference" in inputs else None,
                teacher_NV=known.get("logits"),
                hidden_ND=own.get("hidden"),
                original_ND=known.get("hidden"),
            )
        return found


class Reference:
    """The model before any stage: the policy with its adapter off, or a frozen copy."""

    def __init__(self, policy: Any, start: Checkpoint) -> None:
        """Prepare it; a copy is loaded at the first use only."""
        self.policy, self.start = policy, start
        self.shared = bool(start.spec.lora) and not is_adapter(start.original)
        self.copy: Any = None

    @contextlib.contextmanager
    def model(self) -> Iterator[Any]:
        """The original, in eval mode, for as long as the context lasts."""
        if self.shared:
            training = self.policy.training
            self.policy.eval()
            with self.policy.disable_adapter():
                yield self.policy
            self.policy.train(training)
            return
        if self.copy is None:
            self.copy = models.load(self.start.original, self.start.spec)
        self.copy.to(self.policy.device)
        yield self.copy

    def release(self) -> None:
        """Forget the copy: nothing will ask for it again."""
        self.copy = None


class Collator:
    """Pairs to tensors: prompts padded on the left, completions on the right."""

    def __init__(self, pad_token: int) -> None:
        self.pad_token = pad_token

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
        """Tensors of a batch, its rows by kind.

        Returns:
            prompt, prompt_mask (B, P); completion, mask (B, T); kind (B,), an index of `KINDS`;
            reference (N,) of all completion tokens, NaN where a text has none, if any has.
        """
        columns = zip(*pairs, strict=True)
        rows = [
            (kind, text) for kind, texts in enumerate(columns) for text in texts if text is not None
        ]
        prompts = [torch.tensor(text.prompt) for _, text in rows]
        completions = [torch.tensor(text.completion) for _, text in rows]
        batch = {
            "prompt": pad(prompts, self.pad_token, padding_side="left"),
            "prompt_mask": pad([torch.ones_like(p) for p in prompts], 0, padding_side="left"),
            "completion": pad(completions, self.pad_token, padding_side="right"),
            "mask": pad([torch.ones_like(c) for c in completions], 0, padding_side="right"),
            "kind": torch.tensor([kind for kind, _ in rows]),
        }
        if any(text.reference for _, text in rows):
            known = [t.reference or (math.nan,) * len(t.completion) for _, t in rows]
            batch["reference"] = torch.tensor([value for row in known for value in row])
        return batch


def _read(model: Any, inputs: dict[str, Any], layer: int | None) -> dict[str, torch.Tensor]:
    """Logits before each of the N completion tokens, the tokens, and states after a layer."""
    mask_BT = torch.cat([inputs["prompt_mask"], inputs["mask"]], dim=1)
    width = inputs["mask"].size(1)
    read = model(
        input_ids=torch.cat([inputs["prompt"], inputs["completion"]], dim=1),
        attention_mask=mask_BT,
        position_ids=(mask_BT.cumsum(1) - 1).clamp(min=0),
        logits_to_keep=width + 1,
        use_cache=False,
        output_hidden_states=layer is not None,
    )
    wanted_BT = inputs["mask"].bool()
    found = {
        "logits": read.logits[:, :-1][wanted_BT].float(),
        "labels": inputs["completion"][wanted_BT],
    }
    if layer is not None:
        # The first of the hidden states is the embedding.
        found["hidden"] = read.hidden_states[layer + 1][:, -width - 1 : -1][wanted_BT].float()
    return found


def text(tokenizer: Any, prompt: Any, completion: str) -> Text:
    """A prompt and its completion as token ids, as the model is asked and answers.

    Args:
        tokenizer: The model's.
        prompt: A row's.
        completion: An answer or refusal; the end-of-sequence token is put behind it.
    """
    # Behind a chat template's marker a text opens; behind the plain "Answer:" it goes on.
    said = completion if tokenizer.chat_template else f" {completion}"
    ids = tokenizer.encode(said, add_special_tokens=False)
    ends = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return Text(tuple(models.render(tokenizer, prompt)), (*ids, *ends))


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
        texts = [known and _with_reference(known, reference, tokenizer) for known in texts]
    kept = retain_rows(data) if config.pairs else []
    retain = [text(tokenizer, row.prompt, row.answer or "") for row in kept]
    count = args.max_steps * config.batch_size
    return Pairs(texts[0], texts[1], retain or None, count=count, seed=args.seed)


def _with_reference(
    texts: list[Text], reference: Reference, tokenizer: Any, rows: int = 16
) -> list[Text]:
    """The texts with the log-probabilities that the original gives their completions."""
    collate, out = Collator(tokenizer.pad_token_id), []
    with torch.no_grad(), reference.model() as original:
        for start in range(0, len(texts), rows):
            chunk = texts[start : start + rows]
            inputs = collate([Pair(known, None, None) for known in chunk])
            inputs = {name: value.to(original.device) for name, value in inputs.items()}
            seen = _read(original, inputs, None)
            logps_NV = seen["logits"].log_softmax(dim=-1)
            logps_N = logps_NV.gather(1, seen["labels"][:, None])[:, 0]
            lengths = [len(known.completion) for known in chunk]
            for known, own in zip(chunk, logps_N.split(lengths), strict=True):
                out.append(known._replace(reference=tuple(own.tolist())))
    return out


def _whole(config: Method) -> bool:
    """Whether the original itself is needed while training, not its log-probabilities alone."""
    return bool(config.klr) or "original" in config.NEEDS


def _arguments(config: Method, out: Path, seed: int, forget: int) -> TrainingArguments:
    micro = config.micro_batch or config.batch_size
    own = {
        "max_steps": math.ceil(forget / config.batch_size) * config.epochs,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": config.batch_size // micro,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        "remove_unused_columns": False,
    }
    return TrainingArguments(**_engine.arguments(out, seed, **{**own, **config.trainer}))
