"""A run folder as the report sees it: files in, plain records out.

Whatever a run that was stopped half-way has not written yet is listed in `Run.missing`. A last line
cut off by a kill is skipped in the files that training appends to; anywhere else it is an error.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lethe import runs, yaml12
from lethe.metrics._targets import MEAN
from lethe.plug import LetheError
from lethe.report import words
from lethe.report.words import FORMS, SCOPES

EARLIER = "earlier:"
"""What the form of a test row about an earlier run's target begins with (`lethe.earlier`)."""


class Record(NamedTuple):
    """One line of `eval/summary.json`: a metric of a model on a group of test rows."""

    model: str
    metric: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unscored: str | None
    note: str = ""
    """What a reader must know beside the value."""


class Score(NamedTuple):
    """What a metric says of one row, and why."""

    value: float | None
    why: str


@dataclass(frozen=True)
class Run:
    """All that the report reads."""

    folder: Path
    name: str
    recipe: dict[str, Any]
    recipe_text: str
    models: tuple[str, ...]
    """`original`, then one a stage, in order; also those not evaluated yet."""
    measured: tuple[str, ...]
    """Those that the recipe wants evaluated."""
    records: dict[tuple[str, str, str], Record]
    """By model, metric and group."""
    answers: dict[str, dict[str, dict[str, Any]]]
    """By model and row id."""
    scores: dict[str, dict[str, dict[str, Score]]]
    """By model, row id and metric."""
    curves: dict[str, list[dict[str, Any]]]
    """By stage: the lines of `metrics.jsonl`."""
    mixtures: dict[str, list[dict[str, Any]]]
    """By stage: the lines of `interpolation.jsonl`, if it took back a part of its change."""
    samples: dict[str, list[dict[str, Any]]]
    """By stage: a few rollouts."""
    log: list[dict[str, Any]]
    """One line per step run."""
    trained: frozenset[str] | None
    """The entities of the training rows, earlier runs' too; None where the run keeps no `data/`."""
    missing: tuple[str, ...]
    """What a complete run would also have, in plain words."""
    after: str = ""
    """The name of the run that it comes after, if any."""
    targets: dict[str, dict[tuple[str, str, str], Record]] = field(default_factory=dict)
    """By target, where there are several: records as in `records`."""

    @property
    def titles(self) -> list[str]:
        """The models' names in plain words."""
        first = f"Start (after {self.after})" if self.after else words.model(self.models[0])
        return [first, *map(words.model, self.models[1:])]

    @property
    def final(self) -> str:
        """The model that the last stage leaves."""
        return self.models[-1]

    def record(self, model: str, metric: str, group: str) -> Record | None:
        """The record if it has a value."""
        found = self.records.get((model, metric, group))
        return found if found is not None and found.value is not None else None

    def groups(self, scope: str | None = None, means: bool = False) -> list[str]:
        """The groups of the summary, of one scope or all, in the report's order.

        Args:
            scope: None: all.
            means: Also those that are means over targets.
        """
        known = dict.fromkeys(group for _, _, group in self.records if means or not is_mean(group))
        seen = [group for group in known if scope in (None, group.partition("/")[0])]
        return sorted(seen, key=_group_order)

    def metrics(self) -> list[str]:
        """The metrics of the summary, in its order."""
        return list(dict.fromkeys(metric for _, metric, _ in self.records))

    def score(self, model: str, row: str, metric: str) -> Score | None:
        """What a metric says of one model's answer to one row."""
        return self.scores.get(model, {}).get(row, {}).get(metric)


def read(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        LetheError: `folder` is not a run folder, or one of its files is not what it should be.
    """
    place = runs.Run(folder)
    if not place.recipe.is_file():
        raise LetheError(f"{folder}: not a run folder: it has no recipe.yaml")
    recipe = yaml12.load(place.recipe)
    if not isinstance(recipe, dict):
        raise LetheError(f"{place.recipe}: must be a mapping, not {type(recipe).__name__}")
    models = _models(recipe)
    measured, stages = _measured(recipe, models), models[1:]
    evaluated = [model for model in models if place.eval(model).is_dir()]
    return Run(
        folder=folder,
        name=str(recipe.get("name") or folder.resolve().name),
        recipe=recipe,
        recipe_text=place.recipe.read_text(encoding="utf-8"),
        models=models,
        measured=measured,
        records=_records(place.summary),
        answers={m: _answers(place.eval(m) / "answers.jsonl") for m in evaluated},
        scores={m: _scores(place.eval(m) / "scores.jsonl") for m in evaluated},
        curves={s: _lines(place.stage(s) / "metrics.jsonl", True) for s in stages},
        mixtures={s: _lines(place.stage(s) / "interpolation.jsonl") for s in stages},
        samples={s: _lines(place.stage(s) / "samples.jsonl", True) for s in stages},
        log=_lines(place.log, True),
        trained=_trained(place.data),
        missing=tuple(_missing(place, models, measured)),
        after=str(_earlier(place.data).get("after") or ""),
        targets=_targets(place, evaluated),
    )


def is_mean(group: str) -> bool:
    """Whether a group's number is a mean over targets."""
    return group.partition("/")[2].partition(":")[0] == MEAN


def is_earlier(row: dict[str, Any]) -> bool:
    """Whether a test row is about a target of an earlier run."""
    return str(row.get("form")).startswith(EARLIER)


def finite(value: Any) -> float | None:
    """A usable number, or None: a diverged run logs NaN.

    >>> finite(1), finite(float("nan")), finite(None), finite("0.5")
    (1.0, None, None, None)
    """
    usable = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if usable else None


def _models(recipe: dict[str, Any]) -> tuple[str, ...]:
    entries = recipe.get("stages") or []
    named = [entry.get("stage", "") if isinstance(entry, dict) else entry for entry in entries]
    return tuple(runs.model_names([str(name) for name in named]))


def _measured(recipe: dict[str, Any], models: tuple[str, ...]) -> tuple[str, ...]:
    evaluate = recipe.get("evaluate")
    last = isinstance(evaluate, dict) and evaluate.get("models") == "last"
    return models[-1:] if last else models


def _records(file: Path) -> dict[tuple[str, str, str], Record]:
    if not file.is_file():
        return {}
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        records = [_record(entry) for entry in raw]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LetheError(f"{file}: not a list of records: {error!r}") from error
    return {(record.model, record.metric, record.group): record for record in records}


def _record(entry: dict[str, Any]) -> Record:
    value = finite(entry["value"])
    return Record(
        str(entry["model"]),
        str(entry["metric"]),
        str(entry["group"]),
        value,
        finite(entry.get("low")),
        finite(entry.get("high")),
        int(entry.get("n") or 0),
        None if value is not None else str(entry.get("unscored") or "no reason given"),
        str(entry.get("note") or ""),
    )


def _answers(file: Path) -> dict[str, dict[str, Any]]:
    return {str(_field(file, line, "id")): line for line in _lines(file)}


def _scores(file: Path) -> dict[str, dict[str, Score]]:
    scores: dict[str, dict[str, Score]] = {}
    for line in _lines(file):
        score = Score(finite(line.get("value")), str(line.get("why") or ""))
        row, metric = str(_field(file, line, "id")), str(_field(file, line, "metric"))
        scores.setdefault(row, {})[metric] = score
    return scores


def _field(file: Path, line: dict[str, Any], key: str) -> Any:
    if key not in line:
        raise LetheError(f"{file}: a line has no {key!r}: {json.dumps(line)[:80]}")
    return line[key]


def _lines(file: Path, appended: bool = False) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    parsed = []
    for i, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            parsed.append(_mapping(json.loads(line)))
        except ValueError as error:
            if appended and i == len(lines):
                break
            raise LetheError(f"{file}:{i}: not a JSON object: {error}") from error
    return parsed


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"found {type(value).__name__}")
    return value


def _trained(folder: Path) -> frozenset[str] | None:
    if not folder.is_dir():
        return None
    rows = [line for file in sorted(folder.glob("*.jsonl")) for line in _lines(file)]
    entities = {str(row["entity"]) for row in rows if _trains(row) and row.get("entity")}
    return frozenset({*entities, *_earlier(folder).get("entities", ())}) if rows else None


def _earlier(folder: Path) -> dict[str, Any]:
    """What `data/earlier.json` says of the runs before."""
    file = folder / "earlier.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _targets(
    place: runs.Run, models: Iterable[str]
) -> dict[str, dict[tuple[str, str, str], Record]]:
    found: dict[str, dict[tuple[str, str, str], Record]] = {}
    for model in models:
        for line in _lines(place.eval(model) / "targets.jsonl"):
            record = _record(line)
            key = (record.model, record.metric, record.group)
            found.setdefault(str(line.get("target")), {})[key] = record
    return found


def _trains(row: dict[str, Any]) -> bool:
    return row.get("split", "train") == "train"


def _missing(place: runs.Run, models: Iterable[str], measured: Iterable[str]) -> Iterable[str]:
    for model in models:
        if model != "original" and not (place.stage(model) / "done.json").is_file():
            yield f"stage {model} has not finished"
        if model in measured and not (place.eval(model) / "scores.jsonl").is_file():
            yield f"model {model} has not been evaluated"
    if not place.summary.is_file():
        yield "the summary of the evaluation has not been written"


def _group_order(group: str) -> tuple[int, int, str]:
    scope, _, form = group.partition("/")
    form = form.removeprefix(f"{MEAN}:")
    scopes, forms = list(SCOPES), list(FORMS)
    return (
        scopes.index(scope) if scope in scopes else len(scopes),
        forms.index(form) if form in forms else len(forms),
        group,
    )
