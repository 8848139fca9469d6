"""A recipe from rows to report: data, then each model is trained and measured, then the page.

Everything that can be wrong in a recipe is found before a weight is loaded. Each step's inputs are
hashed, the hash of the step before among them; a step that is done for its hash is skipped, so the
same command goes on where a killed run stood. Test rows never reach a stage.
"""

import contextlib
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from lethe import config, data, plug, process, rejudge, runs, world
from lethe._version import __version__
from lethe.config import Recipe
from lethe.data import Answered, Row
from lethe.evaluate import evaluate, keep, limited, record, recorded
from lethe.locate import locate
from lethe.metrics._measure import Measure, measure
from lethe.metrics._ratings import METRICS as JUDGED
from lethe.model import Checkpoint
from lethe.opinions import naturalness
from lethe.plug import LetheError
from lethe.process import prepare as prepare
from lethe.runs import Run

Records = list[dict[str, Any]]

_SPARE = 200 * 2**20


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


def run(recipe: Recipe, *, out: Path | str | None = None, progress: bool = True) -> Path:
    """Run a recipe, or go on with it.

    Args:
        recipe: What to do; see `lethe.load_recipe`.
        out: The run folder, in place of the recipe's.
        progress: Say what happens on stderr, with progress bars.

    Returns:
        The run folder; its numbers are in eval/summary.json, the page is report.html.

    Raises:
        LetheError: Anything wrong with the recipe, its files, the folder or the disk.
    """
    process.no_telemetry()
    process.check(training=bool(recipe.stages or recipe.attacks))
    recipe = recipe if out is None else recipe.model_copy(update={"out": Path(out)})
    folder = recipe.out or Path("runs") / recipe.name
    text = config.dump(recipe)
    runs.check(folder, text)
    path = locate(recipe.model)
    make_rows(recipe, progress)
    planned = plan(recipe)
    check_disk(folder, path, recipe)
    if process.share()[0]:
        _assist(planned, Run(folder), path)
        return folder
    with process.disk_full_explained(folder), runs.claimed(folder, text) as claimed:
        prepare(progress=progress)
        _Steps(planned, claimed, path, progress).all()
    return folder


def _assist(planned: Plan, run: Run, path: str) -> None:
    """A process beside the first: records its share of the rows for as long as that one asks."""
    settings = planned.recipe.evaluate
    rows = limited(planned.split("test"), settings.limit)
    prepare(progress=False)
    while name := process.barrier():
        path = world.weights(path, progress=False)
        here = Checkpoint(path=path, original=path, spec=planned.recipe.model)
        folder = run.eval(name)
        record(here, rows, settings, name=name, prefix=planned.prefix, journal=folder)


def make_rows(recipe: Recipe, progress: bool) -> None:
    """Have a benchmark make its rows, if it is one that does; an evaluation makes none."""
    benchmark = plug.resolve("benchmark", recipe.data.benchmark)
    if recipe.stages and "prepare" in vars(benchmark):
        benchmark.prepare(recipe.data, recipe.model, progress)


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
        of: Settings of the benchmark, such as its target.
        settings: Of `evaluate:`; those that are None are left as they are.

    Raises:
        LetheError: The model's, the rows' or the benchmark's name cannot be understood.
    """
    labels = [path] if benchmark is None else [path, plug.label(benchmark)]
    label = "-".join(re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._") for text in labels)
    if (source is None) == (benchmark is None):
        raise LetheError("evaluate: one of --data and --benchmark says what to ask")
    rows = _source(source) if source else _as_published(str(benchmark), of or {})
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
    return {"benchmark": benchmark, **usual, **{k: v for k, v in of.items() if v is not None}}


def _source(source: str) -> Any:
    if re.fullmatch(r"world:\d+", source):
        return {"benchmark": "world", "seed": int(source.removeprefix("world:"))}
    path = Path(source)
    path = runs.Run(path).recipe if path.is_dir() else path
    if path.suffix in (".yaml", ".yml"):
        return config.load(path).data
    return {"benchmark": "rows", "path": source}


def plan(recipe: Recipe) -> Plan:
    """Resolve every name of a recipe and read its rows; loads no weights.

    Raises:
        LetheError: A name, a file, a row or a combination that cannot work.
    """
    benchmark = plug.resolve("benchmark", recipe.data.benchmark)
    if "measure" in vars(benchmark):
        return _plan_without_rows(recipe, benchmark)
    metrics: list[str | Measure] = [*recipe.evaluate.metrics]
    if not metrics:
        own = "measures" in vars(benchmark)
        metrics = [*(benchmark.measures(recipe.data) if own else benchmark.METRICS)]
    if recipe.evaluate.judge:
        naturalness.check()
        asked = [measure(wanted).metric for wanted in metrics]
        metrics += [name for name in JUDGED if name not in asked]
    for wanted in metrics:
        plug.function("metric", measure(wanted).metric)
    _check_world(recipe)
    splits, noise = _load(benchmark, recipe.data)
    rows = [row for split in splits.values() for row in split]
    data.check(rows)
    stages = [plug.resolve("stage", stage.stage) for stage in recipe.stages]
    models = runs.model_names([stage.stage for stage in recipe.stages])
    reference = _reference(recipe.evaluate, rows)
    planned = Plan(recipe, benchmark, rows, noise, stages, models, metrics, reference)
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
        if "check_model" in vars(stage):
            stage.check_model(settings, recipe.model, i == 0, where)
    return planned


def _plan_without_rows(recipe: Recipe, benchmark: ModuleType) -> Plan:
    """The plan where a benchmark measures a model by other people's code, and has no rows."""
    settings = recipe.evaluate
    for key, value in {
        "stages": recipe.stages,
        "attacks": recipe.attacks,
        "evaluate.metrics": settings.metrics,
        "evaluate.reference": settings.reference,
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
        if theirs is None or theirs.prompt != row.prompt:
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


class _Steps:
    """The steps of one run, in order; each is skipped when it is done for its inputs."""

    def __init__(self, plan: Plan, run: Run, path: str, progress: bool) -> None:
        self.plan, self.run, self.progress = plan, run, progress
        self.path = path

    def all(self) -> None:
        recipe = self.plan.recipe
        if self.plan.rows:
            self._data()
        self.path = world.weights(self.path, progress=self.progress)
        here = Checkpoint(path=self.path, original=self.path, spec=recipe.model)
        chain = runs.digest(__version__, config.plain(recipe.model), contents(here))
        models = self.plan.models
        measured = models if recipe.evaluate.models == "all" else models[-1:]
        records: Records = []
        for i, name in enumerate(models):
            if i:
                chain = self._trained(i - 1, name, here, chain)
                here = Checkpoint(str(self.run.stage(name) / "model"), self.path, recipe.model)
            if name in measured:
                records += self._measured(name, here, chain) + self._attacked(name, here, chain)
        if process.share()[1] > 1:
            process.barrier()  # no name: the others are done
        runs.write(self.run.summary, runs.json_text(records))
        from lethe import report

        report.write(self.run.folder)

    def _data(self) -> None:
        rows, folder = self.plan.rows, self.run.data
        by_scope: dict[str, list[Row]] = {}
        for row in rows:
            by_scope.setdefault(row.scope, []).append(row)
        counts = {scope: len(found) for scope, found in by_scope.items()}

        def write() -> dict[str, Any]:
            for scope, found in by_scope.items():
                data.write(folder / f"{scope}.jsonl", found)
            return {"rows": counts, "noise": self.plan.noise}

        what = ", ".join(f"{n} {scope}" for scope, n in counts.items())
        met = ((n, kind.replace("_", " ")) for kind, n in self.plan.noise.items() if n)
        noise = ", ".join(f"{n} {kind}" for n, kind in met)
        self._say(f"rows: {what}" + (f" ({noise})" if noise else ""))
        settings = config.plain(self.plan.recipe.data)
        inputs = runs.digest(__version__, settings, data.content_hash(rows))
        self._step("data", folder, inputs, write)

    def _trained(self, index: int, name: str, start: Checkpoint, chain: str) -> str:
        settings, folder = self.plan.recipe.stages[index], self.run.stage(name)
        given, stage = self.plan.training(index), self.plan.stages[index]
        seed = self.plan.recipe.seed if settings.seed is None else settings.seed
        shown = config.plain(settings)
        hashes = [data.content_hash(rows) for rows in given.values()]
        inputs = runs.digest(chain, shown, seed, plug.own_files(shown), hashes)

        def train() -> dict[str, Any]:
            process.seed(seed)
            stage.train(settings, start, given, folder, seed)
            if not (folder / "model").is_dir():
                raise LetheError(f"stage {settings.stage!r}: train() left no {folder / 'model'}")
            return {}

        self._say(f"stage {name}: {_why(stage)}")
        self._step(f"stage {name}", folder, inputs, train)
        return inputs

    def _measured(self, name: str, checkpoint: Checkpoint, chain: str) -> Records:
        if "measure" in vars(self.plan.benchmark):
            return self._measured_by_others(name, checkpoint, chain)
        settings, metrics = self.plan.recipe.evaluate, self.plan.metrics
        rows, folder = self.plan.split("test"), self.run.eval(name)
        prefix = self.plan.prefix
        shown = [config.plain(settings), metrics, prefix, plug.own_files(metrics)]
        compared = [row.model_dump(mode="json") for row in self.plan.reference or ()]
        inputs = runs.digest(chain, shown, data.content_hash(rows), compared)

        def work() -> dict[str, Any]:
            if process.share()[1] > 1:
                process.barrier(name)
            process.seed(self.plan.recipe.seed)
            return {
                "records": evaluate(
                    checkpoint,
                    rows,
                    folder,
                    settings,
                    name=name,
                    metrics=metrics,
                    prefix=prefix,
                    reference=self.plan.reference,
                )
            }

        before = runs.is_done(folder, inputs)
        records = self._step(f"evaluate {name}", folder, inputs, work)["records"]
        if not before or not settings.judge:
            return records
        rated = [wanted for wanted in metrics if measure(wanted).metric in JUDGED]
        return rejudge.go_on(folder, settings.judge, rated)

    def _measured_by_others(self, name: str, checkpoint: Checkpoint, chain: str) -> Records:
        """The records of a benchmark with code of its own; what was unscored is tried again."""
        recipe, folder = self.plan.recipe, self.run.eval(name)
        shown = [config.plain(recipe.data), config.plain(recipe.evaluate), recipe.seed]
        inputs = runs.digest(chain, shown, plug.own_files(shown), self.plan.sources)
        if runs.is_done(folder, inputs) and any(
            r["unscored"] for r in runs.facts(folder)["records"]
        ):
            runs.reopen(folder)

        def work() -> dict[str, Any]:
            process.seed(recipe.seed)
            measure = self.plan.benchmark.measure
            return {"records": measure(recipe.data, checkpoint, recipe.evaluate, folder, name)}

        return self._step(f"evaluate {name}", folder, inputs, work)["records"]

    def _attacked(self, name: str, checkpoint: Checkpoint, chain: str) -> Records:
        """Each attack's record: its metric over what the attacked model said."""
        recipe, records = self.plan.recipe, []
        for settings in recipe.attacks:
            attack, label = plug.resolve("attack", settings.attack), plug.label(settings.attack)
            folder = self.run.attack(name, label)
            shown = [config.plain(settings), config.plain(recipe.evaluate), recipe.seed]
            inputs = runs.digest(
                chain, shown, plug.own_files(shown), data.content_hash(self.plan.rows)
            )

            def attacked(
                attack: Any = attack, settings: Any = settings, folder: Path = folder
            ) -> dict[str, Any]:
                process.seed(recipe.seed)
                answered = attack.run(
                    settings, checkpoint, self.plan.rows, folder, recipe.seed, recipe.evaluate
                )
                return {"records": keep(answered, folder, name=name, metrics=[attack.METRIC])}

            found = self._step(f"{label} {name}", folder, inputs, attacked)["records"]
            records += [record | {"metric": label} for record in found]
        return records

    def _step(
        self, what: str, folder: Path, inputs: str, work: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Do a step unless it is done; what it says of itself is kept in its done.json."""
        if runs.is_done(folder, inputs):
            runs.tidy(folder)
            self._say(f"{what}: done before")
            return runs.facts(folder)
        runs.begin(folder, inputs)
        start, busy = time.monotonic(), time.process_time()
        # Whatever a trainer or a user's stage prints is no result: stdout is for those.
        with contextlib.redirect_stdout(sys.stderr):
            facts = work()
        cost = {
            "seconds": round(time.monotonic() - start, 1),
            "cpu_seconds": round(time.process_time() - busy, 1),
            "peak_mb": process.peak_mb(),
        }
        runs.finish(folder, inputs, **facts, **cost)
        runs.append(self.run.log, {"what": what, **cost})
        process.release()
        return runs.facts(folder)

    def _say(self, text: str) -> None:
        if self.progress:
            print(text, file=sys.stderr, flush=True)


def _why(stage: ModuleType) -> str:
    """One line: what the stage does and why."""
    return vars(stage).get("WHY") or (stage.__doc__ or "no description").partition("\n")[0]


def contents(checkpoint: Checkpoint) -> list:
    """What makes two local models the same; a Hub model is known by its name and revision."""
    folder, template = Path(checkpoint.path).expanduser(), checkpoint.spec.chat_template
    weights = runs.fingerprint(folder) if folder.is_dir() else []
    return [weights, template.read_text(encoding="utf-8") if template else None]
