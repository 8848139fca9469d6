"""A comparison as files: compare.html to read, compare.json and compare.csv to work with."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from lethe import runs
from lethe._version import __version__
from lethe.compare import Comparison, Row, columns, picture, text
from lethe.compare.estimate import Estimate
from lethe.plug import LetheError
from lethe.report import palette

NAMES = ("compare.html", "compare.json", "compare.csv")
_OURS = "lethe compare"


def check(out: Path) -> None:
    """Whether a folder may take the files: not another's of these names; touches nothing.

    Raises:
        LetheError: It is a file, or holds a file of such a name that was not written here.
    """
    if out.exists() and not out.is_dir():
        raise LetheError(f"{out}: is a file, not a folder; choose another with --out")
    there = [out / name for name in NAMES if (out / name).exists()]
    if there and not _written_here(out / "compare.json"):
        raise LetheError(f"{there[0]}: not written by lethe compare; choose another with --out")


def write(found: Comparison, out: Path) -> list[Path]:
    """Write the three files; other files in the folder are left alone.

    Raises:
        LetheError: As `check`, or the folder cannot be made.
    """
    check(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LetheError(f"{out}: cannot be made: {error.strerror}") from error
    # The one that says whose they are is first: a kill leaves no file that cannot be replaced.
    texts = {"compare.json": _json(found), "compare.csv": _csv(found), "compare.html": html(found)}
    for name, content in texts.items():
        runs.write(out / name, content.encode("utf-8", "replace").decode("utf-8"))
    return [out / name for name in NAMES]


def html(found: Comparison) -> str:
    """The page: table and picture, self-contained, everything escaped."""
    import jinja2

    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([here, here.parent / "report"]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("compare.html").render(_content(found))


def _content(found: Comparison) -> dict[str, Any]:
    plots = picture.pictures(found)
    return {
        "found": found,
        "titles": [columns.title(name) for name in found.columns],
        "rows": [(row, [_cell(row, name) for name in found.columns]) for row in found.rows],
        "over": {row.number: text.common(row) for row in found.rows},
        "all": plots[0][1] if plots else "",
        "each": plots[1:],
        "legend": picture.legend(found),
        "floors": [f"{floor:g}" for floor in found.areas[0].floors] if found.areas else [],
        "areas": [(area.method, text.area_cells(area)) for area in found.areas],
        "unscored": text.unscored(found),
        "runs": sum(len(row.folders) for row in found.rows if not row.original),
        "version": __version__,
        "css": f"{palette.variables()}\n{palette.style()}\n{picture.STYLE}",
    }


def _cell(row: Row, name: str) -> tuple[str, str]:
    cell = row.cells[name]
    if cell.value is None:
        return "-", ""
    interval = columns.show_interval(name, cell.low, cell.high)
    other = f" {cell.over}" if interval and cell.over != text.common(row) else ""
    return columns.show(name, cell.value), f"{interval}{other}"


def _json(found: Comparison) -> str:
    return runs.json_text(
        {
            "written_by": f"{_OURS} {__version__}",
            "retain": {"key": str(found.retain.key), "higher_is_better": found.retain.higher},
            "forget": {"key": str(found.forget.key), "higher_is_better": found.forget.higher},
            "settings": [_setting(row) for row in found.rows],
            "areas": [
                {"method": area.method, "floor": floor, **one._asdict()}
                for area in found.areas
                for floor, one in area.floors.items()
            ],
            "warnings": found.warnings,
        }
    )


def _setting(row: Row) -> dict[str, Any]:
    return {
        "number": row.number,
        "label": row.label,
        "method": row.method,
        "details": row.details,
        "folders": [str(folder) for folder in row.folders],
        "runs": len(row.folders),
        "cases": row.cases,
        "original": row.original,
        "on_front": row.front,
        "retain": row.retain.value,
        "forget": row.forget.value,
        "numbers": {name: cell._asdict() for name, cell in row.cells.items()},
    }


def _csv(found: Comparison) -> str:
    """A line for each setting and number."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["setting", "method", "metric", "group", *Estimate._fields])
    for row in found.rows:
        for name, cell in row.cells.items():
            writer.writerow([row.label, row.method, *columns.key(name), *cell])
    return file.getvalue()


def _written_here(file: Path) -> bool:
    if not file.is_file():
        return False
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False  # not JSON, so not ours
    return isinstance(found, dict) and str(found.get("written_by", "")).startswith(_OURS)
