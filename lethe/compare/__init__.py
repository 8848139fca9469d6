"""Finished runs side by side: means over cases and seeds, what forgetting costs, the best of both.

Reads run folders and nothing else. `compare` computes, `text.lines` and `files.write` show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from lethe.compare import columns, grouping, pareto, reading
from lethe.compare.columns import BOTH, SECONDS, Axis
from lethe.compare.estimate import Estimate, Measured, estimate, mean
from lethe.compare.grouping import Setting
from lethe.compare.pareto import FLOORS, Point
from lethe.compare.reading import Key
from lethe.plug import LetheError
from lethe.report import words

__all__ = ["FLOORS", "Area", "Comparison", "Row", "compare"]


@dataclass(frozen=True)
class Row:
    """One setting, over all its runs."""

    number: int
    """In the table and the picture, from 0: the original."""
    label: str
    method: str
    details: dict[str, Any]
    """The settings in which it differs from others of its method."""
    folders: list[Path]
    cases: int
    cells: dict[str, Estimate]
    """By column: `metric:group`, and `both` and `seconds`."""
    retain: Estimate
    """On the retain axis, from 0 to 1, higher is better."""
    forget: Estimate
    """On the forget axis."""
    front: bool
    """Whether no other setting is as good in both and better in one."""
    original: bool

    @property
    def point(self) -> Point | None:
        """Where it lies in the picture; None if one of the two was not measured."""
        if self.retain.value is None or self.forget.value is None:
            return None
        return Point(self.retain.value, self.forget.value)


class Area(NamedTuple):
    """How much a method's settings dominate above each retain floor."""

    method: str
    floors: dict[float, Estimate]


@dataclass(frozen=True)
class Comparison:
    """What `compare` found."""

    rows: list[Row]
    columns: list[str]
    """Those of the table; the rows have more."""
    retain: Axis
    forget: Axis
    areas: list[Area]
    warnings: list[str]


def compare(
    runs: Sequence[Path | str],
    *,
    forget: str | None = None,
    retain: str | None = None,
    floors: Sequence[float] = FLOORS,
) -> Comparison:
    """Compare finished runs.

    Args:
        runs: Run folders, or folders that hold run folders at any depth.
        forget: What is weighed as forgetting, `METRIC:GROUP`; None: refusals of forget questions.
        retain: What is weighed as retaining; None: accuracy on boundary questions.
        floors: Of the area above a retain floor, each from 0 to below 1.

    Raises:
        LetheError: No finished run, runs that cannot be compared, a number that no run has.
    """
    for floor in floors:
        if not 0 <= floor < 1:
            raise LetheError(f"--floor {floor:g}: must be at least 0 and below 1")
    results, skipped = reading.read(runs)
    settings, warnings = grouping.settings(results)
    keys = list(dict.fromkeys(key for setting in settings for key in setting.quantities()))
    scored = {k for s in settings for k in keys if any(m.value is not None for m in s.measured(k))}
    axes = (
        columns.axis("retain", retain, keys, scored),
        columns.axis("forget", forget, keys, scored),
    )
    trained = [setting for setting in settings if not setting.original]
    first = len(trained) - len(settings) + 1
    rows = [_row(first + i, setting, keys, *axes) for i, setting in enumerate(settings)]
    return Comparison(
        rows=_with_front(rows),
        columns=columns.columns(keys, scored),
        retain=axes[0],
        forget=axes[1],
        areas=_areas(trained, *axes, floors),
        warnings=[*skipped, *warnings],
    )


def _row(number: int, setting: Setting, keys: Sequence[Key], retain: Axis, forget: Axis) -> Row:
    cells = {str(key): _estimate(key, setting.measured(key)) for key in keys}
    kept, gone = _good(setting, retain), _good(setting, forget)
    cells[BOTH] = estimate([_both(*pair) for pair in zip(kept, gone, strict=True)])
    cells[SECONDS] = estimate(_seconds(setting), most=None)
    return Row(
        number=number,
        label=setting.label,
        method=setting.method,
        details=setting.details,
        folders=[run.folder for run in setting.runs],
        cases=len(set(setting.cases)),
        cells=cells,
        retain=estimate(kept),
        forget=estimate(gone),
        front=False,
        original=setting.original,
    )


def _estimate(key: Key, found: Sequence[Measured]) -> Estimate:
    known = key.metric in words.METRICS or words.meaning(key.metric).rate
    return estimate(found) if known else estimate(found, None, None)


def _good(setting: Setting, axis: Axis) -> list[Measured]:
    """What each run is worth on an axis: higher is better."""
    found = setting.measured(axis.key)
    for one in found:
        if one.value is not None and not 0 <= one.value <= 1:
            raise LetheError(f"{axis.key}: {one.value:g} is no share from 0 to 1: no axis")
    return found if axis.higher else [_turned(one) for one in found]


def _turned(one: Measured) -> Measured:
    value, low, high = (None if v is None else 1 - v for v in (one.value, one.high, one.low))
    return one._replace(value=value, low=low, high=high)


def _both(kept: Measured, gone: Measured) -> Measured:
    if kept.value is None or gone.value is None:
        return Measured(kept.case, None, unscored=kept.unscored or gone.unscored)
    return Measured(
        kept.case, pareto.harmonic(kept.value, gone.value), items=kept.items + gone.items
    )


def _seconds(setting: Setting) -> list[Measured]:
    why = "no training" if setting.original else "log.jsonl does not say"
    return [
        Measured(case, None if setting.original else run.seconds, unscored=why)
        for run, case in zip(setting.runs, setting.cases, strict=True)
    ]


def _with_front(rows: Sequence[Row]) -> list[Row]:
    """Mark the front; the original is no way to forget and is not on it."""
    points = {row.number: row.point for row in rows if row.point and not row.original}
    numbers = list(points)
    best = {numbers[i] for i in pareto.front([p for p in points.values() if p])}
    return [replace(row, front=row.number in best) for row in rows]


def _areas(
    settings: Sequence[Setting], retain: Axis, forget: Axis, floors: Sequence[float]
) -> list[Area]:
    found = []
    for method in dict.fromkeys(setting.method for setting in settings):
        curves = _curves([s for s in settings if s.method == method], retain, forget)
        found.append(Area(method, {floor: _area(curves, floor) for floor in floors}))
    return found


def _area(curves: Sequence[tuple[str, list[Point]]], floor: float) -> Estimate:
    measured = [Measured(case, pareto.area(points, floor)) for case, points in curves if points]
    return estimate(measured, most=1 - floor)


def _curves(
    settings: Sequence[Setting], retain: Axis, forget: Axis
) -> list[tuple[str, list[Point]]]:
    """The method's points, once for each case; of a single case, once for each seed.

    Only cases, or seeds, of which every setting has a run: an area of fewer points is smaller.
    """
    runs = [_runs(setting, retain, forget) for setting in settings]
    for place in (0, 1):  # the case; then the seed
        common = set.intersection(*({one[place] for one in found} for found in runs))
        if len(common) > 1:
            names = sorted(common, key=str)
            return [(str(name) if place == 0 else "", _points(runs, place, name)) for name in names]
    return [("", _points(runs, None, None))]


class _Run(NamedTuple):
    case: str
    seeds: tuple[Any, ...]
    point: Point | None


def _runs(setting: Setting, retain: Axis, forget: Axis) -> list[_Run]:
    pairs = zip(_good(setting, retain), _good(setting, forget), strict=True)
    return [
        _Run(
            kept.case if isinstance(kept.case, str) else "",
            grouping.seeds(run),
            None if kept.value is None or gone.value is None else Point(kept.value, gone.value),
        )
        for run, (kept, gone) in zip(setting.runs, pairs, strict=True)
    ]


def _points(runs: Sequence[Sequence[_Run]], place: int | None, name: object) -> list[Point]:
    """Each setting's mean over its runs of one case or seed."""
    points = []
    for found in runs:
        here = [one.point for one in found if place is None or one[place] == name]
        known = [point for point in here if point]
        if known:
            points.append(Point(mean([p.retain for p in known]), mean([p.forget for p in known])))
    return points
