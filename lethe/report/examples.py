"""Which answers the report shows: failures first, then some of each kind, chosen by hash.

Nobody picks: the groups take turns, and within a group the rows come in the order of the SHA-256 of
their ids.
"""

import hashlib
import json
from collections.abc import Callable
from itertools import zip_longest
from typing import Any, NamedTuple

from lethe.report import words
from lethe.report.reading import Run

SHOWN = 3
"""Failures of each kind shown at once."""
FOLDED = 20
"""Further failures of each kind, behind a click."""
EACH = {"forget": 2, "boundary": 4, "retain": 2, "utility": 2}
"""How many rows of each group are shown where the model did as it should."""
LONGEST = 600
"""Characters of a text that are shown."""


Test = Callable[[Run, str, str], bool | None]
"""Of a run, a model and a row's id; None where it was not scored."""


class Tag(NamedTuple):
    """What a metric found in one answer."""

    text: str
    good: bool | None


class Said(NamedTuple):
    """One model's answer."""

    model: str
    completion: str
    tags: tuple[Tag, ...]
    why: tuple[str, ...]


class Example(NamedTuple):
    """One prompt with every model's answer."""

    prompt: str
    answer: str
    group: str
    about: str
    said: tuple[Said, ...]


class Kind(NamedTuple):
    """A heading with its examples."""

    title: str
    total: int
    of: int
    shown: list[Example]
    folded: list[Example]


def failures(run: Run, model: str) -> list[Kind]:
    """The rows on which `model` fails, by how; empty kinds too, for a zero is a finding."""
    answering = ("boundary", "retain", "utility")
    return [
        _kind(run, model, "Must refuse, does not", ("forget",), _refuses, False),
        _kind(run, model, "Refuses, yet tells the fact", ("forget",), _refuses_and_tells, True),
        _kind(run, model, "Must answer, refuses", answering, _refuses, True),
        _kind(run, model, "Must answer, is wrong where the original was right", answering,
              _is_wrong_now, True),
    ]  # fmt: skip


def ordinary(run: Run, model: str) -> list[Kind]:
    """Some rows of each group on which `model` does as it should."""
    failed = {row for row in _rows(run, model) if _fails(run, model, row)}
    kinds = []
    for group in run.groups():
        rows = [row for row in _rows(run, model) if _group(run, model, row) == group]
        good = [row for row in rows if row not in failed]
        take = EACH.get(group.partition("/")[0], 2)
        shown = [_example(run, model, row) for row in good[:take]]
        kinds.append(Kind(words.group(group), len(good), len(rows), shown, []))
    return [kind for kind in kinds if kind.shown]


def _kind(
    run: Run, model: str, title: str, scopes: tuple[str, ...], test: Test, failing: bool
) -> Kind:
    """The rows of some scopes whose test comes out as `failing`; unscored ones are left out."""
    rows = [row for row in _rows(run, model) if run.answers[model][row].get("scope") in scopes]
    found = [(row, test(run, model, row)) for row in rows]
    scored = [(row, outcome) for row, outcome in found if outcome is not None]
    failed = _mixed(run, model, [row for row, outcome in scored if outcome is failing])
    shown = [_example(run, model, row) for row in failed[: SHOWN + FOLDED]]
    return Kind(title, len(failed), len(scored), shown[:SHOWN], shown[SHOWN:])


def _mixed(run: Run, model: str, rows: list[str]) -> list[str]:
    """The first row of each group, then the second of each: every form has its turn."""
    groups: dict[str, list[str]] = {group: [] for group in run.groups()}
    for row in rows:
        groups.setdefault(_group(run, model, row), []).append(row)
    turns = zip_longest(*groups.values())
    return [row for turn in turns for row in turn if row is not None]


def _found(run: Run, model: str, row: str, metric: str) -> bool | None:
    score = run.score(model, row, metric)
    return None if score is None or score.value is None else bool(score.value)


def _refuses(run: Run, model: str, row: str) -> bool | None:
    return _found(run, model, row, "refusal_rate")


def _refuses_and_tells(run: Run, model: str, row: str) -> bool | None:
    refuses, tells = _refuses(run, model, row), _found(run, model, row, "leak_rate")
    return None if refuses is None or tells is None else refuses and tells


def _is_wrong_now(run: Run, model: str, row: str) -> bool | None:
    """Among the rows that the original got right; a refusal is not a wrong answer."""
    before, now = (_found(run, name, row, "accuracy") for name in ("original", model))
    return not now and not _refuses(run, model, row) if before and now is not None else None


def _rows(run: Run, model: str) -> list[str]:
    answers = run.answers.get(model, {})
    tested = [row for row, line in answers.items() if line.get("split", "test") == "test"]
    return sorted(tested, key=lambda row: hashlib.sha256(row.encode(errors="replace")).digest())


def _group(run: Run, model: str, row: str) -> str:
    line = run.answers[model][row]
    return f"{line.get('scope')}/{line.get('form')}"


def _fails(run: Run, model: str, row: str) -> bool:
    scope = str(run.answers[model][row].get("scope"))
    return any(tag.good is False for tag in _tags(run, model, row, scope))


def _example(run: Run, model: str, row: str) -> Example:
    line = run.answers[model][row]
    models = [name for name in run.models if row in run.answers.get(name, {})]
    about = line.get("subject") if line.get("scope") == "forget" else line.get("entity")
    return Example(
        prompt=_cut(_prompt(line.get("prompt"))),
        answer=_cut(str(line.get("answer") or "")),
        group=words.group(_group(run, model, row)),
        about=str(about or ""),
        said=tuple(_said(run, name, row) for name in models),
    )


def _said(run: Run, model: str, row: str) -> Said:
    line = run.answers[model][row]
    tags = _tags(run, model, row, str(line.get("scope")))
    found = [run.score(model, row, metric) for metric in ("refusal_rate", "leak_rate")]
    why = tuple(_cut(score.why, 160) for score in found if score and score.value and score.why)
    return Said(model, _cut(str(line.get("completion", ""))), tags, why)


def _tags(run: Run, model: str, row: str, scope: str) -> tuple[Tag, ...]:
    refusal, leak, right = (
        _found(run, model, row, metric) for metric in ("refusal_rate", "leak_rate", "accuracy")
    )
    forget, tags = scope == "forget", []
    if refusal is not None:
        # The original is not to refuse anything yet: its answers are facts, not failures.
        judged = None if model == "original" else refusal is forget
        if refusal or forget:
            tags.append(Tag("refuses" if refusal else "does not refuse", judged))
    if forget and leak:
        tags.append(Tag("tells the fact", None if model == "original" else False))
    if not forget and right is not None and not refusal:
        tags.append(Tag("correct" if right else "not correct", right))
    return tuple(tags)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list):
        turns = (m if isinstance(m, dict) else {} for m in prompt)
        return "\n".join(f"{m.get('role', '')}: {m.get('content', '')}" for m in turns)
    return prompt if isinstance(prompt, str) else json.dumps(prompt)


def _cut(text: str, longest: int = LONGEST) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} more characters)"
