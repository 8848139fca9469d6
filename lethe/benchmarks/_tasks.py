"""Task files of lm-evaluation-harness: which folder defines a name, and what a task rests on.

Only the folders that are needed are read. The harness's own index of all it ships has 14,683 names
of 13,986 files and took 14 s here, at every start; `lm_eval` itself is not imported here.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from lethe import runs
from lethe.plug import LetheError, choices

_DEFINITIONS = (".yaml", ".yml", ".py", ".part", "")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # pyright: ignore
    """Reads a task file without running the functions that it names."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def version() -> str | None:
    """The installed lm-evaluation-harness; None without one."""
    return importlib.metadata.version("lm_eval") if _shipped() else None


def folders(tasks: Sequence[str], include: Sequence[Path]) -> list[Path]:
    """The folders in which the tasks are defined, the user's own last: they win.

    A task that is in none of `include` is looked for in the harness's own folder of that name, or
    of a name that it begins with: `mmlu_anatomy` in `mmlu`. Without the harness it is passed over.

    Raises:
        LetheError: No such folder, a broken file, or a task that is nowhere.
    """
    if repeated := {task for task in tasks if tasks.count(task) > 1}:
        raise LetheError(f"tasks: {', '.join(sorted(repeated))} stands there twice")
    own = [_checked(folder.expanduser()) for folder in include]
    known = names(own)
    theirs: list[Path] = []
    for task in tasks if version() else ():
        if task in known:
            continue
        folder = _shipped_folder(task)
        if folder is None:
            also = "nor does a folder of lm_eval/tasks bear its name"
            raise LetheError(f"tasks: unknown task {task!r}: {choices(task, known)}; {also}")
        theirs.append(folder)
        known = names([folder]) | known
    return [*theirs, *own]


def names(places: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The tasks, groups and tags that the files of some folders define, with their settings.

    Raises:
        LetheError: A file is not YAML, or includes one that is not there.
    """
    found: dict[str, dict[str, Any]] = {}
    for settings in _settings(places):
        tags = settings.get("tag") or []
        name = settings.get("group") or settings.get("task")
        for tag in [tags] if isinstance(tags, str) else tags:
            found.setdefault(tag, {})
        if isinstance(name, str):
            found[name] = settings
    return found


def metric(task: str, places: Sequence[Path]) -> str:
    """The first metric that a task's file names; "score" where it names none."""
    settings = names(places).get(task, {})
    listed = settings.get("metric_list") or settings.get("aggregate_metric_list") or []
    return str(listed[0].get("metric", "score")) if listed else "score"


def sources(places: Sequence[Path]) -> dict[str, str]:
    """What numbers depend on: the harness's version, each task file and each local data file."""
    found = {"lm_eval": version() or "not installed"}
    for place in places:
        for file in sorted(place.rglob("*")):
            if file.is_file() and file.suffix in _DEFINITIONS:
                found[f"{place.name}/{file.relative_to(place).as_posix()}"] = runs.sha256(file)
    for settings in _settings(places):
        files = (settings.get("dataset_kwargs") or {}).get("data_files")
        for file in map(Path, _texts(files)):
            if file.is_file():
                found[str(file)] = runs.sha256(file)
    return found


def _shipped() -> Path | None:
    """The folder of the harness's own tasks, found without importing it."""
    spec = importlib.util.find_spec("lm_eval")
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) / "tasks" if places else None


def _shipped_folder(task: str) -> Path | None:
    root, parts = _shipped(), task.split("_")
    for k in range(len(parts), 0, -1) if root else ():
        name = "_".join(parts[:k])
        folder = Path(root or "") / name
        if name and folder.is_dir() and task in names([folder]):
            return folder
    return None


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise LetheError(f"include: {folder}: no such folder (of task files)")
    if next(folder.rglob("*.yaml"), None) is None:
        raise LetheError(f"include: {folder}: has no task file (*.yaml)")
    return folder


def _settings(places: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for place in places:
        for file in sorted(place.rglob("*.yaml")):
            yield _read(file)


def _read(file: Path) -> dict[str, Any]:
    """A task file's settings, over those of the files that it includes."""
    try:
        own = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LetheError(f"{file}: not a task file: {error}") from error
    if not isinstance(own, dict):
        return {}
    parents = own.get("include") or []
    merged: dict[str, Any] = {}
    for parent in [parents] if isinstance(parents, str) else parents:
        merged |= _read(file.parent / parent)
    return merged | own


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
