"""What of a recipe's settings and rows the formulas want: lengths, steps, looks, what is kept."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lethe import model as models
from lethe.config import Recipe, Stage
from lethe.data import Row
from lethe.estimate import stages
from lethe.estimate.stages import Asked, Lessons, Mixing, Rebo, Texts
from lethe.planning import Plan
from lethe.stages import kto, rebo, rejection_steering, task_vector
from lethe.stages._chosen import Chosen, asked
from lethe.stages._method import Method, forget_rows, retain_rows


class Machine(NamedTuple):
    """What is to be trained on."""

    gpus: int
    """0: the CPU."""
    memory: float
    """Bytes of one device."""
    sharded: bool = False
    """Whether GPUs share weights, gradients and optimizer state (FSDP, ZeRO-3), or copy them."""


class Lengths:
    """Rows in tokens, each counted once."""

    def __init__(self, plan: Plan, tokenizer: Any) -> None:
        self.plan, self.tokenizer = plan, tokenizer
        self.known: dict[Any, int] = {}

    def prompt(self, row: Row) -> int:
        """Tokens of a prompt as the model is given it."""
        if row.id not in self.known:
            self.known[row.id] = len(models.render(self.tokenizer, row.prompt))
        return self.known[row.id]

    def reply(self, text: str | None) -> int:
        """Tokens of a reply and of what ends it."""
        return len(self.tokenizer.encode(text or "", add_special_tokens=False)) + 1

    def texts(self, pairs: Sequence[tuple[Row, str | None]]) -> Texts:
        """Prompts with what follows each."""
        return Texts(tuple((self.prompt(row), self.reply(text)) for row, text in pairs))

    def looks(self, rows: Sequence[Row], new: int) -> Asked:
        """Rows that are looked at, with answers of so many tokens at most."""
        return Asked(self.texts([(row, row.answer) for row in rows]), new, stages.LOOK)


def _validation(ask: Lengths, settings: Chosen, data: dict[str, list[Row]], new: int) -> Asked:
    from lethe.stages import _engine

    return ask.looks(_engine.evenly(asked(data), settings.eval_rows), new)


def _looked(settings: Chosen, steps: int) -> int:
    """Looks while training: before the first step, every so many, and after the last one."""
    if isinstance(settings, task_vector.Config):
        return 0
    return 1 + math.ceil(steps / settings.eval_every)


def _mixes(ask: Lengths, recipe: Recipe, settings: Chosen, machine: Machine) -> Mixing | None:
    """What `interpolate` (which always tries 1.0) or task_vector's scales hold and do, if anything.

    Beside the policy: the original, where the path ends, and the best weights, if they need not be
    those the policy ended in. An adapter takes the best into itself, and its original is another
    model only where the run comes after one.
    """
    if isinstance(settings, task_vector.Config):
        looks = len(settings.scales) if len(settings.scales) > 1 else 0
    elif settings.interpolate:
        looks = len({1.0, *settings.interpolate})
    else:
        return None
    if recipe.model.lora:
        return Mixing(machine.sharded + (ask.plan.earlier is not None), looks)
    return Mixing(3 if machine.sharded or settings.select == "best" else 2, looks)


def rollouts(
    ask: Lengths,
    recipe: Recipe,
    settings: rebo.Config,
    data: dict[str, list[Row]],
    machine: Machine,
) -> Rebo:
    """Of a ReBO stage."""
    batch = settings.prompts_per_step * settings.num_generations
    return Rebo(
        steps=settings.steps,
        prompts=settings.prompts_per_step,
        group=settings.num_generations,
        iterations=settings.num_iterations,
        new=settings.max_new_tokens,
        micro=settings.micro_batch or batch // max(machine.gpus, 1),
        reference=settings.beta > 0,
        rollout=settings.rollout,
        texts=ask.texts([(row, row.answer) for row in rebo.rows(data)]),
        looks=_validation(ask, settings, data, min(settings.max_new_tokens, 64)),
        resample=settings.resample,
        looked=_looked(settings, settings.steps * settings.num_iterations),
        mixes=_mixes(ask, recipe, settings, machine),
        share=settings.vllm.memory_share,
        sleeps=settings.vllm.sleep,
        memory=machine.memory,
    )


def lessons(
    ask: Lengths, recipe: Recipe, settings: Stage, data: dict[str, list[Row]], machine: Machine
) -> Lessons | None:
    """Of a stage that learns fixed texts; None of any other."""
    from lethe.stages import _engine

    gpus = max(machine.gpus, 1)
    if isinstance(settings, rejection_steering.Config):
        rows = rejection_steering.rows(data)
        batches = math.ceil(len(rows) / settings.batch_size)
        return Lessons(
            kinds=(ask.texts([(row, row.refusal) for row in rows]),),
            batch=math.ceil(settings.batch_size / gpus),
            rows=settings.batch_size,
            steps=math.ceil(batches * settings.epochs),
            padded=True,
            looks=ask.looks(_engine.evenly(data.get("validation", []), 32), 32),
            looked=1,
        )
    if isinstance(settings, kto.Config):
        found = ask.texts([(row, text) for row, text, _ in kto.texts(data)])
        steps = math.ceil(len(found.pairs) / settings.batch_size) * settings.epochs
        return Lessons(
            kinds=(found,),
            batch=math.ceil(settings.batch_size / gpus)
            * 2,  # each prompt is read with a stranger's reply too
            rows=settings.batch_size * 2,
            steps=steps,
            padded=True,
            original=True,
            looks=_validation(ask, settings, data, 64),
            looked=_looked(settings, steps),
            mixes=_mixes(ask, recipe, settings, machine),
        )
    if isinstance(settings, Method):
        return method(ask, recipe, settings, data, machine)
    return None


def method(
    ask: Lengths, recipe: Recipe, settings: Method, data: dict[str, list[Row]], machine: Machine
) -> Lessons:
    """Of an offline method."""
    forget = forget_rows(settings, data)
    steps = math.ceil(len(forget) / settings.batch_size) * settings.epochs
    kinds = []
    if "answer" in settings.NEEDS:
        kinds.append(ask.texts([(row, row.answer) for row in forget]))
    if "refusal" in settings.NEEDS:
        kinds.append(ask.texts([(row, row.refusal) for row in forget]))
    if settings.pairs:
        kinds.append(ask.texts([(row, row.answer) for row in retain_rows(data)]))
    return Lessons(
        kinds=tuple(kinds),
        batch=settings.micro_batch or math.ceil(settings.batch_size / max(machine.gpus, 1)),
        rows=settings.batch_size,
        steps=steps,
        padded=False,
        reference="reference" in settings.NEEDS,
        original=bool(settings.klr) or "original" in settings.NEEDS,
        looks=_validation(ask, settings, data, 64),
        looked=_looked(settings, steps),
        mixes=_mixes(ask, recipe, settings, machine),
    )
