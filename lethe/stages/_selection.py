"""Which weights a stage keeps: the checkpoint that balances best on validation rows.

Then, if asked for, how much of the change to keep. Training moves weights farther than refusing
needs: what was trained on stays refused when a part of the change is taken back, while neighbours
that nobody trained on, and that were swept along, answer again. So points on the line from the
original's weights to the trained ones are tried, and the one nearest to the original is kept among
those that balance nearly as well as the best. Mixing: WiSE-FT (arXiv 2109.01903); to prefer the
simplest of nearly equal models is the idea of the one-standard-error rule (Breiman et al., 1984).
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft.utils import load_peft_weights, set_peft_model_state_dict
from tqdm import tqdm
from transformers import TrainerCallback

from lethe import model as models
from lethe import process, runs
from lethe.data import Row
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.stages import _engine, _health, _micro, _reference
from lethe.stages._chosen import Chosen, asked

BALANCE = "balance.json"
MIXTURES = "interpolation.jsonl"
LONGEST_LOOK = 64
Look = Callable[[list[Row]], dict[str, dict[str, float]]]


class Selection(TrainerCallback):
    """Looks at validation rows every so often, and keeps the weights that balance best."""

    def __init__(
        self,
        settings: Chosen,
        rows: list[Row],
        out: Path,
        curve: _engine.Curve,
        save: Callable[[Path], None],
        look: Look,
        tell: Callable[[dict[str, float]], None] | None = None,
        sound: Callable[[], bool] = lambda: True,
    ) -> None:
        """Set the rule up.

        Args:
            settings: `eval_every`, `select`.
            rows: Validation rows.
            out: The stage's folder; the best weights so far are in `best/`.
            curve: Where the numbers go.
            save: Writes the policy to a folder.
            look: Measures the policy on rows.
            tell: Gives what was found to the trackers, if there are any.
            sound: Whether the weights are worth a look.
        """
        self.tell, self.sound = tell, sound
        self.settings, self.rows, self.curve = settings, rows, curve
        self.best, self.save, self.look = out / "best", save, look

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            self._measure(0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        step = state.global_step
        if step % self.settings.eval_every == 0 or step == state.max_steps:
            self._measure(step)
            patience = self.settings.patience
            if patience and process.agree(self._idle() >= patience):
                control.should_training_stop = True

    def _idle(self) -> int:
        return idle(self.curve.balances()) if process.first() else 0

    def _measure(self, step: int) -> None:
        if not self.rows or not self.sound():  # `_health` says so, when the step is logged
            return
        found = self.look(self.rows)
        for scope, numbers in found.items():
            self.curve.write(step=step, split="validation", scope=scope, **numbers)
        score = _engine.balance(found, self.settings.forgotten)
        self.curve.write(step=step, split="validation", scope="all", balance=score)
        if self.tell:
            named = {
                f"{s}_{name}": n for s, numbers in found.items() for name, n in numbers.items()
            }
            self.tell({f"eval_{name}": n for name, n in {**named, "balance": score}.items()})
        # The first alone reads: another might come late, to a file that is being replaced.
        better = process.first() and score >= self.kept(before=step)
        if self.settings.select == "best" and process.agree(better):
            if process.first():
                shutil.rmtree(self.best, ignore_errors=True)
            self.save(self.best)
            if process.first():
                runs.write(self.best / BALANCE, json.dumps({"step": step, "balance": score}))

    def kept(self, before: int) -> float:
        """Balance of the weights kept so far; those of `before` or later are a killed run's."""
        file = self.best / BALANCE
        if not file.is_file():
            return -1.0
        record = json.loads(file.read_text())
        return record["balance"] if record["step"] < before else -1.0


def idle(balances: list[float]) -> int:
    """How many looks have passed since the last one that was better than all before it.

    >>> idle([0.5, 0.8, 0.8, 0.7]), idle([0.5]), idle([])
    (2, 0, 0)
    """
    return len(balances) - 1 - balances.index(max(balances)) if balances else 0


class Mixture:
    """A model whose weights can be set anywhere between the original's and its own."""

    def __init__(self, trained: Any, original: Any | None) -> None:
        """Remember both ends.

        Args:
            trained: The model to move; where it stands is 1.
            original: Where 0 is. None: the model without its adapter, so that only the adapter's
                second factor is scaled.
        """
        self.path: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        starts = {} if original is None else dict(original.named_parameters())
        for name, weight in trained.named_parameters():
            if original is None and "lora_B" not in name and "lora_embedding_B" not in name:
                continue
            if ".ref." in name:  # TRL's copy of an adapter, which is its reference
                continue
            here = weight.detach()
            start = here * 0 if original is None else starts[name].detach().to(here)
            if not torch.equal(start, here):
                self.path.append((here, start, here.clone()))

    def move(self, share: float) -> None:
        """Go to the point that keeps this share of the change; 1 is exactly the trained weights."""
        for weight, start, end in self.path:
            weight.copy_(torch.lerp(start, end, share))


def least(balances: Mapping[float, float], slack: float) -> float:
    """The least share of the change whose balance is within `slack` of the best.

    >>> least({1.0: 0.98, 0.8: 1.0, 0.6: 0.99, 0.4: 0.5}, slack=0.02)
    0.6
    """
    enough = max(balances.values()) - slack - 1e-9
    return min(share for share, balance in balances.items() if balance >= enough)


def interpolate(mixture: Mixture, settings: Chosen, rows: list[Row], look: Look, out: Path) -> None:
    """Move to the point between original and trained weights that validation rows choose.

    Args:
        mixture: The two ends.
        settings: `interpolate` and `slack`.
        rows: Validation rows.
        look: Measures the moved model on rows.
        out: The stage's folder: what was found at each point goes to `interpolation.jsonl`.
    """
    found = {}
    shares = sorted({1.0, *settings.interpolate}, reverse=True)
    for share in tqdm(shares, desc="take back", unit="share"):
        mixture.move(share)
        found[share] = look(rows)
    balances = {
        share: _engine.balance(numbers, settings.forgotten) for share, numbers in found.items()
    }
    kept = least(balances, settings.slack)
    mixture.move(kept)
    lines = []
    for share, scopes in found.items():
        lines += [{"share": share, "scope": scope, **n} for scope, n in scopes.items()]
        lines.append(
            {"share": share, "scope": "all", "balance": balances[share], "kept": share == kept}
        )
    if process.first():
        runs.write(out / MIXTURES, "".join(json.dumps(line) + "\n" for line in lines))


def finished(out: Path) -> bool:
    """Whether all was done but to say so when the run was killed; tidies up."""
    done = process.agree((out / "model" / BALANCE).is_file())
    if done and process.first():
        shutil.rmtree(out / "best", ignore_errors=True)
    return done


def train(
    trainer: Any,
    settings: Chosen,
    data: dict[str, list[Row]],
    tokenizer: Any,
    curve: _engine.Curve,
    out: Path,
    *,
    steps: int,
    length: int = LONGEST_LOOK,
    looks: bool = True,
    write: Callable[[Any, Any, Path], None] | None = None,
    recall: Callable[[Path], None] | None = None,
    collapse: float | None = None,
) -> Selection:
    """Train a stage's trainer to its end, from its last whole checkpoint on if there is one.

    Args:
        trainer: Built, not started.
        settings: When to look at validation rows and what to keep.
        data: Rows by split.
        tokenizer: The model's.
        curve: The stage's, already among the trainer's callbacks; closed in the end.
        out: The stage's folder.
        steps: Optimiser steps in all.
        length: Longest answer of a look, in tokens.
        looks: Whether to look while training.
        write: Saves what a trainer has trained, in place of `save`.
        recall: Called with the checkpoint's folder before the trainer goes on from it.
        collapse: Share of the best mean reward below which training is stopped.

    Returns:
        The rule, for `keep`.
    """
    policy, write = trainer.model, write or save

    def sound() -> bool:
        return _engine.sound(policy)

    selection = Selection(
        settings,
        _engine.evenly(asked(data), settings.eval_rows),
        out,
        curve,
        save=lambda folder: write(trainer, tokenizer, folder),
        look=looker(policy, tokenizer, length),
        tell=_teller(trainer),
        sound=sound,
    )
    if looks:
        trainer.add_callback(selection)
    trainer.add_callback(_engine.MarkCheckpoints(sound))
    trainer.add_callback(_health.Health(out, settings.stage, collapse))
    step, last = _engine.last_checkpoint(out / "checkpoints", before=steps) or (-1, None)
    curve.forget_after(step)
    if last and recall:
        recall(Path(last))
    with contextlib.closing(curve), _micro.passes():
        trainer.train(resume_from_checkpoint=last)
    return selection


def _teller(trainer: Any) -> Callable[[dict[str, float]], None]:
    """Gives numbers to a trainer's callbacks, and so to its trackers, as it does itself.

    Not by `trainer.log`: GRPO's would close its own step's numbers.
    """

    def tell(logs: dict[str, float]) -> None:
        control = trainer.control
        due = control.should_log  # the training loss of this step, which is still to come
        trainer.callback_handler.on_log(trainer.args, trainer.state, control, logs)
        control.should_log = due

    return tell


def looker(policy: Any, tokenizer: Any, max_new_tokens: int) -> Look:
    """How a policy is looked at: greedily, with answers of at most so many tokens."""
    return lambda rows: _engine.probe(policy, tokenizer, rows, max_new_tokens=max_new_tokens)


def keep(
    settings: Chosen,
    start: Checkpoint,
    selection: Selection,
    policy: Any,
    tokenizer: Any,
    max_new_tokens: int = LONGEST_LOOK,
) -> None:
    """Put the chosen weights, mixed with the original's if asked for, under the stage's `model/`.

    Args:
        settings: `interpolate` and `slack`.
        start: Where the original is.
        selection: The rule that looked on the way; its best weights, if any, win.
        policy: The model as it is after the last step.
        tokenizer: Its tokenizer.
        max_new_tokens: Longest answer of a look.
    """
    best, model = selection.best, selection.best.with_name("model")
    mixed = best.with_name("mixed")
    whole = process.agree(best.is_dir())
    process.load_whole()
    if settings.interpolate:
        if process.sharded() and not whole:
            selection.save(best)
            whole = True
        trained = _best(best, start, policy) if whole else policy
        original = untrained(start.original, start)
        look = looker(trained, tokenizer, max_new_tokens)
        interpolate(Mixture(trained, original), settings, selection.rows, look, best.parent)
        put(trained, tokenizer, mixed)
        if process.first():
            runs.write(mixed / BALANCE, json.dumps({"interpolated": True}))
    elif not whole:
        selection.save(model)
        return
    if process.first():
        shutil.rmtree(model, ignore_errors=True)
        (mixed if settings.interpolate else best).rename(model)
        shutil.rmtree(best, ignore_errors=True)
    process.barrier()


def _best(best: Path, start: Checkpoint, policy: Any) -> Any:
    """The best weights: with LoRA in the policy itself, whose base is theirs."""
    if not start.spec.lora or process.sharded():
        return models.load(best, start.spec, trainable=True).to(policy.device)
    set_peft_model_state_dict(policy, load_peft_weights(str(best), device=str(policy.device)))
    return policy


def untrained(path: str, start: Checkpoint) -> Any | None:
    """The weights that a change began from, as they were trained; None: a new adapter's, nothing.

    Where that is an adapter too, the same one was trained on: its factors are mixed one by one.
    """
    new = start.spec.lora and not is_adapter(path)
    return None if new else models.load(path, start.spec, trainable=True)


def save(trainer: Any, tokenizer: Any, folder: Path) -> None:
    """Save what a trainer has trained; every process must call it."""
    weights = None
    if process.sharded():
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    put(trainer.model, tokenizer, folder, weights)


def put(policy: Any, tokenizer: Any, folder: Path, weights: Any = None) -> None:
    """Save a policy, anew; the copy of its adapter that serves as reference is no part of it.

    Args:
        policy: The model, the same in every process; the first writes.
        tokenizer: Its tokenizer.
        folder: Where to.
        weights: Its weights, if they are not in it (sharded).
    """
    if process.first():
        shutil.rmtree(folder, ignore_errors=True)
        models.save(policy, tokenizer, folder, weights)
        shutil.rmtree(folder / _reference.REF, ignore_errors=True)
    process.barrier()
