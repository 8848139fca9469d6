"""A recipe from rows to report: data, then each model is trained and measured, then the page.

Everything that can be wrong in a recipe is found before a weight is loaded. Each step's inputs are
hashed, the hash of the step before among them; a step that is done for its hash is skipped, so the
same command goes on where a killed run stood. Test rows never reach a stage.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from lethe import config, data, earlier, plug, process, rejudge, runs, tracking, world
from lethe._version import __version__
from lethe.config import Recipe
from lethe.data import Row
from lethe.evaluate import evaluate, keep, limited
from lethe.locate import base_of, is_adapter, locate, on_the_hub
from lethe.metrics._measure import measure
from lethe.metrics._ratings import METRICS as JUDGED
from lethe.model import Checkpoint
from lethe.planning import Plan, check_disk, make_rows, plan
from lethe.plug import LetheError
from lethe.process import prepare as prepare
from lethe.recorder import record
from lethe.runs import Run

Records = list[dict[str, Any]]


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
    process.check()
    recipe = recipe if out is None else recipe.model_copy(update={"out": Path(out)})
    folder = recipe.out or Path("runs") / recipe.name
    text = config.dump(recipe)
    runs.check(folder, text)
    path = locate(recipe.model)
    make_rows(recipe, progress)
    planned = plan(recipe)
    path = planned.earlier.model if planned.earlier else path
    check_disk(folder, path, recipe)
    with process.disk_full_explained(folder), _claimed(folder, text) as claimed:
        prepare(progress=progress and process.first())
        _Steps(planned, claimed, path, progress and process.first()).all()
    return folder


def _claimed(folder: Path, text: str) -> contextlib.AbstractContextManager[Run]:
    """The run folder; the first of several processes holds it for all."""
    return runs.claimed(folder, text) if process.first() else contextlib.nullcontext(Run(folder))


class _Steps:
    """The steps of one run, in order; each is skipped when it is done for its inputs.

    Of several processes all take every step together; the first alone writes and decides.
    """

    def __init__(self, plan: Plan, run: Run, path: str, progress: bool) -> None:
        self.plan, self.run, self.progress = plan, run, progress
        self.path = path

    def all(self) -> None:
        recipe = self.plan.recipe
        if self.plan.rows:
            self._data()
        self._weights()
        here = Checkpoint(path=self.path, original=self.path, spec=recipe.model)
        chain = runs.digest(__version__, config.plain(recipe.model), contents(here))
        models = self.plan.models
        self._ready()
        measured = models if recipe.evaluate.models == "all" else models[-1:]
        records: Records = []
        for i, name in enumerate(models):
            if i:
                chain = self._trained(i - 1, name, here, chain)
                here = Checkpoint(str(self.run.stage(name) / "model"), self.path, recipe.model)
            if name in measured:
                records += self._measured(name, here, chain) + self._attacked(name, here, chain)
        if not process.first():
            return
        runs.write(self.run.summary, runs.json_text(records))
        from lethe import report

        report.write(self.run.folder)

    def _ready(self) -> None:
        """Ask the machine now, and not after hours, for what stages yet to be done need of it."""
        recipe = self.plan.recipe
        for i, stage in enumerate(self.plan.stages):
            done = (self.run.stage(self.plan.models[i + 1]) / "done.json").is_file()
            if "ready" in vars(stage) and not done:
                stage.ready(recipe.stages[i], f"{recipe.name}: stages.{i}")

    def _weights(self) -> None:
        """Have the embedded model made, by one process."""
        if process.first():
            self.path = world.weights(self.path, progress=self.progress)
        self.path = process.agree(self.path)

    def _data(self) -> None:
        rows, folder = self.plan.rows, self.run.data
        by_scope: dict[str, list[Row]] = {}
        for row in rows:
            by_scope.setdefault(row.scope, []).append(row)
        counts = {scope: len(found) for scope, found in by_scope.items()}

        def write() -> dict[str, Any]:
            for scope, found in by_scope.items():
                data.write(folder / f"{scope}.jsonl", found)
            if before := self.plan.earlier:
                runs.write(folder / earlier.FILE, runs.json_text(before.told()))
            return {"rows": counts, "noise": self.plan.noise}

        what = ", ".join(f"{n} {scope}" for scope, n in counts.items())
        met = ((n, kind.replace("_", " ")) for kind, n in self.plan.noise.items() if n)
        noise = ", ".join(f"{n} {kind}" for n, kind in met)
        self._say(f"rows: {what}" + (f" ({noise})" if noise else ""))
        settings = config.plain(self.plan.recipe.data)
        before = self.plan.earlier.told() if self.plan.earlier else None
        inputs = runs.digest(__version__, settings, data.content_hash(rows), before)
        self._step("data", folder, inputs, write, alone=True)

    def _trained(self, index: int, name: str, start: Checkpoint, chain: str) -> str:
        settings, folder = self.plan.recipe.stages[index], self.run.stage(name)
        given, stage = self.plan.training(index), self.plan.stages[index]
        seed = self.plan.recipe.seed if settings.seed is None else settings.seed
        shown = config.plain(settings)
        hashes = [data.content_hash(rows) for rows in given.values()]
        inputs = runs.digest(chain, shown, seed, plug.own_files(shown), hashes)
        hub = on_the_hub(self.plan.recipe.model.path)  # from elsewhere none can say

        def train() -> dict[str, Any]:
            process.seed(seed)
            own = vars(settings).get("trainer") or {}
            trackers = tracking.told(self.plan.recipe.report_to, own)
            told = _telling(settings, trackers, f"{self.plan.recipe.name}/{name}")
            with tracking.into(folder, trackers):
                stage.train(told, start, given, folder, seed)
            process.barrier()
            if not (folder / "model").is_dir():
                raise LetheError(f"stage {settings.stage!r}: train() left no {folder / 'model'}")
            return {"hub": hub}

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
        compared = [
            row.model_dump(mode="json", include={"id", "completion", "scored"})
            for row in self.plan.reference or ()
        ]
        drawn = self.plan.recipe.seed if settings.samples else None
        inputs = runs.digest(chain, shown, data.content_hash(rows), compared, drawn)

        def work() -> dict[str, Any]:
            process.seed(self.plan.recipe.seed)
            if not process.first():
                self._assist(name, checkpoint, folder)
                return {}
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
                    seed=self.plan.recipe.seed,
                )
            }

        before = runs.is_done(folder, inputs)
        records = self._step(f"evaluate {name}", folder, inputs, work)["records"]
        if not before or not settings.judge or not process.first():
            return records
        rated = [wanted for wanted in metrics if measure(wanted).metric in JUDGED]
        return rejudge.go_on(folder, settings.judge, rated)

    def _assist(self, name: str, checkpoint: Checkpoint, folder: Path) -> None:
        """Beside the first process: record a share of the rows."""
        plan = self.plan
        settings = plan.recipe.evaluate
        rows = limited(plan.split("test"), settings.limit)
        seed = plan.recipe.seed
        record(checkpoint, rows, settings, name=name, prefix=plan.prefix, journal=folder, seed=seed)

    def _measured_by_others(self, name: str, checkpoint: Checkpoint, chain: str) -> Records:
        """The records of a benchmark with code of its own; what was unscored is tried again."""
        recipe, folder = self.plan.recipe, self.run.eval(name)
        shown = [config.plain(recipe.data), config.plain(recipe.evaluate), recipe.seed]
        inputs = runs.digest(chain, shown, plug.own_files(shown), self.plan.sources)
        done = process.first() and runs.is_done(folder, inputs)
        if done and any(r["unscored"] for r in runs.facts(folder)["records"]):
            runs.reopen(folder)

        def work() -> dict[str, Any]:
            process.seed(recipe.seed)
            measure = self.plan.benchmark.measure
            return {"records": measure(recipe.data, checkpoint, recipe.evaluate, folder, name)}

        return self._step(f"evaluate {name}", folder, inputs, work, alone=True)["records"]

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
                if not process.first():
                    return {}
                return {"records": keep(answered, folder, name=name, metrics=[attack.METRIC])}

            found = self._step(f"{label} {name}", folder, inputs, attacked)["records"]
            records += [record | {"metric": label} for record in found]
        return records

    def _step(
        self,
        what: str,
        folder: Path,
        inputs: str,
        work: Callable[[], dict[str, Any]],
        alone: bool = False,
    ) -> dict[str, Any]:
        """Do a step unless it is done; what it says of itself is kept in its done.json.

        Args:
            what: Names it.
            folder: The step's.
            inputs: Hash of all that it depends on.
            work: Does it; what it gives goes into done.json.
            alone: The first of several processes does it by itself.
        """
        done = False
        if process.first():
            done = runs.is_done(folder, inputs)
            runs.tidy(folder) if done else runs.begin(folder, inputs)
        if process.agree(done):
            self._say(f"{what}: done before")
        elif process.first() or not alone:
            self._work(what, folder, inputs, work)
        return process.agree(runs.facts(folder) if process.first() else {})

    def _work(
        self, what: str, folder: Path, inputs: str, work: Callable[[], dict[str, Any]]
    ) -> None:
        start, busy = time.monotonic(), time.process_time()
        # Whatever a trainer or a user's stage prints is no result: stdout is for those.
        with contextlib.redirect_stdout(sys.stderr):
            facts = work()
        cost = {
            "seconds": round(time.monotonic() - start, 1),
            "cpu_seconds": round(time.process_time() - busy, 1),
            "peak_mb": process.peak_mb(),
        }
        if process.first():
            runs.finish(folder, inputs, **facts, **cost)
            runs.append(self.run.log, {"what": what, **cost})
        process.release()

    def _say(self, text: str) -> None:
        if self.progress:
            print(text, file=sys.stderr, flush=True)


def _telling(settings: config.Stage, trackers: Sequence[str], run: str) -> config.Stage:
    """The settings of a stage with a trainer, which tells the trackers; `trainer:` itself wins.

    They are no part of the stage's hash: no result depends on who is told.
    """
    if not trackers or "trainer" not in type(settings).model_fields:
        return settings
    own = {"report_to": list(trackers), "run_name": run, **vars(settings)["trainer"]}
    return settings.model_copy(update={"trainer": own})


def _why(stage: ModuleType) -> str:
    """One line: what the stage does and why."""
    return vars(stage).get("WHY") or (stage.__doc__ or "no description").partition("\n")[0]


def contents(checkpoint: Checkpoint) -> list:
    """What makes two local models the same; a Hub model is known by its name and revision."""
    folder, template = Path(checkpoint.path).expanduser(), checkpoint.spec.chat_template
    weights = runs.fingerprint(folder) if folder.is_dir() else []
    if is_adapter(folder) and (base := Path(base_of(folder))).is_dir():
        weights = [*weights, *runs.fingerprint(base)]
    return [weights, template.read_text(encoding="utf-8") if template else None]
