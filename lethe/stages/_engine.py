"""What every training stage shares: trainer arguments, chat rows, the curve, the validation probe.

Traps of the engine that are closed here: bf16 is off on the CPU (TRL turns it on), telemetry is
off, gradient checkpointing is off unless asked for, nothing is reported to a tracker by itself.
"""

import dataclasses
import json
import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import transformers
from transformers import TrainerCallback

from lethe import config, process, runs
from lethe.data import Answered, Row
from lethe.generate import completions
from lethe.metrics.accuracy import accuracy
from lethe.metrics.leak_rate import leak_rate
from lethe.metrics.refusal_rate import refusal_rate
from lethe.model import plain, render

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

T = TypeVar("T")


def arguments(
    out: Path, seed: int, model: config.Model | None = None, **own: Any
) -> dict[str, Any]:
    """Keyword arguments for a `TrainingArguments` subclass, right for the machine at hand.

    Args:
        out: Where checkpoints go.
        seed: Of everything random in the stage.
        model: Says whether activations are computed again in the backward pass.
        **own: The stage's; they win.
    """
    import torch

    cuda = torch.cuda.is_available()
    given = {
        "output_dir": str(out / "checkpoints"),
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not cuda,
        "bf16": cuda and torch.cuda.is_bf16_supported(),
        "report_to": "none",
        "disable_tqdm": True,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # `_health` wants to see them
        "save_total_limit": 2,
        "dataloader_pin_memory": cuda,
        "ddp_find_unused_parameters": False,
        **own,
    }
    return given | _checkpointing(given, bool(model and model.gradient_checkpointing))


def _checkpointing(given: dict[str, Any], default: bool) -> dict[str, Any]:
    """Gradient checkpointing by the name that this transformers has, taken out of `given`.

    5.23 calls it activation checkpointing, and warns of the old name; before, there is no new one.
    """
    known = {field.name for field in dataclasses.fields(transformers.TrainingArguments)}
    own = "activation" if "activation_checkpointing" in known else "gradient"
    found: dict[str, Any] = {"": default, "_kwargs": {"use_reentrant": False}}
    for end in found:
        for name in ("gradient", "activation"):
            found[end] = given.pop(f"{name}_checkpointing{end}", found[end])
    return {f"{own}_checkpointing{end}": value for end, value in found.items()}


def through(wrapped: Any, inner: Any, work: Callable[[], T]) -> T:
    """Do work as the forward pass of what wraps a model: there DDP and FSDP hook in.

    Args:
        wrapped: The model as the trainer holds it; alone it is `inner` itself.
        inner: The model.
        work: Calls `inner`.
    """
    if wrapped is inner:
        return work()
    forward = inner.forward

    def once(_: None) -> T:
        inner.forward = forward
        return work()

    inner.forward = once
    return wrapped(None)


def in_float32(policy: Any, model: config.Model) -> None:
    """What learns over a quantised base, in float32 again; TRL's trainers make bfloat16 of it."""
    if model.quantization:
        for weight in policy.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()


def user_turn(row: Row, tokenizer: Any) -> Any:
    """A row's prompt as TRL wants it: messages with a chat template, plain text without."""
    if not tokenizer.chat_template:
        return plain(row.prompt)
    if isinstance(row.prompt, str):
        return [{"role": "user", "content": row.prompt}]
    return row.prompt


def example(row: Row, text: str, tokenizer: Any) -> dict[str, Any]:
    """A row's prompt with a reply, as TRL's `prompt` and `completion`."""
    prompt = user_turn(row, tokenizer)
    plain_text = isinstance(prompt, str)
    reply = f" {text}" if plain_text else [{"role": "assistant", "content": text}]
    return {"prompt": prompt, "completion": reply}


def probe(
    model: Any, tokenizer: Any, rows: Sequence[Row], *, max_new_tokens: int, batch_size: int = 128
) -> dict[str, dict[str, float]]:
    """Greedy behaviour on validation rows, by scope; several processes share the rows.

    Args:
        model: The policy; left in the mode it was in.
        tokenizer: Its tokenizer.
        rows: Validation rows.
        max_new_tokens: Longest answer.
        batch_size: Prompts at once.

    Returns:
        {"forget": {"refusal", "leak", "silent", "n"}, "boundary": {"refusal", "accuracy", "n"},
        ...}; `silent` is the share that refuses and leaks nothing; rows without an answer leak
        nothing.
    """
    training = model.training
    model.eval()
    ids = [render(tokenizer, row.prompt) for row in rows]
    # Where weights are sharded, every process must take part in every forward pass.
    share = (0, 1) if process.sharded() else process.share()
    own: dict[int, str] = {}
    for places, found in completions(
        model,
        tokenizer,
        ids,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        share=share,
        together=process.sharded(),
    ):
        own |= dict(zip(places, found, strict=True))
    said = {place: text for part in process.gathered(own) for place, text in part.items()}
    texts = [said[place] for place in range(len(rows))]
    model.train(training)
    scopes: dict[str, list[Answered]] = {}
    for row, text in zip(rows, texts, strict=True):
        answered = Answered(**row.model_dump(), completion=text)
        scopes.setdefault(row.scope, []).append(answered)
    wanted = {"refusal": refusal_rate, "leak": leak_rate, "accuracy": accuracy}
    out: dict[str, dict[str, float]] = {}
    for scope, answered in scopes.items():
        out[scope] = {"n": len(answered)}
        for name, metric in wanted.items():
            values = [value for value in metric(answered) if value is not None]
            if values:
                out[scope][name] = sum(values) / len(values)
    if "forget" in scopes:
        out["forget"]["silent"] = _silent(scopes["forget"])
    return out


def _silent(answered: Sequence[Answered]) -> float:
    pairs = zip(refusal_rate(answered), leak_rate(answered), strict=True)
    return sum(bool(refuses) and not leaks for refuses, leaks in pairs) / len(answered)


def balance(found: Mapping[str, Mapping[str, float]], forgotten: str = "refused") -> float:
    """One number to choose by: harmonic mean of what is forgotten and accuracy on what is kept.

    A refusal counts if it leaks nothing; accuracy is the lowest of the other scopes', so that a
    model cannot buy one with the other.

    Args:
        found: As `probe` gives it.
        forgotten: "refused", or "withheld": whatever leaks nothing counts.

    >>> round(balance({"forget": {"silent": 1.0}, "boundary": {"accuracy": 0.5}}), 3)
    0.667
    >>> balance({"forget": {"silent": 0.0, "leak": 0.0}}, "withheld")
    1.0
    """
    forget = found.get("forget", {})
    refuses = forget.get("silent", 0.0)
    if forgotten == "withheld" and "leak" in forget:
        refuses = 1 - forget["leak"]
    kept = min(
        (found[s]["accuracy"] for s in found if s != "forget" and "accuracy" in found[s]),
        default=1.0,
    )
    return 2 * refuses * kept / (refuses + kept) if refuses + kept else 0.0


def evenly(rows: Sequence[Row], limit: int) -> list[Row]:
    """At most `limit` rows of each (scope, form), spread evenly over their order.

    Args:
        rows: Any rows.
        limit: 0 takes none.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.scope, row.form), []).append(row)
    out = []
    for group in groups.values():
        count = min(limit, len(group))
        out += [group[i * len(group) // count] for i in range(count)]
    return out


def sound(model: Any) -> bool:
    """Whether all that learns is finite, in every process."""
    import torch

    learning = (weight for weight in model.parameters() if weight.requires_grad)
    parts = map(_here, learning)
    return all(process.gathered(all(bool(torch.isfinite(part).all()) for part in parts)))


def _here(weight: Any) -> Any:
    """What this process holds of a weight: FSDP2's part of it, ZeRO-3's, or all."""
    if hasattr(weight, "to_local"):
        return weight.to_local()
    if not hasattr(weight, "ds_tensor"):
        return weight
    own = weight.ds_tensor  # behind its end DeepSpeed leaves what was in memory
    real = weight.ds_numel - process.share()[0] * own.numel()
    return own[: max(0, min(own.numel(), real))]


_WHOLE = "whole"


class MarkCheckpoints(TrainerCallback):
    """Marks each sound checkpoint that was written to its end; a kill may cut one short.

    One that was written where training stopped is not marked: nothing goes on from there.
    """

    def __init__(self, sound: Callable[[], bool] = lambda: True) -> None:
        """Take what says whether the weights are sound; every process is asked."""
        self.sound = sound

    def on_save(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        **kwargs: Any,
    ) -> None:
        process.barrier()  # each process writes a part of it
        if self.sound() and process.first() and not control.should_training_stop:
            (Path(args.output_dir or "") / f"checkpoint-{state.global_step}" / _WHOLE).touch()


def last_checkpoint(folder: Path, before: int) -> tuple[int, str] | None:
    """Step and path of the last whole checkpoint to go on from; no later one is left.

    Args:
        folder: The stage's `checkpoints/`, which need not be there.
        before: Number of all steps. The checkpoint of the last step does not count: going on from
            there, transformers' trainer takes one step too many.
    """
    whole = []
    for found in folder.glob("checkpoint-*") if process.first() else ():
        step = int(found.name.rpartition("-")[2])
        if step < before and (found / _WHOLE).exists():
            whole.append((step, str(found)))
        else:
            shutil.rmtree(found)
    return process.agree(max(whole, default=None))


class Curve(TrainerCallback):
    """Progress bar and training curve: one line of `metrics.jsonl` for each scope and step.

    Of several processes the first alone writes.
    """

    def __init__(self, out: Path, title: str) -> None:
        """Open the curve.

        Args:
            out: The stage's folder.
            title: Stands before the progress bar.
        """
        self.file, self.title = out / "metrics.jsonl", title
        self.bar: Any = None
        self.started = time.monotonic()

    def write(self, **record: Any) -> None:
        """Append one record; values that are not finite are written as null."""
        if not process.first():
            return
        for key, value in record.items():
            if isinstance(value, float):
                record[key] = round(value, 6) if math.isfinite(value) else None
        with self.file.open("a") as lines:
            lines.write(json.dumps(record) + "\n")

    def forget_after(self, step: int) -> None:
        """Drop records beyond a step: what a killed run wrote after its last checkpoint."""
        if process.first() and self.file.exists():
            kept = [record for record in runs.read_lines(self.file) if record["step"] <= step]
            runs.write(self.file, "".join(json.dumps(record) + "\n" for record in kept))

    def balances(self) -> list[float]:
        """What the looks at the validation rows have found so far, in order."""
        records = runs.read_lines(self.file) if self.file.exists() else []
        return [record["balance"] for record in records if "balance" in record]

    def on_train_begin(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        **kwargs: Any,
    ) -> None:
        from tqdm import tqdm

        self.bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc=self.title, unit="step"
        )

    def on_step_end(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        **kwargs: Any,
    ) -> None:
        self.bar.update(1)

    def on_log(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if logs and "loss" in logs:
            rollouts = {"rollouts": int(logs["rollouts"])} if "rollouts" in logs else {}
            self.write(
                step=state.global_step,
                split="train",
                scope="all",
                loss=logs["loss"],
                reward=logs.get("reward"),
                kl=logs.get("kl"),
                entropy=logs.get("entropy"),
                length=logs.get("completions/mean_length"),
                **rollouts,
            )

    def close(self) -> None:
        """Leave the bar as it stands: at the end, and before a message on Ctrl-C."""
        if self.bar is not None:
            self.bar.close()
