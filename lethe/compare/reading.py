"""Run folders in, what they measured out; reads recipe.yaml, eval/summary.json and log.jsonl."""

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lethe import runs, yaml12
from lethe.compare.estimate import Measured
from lethe.metrics._interval import wilson
from lethe.plug import LetheError
from lethe.report import words

ADVERSARIAL = "forget/adversarial"
"""The group that stands for all kinds of it together."""


class Key(NamedTuple):
    """One quantity: a metric on a group of test rows."""

    metric: str
    group: str

    def __str__(self) -> str:
        """As on the command line: `metric:group`."""
        return f"{self.metric}:{self.group}"


@dataclass(frozen=True)
class Result:
    """One finished run."""

    folder: Path
    recipe: dict[str, Any]
    models: list[str]
    records: dict[str, dict[Key, Measured]]
    """By model; the case is left to whoever groups the runs, and is the folder here."""
    seconds: float | None
    """Of training, all stages; None where the log lacks one."""

    @property
    def final(self) -> dict[Key, Measured]:
        """What the last stage's model was measured at."""
        return self.records[self.models[-1]]


def read(paths: Sequence[Path | str]) -> tuple[list[Result], list[str]]:
    """Every finished run of run folders, and of folders that hold run folders at any depth.

    Returns:
        The runs, each once, in the order given and then by path; and a warning for each run that
        was found unfinished inside a folder.

    Raises:
        LetheError: A path is no folder, a run named itself is not finished, a file is damaged, or
            there is no finished run at all.
    """
    results, skipped, seen = [], [], set()
    for path in map(Path, paths):
        if not path.is_dir():
            problem = "is a file, not a run folder" if path.exists() else "no such folder"
            raise LetheError(f"{path}: {problem}")
        for folder in [path] if runs.Run(path).recipe.is_file() else _inside(path):
            if folder.resolve() in seen:
                continue
            seen.add(folder.resolve())
            result = _result(folder)
            if isinstance(result, Result):
                results.append(result)
            elif folder == path:
                raise LetheError(f"{result}; `lethe run {folder}/recipe.yaml` goes on with it")
            else:
                skipped.append(f"{result}; left out")
    if not results:
        said = "".join(f"\n{line}" for line in skipped)
        raise LetheError(f"{', '.join(map(str, paths))}: no finished run folder there{said}")
    return results, skipped


def _inside(path: Path) -> Iterator[Path]:
    """The run folders in a folder; what lies in a run folder is not looked at."""
    for place, folders, files in os.walk(path):
        if "recipe.yaml" in files and _ours(Path(place)):
            folders.clear()
            yield Path(place)
        # A folder of a user's may hold anything: .venv and .git are not worth the walk.
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def _ours(folder: Path) -> bool:
    """A run folder, not a recipe of somebody's that happens to be called recipe.yaml."""
    run = runs.Run(folder)
    if run.begun:
        return True
    with run.recipe.open("rb") as file:
        return file.read(len(runs.HEADER)) == runs.HEADER.encode()


def _result(folder: Path) -> Result | str:
    """The run, or why it is not finished."""
    run = runs.Run(folder)
    recipe = yaml12.load(run.recipe)
    stages = recipe.get("stages") if isinstance(recipe, dict) else None
    if not isinstance(stages, list):
        raise LetheError(f"{run.recipe}: stages: must be a list; is this a run folder's recipe?")
    models = runs.model_names([stage_name(stage) for stage in stages])
    if not run.summary.is_file():
        return f"{folder}: not finished: there is no eval/summary.json"
    records = _records(run.summary)
    last = (recipe.get("evaluate") or {}).get("models") == "last"
    missing = [model for model in (models[-1:] if last else models) if model not in records]
    if missing:
        return f"{folder}: not finished: eval/summary.json has nothing of {', '.join(missing)}"
    return Result(folder, recipe, models, records, _seconds(run, models[1:]))


def stage_name(stage: Any) -> str:
    """A stage's name, written alone or with its settings."""
    return str(stage.get("stage")) if isinstance(stage, dict) else str(stage)


def _records(file: Path) -> dict[str, dict[Key, Measured]]:
    found: dict[str, dict[Key, Measured]] = {}
    try:
        for line in json.loads(file.read_text(encoding="utf-8")):
            key = Key(line["metric"], line["group"])
            found.setdefault(line["model"], {})[key] = _measured(line, file)
    except (ValueError, TypeError, KeyError) as error:
        raise LetheError(f"{file}: not a summary of Lethe's: {error!r}") from error
    return {model: keys | _pooled(keys) for model, keys in found.items()}


def _measured(line: dict[str, Any], file: Path) -> Measured:
    value, low, high = (_finite(line[name]) for name in ("value", "low", "high"))
    why = line["unscored"] if value is None else None
    return Measured(str(file), value, low, high, int(line["n"]), why)


def _pooled(keys: dict[Key, Measured]) -> dict[Key, Measured]:
    """Adversarial kinds as one group, each weighted by its rows."""
    kinds: dict[str, list[Measured]] = {}
    for key, one in keys.items():
        if key.group.startswith(f"{ADVERSARIAL}:"):
            kinds.setdefault(key.metric, []).append(one)
    return {Key(metric, ADVERSARIAL): _together(metric, found) for metric, found in kinds.items()}


def _together(metric: str, found: Sequence[Measured]) -> Measured:
    scored = [one for one in found if one.value is not None and one.items]
    if not scored:
        return found[0]
    n = sum(one.items for one in scored)
    total = sum((one.value or 0.0) * one.items for one in scored)
    # Of a mean the rows' spread is not in the summary, so there is no interval to give.
    low, high = wilson(total, n) if words.meaning(metric).rate else (None, None)
    return Measured(scored[0].case, total / n, low, high, n)


def _seconds(run: runs.Run, stages: Iterable[str]) -> float | None:
    """What training took; a stage that was done anew counts as its last time."""
    lines = runs.read_lines(run.log) if run.log.is_file() else []
    last = {line.get("what"): _finite(line.get("seconds")) for line in lines}
    found = [last.get(f"stage {name}") for name in stages]
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) if known and len(known) == len(found) else None


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else None
