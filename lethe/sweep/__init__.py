"""Many runs of many recipes, each in a process of its own: a sweep over settings, cases and seeds.

    sweep.yaml                     what is swept: another sweep in the same folder is refused
    <label>/                       a run folder each, as `lethe run` makes them
    logs/<label>.log               what each run printed
    finished.json                  the runs that are done, and of which inputs

`sweep` takes any recipes under any labels; `grid.points` makes them from a base recipe.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lethe import config, data, pipeline, planning, plug, process, runs, world, yaml12
from lethe._version import __version__
from lethe.config import Recipe
from lethe.locate import locate
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.sweep import children
from lethe.sweep.children import Failure, Job

__all__ = ["HEADER", "Failure", "sweep"]

Tell = Callable[[Job, Failure | None], None]
HEADER = "# Written by Lethe: what this folder sweeps over.\n"
_ABOUT, _FINISHED, _LOGS = "sweep.yaml", "finished.json", "logs"


def sweep(
    points: Mapping[str, Recipe],
    out: Path | str,
    jobs: int = 1,
    *,
    about: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> list[Failure]:
    """Run many recipes, or go on with them; those done before are not started again.

    Every recipe is checked and its rows are read before the first run starts. Base models of
    embedded worlds that are not at hand are trained first, each once.

    Args:
        points: Recipes by label; a label is the run folder's path below `out`.
        out: The folder for all of them.
        jobs: How many runs at once, each with one thread; at most the cores there are.
        about: What is swept, as plain data, kept in sweep.yaml: a folder of another sweep is
            refused. None takes any sweep's folder, and adds to it.
        progress: Say what happens on stderr, with a progress bar.

    Returns:
        The runs that failed, with the last line of their logs; the others are done.

    Raises:
        LetheError: A recipe, a label, a folder or the number of jobs cannot work; nothing has
            been run then.
        KeyboardInterrupt: Stopped; the same call goes on.
    """
    process.check(alone="a sweep")
    out = Path(out)
    described = None if about is None else yaml12.dumps(dict(about))
    _check_jobs(jobs)
    _check_labels(points)
    _check_folder(out, described)
    recipes = {
        label: recipe.model_copy(update={"out": out / label}) for label, recipe in points.items()
    }
    inputs = _checked(recipes, out, progress)
    with runs.locked(out):
        if not (out / _ABOUT).exists():
            runs.write(out / _ABOUT, HEADER + (described or "{}\n"))
        return _Sweep(out, recipes, inputs, jobs).all(progress)


def _check_folder(out: Path, about: str | None) -> None:
    """Whether the folder is this sweep's, or none's; touches nothing."""
    if out.exists() and not out.is_dir():
        raise LetheError(f"{out}: is a file, not a sweep's folder; choose another with --out")
    file = out / _ABOUT
    if not file.is_file():
        if out.is_dir() and any(item.name != ".lock" for item in out.iterdir()):
            raise LetheError(f"{out}: not empty and not a Lethe sweep; choose another with --out")
        return
    text = file.read_text(encoding="utf-8")
    if not text.startswith(HEADER):
        raise LetheError(f"{file}: not written by Lethe, so not touched; choose another --out")
    if about is None:
        return
    different = runs.differences(yaml12.loads(text, str(file)), yaml12.loads(about))
    if different:
        raise LetheError(
            f"{file}: another sweep is here; it differs in {', '.join(different)}; "
            "choose another folder with --out, or remove the old one"
        )


def _check_jobs(jobs: int) -> None:
    cores = children.cores()
    if not 1 <= jobs <= cores:
        raise LetheError(f"--jobs {jobs}: must be 1 to {cores}, the cores there are")


def _check_labels(points: Mapping[str, Recipe]) -> None:
    if not points:
        raise LetheError("sweep: no points, so there is nothing to run")
    for label in points:
        parts = label.split("/")
        if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._=,+-]*", part) for part in parts):
            raise LetheError(
                f"sweep: label {label!r}: must be a path of letters, digits and . _ = , + -, each "
                "part beginning with a letter or a digit"
            )
        above = ("/".join(parts[:n]) for n in range(1, len(parts)))
        if parts[0] == _LOGS or any(other in points for other in above):
            raise LetheError(f"sweep: label {label!r}: lies in the folder of another; choose one")


def _checked(recipes: Mapping[str, Recipe], out: Path, progress: bool) -> dict[str, str]:
    """Check every recipe as its run will; the hash of what each is a function of, by label."""
    # By recipe without its seed: those have the same rows, and start after the same run.
    rows: dict[str, str] = {}
    models: dict[str, Any] = {}
    found = {}
    for label, recipe in recipes.items():
        plain = config.plain(recipe)
        same = runs.digest({k: v for k, v in plain.items() if k not in ("name", "seed", "out")})
        with _naming(label):
            runs.check(out / label, config.dump(recipe))
            path = locate(recipe.model)
            if same not in rows:
                planning.make_rows(recipe, progress)
                planned = planning.plan(recipe)
                start = planned.earlier and _model(planned.earlier.model, recipe)
                rows[same] = runs.digest(data.content_hash(planned.rows), start)
        if path not in models:
            models[path] = _model(path, recipe)
        own = plug.own_files(plain)
        found[label] = runs.digest(__version__, plain, rows[same], models[path], own)
    return found


def _model(path: str, recipe: Recipe) -> Any:
    """What makes the model the same one: its files, or the code that makes a world's."""
    if path.startswith("world:"):
        return world.code_hash()
    return pipeline.contents(Checkpoint(path, path, recipe.model))


@contextmanager
def _naming(label: str) -> Iterator[None]:
    """Say of which point an error is."""
    try:
        yield
    except LetheError as error:
        raise LetheError(f"{label}: {error}") from error


class _Sweep:
    """One sweep at work."""

    def __init__(
        self, out: Path, recipes: Mapping[str, Recipe], inputs: Mapping[str, str], jobs: int
    ) -> None:
        self.out, self.recipes, self.inputs, self.jobs = out, recipes, inputs, jobs
        file = out / _FINISHED
        self.finished = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def all(self, progress: bool) -> list[Failure]:
        left = [label for label in self.recipes if not self._is_done(label)]
        worlds = self._worlds(left)
        with bar(len(self.recipes) + len(worlds), len(self.recipes) - len(left), progress) as tell:
            failed = {job.label: job for job in children.run(worlds, self.jobs, tell)}
            ready = [label for label in left if self.recipes[label].model.path not in failed]
            failures = children.run(list(map(self._job, ready)), self.jobs, self._ended(tell))
        lost = [label for label in left if label not in ready]
        bases = [failed[self.recipes[label].model.path] for label in lost]
        return failures + [
            base._replace(label=label) for base, label in zip(bases, lost, strict=True)
        ]

    def _is_done(self, label: str) -> bool:
        run = runs.Run(self.out / label)
        return self.finished.get(label) == self.inputs[label] and run.summary.is_file()

    def _worlds(self, labels: list[str]) -> list[Job]:
        """A job for each world whose model must be trained: two runs at once would both do it."""
        paths = dict.fromkeys(self.recipes[label].model.path for label in labels)
        seeds = [path.removeprefix("world:") for path in paths if path.startswith("world:")]
        return [
            Job(
                f"world:{seed}",
                ["world", "train", "--world-seed", seed],
                self.out / _LOGS / f"world-{seed}.log",
            )
            for seed in seeds
            if not world.at_hand(int(seed))
        ]

    def _job(self, label: str) -> Job:
        """The run as a command; its folder gets its recipe as the run itself would write it."""
        run = runs.Run(self.out / label)
        run.folder.mkdir(parents=True, exist_ok=True)
        if not run.begun:
            runs.write(run.recipe, runs.HEADER + config.dump(self.recipes[label]))
        argv = ["run", str(run.recipe), "--out", str(run.folder)]
        return Job(label, argv, self.out / _LOGS / f"{label}.log")

    def _ended(self, tell: Tell) -> Tell:
        def ended(job: Job, failure: Failure | None) -> None:
            if failure is None:
                self.finished[job.label] = self.inputs[job.label]
                runs.write(self.out / _FINISHED, runs.json_text(self.finished))
            tell(job, failure)

        return ended


@contextmanager
def bar(total: int, done: int, progress: bool) -> Iterator[Tell]:
    """A progress bar of runs on stderr; what it gives is called as each run ends."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True, quiet=not progress, soft_wrap=True, highlight=False)
    before = f", {done} of them done before" if done else ""
    console.print(f"sweep: {total} runs{before}", markup=False)
    shown = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console, transient=True) as progressing:
        task = progressing.add_task("sweep", total=total, completed=done)

        def tell(job: Job, failure: Failure | None) -> None:
            progressing.advance(task)
            result = f"failed: {failure.line}" if failure else "done"
            progressing.console.print(f"{job.label}: {result}", markup=False)

        yield tell
