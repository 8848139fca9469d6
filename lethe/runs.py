"""The run folder: what lies where, what is done, and how it gets there whole.

    recipe.yaml                                 resolved; `lethe run` on it repeats the run
    data/{forget,boundary,retain,utility}.jsonl
    stages/<i>-<name>/{model/, metrics.jsonl, samples.jsonl, done.json}
    eval/<model>/{answers.jsonl, likelihoods.jsonl, scores.jsonl, items.parquet, done.json}
                   targets.jsonl               only where there are several targets
    attacks/<model>/<attack>/{answers.jsonl, scores.jsonl, done.json}
    eval/summary.json   eval/judge.jsonl   log.jsonl   report.html

A step's folder counts as done when its `done.json`, written last, holds the hash of the step's
present inputs. Any other is redone, so a run killed anywhere goes on where it stood. Nothing is
deleted but step folders of a run folder whose recipe is ours. Knows nothing of models.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe import yaml12
from lethe.plug import LetheError, label

HEADER = "# Written by Lethe: the recipe of this run folder, every setting resolved.\n"
ORIGINAL = "original"
_LOCK = ".lock"
_TELLING = ("out", "report_to")


@dataclass(frozen=True)
class Run:
    """Paths inside one run folder."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.yaml"

    @property
    def data(self) -> Path:
        """Folder of the rows, a file a scope."""
        return self.folder / "data"

    @property
    def summary(self) -> Path:
        """All numbers: a list of records, one for each model, metric and group."""
        return self.folder / "eval" / "summary.json"

    @property
    def log(self) -> Path:
        """What each step cost: one JSON line a step run."""
        return self.folder / "log.jsonl"

    @property
    def report(self) -> Path:
        """The page to read and to send."""
        return self.folder / "report.html"

    @property
    def begun(self) -> bool:
        """Whether a stage or an evaluation was ever started here."""
        return (self.folder / "stages").exists() or (self.folder / "eval").exists()

    def stage(self, model: str) -> Path:
        """Folder of a stage, by the name of the model it makes."""
        return self.folder / "stages" / model

    def eval(self, model: str) -> Path:
        """Folder of a model's answers and scores."""
        return self.folder / "eval" / model

    def attack(self, model: str, attack: str) -> Path:
        """Folder of what an attack made of a model."""
        return self.folder / "attacks" / model / attack


def model_names(stages: list[str]) -> list[str]:
    """The models of a run, by stage name: the original and one after each stage.

    >>> model_names(["rejection_steering", "./mine.py"])
    ['original', '0-rejection_steering', '1-mine']
    """
    return [ORIGINAL, *(f"{i}-{label(name)}" for i, name in enumerate(stages))]


def models_of(folder: Path) -> list[str]:
    """The models of a run folder, in order; none if it is no run folder."""
    recipe = Run(folder).recipe
    if not recipe.is_file():
        return []
    stages = (yaml12.load(recipe) or {}).get("stages") or []
    return model_names([stage if isinstance(stage, str) else stage["stage"] for stage in stages])


@contextlib.contextmanager
def claimed(folder: Path, recipe: str) -> Iterator[Run]:
    """Hold a run folder for one recipe, making it or going on with it.

    Args:
        folder: The run folder.
        recipe: The resolved recipe as YAML.

    Raises:
        LetheError: It is a file, holds something else than a Lethe run, holds another recipe's run
            (the differing keys are named), or another process is at work in it.
    """
    run = Run(folder)
    check(folder, recipe)
    with locked(folder):
        check(folder, recipe)
        if not run.begun:
            write(run.recipe, HEADER + recipe)
        yield run


def check(folder: Path, recipe: str) -> None:
    """Whether a folder may take this recipe's run; touches nothing. Raises as `claimed`."""
    if folder.exists() and not folder.is_dir():
        raise LetheError(f"{folder}: is a file, not a run folder; choose another with --out")
    theirs = Run(folder).recipe
    if not theirs.is_file():
        ours = {_LOCK, _temporary(theirs).name}
        if folder.is_dir() and any(item.name not in ours for item in folder.iterdir()):
            raise LetheError(f"{folder}: not empty and not a Lethe run; choose another with --out")
        return
    text = theirs.read_text(encoding="utf-8")
    if not text.startswith(HEADER):
        raise LetheError(f"{theirs}: not written by Lethe, so not touched; choose another --out")
    if not Run(folder).begun:
        return  # nothing was trained or measured there: a recipe that was wrong may be mended
    different = differences(yaml12.loads(text, str(theirs)), yaml12.loads(recipe))
    if different:
        raise LetheError(
            f"{theirs}: another recipe's run is here; it differs in {', '.join(different)}; "
            "choose another folder with --out or another name:, or remove the old run"
        )


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """The dotted keys in which two recipes differ; those that change no number do not count.

    >>> differences({"seed": 1, "model": {"path": "a"}}, {"seed": 2, "model": {"path": "a"}})
    ['seed (1 there, 2 here)']
    """
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        theirs, ours = dict(enumerate(theirs)), dict(enumerate(ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        keys = [key for key in {**theirs, **ours} if path or key not in _TELLING]
        found = (differences(theirs.get(k), ours.get(k), f"{path}.{k}".lstrip(".")) for k in keys)
        return [difference for inner in found for difference in inner]
    return [] if theirs == ours else [f"{path} ({_short(theirs)} there, {_short(ours)} here)"]


def digest(*parts: Any) -> str:
    """SHA-256 of plain data, order of keys apart."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(file: Path) -> str:
    """The SHA-256 of a whole file, in hex digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fingerprint(folder: Path) -> list[tuple[str, int, str]]:
    """Name, size and hash of each file of a folder of weights.

    Of a large file up to 1,024 evenly spread blocks of 16 KiB are hashed: training moves every
    tensor it touches, and hashing all of a 14 GB model would take minutes on a slow disk.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    return [(file.name, file.stat().st_size, _sampled(file)) for file in files]


def is_done(folder: Path, inputs: str) -> bool:
    """Whether a step ended with these inputs."""
    return _inputs(folder / "done.json") == inputs


def begin(folder: Path, inputs: str) -> None:
    """Make a step's folder ready: kept as it is to go on with, or emptied if its inputs changed."""
    started = folder / "started.json"
    if _inputs(started) != inputs or (folder / "done.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    write(started, json_text({"inputs": inputs}))


def reopen(folder: Path) -> None:
    """Take a finished step for one that was stopped, to go on with what it left out."""
    (folder / "done.json").replace(folder / "started.json")


def finish(folder: Path, inputs: str, **facts: Any) -> None:
    """Mark a step as done."""
    write(folder / "done.json", json_text({"inputs": inputs, **facts}))
    tidy(folder)


def tidy(folder: Path) -> None:
    """Drop what only going on with a step needed; a kill may have left it behind."""
    (folder / "started.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def facts(folder: Path) -> dict[str, Any]:
    """What a finished step's `done.json` says."""
    return json.loads((folder / "done.json").read_text(encoding="utf-8"))


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all: a kill leaves the old file or the new one."""
    temporary = _temporary(path)
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def append(path: Path, record: dict[str, Any]) -> None:
    """Add one JSON line, in place of a last line that a kill cut short."""
    trim(path)
    line = json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n"
    with path.open("ab") as file:
        file.write(line.encode())


def lines(records: Iterable[dict[str, Any]]) -> str:
    """Records as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def trim(path: Path) -> None:
    """Drop a last line that a kill cut short."""
    if path.exists():
        os.truncate(path, len(_whole_lines(path)))


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a JSONL file; a last line that a kill cut short is left out."""
    return [json.loads(line) for line in _whole_lines(path).split(b"\n") if line]


def json_text(data: Any) -> str:
    r"""JSON with sorted keys and a closing newline; floats have 6 digits, small ones 4 that count.

    >>> json_text({"b": 1 / 3, "a": None})
    '{\n "a": null,\n "b": 0.333333\n}\n'
    """
    return json.dumps(_rounded(data), sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def read_summary(run: Run) -> list[dict[str, Any]]:
    """The records of a finished run.

    Raises:
        LetheError: There is no summary: not a run folder, or the run has not got so far.
    """
    if not run.summary.is_file():
        raise LetheError(
            f"{run.folder}: no eval/summary.json: not a run folder, or the run is not finished"
        )
    return json.loads(run.summary.read_text(encoding="utf-8"))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder by the operating system's lock, which goes with its process, even by kill -9.

    Raises:
        LetheError: It is not there and cannot be made, or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LetheError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        import fcntl
    except ImportError:  # Windows has none; two runs in one folder are then the user's care.
        yield
        return
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LetheError(f"{folder}: another lethe process is at work here") from None
        yield


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1]


def _inputs(file: Path) -> str | None:
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))["inputs"]
    except (ValueError, KeyError, TypeError):
        return None  # damaged: the step is done again


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def _sampled(file: Path, blocks: int = 1024, size: int = 16384) -> str:
    total = file.stat().st_size
    step = max(size, total // blocks)
    found = hashlib.sha256()
    with file.open("rb") as opened:
        for start in range(0, total, step):
            opened.seek(start)
            found.update(opened.read(size))
    return found.hexdigest()


def _rounded(data: Any) -> Any:
    if isinstance(data, float):
        return round(data, 6) if abs(data) >= 1e-3 else float(f"{data:.4g}")
    if isinstance(data, dict):
        return {key: _rounded(value) for key, value in data.items()}
    return [_rounded(value) for value in data] if isinstance(data, list | tuple) else data
