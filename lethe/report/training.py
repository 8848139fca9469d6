"""The training curves of a stage, from its `metrics.jsonl`: training and validation apart."""

from collections import defaultdict
from typing import Any

from lethe.report import charts, words
from lethe.report.reading import Run, finite

CURVES = {
    "refusal": ("Refusal rate", True),
    "leak": ("Leak rate", True),
    "accuracy": ("Accuracy", True),
    "reward": ("Mean reward", False),
    "zero_variance": ("Groups without variance", True),
    "loss": ("Loss", False),
    "kl": ("KL to the reference", False),
}
"""Keys of `metrics.jsonl` that are drawn: title, and whether the value is a share."""
EXPECTED = ("refusal", "reward", "zero_variance")
"""Curves whose absence is said."""
ROLLOUTS = 6


def section(run: Run, stage: str) -> dict[str, Any]:
    """One stage's curves, what it did not log, and its last rollouts."""
    lines = run.curves[stage]
    drawn = {key: _series(lines, key) for key in CURVES}
    panels = [
        charts.curve(series, title=title, key=f"stage{stage.partition('-')[0]}-{key}", share=share)
        for key, (title, share) in CURVES.items()
        if (series := drawn[key])
    ]
    kept = next((line for line in run.mixtures[stage] if line.get("kept")), None)
    if kept:
        panels.append(_mixtures(run, stage))
    absent = [CURVES[key][0].lower() for key in EXPECTED if lines and not drawn[key]]
    present = {_scope(line) for line in lines}
    scopes = [scope for scope in (*words.SCOPES, "all") if scope in present]
    return {
        "title": words.STAGES.get(stage.partition("-")[2], stage),
        "name": stage,
        "logged": bool(lines),
        "panels": panels,
        "absent": absent,
        "scopes": scopes,
        "kept": None if kept is None else f"{round(100 * float(kept['share']))} %",
        "rollouts": [_rollout(line) for line in run.samples[stage][-ROLLOUTS:]],
    }


def _mixtures(run: Run, stage: str) -> str:
    """Validation refusal (forget) and accuracy (all else) against the share of the change kept."""
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in run.mixtures[stage]:
        value = finite(line.get("refusal" if line["scope"] == "forget" else "accuracy"))
        if value is not None:
            points[line["scope"]].append((float(line["share"]), value))
    series = [
        charts.Series(f"{scope}, validation", scope, tuple(sorted(found)), True)
        for scope, found in points.items()
    ]
    return charts.curve(
        series,
        title="Forget: refusal; else: accuracy",
        key=f"stage{stage.partition('-')[0]}-mixtures",
        share=True,
        along="share of the change kept",
    )


def _scope(line: dict[str, Any]) -> str:
    scope = str(line.get("scope"))
    return scope if scope in words.SCOPES else "all"


def _rollout(line: dict[str, Any]) -> dict[str, str]:
    reward = finite(line.get("reward"))
    shown = {key: str(line.get(key, "")) for key in ("step", "scope", "prompt", "completion")}
    return {**shown, "reward": "" if reward is None else f"{reward:.2f}"}


def _series(lines: list[dict[str, Any]], key: str) -> list[charts.Series]:
    points: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for line in lines:
        step, value = finite(line.get("step")), finite(line.get(key))
        if step is not None and value is not None:
            points[_scope(line), str(line.get("split") or "train")].append((step, value))
    series = []
    for (scope, split), found in sorted(points.items()):
        line = charts.Series(f"{scope}, {split}", scope, tuple(sorted(found)), split != "train")
        series.append(line)
    return series
