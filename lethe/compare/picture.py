"""The picture of a comparison: what is forgotten against what is kept, a point a setting.

Points bear the numbers of the table's rows, so that nothing hangs on colour and twenty methods can
be told apart. Up to five methods share one plot, each with its colour and shape; of more, every
method has a small plot of its own, the others faint behind it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lethe.compare import Comparison, Row
from lethe.compare.pareto import Point
from lethe.report import svg
from lethe.report.svg import Axis

TOGETHER = 5
"""More methods than this do not share a plot."""
_COLOURS = ("model-2", "model-1", "model-4", "model-3", "forget")
_TICKS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
# Where a label may stand: beside the whiskers first, and ring by ring farther out, in px.
_PLACES = [
    *((1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0)),
    *((1, -2), (-1, -2), (1, 2), (-1, 2), (0.5, -1), (-0.5, -1), (0.5, 1), (-0.5, 1)),
]
_NEAREST, _FARTHEST, _RING = 12, 60, 8


class Box(NamedTuple):
    """A rectangle that is taken, in px."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether two rectangles overlap.

        >>> Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3)), Box(0, 0, 1, 1).meets(Box(1, 0, 2, 1))
        (True, False)
        """
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def pictures(found: Comparison, width: int = 912) -> list[tuple[str, str]]:
    """Title and SVG of each plot: one of all methods, and of many methods one each.

    Args:
        found: What to draw; settings that lack one of the two numbers are left out.
        width: Of the plot of all, in px.
    """
    drawn = [row for row in found.rows if row.point]
    if not drawn:
        return []
    methods = list(dict.fromkeys(row.method for row in drawn if not row.original))
    scales = (
        _range([row.retain.value or 0 for row in drawn]),
        _range([row.forget.value or 0 for row in drawn]),
    )
    together = len(methods) <= TOGETHER
    colours = {method: _COLOURS[i] if together else "all" for i, method in enumerate(methods)}
    everything = _Plot(found, drawn, scales, width, min(520, width * 0.62), colours)
    plots = [("", everything.draw("compare", "What is kept and what is forgotten"))]
    if not together:
        small = max(240, (width - 48) // 3)
        for i, method in enumerate(methods):
            plot = _Plot(found, drawn, scales, small, small * 0.8, {method: "model-2"}, True)
            plots.append((method, plot.draw(f"compare-{i}", method)))
    return plots


def legend(found: Comparison) -> list[tuple[str, str]]:
    """The marks of the plot of all methods and what they stand for."""
    rows = [row for row in found.rows if row.point]
    methods = list(dict.fromkeys(row.method for row in rows if not row.original))
    marks = [("all", "ring", "original")] if any(row.original for row in rows) else []
    if len(methods) <= TOGETHER:
        marks += [(_COLOURS[i], _shape(i), method) for i, method in enumerate(methods)]
    box = 'width="14" height="14" viewBox="0 0 14 14"'
    return [
        (f'<svg class="key" {box} aria-hidden="true">{_mark(shape, colour, 7, 7)}</svg>', name)
        for colour, shape, name in marks
    ]


def _range(values: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """The lower end of an axis that ends at 1, and its ticks: as near as the values allow."""
    span = max(1 - min(values), 0.05)
    step = next((tick for tick in reversed(_TICKS) if 5 * tick >= span - 1e-9), 0.2)
    count = max(2, math.ceil(span / step - 1e-9))
    return 1 - count * step, tuple(round(1 - i * step, 6) for i in range(count, -1, -1))


class _Plot:
    """One plot: axes, points with whiskers, curves, the front, numbers where there is room."""

    def __init__(
        self,
        found: Comparison,
        rows: Sequence[Row],
        scales: Sequence[tuple[float, tuple[float, ...]]],
        width: int,
        height: float,
        colours: dict[str, str],
        small: bool = False,
    ) -> None:
        self.found, self.rows, self.colours, self.small = found, rows, colours, small
        self.width, self.height = width, height
        left, right, top, bottom = (44, 24, 16, 30) if small else (58, 26, 22, 52)
        (x_low, x_ticks), (y_low, y_ticks) = scales
        self.x = Axis(max(x_low, 0.0), 1.0, left, width - right, x_ticks)
        self.y = Axis(max(y_low, 0.0), 1.0, height - bottom, top, y_ticks)
        self.many = not small and "all" in colours.values()
        self.taken: list[Box] = []

    def draw(self, key: str, title: str) -> str:
        parts = [*self._axes(), self._front()]
        own = [row for row in self.rows if row.original or row.method in self.colours]
        parts += [self._faint(row) for row in self.rows if row not in own]
        for method in self.colours:
            parts.append(self._curve([row for row in own if row.method == method]))
        if not self.many:  # of many methods they would hide the points
            parts += [self._whiskers(row) for row in own if not row.original]
        parts += [self._point(row) for row in sorted(own, key=lambda row: row.front)]
        parts += [self._named(row) for row in own if not self.many or row.front or row.original]
        return svg.drawing(
            "".join(parts),
            width=self.width,
            height=self.height,
            key=key,
            title=title,
            description=self._described(own),
        )

    def _axes(self) -> Iterator[str]:
        for tick in self.y.ticks:
            y = self.y.at(tick)
            yield svg.line(self.x.start, y, self.x.end, y, "grid")
            yield svg.label(self.x.start - 7, y + 4, _percent(tick), "tick end")
        for i, tick in enumerate(self.x.ticks):
            x = self.x.at(tick)
            yield svg.line(x, self.y.start, x, self.y.end, "grid")
            if not self.small or i % 2 == (len(self.x.ticks) - 1) % 2:
                yield svg.label(x, self.y.start + 17, _percent(tick), "tick middle")
        if not self.small:
            middle = (self.x.start + self.x.end) / 2
            yield svg.label(middle, self.height - 8, f"{self.found.retain.title} →", "row middle")
            yield svg.label(4, 12, f"↑ {self.found.forget.title}", "row")

    def _at(self, row: Row) -> tuple[float, float]:
        point = row.point or Point(0.0, 0.0)
        return self.x.at(point.retain), self.y.at(point.forget)

    def _front(self) -> str:
        """The edge of what the settings dominate, as steps."""
        points = sorted(self._at(row) for row in self.rows if row.front)
        if not points:
            return ""
        path, edge = f"M{self.x.start:.1f} {points[0][1]:.1f}", points[0][1]
        for x, y in points:
            path += f"V{y:.1f}H{x:.1f}" if y != edge else f"H{x:.1f}"
            edge = y
        return f'<path class="limit" d="{path}V{self.y.start:.1f}"/>'

    def _faint(self, row: Row) -> str:
        x, y = self._at(row)
        return f'<circle class="f-line" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'

    def _curve(self, rows: Sequence[Row]) -> str:
        if len(rows) < 2:
            return ""
        points = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(self._at, rows))
        style = "faint" if self.many else "curve"
        return f'<path class="{style} s-{self.colours[rows[0].method]}" d="M{points}"/>'

    def _whiskers(self, row: Row) -> str:
        x, y = self._at(row)
        path = ""
        if row.retain.low is not None and row.retain.high is not None:
            path += f"M{self._in_x(row.retain.low):.1f} {y:.1f}H{self._in_x(row.retain.high):.1f}"
        if row.forget.low is not None and row.forget.high is not None:
            path += f"M{x:.1f} {self._in_y(row.forget.low):.1f}V{self._in_y(row.forget.high):.1f}"
        return f'<path class="hair s-{self.colours[row.method]}" d="{path}"/>' if path else ""

    def _in_x(self, value: float) -> float:
        """Where a value lies; an interval that leaves the plot ends at its edge."""
        return self.x.at(max(value, self.x.low))

    def _in_y(self, value: float) -> float:
        return self.y.at(max(value, self.y.low))

    def _point(self, row: Row) -> str:
        x, y = self._at(row)
        self.taken.append(Box(x - 5, y - 5, x + 5, y + 5))
        if row.original:
            return _mark("ring", "all", x, y)
        shape = _shape(list(self.colours).index(row.method))
        if self.many:
            return _mark("disc", "model-2" if row.front else "all", x, y)
        return _mark("disc" if self.small else shape, self.colours[row.method], x, y)

    def _named(self, row: Row) -> str:
        """The row's number; with the method's name where there are too many for a legend."""
        if row.original and not self.small:
            return self._words(row, "original")
        number = str(row.number)
        name = self._words(row, f"{number} {_short(row.method)}") if self.many else ""
        return name or self._words(row, number)

    def _words(self, row: Row, text: str) -> str:
        """A text at the nearest free place, tied to its point where that is far off."""
        x, y = self._at(row)
        half = 3.9 * len(text) + 1
        for radius in range(_NEAREST, _FARTHEST, _RING):
            for across, down in _PLACES:
                cx = x + across * (half + radius - 7)
                cy = y + down * (radius - 2)
                box = Box(cx - half, cy - 7, cx + half, cy + 7)
                if self._free(box):
                    self.taken.append(box)
                    end = min(max(x, box.left), box.right), min(max(y, box.top), box.bottom)
                    tie = svg.line(x, y, *end, "tie") if radius > _NEAREST else ""
                    style = "num-front" if row.front else "num"
                    return tie + svg.label(cx, cy + 4, text, f"{style} middle")
        return ""  # the table has it; words over others could not be read

    def _free(self, box: Box) -> bool:
        inside = (
            box.left >= self.x.start
            and box.right <= self.width
            and box.top >= 0
            and box.bottom <= self.y.start
        )
        return inside and not any(box.meets(other) for other in self.taken)

    def _described(self, rows: Sequence[Row]) -> str:
        said = [
            f"{row.number} {row.label}: {_percent(row.retain.value or 0)} kept, "
            f"{_percent(row.forget.value or 0)} forgotten"
            for row in rows
        ]
        return "; ".join(said) + "."


def _short(words: str, longest: int = 28) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _percent(value: float) -> str:
    return f"{round(100 * value, 1):g} %"


def _shape(place: int) -> str:
    return ("disc", "square", "diamond", "up", "down")[place % 5]


def _mark(shape: str, colour: str, x: float, y: float) -> str:
    if shape == "ring":
        return f'<circle class="open s-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
    if shape == "disc":
        return f'<circle class="f-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4.6"/>'
    corners = {
        "square": ((-4, -4), (4, -4), (4, 4), (-4, 4)),
        "diamond": ((0, -5.6), (5.6, 0), (0, 5.6), (-5.6, 0)),
        "up": ((0, -5.2), (5.2, 4), (-5.2, 4)),
        "down": ((0, 5.2), (5.2, -4), (-5.2, -4)),
    }[shape]
    path = "L".join(f"{x + dx:.1f} {y + dy:.1f}" for dx, dy in corners)
    return f'<path class="f-{colour}" d="M{path}Z"/>'


STYLE = """\
svg .open { stroke-width: 1.8; fill: none; }
svg .hair { stroke-width: 1.2; opacity: .45; }
svg .curve { stroke-width: 1.8; stroke-linejoin: round; opacity: .8; }
svg .tie { stroke: var(--soft); stroke-width: .8; fill: none; }
svg .num, svg .num-front { font-size: 12px; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; stroke-linejoin: round; }
svg .num-front { font-weight: 700; }"""
