"""What a run will do: every name of a recipe resolved, its rows read, all that can be wrong found.

No weight is loaded here.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from lethe import config, data, earlier, plug, process, runs, tracking
from lethe.config import Recipe
from lethe.data import Answered, Row
from lethe.earlier import Earlier
from lethe.evaluate import limited, recorded
from lethe.metrics._measure import Measure, measure
from lethe.metrics._ratings import METRICS as JUDGED
from lethe.opinions import naturalness
from lethe.plug import LetheError

_SPARE = 200 * 2**20
_SAMPLED = [Measure(name, ("forget/*",)) for name in ("leak_at_1", "leak_at_k")]


@dataclass(frozen=True)
class Plan:
    """A recipe with all its names resolved and its rows read and checked."""

    recipe: Recipe
    benchmark: ModuleType
    rows: list[Row]
    noise: dict[str, int]
    stages: list[ModuleType]
    models: list[str]
    metrics: list[str | Measure]
    reference: list[Answered] | None
    sources: dict[str, str] = field(default_factory=dict)
    """What the numbers of a benchmark that measures by itself depend on."""
    earlier: Earlier | None = None
    """What the run comes after."""

    @property
    def prefix(self) -> str:
        """Text forced before a reference answer whose probability is taken."""
        own = self.recipe.evaluate.prefix
        return self.benchmark.ANSWER_PREFIX if own is None else own

    def split(self, name: str, stage: str | None = None) -> list[Row]:
        """The rows of a split that a stage may see: all, if no row of the run names the stage."""
        seen = self.rows if stage is None else data.seen_by(stage, self.rows)
        return [row for row in seen if row.split == name]

    def training(self, index: int) -> dict[str, list[Row]]:
        """What a stage is given: training and validation rows, never test rows."""
        stage = plug.label(self.recipe.stages[index].stage)
        return {split: self.split(split, stage) for split in ("train", "validation")}


def make_rows(recipe: Recipe, progress: bool) -> None:
    """Have a benchmark make its rows, if it is one that does; an evaluation makes none."""
    benchmark = plug.resolve("benchmark", recipe.data.benchmark)
    if recipe.stages and "prepare" in vars(benchmark):
        if process.first():
            benchmark.prepare(recipe.data, recipe.model, progress)
        process.barrier()


def each(recipe: Recipe) -> dict[str, Recipe]:
    """A recipe of each target by itself, by a name for its folder.

    Raises:
        LetheError: The rows' benchmark knows no targets, or two would share a folder.
    """
    benchmark = plug.resolve("benchmark", recipe.data.benchmark)
    if "targets" not in vars(benchmark):
        names = plug.names("benchmark")
        known = [name for name in names if "targets" in vars(plug.resolve("benchmark", name))]
        said = f"{recipe.data.benchmark} has no targets; those that have: {', '.join(known)}"
        raise LetheError(f"--each: {said}")
    found: dict[str, Recipe] = {}
    targets = benchmark.targets(recipe.data)
    for target in targets:
        raw: dict[str, Any] = config.plain(recipe) | {"out": None}
        if len(targets) > 1:
            raw["data"] = raw["data"] | {"targets": [target]}
        label = re.sub(r"[^A-Za-z0-9._=,+-]+", "-", Path(target).name).strip("-._") or "target"
        if label in found:
            raise LetheError(f"--each: two targets share the folder {label}; rename one")
        found[label] = config.from_dict(raw, recipe.name)
    return found


def evaluation(
    path: str,
    source: str | None = None,
    *,
    benchmark: str | None = None,
    of: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Recipe:
    """A recipe without stages: it measures a model as it is.

    Args:
        path: The model: a folder, a Hub id or `world:<seed>`.
        source: The rows: a file of rows, a recipe, a run folder, or `world:<seed>`.
        benchmark: In place of `source`: a benchmark, as its authors measure it.
        of: Settings of the rows, such as their targets.
        settings: Of `evaluate:`; those that are None are left as they are.

    Raises:
        LetheError: The model's, the rows' or the benchmark's name cannot be understood.
    """
    own = {key: value for key, value in (of or {}).items() if value is not None}
    targets = [Path(name).name for name in own.get("targets", [])]
    labels = [path] if benchmark is None else [path, plug.label(benchmark), *targets[:3]]
    labels = [text for text in labels if text]
    label = "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") for text in labels)
    if (source is None) == (benchmark is None):
        raise LetheError("evaluate: one of --data and --benchmark says what to ask")
    rows = _source(source, own) if source else _as_published(str(benchmark), own)
    raw = {
        "name": f"evaluate-{label.strip('-') or 'model'}",
        "model": {"path": path},
        "data": rows,
        "stages": [],
        "evaluate": {key: value for key, value in settings.items() if value is not None},
    }
    return config.from_dict(raw, "evaluate")


def _as_published(benchmark: str, of: Mapping[str, Any]) -> dict[str, Any]:
    """A benchmark's settings, set up as its authors measure."""
    usual = vars(plug.resolve("benchmark", benchmark)).get("EVALUATION", {})
    return {"benchmark": benchmark, **usual, **of}


def _source(source: str, of: Mapping[str, Any]) -> Any:
    if re.fullmatch(r"world:\d+", source):
        return {"benchmark": "world", "seed": int(source.removeprefix("world:")), **of}
    path = Path(source)
    path = runs.Run(path).recipe if path.is_dir() else path
    if path.suffix in (".yaml", ".yml"):
        return {**config.plain(config.load(path).data), **of} if of else config.load(path).data
    return {"benchmark": "rows", "path": source, **of}


def plan(recipe: Recipe, *, here: bool = True) -> Plan:
    """Resolve every name of a recipe and read its rows; loads no weights.

    Args:
        recipe: What is to be run.
        here: Whether on this machine: then what it needs must be installed.

    Raises:
        LetheError: A name, a file, a row or a combination that cannot work.
    """
    tracking.check(recipe.report_to, here=here)
    for i, stage in enumerate(recipe.stages):
        where = f"{recipe.name}: stages.{i}.trainer.report_to"
        tracking.check(tracking.told((), vars(stage).get("trainer") or {}), where, here=here)
    benchmark = plug.resolve("benchmark", recipe.data.benchmark)
    if "measure" in vars(benchmark):
        return _plan_without_rows(recipe, benchmark)
    metrics = _metrics(recipe, benchmark)
    asked = [measure(wanted).metric for wanted in metrics]
    if recipe.evaluate.samples:
        metrics += [wanted for wanted in _SAMPLED if wanted.metric not in asked]
    if recipe.evaluate.judge:
        if here:
            naturalness.check()
        metrics += [name for name in JUDGED if name not in asked]
    for wanted in metrics:
        plug.function("metric", measure(wanted).metric)
    _check_world(recipe)
    splits, noise = _load(benchmark, recipe.data)
    rows = [row for split in splits.values() for row in split]
    before = earlier.read(recipe)
    if before:
        data.check(rows)  # on their own, so that a fault of theirs is told as such
        rows, counts = earlier.joined(rows, before)
        noise = noise | counts
        metrics += _of_earlier(metrics)
    data.check(rows)
    stages = [plug.resolve("stage", stage.stage) for stage in recipe.stages]
    models = runs.model_names([stage.stage for stage in recipe.stages])
    reference = _reference(recipe.evaluate, rows)
    planned = Plan(
        recipe, benchmark, rows, noise, stages, models, metrics, reference, earlier=before
    )
    if not planned.split("test"):
        raise LetheError(f"{recipe.name}: data: no test rows, so nothing could be measured")
    labels = [plug.label(settings.attack) for settings in recipe.attacks]
    for i, (label, settings) in enumerate(zip(labels, recipe.attacks, strict=True)):
        where = f"{recipe.name}: attacks.{i}"
        if label in labels[:i]:
            raise LetheError(f"{where}: {label} stands there twice; once a run")
        attack = plug.resolve("attack", settings.attack)
        if "validate" in vars(attack):
            attack.validate(settings, rows, recipe.seed, where)
    for i, (stage, settings) in enumerate(zip(stages, recipe.stages, strict=True)):
        where = f"{recipe.name}: stages.{i}"
        if "validate" in vars(stage):
            stage.validate(settings, planned.training(i), where)
        if here and "installed" in vars(stage):
            stage.installed(settings, where)
        if "check_model" in vars(stage):
            stage.check_model(settings, recipe.model, i == 0, where)
    return planned


def _metrics(recipe: Recipe, benchmark: ModuleType) -> list[str | Measure]:
    """The metrics named, on the groups that the benchmark means them for; else all of its own."""
    own = "measures" in vars(benchmark)
    known: Sequence[str | Measure] = benchmark.measures(recipe.data) if own else benchmark.METRICS
    named: list[str | Measure] = []
    for name in recipe.evaluate.metrics:
        named += [wanted for wanted in known if measure(wanted).metric == name] or [name]
    return named or [*known]


def _of_earlier(metrics: Sequence[str | Measure]) -> list[str | Measure]:
    """What says that earlier targets stay forgotten, where a benchmark's groups leave it out."""
    pattern = f"forget/{earlier.FORM}*"
    known = {m.metric for m in map(measure, metrics) if {"*", "forget/*"} & set(m.groups)}
    return [Measure(m, (pattern,)) for m in ("refusal_rate", "leak_rate") if m not in known]


def _plan_without_rows(recipe: Recipe, benchmark: ModuleType) -> Plan:
    """The plan where a benchmark measures a model by other people's code, and has no rows."""
    settings = recipe.evaluate
    for key, value in {
        "stages": recipe.stages,
        "attacks": recipe.attacks,
        "after": recipe.after,
        "evaluate.metrics": settings.metrics,
        "evaluate.reference": settings.reference,
        "evaluate.judge": settings.judge,
        "evaluate.samples": settings.samples,
    }.items():
        if value:
            raise LetheError(
                f"{recipe.name}: {key}: {recipe.data.benchmark} only measures, by its own metrics: "
                f"it has no rows for {key}; leave that out, and evaluate a trained model with it"
            )
    models = runs.model_names([])
    sources = benchmark.sources(recipe.data)
    return Plan(recipe, benchmark, [], {}, [], models, [], None, sources)


def _reference(settings: config.Evaluate, rows: Sequence[Row]) -> list[Answered] | None:
    """What the retain model made of the test rows.

    Raises:
        LetheError: There is none, or it was asked other rows.
    """
    if settings.reference is None:
        return None
    found = {row.id: row for row in recorded(settings.reference.expanduser())}
    wanted = limited([row for row in rows if row.split == "test"], settings.limit)
    for row in wanted:
        theirs = found.get(row.id)
        keys = ("prompt", "protocol") if row.protocol else ("prompt", "protocol", "answer")
        if theirs is None or any(getattr(theirs, key) != getattr(row, key) for key in keys):
            what = "was not asked" if theirs is None else "was asked otherwise"
            raise LetheError(
                f"evaluate.reference: {settings.reference}: row {row.id} {what} there; evaluate "
                "the retain model on the same rows"
            )
    return [found[row.id] for row in wanted]


def _check_world(recipe: Recipe) -> None:
    """A world's model knows its own world only; on another's questions every number is noise."""
    seed = config.plain(recipe.data).get("seed")
    path = recipe.model.path
    if recipe.data.benchmark == "world" and path.startswith("world:") and path != f"world:{seed}":
        raise LetheError(
            f"{recipe.name}: model.path is {path} but data.seed is {seed}: set both to one world"
        )


def _load(benchmark: ModuleType, settings: config.Benchmark) -> tuple[dict, dict[str, int]]:
    if "load_with_noise" in vars(benchmark):
        return benchmark.load_with_noise(settings)
    return benchmark.load(settings), {}


def check_disk(folder: Path, path: str, recipe: Recipe) -> None:
    """Refuse to start a run that the disk cannot hold.

    A stage keeps a model; while it runs there are three checkpoints at most, each of the weights
    and AdamW's two moments, and two more models to choose from. An adapter is small, and the size
    of a model that is not a local folder is not known: they count as nothing.

    Raises:
        LetheError: Too little space, with both numbers.
    """
    here = Path(path).expanduser()
    known = here.is_dir() and recipe.model.lora is None
    size = sum(file.stat().st_size for file in here.glob("*.safetensors")) if known else 0
    stages = len(recipe.stages)
    needed = (stages + (3 * 3 + 2 if stages else 0)) * size + _SPARE
    parent = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise LetheError(
            f"{folder}: not enough disk space: about {needed / 2**20:,.0f} MB needed, "
            f"{free / 2**20:,.0f} MB free; free some, or choose another disk with --out"
        )
