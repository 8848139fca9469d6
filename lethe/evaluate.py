"""Generate once, score likelihoods once, then every metric.

What the model said and how likely it finds the reference answers are recorded as files; metrics are
functions of those rows and never see the model, so a new one can be computed on last month's run.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lethe import model as models
from lethe import runs
from lethe.config import Evaluate
from lethe.data import Answered, Row
from lethe.generate import complete
from lethe.likelihood import answer_logprobs
from lethe.metrics._summary import scores, summarise
from lethe.model import Checkpoint


def evaluate(
    model: Checkpoint,
    rows: Sequence[Row],
    out: Path,
    settings: Evaluate,
    *,
    name: str,
    metrics: Sequence[str],
    prefix: str,
) -> list[dict[str, Any]]:
    """Measure a model on rows.

    Args:
        model: Which weights.
        rows: What to ask, usually the test split.
        out: Folder for answers.jsonl, likelihoods.jsonl and scores.jsonl.
        settings: Batch size, longest answer, rows per group.
        name: The model's name in the records.
        metrics: Which metrics.
        prefix: Text forced before the reference answer when its probability is taken.

    Returns:
        Summary records, `{"model", "metric", "group", "value", "low", "high", "n", "unscored"}`.
    """
    answered = record(model, limited(rows, settings.limit), settings, name=name, prefix=prefix)
    return keep(answered, out, name=name, metrics=metrics)


def keep(
    answered: Sequence[Answered], out: Path, *, name: str, metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """Write what a model said, how likely it found the answers, and every score; as `evaluate`."""
    out.mkdir(parents=True, exist_ok=True)
    silent = [row.model_dump(exclude={"logprobs"}) for row in answered]
    heard = [{"id": row.id, "logprobs": row.logprobs} for row in answered]
    runs.write(out / "answers.jsonl", _lines(silent))
    runs.write(out / "likelihoods.jsonl", _lines(heard))
    runs.write(out / "scores.jsonl", _lines(scores(answered, metrics)))
    return summarise(answered, name, metrics)


def record(
    model: Checkpoint, rows: Sequence[Row], settings: Evaluate, *, name: str, prefix: str
) -> list[Answered]:
    """What a model says to each row, greedily, and how likely it finds the reference answer.

    Args:
        model: Which weights.
        rows: What to ask.
        settings: Batch size and longest answer.
        name: Stands before the progress bar.
        prefix: Text forced before the reference answer.

    Returns:
        The rows, in their order; `logprobs` is None where a row has no reference answer.
    """
    from tqdm import tqdm

    policy = models.load(model.path, model.spec)
    tokenizer = models.tokenizer(model.path, model.spec)
    ids = [models.render(tokenizer, row.prompt) for row in rows]
    known = [i for i, row in enumerate(rows) if row.answer]
    with tqdm(total=len(rows) + len(known), desc=f"evaluate {name}", unit="row") as bar:
        texts = complete(
            policy,
            tokenizer,
            ids,
            max_new_tokens=settings.max_new_tokens,
            batch_size=settings.batch_size,
            progress=bar.update,
        )
        logprobs = answer_logprobs(
            policy,
            tokenizer,
            [ids[i] for i in known],
            [rows[i].answer or "" for i in known],
            prefix=prefix,
            batch_size=settings.batch_size,
            progress=bar.update,
        )
    found = dict(zip(known, logprobs, strict=True))
    return [
        Answered(
            **row.model_dump(),
            completion=text,
            logprobs=tuple(round(value, 6) for value in found[i]) if i in found else None,
        )
        for i, (row, text) in enumerate(zip(rows, texts, strict=True))
    ]


def limited(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """At most `limit` rows of each (scope, form), the first ones; all when it is None."""
    if limit is None:
        return list(rows)
    taken: dict[tuple[str, str], int] = {}
    out = []
    for row in rows:
        group = (row.scope, row.form)
        taken[group] = taken.get(group, 0) + 1
        if taken[group] <= limit:
            out.append(row)
    return out


def _lines(records: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
