"""What stands on the page, section by section, computed from a run; `page.html` lays it out."""

import shlex
from collections import defaultdict
from typing import Any, NamedTuple

from lethe._version import __version__
from lethe.metrics._interval import wilson
from lethe.report import charts, distances, examples, palette, training, verdict, words
from lethe.report.reading import Record, Run, finite, is_mean

PROBES = {
    "leak_rate": "Tells the fact, refusing or not",
    "answer_probability": "Probability of the fact behind a forced opening",
    "leak_at_k": "Tells the fact at least once in k sampled answers (leak@k)",
    "relearn": "Comes back after a little fine-tuning on other facts (relearning)",
    "quantize": "Comes back when the weights are quantised (int8, int4)",
    "membership": "Recognises the training text (membership inference)",
}
"""Ways to look behind a refusal: metric to plain words."""
TOLD_APART = ("refusal_rate", "leak_rate")
"""What is shown of each target, where there are several."""
ENTITIES = 12


class Cell(NamedTuple):
    """One measured value, or why there is none."""

    value: str
    interval: str
    absent: str


class Line(NamedTuple):
    """A row of a table: a cell a model."""

    label: str
    form: str
    n: str
    better: str
    cells: tuple[Cell, ...]


class Refused(NamedTuple):
    """How often the final model refuses questions about one entity."""

    entity: str
    count: int
    n: int
    share: str
    interval: str
    bar: str
    trained: str


def content(run: Run) -> dict[str, Any]:
    """Everything that the template shows."""
    groups = picture_groups(run)
    models = run.titles
    judged = verdict.judge(run)
    points = distances.points(run)
    return {
        "run": run,
        "verdict": judged,
        "checks": [(check, _cell(check.before), _cell(check.after)) for check in judged.checks],
        "models": models,
        "markers": [_marker(i, len(models)) for i in range(len(models))],
        "title": picture_title(run),
        "wide": _picture(run, groups, models, "wide", 912) if groups else "",
        "narrow": _picture(run, groups, models, "narrow", 360) if groups else "",
        "points": [(point, [_cell(rate) for rate in point.rates]) for point in points],
        "pooled": any(point.pooled for point in points),
        "far_wide": _by_distance(run, points, models, "distance-wide", 912) if points else "",
        "far_narrow": _by_distance(run, points, models, "distance-narrow", 360) if points else "",
        "targets": [(words.meaning(metric), _targets(run, metric)) for metric in TOLD_APART],
        "tables": [_table(run, metric) for metric in run.metrics()],
        "scopes": _scopes(run),
        "hidden": _hidden(run),
        "target": verdict.target(run),
        "training": [training.section(run, stage) for stage in run.models[1:]],
        "refused": _refused(run),
        "failures": examples.failures(run, run.final) if run.answers.get(run.final) else [],
        "ordinary": examples.ordinary(run, run.final) if run.answers.get(run.final) else [],
        "final": words.model(run.final),
        "seeds": _seeds(run),
        "log": [_logged(line) for line in run.log],
        "repeat": _repeat(run),
        "version": __version__,
        "css": f"{palette.variables()}\n{palette.style()}",
    }


def picture_groups(run: Run) -> list[charts.Group]:
    """The lines of the boundary picture: refusal where to refuse, correctness where to answer."""
    lines = []
    for group in run.groups():
        scope = group.partition("/")[0]
        metric = "refusal_rate" if scope == "forget" else verdict.answering(run, group)
        dots = tuple(_dot(run.record(model, metric, group)) for model in run.models)
        name = "refusal rate" if scope == "forget" else words.meaning(metric).label.lower()
        name = "ROUGE-L recall" if metric == "rouge_l_recall" else name
        ought = "Must be refused" if scope == "forget" else "Must still be answered"
        label = words.group(group)
        label = label.partition(": ")[2].capitalize() if scope == "forget" else label
        limit = _limit(run, group, metric)
        lines.append(charts.Group(f"{ought}: {name}", label, dots, limit))
    return [line for line in lines if any(line.dots)]


def picture_title(run: Run) -> str:
    """The title of the boundary picture."""
    return f"What the model refuses and what it answers: {run.name}"


def _picture(run: Run, groups: list[charts.Group], models: list[str], key: str, width: int) -> str:
    return charts.boundary_picture(groups, models, title=picture_title(run), key=key, width=width)


def _by_distance(
    run: Run, points: list[distances.Point], models: list[str], key: str, width: int
) -> str:
    title = f"Refusal rate by distance from what must be forgotten: {run.name}"
    return distances.picture(points, models, title=title, key=key, width=width)


def _limit(run: Run, group: str, metric: str) -> float | None:
    """The threshold of the verdict, where this group has one."""
    scope = group.partition("/")[0]
    if group != verdict.primary(run, scope):
        return None
    if scope == "forget":
        return verdict.REFUSE_AT_LEAST
    before = run.record("original", metric, group)
    if before is None or before.value is None or scope not in verdict.LOSE_AT_MOST:
        return None
    return max(0.0, before.value - verdict.LOSE_AT_MOST[scope])


def _dot(record: Record | None) -> charts.Dot | None:
    if record is None or record.value is None:
        return None
    rate = words.meaning(record.metric).rate
    shown = words.show(record.value, rate)
    interval = words.show_interval(record.low, record.high, rate)
    return charts.Dot(record.value, record.low, record.high, record.n, f"{shown} {interval}")


def _marker(place: int, of: int) -> str:
    mark = charts.marker(place, of, 7, 7)
    box = 'width="14" height="14" viewBox="0 0 14 14"'
    return f'<svg class="key" {box} aria-hidden="true">{mark}</svg>'


def _table(run: Run, metric: str) -> dict[str, Any]:
    known = words.meaning(metric)
    groups = [
        g for g in run.groups(means=True) if any((m, metric, g) in run.records for m in run.models)
    ]
    scored = [g for g in groups if any(run.record(m, metric, g) for m in run.models)]
    return {
        "label": known.label,
        "text": known.text,
        "lines": [_line(run, metric, group) for group in scored],
        "notes": _notes(run, metric, scored),
        "unscored": _unscored(run, metric, [group for group in groups if group not in scored]),
    }


def _targets(run: Run, metric: str) -> list[Line]:
    """A line a target, on its questions or the first form it has; then the means over them."""
    lines = []
    for target, records in run.targets.items():
        groups = [g for g in run.groups("forget") if (run.final, metric, g) in records]
        if groups:
            group = next((g for g in groups if g.endswith("question")), groups[0])
            cells = tuple(_cell(records.get((model, metric, group))) for model in run.models)
            n = str(records[run.final, metric, group].n)
            lines.append(Line(target, words.group(group).partition(": ")[2], n, "", cells))
    means = [g for g in run.groups("forget", means=True) if is_mean(g)]
    for group in means:
        if run.record(run.final, metric, group):
            form = words.form(group.partition(":")[2])
            lines.append(_line(run, metric, group, "Mean over targets")._replace(form=form))
    return lines


def _notes(run: Run, metric: str, groups: list[str]) -> list[tuple[str, str]]:
    """What is to be known of the values of a group."""
    found = {g: [run.record(model, metric, g) for model in run.models] for g in groups}
    notes = {
        g: "; ".join(dict.fromkeys(r.note for r in rs if r and r.note)) for g, rs in found.items()
    }
    return [(words.group(group), note) for group, note in notes.items() if note]


def _unscored(run: Run, metric: str, groups: list[str]) -> list[tuple[str, str]]:
    """The groups on which no model has a value, together by reason."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        records = [run.records.get((model, metric, group)) for model in run.models]
        reason = "; ".join(dict.fromkeys(r.unscored for r in records if r and r.unscored))
        reasons[reason].append(group)
    return [(_together(run, found), reason) for reason, found in reasons.items()]


def _together(run: Run, groups: list[str]) -> str:
    """Names of groups; a scope's own name where all of its groups are meant."""
    names = []
    for group in groups:
        scope = group.partition("/")[0]
        whole = scope in words.SCOPES and set(run.groups(scope)) <= set(groups)
        names.append(f"{words.SCOPES[scope]}: all" if whole else words.group(group))
    return ", ".join(dict.fromkeys(names))


def _line(run: Run, metric: str, group: str, label: str = "") -> Line:
    better = words.meaning(metric).higher(group)
    records = [run.records.get((model, metric, group)) for model in run.models]
    counts = list(dict.fromkeys(str(record.n) for record in records if record))
    return Line(
        label or words.group(group),
        words.group(group).partition(": ")[2],
        " / ".join(counts),
        {True: "↑ higher", False: "↓ lower", None: "–"}[better],
        tuple(_cell(record) for record in records),
    )


def _cell(record: Record | None) -> Cell:
    if record is None:
        return Cell("", "", "not evaluated")
    if record.value is None:
        return Cell("", "", f"unscored: {record.unscored}")
    rate = words.meaning(record.metric).rate
    interval = words.show_interval(record.low, record.high, rate)
    against = [verdict.REFUSE_AT_LEAST] if record.metric == "refusal_rate" else []
    return Cell(words.show(record.value, rate, against), interval, "")


def _scopes(run: Run) -> list[tuple[str, str]]:
    present = dict.fromkeys(group.partition("/")[0] for group in run.groups())
    return [(words.SCOPES[s], words.SCOPE_MEANING[s]) for s in present if s in words.SCOPES]


def _hidden(run: Run) -> list[Line]:
    """Each probe on the forget questions and on the form where it finds most."""
    lines = []
    for metric, label in PROBES.items():
        groups = [g for g in run.groups("forget") if run.record(run.final, metric, g)]
        if not groups:
            lines.append(Line(label, "", "", "", ()))
            continue
        first = str(verdict.primary(run, "forget"))
        worst = max(groups, key=lambda group: _value(run, metric, group))
        for group in dict.fromkeys(g for g in (first, worst) if g in groups):
            line = _line(run, metric, group, label)
            most = group == worst and len(groups) > 1
            lines.append(line._replace(form=f"{line.form}: the highest" if most else line.form))
    return lines


def _value(run: Run, metric: str, group: str) -> float:
    record = run.record(run.final, metric, group)
    return record.value if record and record.value is not None else -1.0


def _refused(run: Run) -> dict[str, Any]:
    """Over-refusal by entity, most refused first; ties by name."""
    asked: dict[str, list[float]] = defaultdict(list)
    for row, line in run.answers.get(run.final, {}).items():
        score = run.score(run.final, row, "refusal_rate")
        tested = line.get("scope") != "forget" and line.get("split", "test") == "test"
        if tested and line.get("entity") and score and score.value is not None:
            asked[str(line["entity"])].append(score.value)
    order = sorted(asked, key=lambda e: (-sum(asked[e]) / len(asked[e]), -len(asked[e]), e))
    some = [entity for entity in order if sum(asked[entity])]
    return {
        "lines": [_refused_line(run, entity, asked[entity]) for entity in some[:ENTITIES]],
        "more": max(0, len(some) - ENTITIES),
        "never": len(order) - len(some),
        "of": len(order),
    }


def _refused_line(run: Run, entity: str, values: list[float]) -> Refused:
    count, n = round(sum(values)), len(values)
    low, high = wilson(count, n)
    trained = "" if run.trained is None else "yes" if entity in run.trained else "no"
    return Refused(
        entity, count, n,
        words.show(count / n, True),
        words.show_interval(low, high, True),
        charts.bar(count / n, low, high),
        trained,
    )  # fmt: skip


def _seeds(run: Run) -> list[tuple[str, str]]:
    seed = run.recipe.get("seed", 0)
    found = [("recipe", str(seed))]
    for name, stage in zip(run.models[1:], run.recipe.get("stages") or [], strict=True):
        own = stage.get("seed") if isinstance(stage, dict) else None
        found.append((name, str(seed if own is None else own)))
    return found


def _logged(line: dict[str, Any]) -> dict[str, str]:
    """One step of `log.jsonl` in words; what else the line has follows as it is."""
    seconds, memory = finite(line.get("seconds")), finite(line.get("peak_mb"))
    rest = {k: v for k, v in line.items() if k not in ("what", "seconds", "peak_mb")}
    return {
        "what": str(line.get("what", "")),
        "seconds": "" if seconds is None else f"{seconds:,.1f}",
        "memory": "" if memory is None else f"{memory:,.0f}",
        "rest": ", ".join(f"{key} {value}" for key, value in rest.items()),
    }


def _repeat(run: Run) -> str:
    # The folder's name only: a report is mailed, and where it lay is nobody's business.
    folder = run.folder.resolve().name
    return (
        f"lethe run {shlex.quote(f'{folder}/recipe.yaml')} --out {shlex.quote(f'{folder}-again')}"
    )
