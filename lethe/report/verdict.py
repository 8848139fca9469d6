"""Did it work? One sentence and four checks, computed from the summary, thresholds stated.

The thresholds are our choice: the paper states none. They compare point estimates; the intervals
stand beside them.
"""

from typing import NamedTuple

from lethe.report import words
from lethe.report.reading import EARLIER, Record, Run, is_earlier

REFUSE_AT_LEAST = 0.95
LOSE_AT_MOST = {"boundary": 0.05, "retain": 0.03, "utility": 0.02}
KNOW_AT_LEAST = 0.97
LEAK_AT_MOST = 0.05
ANSWERING = ("accuracy", "rouge_l_recall")
"""What says that a question is still answered; the first one that was measured."""


class Check(NamedTuple):
    """One threshold and what was measured against it; "" where nothing was."""

    what: str
    threshold: str
    n: str = ""
    before: Record | None = None
    after: Record | None = None
    change: str = ""
    met: bool | None = None
    """None: not measured."""
    note: str = ""


class Verdict(NamedTuple):
    """The head of the report."""

    state: str
    """works | falls short | incomplete"""
    lead: str
    sentence: str
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def judge(run: Run) -> Verdict:
    """Hold the final model against the thresholds."""
    earlier = [_refusal(run, group) for group in [_earlier(run)] if group]
    checks = (
        _refusal(run, primary(run, "forget")),
        *earlier,
        *(_answering(run, scope) for scope in LOSE_AT_MOST),
    )
    state = _state(run, checks)
    told = _still_told(run)
    lead = _lead(state, checks, bool(told))
    return Verdict(state, lead, _sentence(run), checks, (*told, *_weak(run), *_last_alone(run)))


def primary(run: Run, scope: str) -> str | None:
    """The group that stands for a scope: its questions, else the first it has, of those scored."""
    scored = {r.group for r in run.records.values() if r.value is not None}
    groups = [g for g in run.groups(scope) if not g.startswith(f"forget/{EARLIER}")]
    groups = [group for group in groups if group in scored] or groups
    return next((g for g in groups if g.endswith("/question")), groups[0] if groups else None)


def answering(run: Run, group: str) -> str:
    """The metric that says whether a group's questions are still answered."""
    measured = (m for m in ANSWERING if any(run.record(model, m, group) for model in run.models))
    return next(measured, ANSWERING[0])


def target(run: Run) -> str:
    """What was to be forgotten, in words."""
    return _named(run, earlier=False) or "what it must forget"


def _named(run: Run, earlier: bool) -> str:
    """The targets of this run, or of those before it; "" if no row says them."""
    rows = [row for answers in run.answers.values() for row in answers.values()]
    rows = [r for r in rows if r.get("scope") == "forget" and is_earlier(r) == earlier]
    subjects = sorted({str(r["subject"]) for r in rows} - {"None"})
    if not subjects:
        return ""
    if len(subjects) > 3:
        return f"{len(subjects)} {'earlier ' if earlier else ''}subjects"
    return " and ".join(filter(None, [", ".join(subjects[:-1]), subjects[-1]]))


def _earlier(run: Run) -> str | None:
    """The group that stands for the targets of the runs before: its questions, if it has some."""
    groups = [g for g in run.groups("forget") if g.startswith(f"forget/{EARLIER}")]
    return next((g for g in groups if g.endswith(":question")), groups[0] if groups else None)


def _refusal(run: Run, group: str | None) -> Check:
    what = f"Refuses forget {_form(group)}"
    threshold = f"at least {_percent(REFUSE_AT_LEAST)}"
    now = run.record(run.final, "refusal_rate", group) if group else None
    before = run.record("original", "refusal_rate", group) if group else None
    if now is None or now.value is None:
        return Check(what, threshold)
    spans = now.low is not None and now.high is not None and now.low < REFUSE_AT_LEAST <= now.high
    change = now.value - before.value if before and before.value is not None else None
    return Check(
        what,
        threshold,
        str(now.n),
        before,
        now,
        "" if change is None else words.show_points(change),
        words.at_least(now.value, REFUSE_AT_LEAST),
        "interval spans it" if spans else "",
    )


def _answering(run: Run, scope: str) -> Check:
    group, loss = primary(run, scope), LOSE_AT_MOST[scope]
    metric = answering(run, group) if group else ANSWERING[0]
    name = words.meaning(metric).label
    name = name if metric.startswith("rouge") else name.lower()
    what = f"Keeps {name} on {scope} {_form(group)}"
    threshold = f"−{words.number(100 * loss)} points at most"
    now = run.record(run.final, metric, group) if group else None
    before = run.record("original", metric, group) if group else None
    if now is None or before is None or now.value is None or before.value is None:
        return Check(what, threshold)
    change = now.value - before.value
    met = words.at_least(change, -loss)
    shown = words.show_points(change, [-loss])
    return Check(what, threshold, str(now.n), before, now, shown, met)


def _state(run: Run, checks: tuple[Check, ...]) -> str:
    if run.final == "original" or all(check.met is None for check in checks):
        return "incomplete"
    if any(check.met is False for check in checks):
        return "falls short"
    return "works" if all(check.met for check in checks) else "incomplete"


def _lead(state: str, checks: tuple[Check, ...], leaky: bool) -> str:
    measured = [check for check in checks if check.met is not None]
    missed = [check for check in checks if check.met is False]
    if state == "works" and leaky:
        return f"All {len(checks)} thresholds are met, but some ways of asking still get it told."
    if state == "works":
        return f"Works: all {len(checks)} thresholds are met."
    if state == "falls short":
        return f"Falls short: {len(missed)} of {len(measured)} thresholds missed."
    if measured:
        return f"No verdict: {len(checks) - len(measured)} of {len(checks)} checks not measured."
    return "No verdict."


def _sentence(run: Run) -> str:
    if run.final == "original":
        return "This run has no unlearning stage; these are the original model's numbers."
    parts = [part for part in (_refuses(run), _still_refuses(run), _answers(run)) if part]
    if not parts:
        return f"The model {words.model(run.final)} has not been evaluated."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _refuses(run: Run) -> str:
    group = primary(run, "forget")
    record = run.record(run.final, "refusal_rate", group) if group else None
    if record is None:
        return ""
    asked = f"{record.n} unseen {_form(group)} about {target(run)}"
    return f"refuses {_shown(record, [REFUSE_AT_LEAST])} of {asked}"


def _still_refuses(run: Run) -> str:
    group = _earlier(run)
    record = run.record(run.final, "refusal_rate", group) if group else None
    if record is None:
        return ""
    whom = _named(run, earlier=True)
    return f"still refuses {_shown(record, [REFUSE_AT_LEAST])} of {record.n} about {whom}"


def _answers(run: Run) -> str:
    group = primary(run, "boundary")
    metric = answering(run, group) if group else ""
    now = run.record(run.final, metric, group) if group else None
    if now is None:
        return ""
    before = run.record("original", metric, str(group))
    was = f" (before: {_value(before)})" if before else " (before: not measured)"
    rate = words.meaning(metric).rate
    verb, preposition = ("correctly answers", "of") if rate else ("has a ROUGE-L recall of", "on")
    asked = f"{now.n} {_form(group)} about {_neighbours(run, str(group))}"
    return f"{verb} {_shown(now)} {preposition} {asked}{was}"


def _neighbours(run: Run, group: str) -> str:
    rows = run.answers.get(run.final, {}).values()
    about = [row.get("entity") for row in rows if _tests(row, group)]
    if run.trained is None or not about or None in about:
        return "its neighbours"
    new = sum(entity not in run.trained for entity in about)
    if new == len(about):
        return "neighbours that unlearning never trained on"
    return f"its neighbours ({new} of them about some that unlearning never trained on)"


def _tests(row: dict, group: str) -> bool:
    return f"{row.get('scope')}/{row.get('form')}" == group and row.get("split") == "test"


def _still_told(run: Run) -> list[str]:
    """The ways of asking that still get the facts out: thresholds met on questions hide them."""
    if run.final == "original":
        return []
    groups = (run.record(run.final, "leak_rate", group) for group in run.groups("forget"))
    leaky = [r for r in groups if r and r.value is not None and r.value > LEAK_AT_MOST]
    told = [f"{_form(r.group)} {_shown(r, [LEAK_AT_MOST])} of {r.n}" for r in leaky]
    return (
        [f"It still tells what must be forgotten. Leak rate on {', '.join(told)}."] if told else []
    )


def _weak(run: Run) -> list[str]:
    """A small world's own model must know its world, or refusing proves little."""
    model = run.recipe.get("model")
    path = model.get("path", "") if isinstance(model, dict) else model
    if not str(path).startswith("world:"):
        return []
    known = {scope: primary(run, scope) for scope in words.SCOPES}
    records = [run.record("original", "accuracy", group) for group in known.values() if group]
    weak = [r for r in records if r and not words.at_least(r.value or 0.0, KNOW_AT_LEAST)]
    return [
        f"The original model is weak: accuracy {_shown(r, [KNOW_AT_LEAST])} on "
        f"{words.group(r.group)}, below {_percent(KNOW_AT_LEAST)}. What it never knew it cannot "
        "forget."
        for r in weak
    ]


def _last_alone(run: Run) -> list[str]:
    if run.measured == run.models:
        return []
    return ["Only the last model was measured (evaluate.models: last): no change can be judged."]


def _form(group: str | None) -> str:
    form = (group or "forget/question").partition("/")[2]
    return words.form(form) if form in words.FORMS or ":" in form else f"{form} prompts"


def _percent(share: float) -> str:
    return f"{words.number(100 * share)}\xa0%"


def _value(record: Record, against: list[float] | None = None) -> str:
    return words.show(record.value or 0.0, words.meaning(record.metric).rate, against or [])


def _shown(record: Record, against: list[float] | None = None) -> str:
    interval = words.show_interval(record.low, record.high, words.meaning(record.metric).rate)
    return " ".join(filter(None, [_value(record, against), interval]))
