"""From rows to records: one number with its interval for each group, one value for each row.

Rows are taken as given: leaving out all but the test split is the caller's.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from lethe import plug
from lethe.data import Answered
from lethe.metrics._interval import bootstrap, of_mean, wilson
from lethe.metrics._measure import Measure, Total, measure
from lethe.plug import LetheError

SCOPES = ("forget", "boundary", "retain", "utility")
FORMS = ("question", "cloze", "reverse")
ALL = "all"
"""The group of a number of all rows."""
EMPTY = "no rows of this group"
UNHEARD = "nothing was generated for these rows, only likelihoods were taken"

Wanted = Sequence[str | Measure]
Reference = Sequence[Answered] | None


def summarise(
    rows: Sequence[Answered], model: str, metrics: Wanted, reference: Reference = None
) -> list[dict[str, Any]]:
    """Every metric on every group of rows that it is meant for, with a 95 % interval.

    Args:
        rows: what one model made of the rows.
        model: its name in the records.
        metrics: names, as in a recipe, or a benchmark's measures.
        reference: what the retain model made of the same rows, if there is one.

    Returns:
        Records `{"model", "metric", "group", "value", "low", "high", "n", "unscored"}`, by metric
        as given, then by group: "<scope>/<form>" in the order of `SCOPES` and `FORMS`, then
        adversarial forms and the rest by name. `n` counts the rows that have a value. Where none
        has, value, low and high are None and `unscored` is the reason; a group that a measure
        names, not by a pattern, is there without any rows too. `note` is there where a reader
        must know more.

    Raises:
        LetheError: No such metric, or one that does not give one value for each row.
    """
    groups = _groups(rows)
    records: list[dict[str, Any]] = []
    for wanted in map(measure, metrics):
        if wanted.average:
            found = {str(wanted.pooled): _average(wanted, records)}
        else:
            parts = _parts(wanted, groups)
            found = {group: _total(wanted.metric, part, reference) for group, part in parts.items()}
        records += [
            {
                "model": model,
                "metric": plug.label(wanted.metric),
                "group": group,
                "value": total.value,
                "low": total.low,
                "high": total.high,
                "n": total.n,
                "unscored": total.unscored,
                **({"note": total.note} if total.note else {}),
            }
            for group, total in found.items()
        ]
    return records


def scores(rows: Sequence[Answered], metrics: Wanted) -> list[dict[str, Any]]:
    """Every metric on every row that it is meant for, with its reason.

    Returns:
        Records `{"id", "metric", "value", "extracted", "why"}`, row by row in the order given. A
        row without a value has None and why; a metric that has no `evidence` leaves why None;
        `extracted` is the part of the completion that was scored, or the text of several that was
        taken, where a metric does so.
        Metrics of all rows at once (`KIND = "whole"`) have no record here.

    Raises:
        LetheError: As `summarise`.
    """
    found: dict[str, list[dict[str, Any]]] = {row.id: [] for row in rows}
    groups = _groups(rows)
    for name, members in _scored(metrics, groups).items():
        columns = (_values(name, members), *(_said(name, members, k) for k in _SAYINGS))
        lacking = _unscored(name, members)
        for row, value, why, extracted, none in zip(members, *columns, lacking, strict=True):
            why = none if value is None else why
            record = {"metric": plug.label(name), "value": value, "extracted": extracted}
            found[row.id].append({"id": row.id, **record, "why": why})
    return [record for row in rows for record in found[row.id]]


_SAYINGS = ("evidence", "extracted")


def _scored(metrics: Wanted, groups: dict[str, list[Answered]]) -> dict[str, list[Answered]]:
    """The rows of each metric that scores rows, each once."""
    found: dict[str, dict[str, Answered]] = {}
    for wanted in map(measure, metrics):
        if not wanted.average and _module(wanted.metric).get("KIND") != "whole":
            rows = found.setdefault(wanted.metric, {})
            for part in _parts(wanted, groups).values():
                rows |= {row.id: row for row in part}
    return {name: list(rows.values()) for name, rows in found.items()}


def _groups(rows: Sequence[Answered]) -> dict[str, list[Answered]]:
    groups: dict[str, list[Answered]] = {}
    for row in rows:
        groups.setdefault(f"{row.scope}/{row.form}", []).append(row)
    return {name: groups[name] for name in sorted(groups, key=_order)}


def _parts(wanted: Measure, groups: dict[str, list[Answered]]) -> dict[str, list[Answered]]:
    """The groups of rows that a measure is taken of, by the name they have in the records.

    A group that is named has its place without any rows too; a pattern may match nothing.
    """
    meant = {
        name: rows
        for name, rows in groups.items()
        if any(fnmatchcase(name, pattern) for pattern in wanted.groups)
    }
    if wanted.pooled or _module(wanted.metric).get("KIND") == "whole":
        return {wanted.pooled or ALL: [row for part in meant.values() for row in part]}
    named = [name for name in wanted.groups if not set("*?[") & set(name)]
    return {name: meant.get(name, []) for name in sorted({*named, *meant}, key=_order)}


def _order(group: str) -> tuple[int, int, str]:
    scope, _, form = group.partition("/")
    if form in FORMS:
        rank = FORMS.index(form)
    else:
        rank = len(FORMS) + (not form.startswith("adversarial:"))
    return SCOPES.index(scope) if scope in SCOPES else len(SCOPES), rank, group


def _total(name: str, rows: list[Answered], reference: Reference) -> Total:
    if _module(name).get("KIND") == "whole":
        return plug.function("metric", name)(rows, reference)
    if not rows:
        return Total(None, unscored=EMPTY)
    values = [value for value in _values(name, rows) if value is not None]
    n = len(values)
    if not values:
        return Total(None, unscored=Counter(_unscored(name, rows)).most_common(1)[0][0])
    rate = _module(name).get("KIND") == "rate"
    low, high = wilson(sum(values), n) if rate else bootstrap(values)
    return Total(sum(values) / n, n, low, high)


def _average(wanted: Measure, records: list[dict[str, Any]]) -> Total:
    """The unweighted mean of records, half its interval the root of the squares of theirs."""
    label = plug.label(wanted.metric)
    known = {r["group"]: r for r in records if r["metric"] == label}
    parts = [known.get(group) for group in wanted.groups]
    found = [part for part in parts if part and part["value"] is not None]
    if len(found) < len(parts):
        lacking = [g for g, part in zip(wanted.groups, parts, strict=True) if part not in found]
        return Total(None, unscored=f"no value for {', '.join(lacking)}")
    value, n = sum(p["value"] for p in found) / len(found), sum(p["n"] for p in found)
    return Total(value, n, *of_mean([(p["value"], p["low"], p["high"]) for p in found]))


def _values(name: str, rows: Sequence[Answered]) -> list[float | None]:
    return _of_heard(name, rows, plug.function("metric", name))


def _said(name: str, rows: Sequence[Answered], what: str) -> Sequence[str | None]:
    said = _module(name).get(what)
    return _of_heard(name, rows, said) if said else [None] * len(rows)


def _of_heard(name: str, rows: Sequence[Answered], function: Callable[..., Any]) -> list[Any]:
    """What a metric's function gives for each row; None where it reads what was never said."""
    heard = [i for i, row in enumerate(rows) if not _silent(name, row)]
    found = function([rows[i] for i in heard])
    if len(found) != len(heard):
        raise LetheError(f"metric {name}: gave {len(found)} values for {len(heard)} rows")
    values: list[Any] = [None] * len(rows)
    for i, value in zip(heard, found, strict=True):
        values[i] = value
    return values


def _silent(name: str, row: Answered) -> bool:
    """Whether nothing was generated for a row, and the metric reads completions."""
    return not row.generates and _module(name).get("READS") != "likelihoods"


def _unscored(name: str, rows: Sequence[Answered]) -> Sequence[str]:
    """Why each row would have no value."""
    own = _module(name).get("unscored")
    plain = _module(name).get("UNSCORED", f"{plug.label(name)} gave no value")
    reasons = own(rows) if own else [plain] * len(rows)
    pairs = zip(rows, reasons, strict=True)
    return [UNHEARD if _silent(name, row) else reason for row, reason in pairs]


def _module(name: str) -> dict[str, Any]:
    """What a metric's file states; a user's own file may leave out all but the function."""
    module: ModuleType = plug.resolve("metric", name)
    return vars(module)
