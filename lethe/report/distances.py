"""Where refusing ends: the refusal rate of the test questions against `lethe.distance`.

Only rows of form `question`: other forms ask in ways that move refusing by themselves, and not at
every distance alike. A dot is one distance or, where there are many, a tenth of the scale.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from lethe.metrics._interval import wilson
from lethe.report import charts, svg, words
from lethe.report.reading import Record, Run, finite
from lethe.report.svg import Axis

METRIC = "refusal_rate"
DISTINCT = 8
"""With more distances than these, a dot is a tenth of the scale."""
FEWEST = 3
"""With fewer dots there is no boundary to be seen."""
_LEFT, _EDGE, _ABOVE, _BELOW = 48.0, 22.0, 34.0, 50.0


class Point(NamedTuple):
    """The rows at one distance, or in one bin of distances."""

    distance: float
    """The rows' mean; `low` and `high` are the nearest and the farthest."""
    low: float
    high: float
    what: str
    """What stands at that distance, in words: the commonest."""
    scopes: str
    entities: int
    """How many the rows ask about; 0 where they name none."""
    rates: tuple[Record | None, ...]
    """One a model; None where it was not measured."""

    @property
    def pooled(self) -> bool:
        """Whether it stands for more than one distance."""
        return self.low < self.high

    @property
    def shown(self) -> str:
        """The distance as it is to be read."""
        ends = f" ({words.number(self.low)}–{words.number(self.high)})" if self.pooled else ""
        return f"{words.number(self.distance)}{ends}"

    @property
    def n(self) -> str:
        """How many rows; several numbers where the models differ."""
        return " / ".join(dict.fromkeys(str(rate.n) for rate in self.rates if rate))


class _Row(NamedTuple):
    id: str
    distance: float
    line: dict[str, Any]


def points(run: Run) -> list[Point]:
    """The dots, from near to far; none where the rows' distances are too few to draw."""
    rows = _rows(run)
    pooled = len({row.distance for row in rows}) > DISTINCT
    bins: dict[float, list[_Row]] = defaultdict(list)
    for row in rows:
        bins[place(row.distance) if pooled else row.distance].append(row)
    return [_point(run, bins[key]) for key in sorted(bins)] if len(bins) >= FEWEST else []


def place(distance: float) -> int:
    """The tenth of the scale that a distance lies in; the target itself is not pooled.

    >>> [place(distance) for distance in (0.0, 0.0004, 0.1, 0.2999, 0.3, 1.0)]
    [-1, 0, 1, 2, 3, 9]
    """
    return min(9, math.floor(round(10 * distance, 6))) if distance else -1


def picture(
    points: Sequence[Point], models: Sequence[str], *, title: str, key: str, width: int
) -> str:
    """Refusal rate over distance: a mark with its interval per model and point.

    Args:
        points: What to draw, from near to far.
        models: The models' names in order; the first is the original, the last the result.
        title: What the picture shows; its description lists the result's values.
        key: Prefix of the ids, unique in a page.
        width: In px.
    """
    legend, top = charts.legend(models, width, 8)
    top, height = top + _ABOVE, top + min(340.0, 200.0 + width / 4)
    left, right, bottom = _LEFT, width - 4.0, height - _BELOW
    x_axis = Axis(0.0, 1.0, left + _EDGE, right - _EDGE, (0.0, 0.25, 0.5, 0.75, 1.0))
    y_axis = Axis(0.0, 1.0, bottom, top, (0.0, 0.25, 0.5, 0.75, 1.0))
    frame = [svg.label(4, top - 15, "Refusal rate", "name"), _below(x_axis, left, right, bottom)]
    series = [_series(points, i, len(models), x_axis, y_axis) for i in range(len(models))]
    return svg.drawing(
        legend + charts.levels(y_axis, left, right, share=True) + "".join(frame + series),
        width=width,
        height=height,
        key=key,
        title=title,
        description=_describe(points, models),
    )


def _rows(run: Run) -> list[_Row]:
    """The test questions that have a distance and that some model has a value for."""
    found: dict[str, _Row] = {}
    for model, answers in run.answers.items():
        for row, line in answers.items():
            distance = finite(line.get("distance"))
            asked = (line.get("split", "test"), line.get("form", "question"))
            if distance is None or not 0 <= distance <= 1 or asked != ("test", "question"):
                continue
            if _values(run, model, [row]):
                found.setdefault(row, _Row(row, distance, line))
    return list(found.values())


def _values(run: Run, model: str, rows: Sequence[str]) -> list[float]:
    scores = [run.score(model, row, METRIC) for row in rows]
    return [score.value for score in scores if score and score.value is not None]


def _point(run: Run, rows: Sequence[_Row]) -> Point:
    distances = [row.distance for row in rows]
    kinds = Counter(_what(row.line, row.distance) for row in rows).most_common()
    scopes = Counter(str(row.line.get("scope")) for row in rows).most_common()
    return Point(
        round(sum(distances) / len(rows), 4),
        min(distances),
        max(distances),
        kinds[0][0] if len(kinds) == 1 else f"{kinds[0][0]}, among others",
        ", ".join(scope if len(scopes) == 1 else f"{scope} {n}" for scope, n in scopes),
        len({entity for row in rows if (entity := _entity(row.line))}),
        tuple(_rate(model, _values(run, model, [row.id for row in rows])) for model in run.models),
    )


def _rate(model: str, values: Sequence[float]) -> Record | None:
    if not values:
        return None
    n, hits = len(values), sum(values)
    return Record(model, METRIC, "", hits / n, *wilson(hits, n), n, None)


def _entity(line: dict[str, Any]) -> str:
    subject = line.get("subject") if line.get("scope") == "forget" else None
    return str(line.get("entity") or subject or "")


def _what(line: dict[str, Any], distance: float) -> str:
    target = line.get("scope") == "forget"
    return "the target" if target else words.nearness(distance, str(line.get("tie") or ""))


def _below(axis: Axis, left: float, right: float, bottom: float) -> str:
    """The distances, and what the ends of the scale are."""
    ticks = [svg.label(axis.at(x), bottom + 17, words.number(x), "tick middle") for x in axis.ticks]
    along = svg.label((left + right) / 2, bottom + 35, "distance", "tick middle")
    near = svg.label(left, bottom + 35, "the target", "tick")
    far = svg.label(right, bottom + 35, "nothing in common", "tick end")
    return "".join([*ticks, near, along, far])


def _series(points: Sequence[Point], model: int, of: int, x_axis: Axis, y_axis: Axis) -> str:
    """One model's marks, whiskers and the line between; beside those of the other models."""
    step = 10.0 if x_axis.end - x_axis.start > 500 else 5.0
    aside = (model - (of - 1) / 2) * min(step, 3 * step / of)
    colour, marks, path = charts.model_colour(model, of), [], []
    for point in points:
        rate = point.rates[model]
        if rate is None or rate.value is None or rate.low is None or rate.high is None:
            continue
        x, y = x_axis.at(point.distance) + aside, y_axis.at(rate.value)
        low, high = y_axis.at(rate.low), y_axis.at(rate.high)
        marks.append(f'<path class="whisker s-{colour}" d="M{x:.1f} {low:.1f}V{high:.1f}"/>')
        marks.append(charts.marker(model, of, x, y))
        path.append(f"{x:.1f} {y:.1f}")
    line = f'<path class="faint s-{colour}" d="M{"L".join(path)}"/>' if path else ""
    return f"<g>{line}{''.join(marks)}</g>"


def _describe(points: Sequence[Point], models: Sequence[str]) -> str:
    said = []
    for point in points:
        rate = point.rates[-1]
        if rate and rate.value is not None:
            shown = words.show(rate.value, True)
            said.append(f"{shown} at {point.shown}: {point.what}, n = {rate.n}")
    return f"{models[-1]}, refusal rate by distance: {'; '.join(said) or 'not measured'}."
