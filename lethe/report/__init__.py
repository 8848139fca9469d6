"""The report: one self-contained HTML page that says what a run did, and what that does not show.

Reads a run folder and nothing else. The page needs no network, no JavaScript and no other file, so
it can be mailed; model outputs are hostile text and are escaped everywhere.
"""

from pathlib import Path

from lethe import runs
from lethe.report import charts, page, reading
from lethe.report.verdict import Verdict, judge

__all__ = ["Verdict", "judge", "write", "write_picture"]


def write(run: Path) -> Path:
    """Write `report.html` into a run folder; a run stopped half-way gets one that says so.

    Returns:
        The page's path. The old page stays whole until the new one is.

    Raises:
        LetheError: Not a run folder, or one of its files is malformed.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("page.html").render(page.content(reading.read(Path(run))))
    out = runs.Run(Path(run)).report
    runs.write(out, _encodable(html))
    return out


def write_picture(run: Path, out: Path) -> Path:
    """Write the boundary picture of a run as an SVG file of its own, for a README or a slide.

    Raises:
        LetheError: Not a run folder, one of its files is malformed, or nothing was evaluated yet.
    """
    found = reading.read(Path(run))
    groups = page.picture_groups(found)
    if not groups:
        raise runs.LetheError(f"{run}: nothing to draw: eval/summary.json has no values yet")
    svg = charts.boundary_picture(
        groups,
        found.titles,
        title=page.picture_title(found),
        standalone=True,
    )
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    runs.write(Path(out), svg + "\n")
    return Path(out)


def _encodable(text: str) -> str:
    """Without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")
