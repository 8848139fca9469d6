"""What a recipe will need and do, before anything is loaded: memory, rollouts, tokens, operations.

Sizes come from the model's config.json, lengths from the rows and the tokenizer. docs/memory.md
says what was measured against it.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lethe import config, planning, plug, process, world
from lethe import model as models
from lethe.attacks import relearn
from lethe.batches import LARGEST
from lethe.config import Recipe, Stage
from lethe.data import Row
from lethe.estimate import given, stages
from lethe.estimate import shape as shapes
from lethe.estimate.given import Lengths, Machine
from lethe.estimate.memory import How, Phase
from lethe.estimate.shape import Shape
from lethe.estimate.stages import Asked
from lethe.estimate.work import Work
from lethe.evaluate import limited
from lethe.plug import LetheError
from lethe.stages import rebo, rejection_steering
from lethe.stages._method import Method

GIB = 2**30
RESERVE = {False: 0.7 * GIB, True: 1.0 * GIB}
"""Set aside for the libraries, off and on CUDA: half a GiB was measured off it, none on it."""


class Part(NamedTuple):
    """One stage, or the evaluation."""

    name: str
    phases: tuple[Phase, ...]
    """Empty where it is not known what it does."""
    work: Work
    advice: tuple[tuple[str, float], ...] = ()
    """If it does not fit: a change of settings, and the bytes that it then takes."""

    @property
    def peak(self) -> Phase:
        """The phase that takes most."""
        return max(self.phases, key=lambda phase: phase.total)


class Estimate(NamedTuple):
    """All of a recipe."""

    recipe: Recipe
    machine: Machine
    shape: Shape
    how: How
    parts: tuple[Part, ...]


def machine(gpus: int | None, gpu_memory: float | None, sharded: bool) -> Machine:
    """The machine that was named, and for what was not, this one.

    Args:
        gpus: How many; None: one, or none where there is none, as `lethe run` takes.
        gpu_memory: GiB of each; None: that of the first one here, or else of the machine.
        sharded: Whether they share.
    """
    import torch

    here = torch.cuda.device_count()
    if gpus is None:
        gpus = int(here > 0 or gpu_memory is not None)
    if sharded and gpus < 2:
        raise LetheError("--sharded: needs several GPUs to share; as in: --gpus 8 --sharded")
    if gpu_memory is not None:
        return Machine(gpus, gpu_memory * GIB, sharded and gpus > 1)
    if gpus and here:
        known = torch.cuda.get_device_properties(0).total_memory
    else:
        known = 80 * GIB if gpus else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(gpus, known, sharded and gpus > 1)


def estimate(recipe: Recipe, machine: Machine) -> Estimate:
    """Everything of a recipe on a machine; no weight is loaded.

    Raises:
        LetheError: What is wrong with the recipe, its rows, or the model's configuration; what
            could not be run in one process for each GPU. What is not installed here is no fault.
    """
    spread = {"ACCELERATE_USE_FSDP": "true"} if machine.sharded else {}
    with process.environment(WORLD_SIZE=str(max(machine.gpus, 1)), **spread):
        plan = planning.plan(recipe, here=False)
    path = _path(recipe.model.path)
    tokenizer = models.tokenizer(path, recipe.model)
    shape = shapes.of(models.skeleton(path, recipe.model))
    ask = Lengths(plan, tokenizer)
    common = (shape, machine, path)
    parts = [_advised(_part, ask, recipe, i, *common) for i in range(len(recipe.stages))]
    parts.append(_evaluation(ask, recipe, shape, machine))
    parts += [_advised(_attack, ask, recipe, i, *common) for i in range(len(recipe.attacks))]
    return Estimate(recipe, machine, shape, how(recipe, machine), tuple(parts))


def fits(part: Part, machine: Machine) -> bool:
    """Whether a part's peak leaves room for the libraries."""
    return part.peak.total + RESERVE[machine.gpus > 0] <= machine.memory


def how(
    recipe: Recipe, machine: Machine, stage: Stage | None = None, *, trainable: bool = True
) -> How:
    """How weights are held and computed: the dtypes of `lethe.model.dtype`."""
    cuda = machine.gpus > 0
    name = models.dtype(recipe.model, trainable=trainable, cuda=cuda)
    passed: dict[str, Any] = getattr(stage, "trainer", {})
    return How(
        cuda=cuda,
        weight=4 if name == "float32" else 2,
        autocast=cuda and trainable and name == "float32",
        checkpointing=_checkpointing(recipe, passed),
        eager=recipe.model.attention == "eager",
        quantization=recipe.model.quantization,
        shards=machine.gpus if machine.sharded and trainable else 1,
    )


def _checkpointing(recipe: Recipe, passed: dict[str, Any]) -> bool:
    """Whether activations are computed anew: what a stage passes on goes before the model's."""
    own = [passed[n] for n in ("gradient_checkpointing", "activation_checkpointing") if n in passed]
    return bool(own[0] if own else recipe.model.gradient_checkpointing)


def _path(path: str) -> str:
    """Where config.json and tokenizer are; worlds are of one shape, and one of them is shipped."""
    if not path.startswith("world:"):
        return path
    seed = int(path.removeprefix("world:"))
    return str(world.checkpoint(seed) if world.at_hand(seed) else world.SHIPPED)


def _part(ask: Lengths, recipe: Recipe, index: int, shape: Shape, machine: Machine) -> Part:
    """What a stage holds and does."""
    settings = recipe.stages[index]
    name, own = f"{index} {settings.stage}", how(recipe, machine, settings)
    data = ask.plan.training(index)
    gpus = max(machine.gpus, 1)
    if isinstance(settings, rebo.Config):
        rollouts = given.rollouts(ask, recipe, settings, data, machine)
        phases, work = stages.rebo(shape, own, rollouts, gpus)
    elif (lessons := given.lessons(ask, recipe, settings, data, machine)) is not None:
        phases, work = stages.lessons(shape, own, lessons)
    else:
        phases, work = [], Work()
    return Part(name, tuple(phases), work)


def _evaluation(ask: Lengths, recipe: Recipe, shape: Shape, machine: Machine) -> Part:
    """All measured models, asked the test rows; one GPU asks alone."""
    settings = recipe.evaluate
    if not ask.plan.rows:  # a benchmark that measures by code of its own
        return Part(f"evaluation by {recipe.data.benchmark}", (), Work())
    rows = limited(ask.plan.split("test"), settings.limit)
    phases, one = _questions(ask, recipe, rows, ask.plan.prefix, shape, machine)
    measured = _measured(ask, recipe)
    return Part(f"evaluation of {measured} models", tuple(phases), one.times(measured))


def _measured(ask: Lengths, recipe: Recipe) -> int:
    """Models that are evaluated, and attacked."""
    return 1 if recipe.evaluate.models == "last" else len(ask.plan.models)


def _questions(
    ask: Lengths, recipe: Recipe, rows: list[Row], prefix: str, shape: Shape, machine: Machine
) -> tuple[list[Phase], Work]:
    """One model, asked these rows."""
    settings = recipe.evaluate
    texts = ask.texts([(row, f"{prefix} {row.answer or ''}") for row in rows])
    batch = LARGEST if settings.batch_size == "auto" else settings.batch_size
    asked = Asked(texts, settings.max_new_tokens, batch)
    own = how(recipe, machine, trainable=False)
    whole = shape._replace(ranks=0, adapted=0)  # adapters are merged to be asked
    forget = sum(row.scope == "forget" for row in rows)
    return stages.evaluation(whole, own, asked, settings, forget)


def _attack(ask: Lengths, recipe: Recipe, index: int, shape: Shape, machine: Machine) -> Part:
    """What an attack holds with one model, and does with all that are measured."""
    settings = recipe.attacks[index]
    label = plug.label(settings.attack)
    if not isinstance(settings, relearn.Config):
        return Part(label, (), Work())
    lessons, asked = relearn.parts(settings, ask.plan.rows, recipe.seed)
    method = relearn.method(settings, len(lessons))
    learnt = given.method(ask, recipe, method, {"train": lessons}, machine)
    learnt = learnt._replace(steps=settings.steps)
    trained, learning = stages.lessons(shape, how(recipe, machine, method), learnt)
    once = recipe.evaluate.model_copy(update={"samples": 0})
    plain = recipe.model_copy(update={"evaluate": once})
    phases, asking = _questions(ask, plain, asked, "", shape, machine)
    measured = _measured(ask, recipe)
    work = learning.plus(asking).times(measured)
    return Part(f"{label} of {measured} models", (*trained, *phases), work)


_Make = Callable[[Lengths, Recipe, int, Shape, Machine], Part]


def _advised(
    make: _Make,
    ask: Lengths,
    recipe: Recipe,
    index: int,
    shape: Shape,
    machine: Machine,
    path: str,
) -> Part:
    """A stage or an attack, and if it does not fit, what would help."""
    part = make(ask, recipe, index, shape, machine)
    if not part.phases or fits(part, machine):
        return part
    found = []
    for words, changed in (_changes if make is _part else _model_changes)(recipe, index):
        own = shape
        if changed.model.lora and not recipe.model.lora:
            own = shapes.of(models.skeleton(path, changed.model))
        found.append((words, make(ask, changed, index, own, machine).peak.total))
    if machine.gpus > 1 and not machine.sharded:
        shared = machine._replace(sharded=True)
        found.append(("FSDP or ZeRO-3", make(ask, recipe, index, shape, shared).peak.total))
    helping = [one for one in found if one[1] < part.peak.total]
    return part._replace(advice=tuple(sorted(helping, key=lambda one: one[1])))


def _changes(recipe: Recipe, index: int) -> Iterator[tuple[str, Recipe]]:
    """Changes of one setting of a stage, or of the model, each."""
    settings = recipe.stages[index]

    def staged(words: str, **update: Any) -> tuple[str, Recipe]:
        parts = list(recipe.stages)
        parts[index] = settings.model_copy(update=update)
        return words, recipe.model_copy(update={"stages": parts})

    passed: dict[str, Any] = getattr(settings, "trainer", {})
    if isinstance(settings, rebo.Config):
        group = settings.num_generations
        yield staged(f"micro_batch: {group}", micro_batch=group)
        if settings.max_new_tokens > 1:
            half = settings.max_new_tokens // 2
            yield staged(f"max_new_tokens: {half}", max_new_tokens=half)
        if settings.prompts_per_step > 2:
            half = settings.prompts_per_step // 2
            yield staged(f"prompts_per_step: {half}", prompts_per_step=half)
    elif isinstance(settings, Method):
        yield staged("micro_batch: 1", micro_batch=1)
    elif isinstance(settings, rejection_steering.Config):
        yield staged("batch_size: 1", batch_size=1)
    yield from _model_changes(recipe, index, passed)


def _model_changes(
    recipe: Recipe, index: int, passed: dict[str, Any] | None = None
) -> Iterator[tuple[str, Recipe]]:
    if not _checkpointing(recipe, passed or {}):
        model = recipe.model.model_copy(update={"gradient_checkpointing": True})
        yield "model.gradient_checkpointing: true", recipe.model_copy(update={"model": model})
    if recipe.model.lora is None:
        lora = recipe.model.model_copy(update={"lora": config.Lora()})
        yield "model.lora: {}", recipe.model_copy(update={"model": lora})
