"""From rows to records: one number with its interval for each group, one value for each row.

Rows are taken as given: leaving out all but the test split is the caller's.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from lethe import plug
from lethe.data import Answered
from lethe.metrics._interval import bootstrap, wilson
from lethe.plug import LetheError

SCOPES = ("forget", "boundary", "retain", "utility")
FORMS = ("question", "cloze", "reverse")


def summarise(rows: Sequence[Answered], model: str, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Every metric on every group of rows, with a 95 % interval.

    Args:
        rows: what one model made of the rows.
        model: its name in the records.
        metrics: names, as in a recipe.

    Returns:
        Records `{"model", "metric", "group", "value", "low", "high", "n", "unscored"}`, by metric
        as given, then by group: "<scope>/<form>" in the order of `SCOPES` and `FORMS`, then
        adversarial forms and the rest by name. `n` counts the rows that have a value. Where none
        has, value, low and high are None and `unscored` is the reason.

    Raises:
        LetheError: No such metric, or one that does not give one value for each row.
    """
    groups: dict[str, list[Answered]] = {}
    for row in sorted(rows, key=_order):
        groups.setdefault(f"{row.scope}/{row.form}", []).append(row)
    return [
        {"model": model, "metric": plug.label(name), "group": group, **_total(name, members)}
        for name in metrics
        for group, members in groups.items()
    ]


def scores(rows: Sequence[Answered], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Every metric on every row, with its reason.

    Returns:
        Records `{"id", "metric", "value", "why"}`, row by row in the order given. A row without a
        value has None and why; a metric that has no `evidence` leaves why None.

    Raises:
        LetheError: As `summarise`.
    """
    by_metric = [(name, _values(name, rows), _evidence(name, rows)) for name in metrics]
    return [
        {
            "id": row.id,
            "metric": plug.label(name),
            "value": values[i],
            "why": _unscored(name) if values[i] is None else reasons[i],
        }
        for i, row in enumerate(rows)
        for name, values, reasons in by_metric
    ]


def _order(row: Answered) -> tuple[int, int, str]:
    if row.form in FORMS:
        rank = FORMS.index(row.form)
    else:
        rank = len(FORMS) + (not row.form.startswith("adversarial:"))
    return SCOPES.index(row.scope), rank, row.form


def _total(name: str, rows: list[Answered]) -> dict[str, Any]:
    values = [value for value in _values(name, rows) if value is not None]
    n = len(values)
    if not values:
        return {"value": None, "low": None, "high": None, "n": 0, "unscored": _unscored(name)}
    rate = _module(name).get("KIND") == "rate"
    low, high = wilson(sum(values), n) if rate else bootstrap(values)
    return {"value": sum(values) / n, "low": low, "high": high, "n": n, "unscored": None}


def _values(name: str, rows: Sequence[Answered]) -> list[float | None]:
    values = plug.function("metric", name)(rows)
    if len(values) != len(rows):
        raise LetheError(f"metric {name}: gave {len(values)} values for {len(rows)} rows")
    return values


def _evidence(name: str, rows: Sequence[Answered]) -> Sequence[str | None]:
    evidence = _module(name).get("evidence")
    return evidence(rows) if evidence else [None] * len(rows)


def _unscored(name: str) -> str:
    return _module(name).get("UNSCORED", f"{plug.label(name)} gave no value")


def _module(name: str) -> dict[str, Any]:
    """What a metric's file states; a user's own file may leave out all but the function."""
    module: ModuleType = plug.resolve("metric", name)
    return vars(module)
