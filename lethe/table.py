"""The numbers of a run as a table in the terminal; reads summary records only."""

from collections.abc import Sequence
from typing import Any

from lethe.report import words

Records = Sequence[dict[str, Any]]

_KEY = {"forget": ("refusal_rate", "leak_rate"), None: ("accuracy",)}


def show(records: Records, *, key_only: bool = False, names: dict[str, str] | None = None) -> None:
    """Print groups x metrics against models: value, 95 % interval and number of rows.

    Args:
        records: As in eval/summary.json.
        key_only: Only what decides: refusals and leaks on forget rows, accuracy elsewhere.
        names: Column titles of models, in place of their plain names.
    """
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no width: lines are never folded.
        console = Console(highlight=False, width=200)
    console.print(build(records, key_only=key_only, names=names or {}))


def build(records: Records, *, key_only: bool, names: dict[str, str]) -> Any:
    """The table as a rich renderable."""
    from rich.table import Table
    from rich.text import Text

    models = list(dict.fromkeys(record["model"] for record in records))
    groups = list(dict.fromkeys(record["group"] for record in records))
    cells = {(r["group"], r["metric"], r["model"]): cell(r) for r in records}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("test rows")
    for model in models:
        table.add_column(Text(names.get(model, words.model(model))), justify="right")
    for group in groups:
        table.add_row(Text(words.group(group), style="bold"))
        for metric in _metrics(records, group, key_only):
            label = Text(f"  {words.meaning(metric).label.lower()}")
            row = [Text(cells.get((group, metric, model), "")) for model in models]
            table.add_row(label, *row)
    return table


def cell(record: dict[str, Any]) -> str:
    r"""One number with its evidence, or why there is none.

    >>> cell({"metric": "accuracy", "value": 0.95, "low": 0.9, "high": 0.981, "n": 40})
    '95.0\xa0% [90.0–98.1] n=40'
    >>> cell({"metric": "accuracy", "value": None, "unscored": "no reference"})
    'unscored: no reference'
    """
    if record["value"] is None:
        return f"unscored: {record['unscored']}"
    rate = words.meaning(record["metric"]).rate
    interval = words.show_interval(record["low"], record["high"], rate)
    return " ".join(filter(None, [words.show(record["value"], rate), interval, f"n={record['n']}"]))


def _metrics(records: Records, group: str, key_only: bool) -> list[str]:
    found = list(dict.fromkeys(r["metric"] for r in records if r["group"] == group))
    scope = group.partition("/")[0]
    key = [metric for metric in found if metric in _KEY.get(scope, _KEY[None])]
    return key if key_only and key else found
