"""Small SVG charts of our own: no JavaScript, no font, no file from elsewhere.

Every model has its own shape beside its colour, so that nothing depends on colour alone. All text
is escaped here: the results are safe to put into a page as they are.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lethe.report import svg
from lethe.report.svg import Axis
from lethe.report.words import number

CAPTION = "Whiskers: 95 % intervals. Dotted: the threshold. At the right: the last model's value."


class Dot(NamedTuple):
    """A measured share with its 95 % interval."""

    value: float
    low: float | None
    high: float | None
    n: int
    text: str
    """The value as it is to be read."""


class Group(NamedTuple):
    """One line of the boundary picture."""

    section: str
    label: str
    dots: tuple[Dot | None, ...]
    """One a model; None where it was not measured."""
    threshold: float | None = None


class Series(NamedTuple):
    """One line of a training curve."""

    label: str
    colour: str
    """A key of `palette.LIGHT`."""
    points: tuple[tuple[float, float], ...]
    """(step, value), in order."""
    strong: bool
    """Validation: a strong line with dots; else training: a faint one."""


def boundary_picture(
    groups: Sequence[Group],
    models: Sequence[str],
    *,
    title: str,
    key: str = "boundary",
    width: int = 800,
    standalone: bool = False,
) -> str:
    """The refusal boundary: a line per group, a dot with its interval per model.

    Args:
        groups: What to draw, in order; consecutive ones of the same section stand together.
        models: The models' names in order; the first is the original, the last the result.
        title: What the picture shows; its description lists the result's values.
        key: Prefix of the ids, unique in a page.
        width: In px; below 560 the labels stand above their lines.
        standalone: Whether to add style, background and visible title, for a file of its own.
    """
    layout = _Layout.of(width, len(models))
    top = 40 if standalone else 8
    marks, top = legend(models, width, top)
    body, bottom = _groups(groups, layout, top)
    height = bottom + 14
    if standalone:
        body += svg.label(layout.left, height + 8, CAPTION, "tick")
        height += 12
    head = svg.label(layout.left, 24, title, "title") if standalone else ""
    return svg.drawing(
        head + marks + body,
        width=width,
        height=height,
        key=key,
        title=title,
        description=_describe(groups, models),
        standalone=standalone,
    )


def curve(
    series: Sequence[Series],
    *,
    title: str,
    key: str,
    share: bool,
    along: str = "step",
    width: int = 300,
    height: int = 205,
) -> str:
    """A training curve: a value over steps, training faint, validation strong.

    Args:
        series: The lines; points that are missing are left out, not drawn as zero.
        title: What is drawn; also written above the plot.
        key: Prefix of the ids, unique in a page.
        share: Whether the value is a share of rows: the axis is then 0 to 100 %.
        along: What the horizontal axis shows.
        width: In px.
        height: In px.
    """
    left, right, top, bottom = 46, 14, 30, 38
    xs = [x for line in series for x, _ in line.points] or [0.0]
    ys = [y for line in series for _, y in line.points] or [0.0]
    x_axis = Axis.over(min(0.0, *xs), max(xs), left, width - right)
    y_axis = (
        Axis(0.0, 1.0, height - bottom, top, (0.0, 0.25, 0.5, 0.75, 1.0))
        if share
        else Axis.over(min(ys), max(ys), height - bottom, top)
    )
    parts = [svg.label(left, 15, title, "name")]
    parts.append(levels(y_axis, left, width - right, share=share))
    for tick in x_axis.ticks:
        parts.append(svg.label(x_axis.at(tick), height - bottom + 16, number(tick), "tick middle"))
    parts.append(svg.label((left + width - right) / 2, height - 5, along, "tick middle"))
    parts += [_path(line, x_axis, y_axis) for line in series]
    return svg.drawing(
        "".join(parts),
        width=width,
        height=height,
        key=key,
        title=title,
        description=_describe_curve(series, share, along),
    )


def bar(value: float, low: float, high: float) -> str:
    """A share as a bar with its interval, for a table cell that also writes the number."""
    middle = '<rect class="whisk" x="{:.1f}" y="5.2" width="{:.1f}" height="1.6"/>'
    return (
        '<svg class="bar" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" x="0" y="0" width="100" height="12"/>'
        f'<rect class="fill" x="0" y="0" width="{100 * value:.1f}" height="12"/>'
        f"{middle.format(100 * low, 100 * (high - low))}</svg>"
    )


def marker(place: int, of: int, x: float, y: float) -> str:
    """The mark of one model: the original a ring, the result a disc, those between with corners."""
    colour = model_colour(place, of)
    if place == 0:
        return f'<circle class="ring s-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4.2"/>'
    if place == of - 1:
        return f'<circle class="f-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if place % 2 else ""
    return f'<rect class="f-{colour}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"{turn}/>'


def model_colour(place: int, of: int) -> str:
    """The colour of the model at `place`: the last always has the same one.

    >>> [model_colour(i, 3) for i in range(3)], [model_colour(i, 2) for i in range(2)]
    (['model-0', 'model-1', 'model-2'], ['model-0', 'model-2'])
    """
    if place == 0:
        return "model-0"
    if place == of - 1:
        return "model-2"
    return f"model-{(1, 3, 4)[(place - 1) % 3]}"


def legend(models: Sequence[str], width: int, top: float) -> tuple[str, float]:
    """The models' marks and names, broken into lines where they do not fit; and where they end."""
    parts, x, y = [], 10.0, top + 10
    for place, name in enumerate(models):
        needed = 20 + 7.0 * len(name)
        if x > 10 and x + needed > width:
            x, y = 10.0, y + 20
        parts.append(marker(place, len(models), x, y) + svg.label(x + 11, y + 4, name, "row"))
        x += needed + 14
    return "".join(parts), y + 8


def levels(axis: Axis, left: float, right: float, *, share: bool) -> str:
    """The lines across a plot at an upright axis's ticks, their values before them."""
    parts = []
    for tick in axis.ticks:
        y = axis.at(tick)
        shown = f"{round(100 * tick)} %" if share else number(tick)
        parts.append(svg.line(left, y, right, y, "grid"))
        parts.append(svg.label(left - 7, y + 4, shown, "tick end"))
    return "".join(parts)


class _Layout(NamedTuple):
    left: float
    plot: Axis
    width: int
    narrow: bool
    lane: float
    """Height of one model's dot."""
    row: float
    """Height of one group."""

    @classmethod
    def of(cls, width: int, models: int) -> "_Layout":
        narrow, lane = width < 560, 11.0
        marks = (0.0, 0.25, 0.5, 0.75, 1.0)
        start, end = (16.0, width - 22.0) if narrow else (256.0, width - 172.0)
        row = lane * models + (40 if narrow else 14)
        return cls(4.0, Axis(0.0, 1.0, start, end, marks), width, narrow, lane, row)


def _groups(groups: Sequence[Group], layout: _Layout, top: float) -> tuple[str, float]:
    parts, y, section = [], top, None
    for group in groups:
        if group.section != section:
            y += 34 if section is None else 50
            parts.append(_section(group.section, groups, layout, y))
            y, section = y + 14, group.section
        parts.append(_group(group, layout, y))
        y += layout.row
    return "".join(parts), y


def _section(section: str, groups: Sequence[Group], layout: _Layout, y: float) -> str:
    count = sum(group.section == section for group in groups)
    bottom = y + 14 + count * layout.row
    parts = [svg.label(layout.left, y - 12, section, "name")]
    for tick in layout.plot.ticks:
        x = layout.plot.at(tick)
        shown = f"{round(100 * tick)} %"
        parts.append(svg.line(x, y + 12, x, bottom, "grid"))
        parts.append(svg.label(x, y + 8, shown, "tick middle"))
    return "".join(parts)


def _group(group: Group, layout: _Layout, y: float) -> str:
    first = y + (34 if layout.narrow else 9) + layout.lane / 2
    parts = [
        svg.line(layout.left, y, layout.width - layout.left, y, "rule"),
        _words(group, layout, y),
    ]
    if group.threshold is not None:
        x = layout.plot.at(group.threshold)
        top = y + layout.row - layout.lane * len(group.dots) - 8
        parts.append(svg.line(x, top, x, y + layout.row - 1, "limit"))
    for place, dot in enumerate(group.dots):
        if dot is not None:
            parts.append(_dot(dot, place, len(group.dots), layout, first + place * layout.lane))
    return f"<g>{''.join(parts)}</g>"


def _words(group: Group, layout: _Layout, y: float) -> str:
    """The group's name and the result's value: beside the plot, or above it where it is narrow."""
    result = group.dots[-1] if group.dots else None
    value = result.text if result else "not measured"
    n = f"n = {result.n}" if result else ""
    right = layout.width - layout.left
    if layout.narrow:
        name = svg.label(layout.left, y + 15, _short(group.label, 26), "row")
        below = svg.label(layout.left, y + 29, n, "tick")
        return name + below + svg.label(right, y + 15, value, "row end")
    middle = y + layout.row / 2 + 4
    name = svg.label(layout.left, middle, _short(group.label, 34), "row")
    value = svg.label(right, middle - 7, value, "row end")
    return name + value + svg.label(right, middle + 9, n, "tick end")


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _dot(dot: Dot, place: int, of: int, layout: _Layout, y: float) -> str:
    colour = model_colour(place, of)
    whisker = ""
    if dot.low is not None and dot.high is not None:
        low, high = layout.plot.at(dot.low), layout.plot.at(dot.high)
        whisker = f'<path class="whisker s-{colour}" d="M{low:.1f} {y:.1f}H{high:.1f}"/>'
    return whisker + marker(place, of, layout.plot.at(dot.value), y)


def _path(line: Series, x_axis: Axis, y_axis: Axis) -> str:
    if not line.points:
        return ""
    places = [(x_axis.at(x), y_axis.at(y)) for x, y in line.points]
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    strength = "strong" if line.strong else "faint"
    path = f'<path class="{strength} s-{line.colour}" d="M{steps}"/>'
    if not line.strong and len(places) > 1:
        return path
    dots = (
        f'<circle class="f-{line.colour}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in places
    )
    return path + "".join(dots)


def _describe(groups: Sequence[Group], models: Sequence[str]) -> str:
    result = models[-1] if models else ""
    found = [(g, g.dots[-1]) for g in groups if g.dots and g.dots[-1] is not None]
    values = "; ".join(f"{group.label} {dot.text}, n = {dot.n}" for group, dot in found if dot)
    return f"{result}: {values or 'not measured'}."


def _describe_curve(series: Iterable[Series], share: bool, along: str) -> str:
    said = []
    for line in series:
        if line.points:
            (first, begin), (last, end) = line.points[0], line.points[-1]
            start, stop = (f"{100 * v:.1f} %" if share else f"{v:.4g}" for v in (begin, end))
            said.append(f"{line.label}: {start} at {along} {first:g}, {stop} at {along} {last:g}")
    return "; ".join(said) or "Nothing was logged."
