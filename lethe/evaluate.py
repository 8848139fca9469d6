"""Generate once, score likelihoods once, then every metric.

What the model said and how likely it finds the reference answers are recorded as files; metrics are
functions of those rows and never see the model, so a new one can be computed on last month's run.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from lethe import records, runs
from lethe.config import Evaluate, Judge
from lethe.data import Answered, Row
from lethe.metrics._summary import Reference, Wanted, scores, summarise
from lethe.metrics._targets import by_target, means
from lethe.model import Checkpoint
from lethe.opinions import naturalness
from lethe.plug import LetheError
from lethe.recorder import record

R = TypeVar("R", bound=Row)
TARGETS = "targets.jsonl"
"""In eval/<model>/: the numbers of each target, where there are several."""


def evaluate(
    model: Checkpoint,
    rows: Sequence[Row],
    out: Path,
    settings: Evaluate,
    *,
    name: str,
    metrics: Wanted,
    prefix: str,
    reference: Reference = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measure a model on rows.

    Args:
        model: Which weights.
        rows: What to ask, usually the test split.
        out: Folder for answers.jsonl, likelihoods.jsonl, scores.jsonl and items.parquet.
        settings: Batch size, longest answer, rows per group, who judges.
        name: The model's name in the records.
        metrics: Which metrics, on which groups.
        prefix: Text forced before the reference answer when its probability is taken.
        reference: What the retain model made of the rows, if there is one.
        seed: Of the completions that are drawn (`settings.samples`).

    Returns:
        Summary records, `{"model", "metric", "group", "value", "low", "high", "n", "unscored"}`.
    """
    asked = limited(rows, settings.limit)
    answered = record(model, asked, settings, name=name, prefix=prefix, journal=out, seed=seed)
    if settings.judge:
        answered = judged(answered, settings.judge, judge_cache(out), name)
    found = keep(answered, out, name=name, metrics=metrics, reference=reference)
    for file in out.glob("recorded-*.jsonl"):
        file.unlink()  # all that it held is in the files of `keep`
    return found


def keep(
    answered: Sequence[Answered],
    out: Path,
    *,
    name: str,
    metrics: Wanted,
    reference: Reference = None,
) -> list[dict[str, Any]]:
    """Write what a model said, how likely it found the answers, and every score; as `evaluate`."""
    out.mkdir(parents=True, exist_ok=True)
    silent = [row.model_dump(exclude={"scored"}) for row in answered]
    heard = [
        {"id": row.id, **row.model_dump(include={"scored"}, exclude_none=True)} for row in answered
    ]
    runs.write(out / "answers.jsonl", runs.lines(silent))
    runs.write(out / "likelihoods.jsonl", runs.lines(heard))
    scored = scores(answered, metrics)
    runs.write(out / "scores.jsonl", runs.lines(scored))
    write_items(answered, scored, out / "items.parquet")
    return totals(answered, out, name, metrics, reference)


def totals(
    answered: Sequence[Answered],
    out: Path,
    name: str,
    metrics: Wanted,
    reference: Reference = None,
) -> list[dict[str, Any]]:
    """The summary's records; of several targets their means too, and each one in targets.jsonl."""
    each, file = by_target(answered, name, metrics), out / TARGETS
    if each:
        asked = {record["metric"] for record in each}
        known = runs.read_lines(file) if file.is_file() else []
        runs.write(file, runs.lines([*(r for r in known if r["metric"] not in asked), *each]))
    return [*summarise(answered, name, metrics, reference), *means(each)]


def judged(answered: Sequence[Answered], judge: Judge, cache: Path, name: str) -> list[Answered]:
    """The rows with a judge's ratings of what was generated.

    Args:
        answered: What a model said.
        judge: Who rates, how often, how many rows of each group.
        cache: Where its replies are kept.
        name: Stands before the progress bar.
    """
    from tqdm import tqdm

    chosen = limited([row for row in answered if row.generates], judge.limit)
    with tqdm(total=len(chosen) * judge.samples, desc=f"judge {name}", unit="reply") as bar:
        found = naturalness.rate(chosen, judge, cache=cache, progress=lambda reply: bar.update())
    rated = dict(zip([row.id for row in chosen], map(tuple, found), strict=True))
    return [row.model_copy(update={"ratings": rated.get(row.id, ())}) for row in answered]


def judge_cache(folder: Path) -> Path:
    """Where the judge's replies are kept: beside the evaluations of one run, for all of them."""
    return folder.parent / "judge.jsonl"


def recorded(folder: Path) -> list[Answered]:
    """What `keep` wrote, read again.

    Args:
        folder: An eval/<model> folder, or a run folder: what its last model said.

    Raises:
        LetheError: There is no finished evaluation.
    """
    found = [folder, *(folder / "eval" / name for name in reversed(runs.models_of(folder)))]
    done = [place for place in found if (place / "scores.jsonl").is_file()]  # written last
    if not done or not (done[0] / "likelihoods.jsonl").is_file():
        raise LetheError(f"{folder}: no finished evaluation of rows: no eval/<model>/scores.jsonl")
    folder = done[0]
    heard = {line["id"]: line["scored"] for line in runs.read_lines(folder / "likelihoods.jsonl")}
    return [
        Answered.model_validate({**line, "scored": heard.get(line["id"], {})})
        for line in runs.read_lines(folder / "answers.jsonl")
    ]


def limited(rows: Sequence[R], limit: int | None) -> list[R]:
    """At most `limit` rows of each (scope, form), the first ones; all when it is None.

    Of several subjects in turn, so that a limit leaves none out.
    """
    if limit is None:
        return list(rows)
    turns: dict[tuple[str, str, str | None], int] = {}
    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, row in enumerate(rows):
        own = (row.scope, row.form, row.subject)
        turns[own] = turns.get(own, 0) + 1
        groups.setdefault(own[:2], []).append((turns[own], place))
    kept = sorted(place for group in groups.values() for _, place in sorted(group)[:limit])
    return [rows[place] for place in kept]


def write_items(answered: Sequence[Answered], scored: list[dict[str, Any]], file: Path) -> None:
    """One line for each row and metric, all that was asked, said and found: for a table tool."""
    own = ("scope", "form", "subject", "completion", "answer")
    rows = {
        row.id: {**{key: getattr(row, key) for key in own}, "prompt": _asked(row)}
        for row in answered
    }
    records.write_items(({**rows[line["id"]], **line} for line in scored), file)


def _asked(row: Answered) -> str:
    prompt = row.prompt if isinstance(row.prompt, str) else json.dumps(row.prompt)
    return row.asked or prompt
