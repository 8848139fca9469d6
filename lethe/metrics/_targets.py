"""Where several targets must be forgotten: each by itself, and the mean over them.

A number of pooled rows hides a target that is told behind others that are not, and weighs targets
by their rows; RWKU's tables average over targets. Rows of a target are those with its `subject`.
"""

from collections.abc import Sequence
from typing import Any

from lethe import plug
from lethe.data import Answered
from lethe.metrics._interval import of_mean, student
from lethe.metrics._measure import measure
from lethe.metrics._summary import Wanted, summarise

MEAN = "by target"
"""What the form of a mean over targets begins with: `forget/by target:question`."""


def by_target(rows: Sequence[Answered], model: str, metrics: Wanted) -> list[dict[str, Any]]:
    """Every metric that scores rows, on the rows of each target.

    Args:
        rows: What one model made of the rows.
        model: Its name in the records.
        metrics: As `summarise`.

    Returns:
        Records as `summarise` gives, each with `target`, of groups that have rows; none where there
        is only one target.
    """
    parts: dict[str, list[Answered]] = {}
    for row in rows:
        if row.subject is not None:
            parts.setdefault(row.subject, []).append(row)
    if len(parts) < 2:
        return []
    alone = [one for one in map(measure, metrics) if not one.average and not _whole(one.metric)]
    return [
        {"target": target, **record}
        for target, part in parts.items()
        for record in summarise(part, model, alone)
        if record["value"] is not None
    ]


def means(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over targets of each number that at least two have.

    Args:
        found: From `by_target`.

    Returns:
        Records of groups `<scope>/by target:<form>`: `n` counts targets, and the 95 % interval is
        at each end the wider of two: Student's over the targets, and that of their own intervals
        (half the root of the squares of theirs, by their number), for targets may agree by chance;
        of a rate it is cut off at 0 and 1.
    """
    same: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for record in found:
        key = (record["model"], record["metric"], record["group"])
        same.setdefault(key, []).append(record)
    return [_mean(*key, records) for key, records in same.items() if len(records) > 1]


def _mean(model: str, metric: str, group: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    scope, _, form = group.partition("/")
    values = [record["value"] for record in records]
    ends = (student(values), of_mean([_ends(record) for record in records]))
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if _kind(metric) == "rate":
        low, high = max(0.0, low), min(1.0, high)
    return {
        "model": model,
        "metric": metric,
        "group": f"{scope}/{MEAN}" + (f":{form}" if form else ""),
        "value": sum(values) / len(values),
        "low": low,
        "high": high,
        "n": len(values),
        "unscored": None,
        "note": f"mean over {len(values)} targets",
    }


def _ends(record: dict[str, Any]) -> tuple[float, float, float]:
    """A value and its interval, of no width where it has none."""
    value = record["value"]
    low, high = (value if record.get(end) is None else record[end] for end in ("low", "high"))
    return value, low, high


def _whole(metric: str) -> bool:
    return vars(plug.resolve("metric", metric)).get("KIND") == "whole"


def _kind(metric: str) -> str | None:
    """A built-in metric's kind; of a user's own file only its label is in a record."""
    known = metric in plug.names("metric")
    return vars(plug.resolve("metric", metric)).get("KIND") if known else None
