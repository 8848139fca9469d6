"""The numbers of a run as a table in the terminal; reads summary records only."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from lethe.report import words

Records = Sequence[dict[str, Any]]

_KEY = {"forget": ("refusal_rate", "leak_rate", "relearn"), "": ("accuracy",)}
_WIDEST_TITLE = 20


def show(records: Records, *, key_only: bool = False, names: dict[str, str] | None = None) -> None:
    """Print groups x metrics against models: value, 95 % interval and number of rows.

    Args:
        records: As in eval/summary.json.
        key_only: Only what decides: refusals, leaks and relearning on forget rows, accuracy
            elsewhere.
        names: Column titles of models, in place of their plain names.
    """
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for line, title in lines(records, key_only=key_only, names=names or {}):
        console.print(line, style="bold" if title else None, markup=False)


def lines(records: Records, *, key_only: bool, names: dict[str, str]) -> Iterator[tuple[str, bool]]:
    """The table's lines, and whether each is a title."""
    models = list(dict.fromkeys(record["model"] for record in records))
    found = {(r["group"], r["metric"], r["model"]): r for r in records}
    titles = [textwrap.wrap(names.get(m, words.model(m)), _WIDEST_TITLE) for m in models]
    body: list[list[str]] = []
    for group in dict.fromkeys(record["group"] for record in records):
        metrics = _metrics(records, group, key_only)
        rows = [[found.get((group, metric, model)) for model in models] for metric in metrics]
        scored = [r for row in rows for r in row if r and r["value"] is not None]
        counts = {record["n"] for record in scored}
        # One number of rows for all is said once; else every cell says its own.
        body.append([words.group(group) + (f", n={counts.pop()}" if len(counts) == 1 else "")])
        for metric, row in zip(metrics, rows, strict=True):
            shown = [cell(record, bool(counts)) if record else "" for record in row]
            body.append([f"  {words.meaning(metric).label}", *shown])
    heads = _heads(titles)
    widths = [max((len(row[i]) for row in heads + body if len(row) > 1), default=0)
              for i in range(len(models) + 1)]  # fmt: skip
    for row in heads:
        yield _line(row, widths), True
    for row in body:
        yield (row[0], True) if len(row) == 1 else (_line(row, widths), False)


def cell(record: dict[str, Any], with_count: bool = True) -> str:
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
    count = f"n={record['n']}" if with_count else ""
    note = f"({record['note']})" if record.get("note") else ""
    return " ".join(filter(None, [words.show(record["value"], rate), interval, count, note]))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines: the first cell to the left, the others to the right.

    >>> aligned([["", "a"], ["one", "10"]])
    ['      a', 'one  10']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_line(list(row), widths) for row in rows]


def _heads(titles: list[list[str]]) -> list[list[str]]:
    height = max(map(len, titles), default=0)
    padded = [[""] * (height - len(title)) + title for title in titles]
    return [["", *row] for row in zip(*padded, strict=True)]


def _line(row: list[str], widths: list[int]) -> str:
    first, *rest = widths
    cells = [text.rjust(width) for text, width in zip(row[1:], rest, strict=True)]
    return "  ".join([row[0].ljust(first), *cells]).rstrip()


def _metrics(records: Records, group: str, key_only: bool) -> list[str]:
    found = list(dict.fromkeys(r["metric"] for r in records if r["group"] == group))
    key = [metric for metric in found if metric in _KEY.get(group.partition("/")[0], _KEY[""])]
    return key if key_only and key else found
