"""A comparison in the terminal: three lines a setting, so that twelve columns fit."""

import textwrap
from collections.abc import Iterator, Sequence

from lethe.compare import Area, Comparison, Row, columns
from lethe.compare.estimate import Estimate

_WIDEST = 12


def show(found: Comparison) -> None:
    """Print a comparison."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for line, title in lines(found):
        console.print(line, style="bold" if title else None, markup=False)


def lines(found: Comparison) -> Iterator[tuple[str, bool]]:
    """The lines, and whether each is a title.

    A setting is its name, its values, and below each its 95 % interval.
    """
    heads = [_head(name) for name in found.columns]
    bodies = [_cells(row, found.columns) for row in found.rows]
    widths = [
        max(len(text) for text in [*head, *(part for body in bodies for part in body[i])])
        for i, head in enumerate(heads)
    ]
    height = max(map(len, heads))
    for level in range(height):
        parts = [("", *[""] * (height - len(head)), *head)[level + 1] for head in heads]
        yield _line(parts, widths), True
    for row, body in zip(found.rows, bodies, strict=True):
        yield name(row), True
        for part in (0, 1):
            yield _line([cell[part] for cell in body], widths), False
    yield "", False
    yield from ((line, False) for line in _areas(found))
    yield from ((line, False) for line in notes(found))


def name(row: Row) -> str:
    """A setting's number, name and what it rests on."""
    mark = " *" if row.front else ""
    over = common(row)
    interval = f", 95 % over {over}" if over else ""
    counts = [_count(len(row.folders), "run"), _count(row.cases, "case")]
    return f"{row.number}{mark}  {row.label}  ({', '.join(counts)}{interval})"


def common(row: Row) -> str:
    """What most of a row's intervals are taken over."""
    over = [cell.over for cell in row.cells.values() if cell.over]
    return max(dict.fromkeys(over), key=over.count, default="")


def notes(found: Comparison) -> list[str]:
    """What stands below the table: the signs, what has no value and why, the warnings."""
    said = [
        f"* on the Pareto front of {found.retain.title} and {found.forget.title}",
        "Shares in per cent; n, test rows a case: " + _items(found),
        "Intervals cover the luck of what they are taken over and nothing else: of few cases or "
        "seeds they are wide,",
        "and where all agree they have no width, which is not certainty.",
        *(f"-  {line}" for line in unscored(found)),
        *(f"warning: {line}" for line in found.warnings),
    ]
    return said


def unscored(found: Comparison) -> list[str]:
    """Why cells of the table have no value; rows with the same reason together."""
    why: dict[tuple[str, str], list[str]] = {}
    for row in found.rows:
        for column in found.columns:
            cell = row.cells[column]
            if cell.value is None:
                why.setdefault((column, cell.unscored or ""), []).append(str(row.number))
    return [
        f"{columns.title(column)}, row {', '.join(rows)}: {reason}"
        for (column, reason), rows in why.items()
    ]


def _head(name: str) -> list[str]:
    """A column's title in short lines, in the words that METRIC:GROUP takes.

    >>> _head("refusal_rate:forget/question")
    ['forget', 'question', 'refusal rate']
    """
    if name in (columns.BOTH, columns.SECONDS):
        return textwrap.wrap(columns.title(name).lower(), _WIDEST)
    metric, group = columns.key(name)
    scope, _, form = group.partition("/")
    return [scope, *textwrap.wrap(form, _WIDEST), *textwrap.wrap(metric.replace("_", " "), _WIDEST)]


def _cells(row: Row, names: Sequence[str]) -> list[tuple[str, str]]:
    usual = common(row)
    return [_cell(name, row.cells[name], usual) for name in names]


def _cell(name: str, cell: Estimate, usual: str) -> tuple[str, str]:
    if cell.value is None:
        return "-", ""
    interval = columns.show_interval(name, cell.low, cell.high)
    # A cell whose interval covers something else than its neighbours' says so.
    other = f" {cell.over}" if interval and cell.over != usual else ""
    return columns.show(name, cell.value), f"{interval}{other}"


def _items(found: Comparison) -> str:
    """Numbers of test rows by column; a range where runs differ."""
    said = []
    for column in found.columns:
        cells = [row.cells[column] for row in found.rows]
        each = sorted({round(cell.items / cell.cases) for cell in cells if cell.items})
        if each and column != columns.BOTH:
            counts = f"{each[0]}" if len(each) == 1 else f"{each[0]}–{each[-1]}"
            said.append(f"{columns.key(column).group} {counts}")
    return ", ".join(dict.fromkeys(said))


def _areas(found: Comparison) -> Iterator[str]:
    if not found.areas:
        return
    yield (
        f"Area above a retain floor: {found.retain.title} at least the floor, times "
        f"{found.forget.title}; 1 - floor at most"
    )
    floors = list(found.areas[0].floors)
    rows = [
        ["floor", *(f"{floor:g}" for floor in floors)],
        *([area.method, *area_cells(area)] for area in found.areas),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(floors) + 1)]
    for row in rows:
        cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *cells]).rstrip()
    yield ""


def area_cells(area: Area) -> list[str]:
    """A method's areas with their intervals, floor by floor."""
    cells = []
    for one in area.floors.values():
        if one.value is None:
            cells.append("-")
        elif one.low is None or one.high is None:
            cells.append(f"{one.value:.3f}")
        else:
            cells.append(f"{one.value:.3f} [{one.low:.3f}–{one.high:.3f}]")
    return cells


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text.rjust(width) for text, width in zip(cells, widths, strict=True))
    return "  ".join(["", *padded]).rstrip()


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
