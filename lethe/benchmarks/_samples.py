"""What lm-evaluation-harness found, as lines for each question and as summary records.

A value is the harness's own. Where it is the mean of the questions' values it gets the interval
that all our numbers get; where it is not (a perplexity, a corpus score), 1.96 of the harness's
standard errors, if it has any.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lethe import records as files
from lethe import runs
from lethe.metrics._interval import bootstrap, wilson

Lines = list[dict[str, Any]]
Records = list[dict[str, Any]]


def lines(result: Mapping[str, Any], scope: str) -> Lines:
    """One line for each question and filter: what was asked, found and scored."""
    return [
        _line(task, sample, scope, _chooses(result, task))
        for task, samples in result["samples"].items()
        for sample in samples
    ]


def records(result: Mapping[str, Any], task: str, model: str, scope: str) -> Records:
    """A task's numbers; of a group without a number of its own, or a tag, its tasks'."""
    tables = {**result["results"], **result.get("groups", {})}
    wanted = [task] if task in tables else list(result["samples"])
    made = []
    for name in wanted:
        members = _members(result, name)
        for key, value in tables[name].items():
            metric, comma, chosen = key.partition(",")
            if not comma or metric.endswith("_stderr"):
                continue
            values = [s.get(metric) for s in members if s["filter"] == chosen]
            low, high = _interval(value, values, tables[name].get(f"{metric}_stderr,{chosen}"))
            number = _number(value)
            made.append(
                {
                    "model": model,
                    "metric": metric if chosen == "none" else f"{metric},{chosen}",
                    "group": f"{scope}/{name}",
                    "value": number,
                    "low": low,
                    "high": high,
                    "n": len(values),
                    "unscored": None if number is not None else f"the harness gave {value!r}",
                }
            )
    return made


def write(found: Lines, out: Path) -> None:
    """Write samples.jsonl, scores.jsonl and items.parquet, as other evaluations have them."""
    flat = [
        {**line, "metric": metric, "value": value}
        for line in found
        for metric, value in line["scores"].items()
    ]
    runs.write(out / "samples.jsonl", runs.lines(found))
    scores = [{k: one[k] for k in ("id", "metric", "value", "extracted", "why")} for one in flat]
    runs.write(out / "scores.jsonl", runs.lines(scores))
    files.write_items(flat, out / "items.parquet")


def _members(result: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The questions of a task, or of all tasks under a group."""
    if name in result["samples"]:
        return result["samples"][name]
    parts = result.get("group_subtasks", {}).get(name, [])
    return [sample for part in parts for sample in _members(result, part)]


def _chooses(result: Mapping[str, Any], task: str) -> bool:
    return result["configs"].get(task, {}).get("output_type") == "multiple_choice"


def _line(task: str, sample: Mapping[str, Any], scope: str, chooses: bool) -> dict[str, Any]:
    asked = [[str(part) for part in one] for one in sample["arguments"]]
    made = _chosen(sample, asked) if chooses else _said(sample)
    chosen = sample["filter"]
    label = "" if chosen == "none" else f",{chosen}"
    return {
        "id": f"{task}/{sample['doc_id']}{label}",
        "scope": scope,
        "form": task,
        "subject": None,
        "prompt": asked[0][0],
        **made,
        "scores": {f"{m}{label}": _number(sample[m]) for m in sample["metrics"]},
    }


def _chosen(sample: Mapping[str, Any], asked: list[list[str]]) -> dict[str, Any]:
    """Of a choice: the likeliest continuation, and the log-likelihood of each."""
    found = [float(one[0]) for one in sample["filtered_resps"]]
    texts = [one[1].strip() for one in asked]
    best, target = found.index(max(found)), sample["target"]
    named = isinstance(target, int) and 0 <= target < len(texts)
    why = ", ".join(f"{t} {value:.4f}" for t, value in zip(texts, found, strict=True))
    return {
        "completion": asked[best][1],
        "extracted": texts[best],
        "answer": texts[target] if named else str(target),
        "why": f"log-likelihood: {why}",
        "loglikelihoods": found,
    }


def _said(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Of a text: what the model said, and what the harness's filter took out of it."""
    extracted = "; ".join(str(one) for one in sample["filtered_resps"])
    return {
        "completion": str(sample["resps"][0][0]),
        "extracted": extracted,
        "answer": str(sample["target"]),
        "why": f"{extracted[:80]!r} against {str(sample['target'])[:80]!r}",
        "loglikelihoods": [],
    }


def _interval(value: Any, values: Sequence[Any], error: Any) -> tuple[float | None, float | None]:
    number, numbers = _number(value), [_number(one) for one in values]
    if number is None:
        return None, None
    known = [one for one in numbers if one is not None]
    if known and len(known) == len(numbers) and abs(sum(known) / len(known) - number) < 1e-6:
        rate = set(known) <= {0.0, 1.0}
        return wilson(sum(known), len(known)) if rate else bootstrap(known)
    half = _number(error)
    return (number - 1.96 * half, number + 1.96 * half) if half is not None else (None, None)


def _number(value: Any) -> float | None:
    """A finite number, or None: the harness writes "N/A" and, for some metrics, tuples."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
