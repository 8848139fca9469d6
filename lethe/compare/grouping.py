"""Which runs are the same experiment: settings, methods, cases and seeds.

A *setting* is a recipe without its name, seeds, folder and case; a *case* is what is to be
forgotten (the model's path and revision, and the data); a *method* is the list of stages.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lethe import plug
from lethe.compare.estimate import Measured
from lethe.compare.reading import Key, Result, stage_name
from lethe.plug import LetheError
from lethe.runs import ORIGINAL

MEASURING = ("prefix", "max_new_tokens", "limit")
"""Settings of `evaluate` under which numbers are not comparable."""


@dataclass
class Setting:
    """Runs that differ in seed and case only."""

    method: str
    recipe: dict[str, Any]
    """What makes the setting: the recipe without what may differ, flat, by dotted key."""
    runs: list[Result]
    cases: list[str]
    """One a run."""
    label: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    """The settings in which it differs from others of its method."""
    original: bool = False

    def measured(self, key: Key) -> list[Measured]:
        """What its runs say of a quantity."""
        found = []
        for run, case in zip(self.runs, self.cases, strict=True):
            records = run.records[ORIGINAL] if self.original else run.final
            one = records.get(key, Measured(case, None, unscored="not measured"))
            found.append(one._replace(case=case))
        return found

    def quantities(self) -> list[Key]:
        """Every quantity that one of its runs has a record of."""
        model = [run.records[ORIGINAL] if self.original else run.final for run in self.runs]
        return list(dict.fromkeys(key for records in model for key in records))


def settings(results: Sequence[Result]) -> tuple[list[Setting], list[str]]:
    """Group runs; the original model of all of them comes first.

    A run without stages only measures a model. Where that is the original of another run it is
    part of the original's row; else it is a method of its own, named by the model.

    Returns:
        The settings, those of a method together, and warnings: on runs that are the same twice
        (one counts), on metrics that some runs lack, on settings that rest on different cases.

    Raises:
        LetheError: Runs were measured in ways that cannot be compared; the keys are named.
    """
    _check_measuring(results)
    _check_attacks(results)
    originals = {_base(run) for run in results if run.recipe["stages"]}
    grouped: dict[str, Setting] = {}
    warnings, seen = [], {}
    for run in results:
        if not run.recipe["stages"] and _base(run) in originals:
            continue
        made = _setting(run)
        name = json.dumps([made.method, made.recipe], sort_keys=True)
        identity = (name, made.cases[0], seeds(run))
        if identity in seen:
            warnings.append(f"{run.folder}: the same recipe and seed as {seen[identity]}; left out")
            continue
        seen[identity] = run.folder
        found = grouped.setdefault(name, made)
        if found is not made:
            found.runs.append(run)
            found.cases += made.cases
    methods = dict.fromkeys(one.method for one in grouped.values())
    ordered = [_named(m, [s for s in grouped.values() if s.method == m]) for m in methods]
    trained = [setting for group in ordered for setting in group]
    measured = [run for run in results if ORIGINAL in run.records]
    before = _original([run for run in measured if _base(run) in originals])
    warnings += [*_metrics_differ(results), *_cases_differ(trained)]
    return [*before, *trained], warnings


def method(recipe: dict[str, Any]) -> str:
    """The stages' names in order; a run without any is named by the model that it measured.

    >>> method({"model": {"path": "m"}, "stages": ["rejection_steering", {"stage": "./rebo.py"}]})
    'rejection_steering > rebo'
    >>> method({"model": {"path": "m"}, "stages": []})
    'no training: m'
    """
    names = [plug.label(stage_name(stage)) for stage in recipe["stages"]]
    return " > ".join(names) or f"no training: {recipe['model']['path']}"


def _setting(run: Result) -> Setting:
    recipe = {
        k: v for k, v in run.recipe.items() if k not in ("name", "seed", "out", "data", "after")
    }
    # A stage's own seed is a seed, and how the model is measured was checked before.
    recipe.pop("evaluate", None)
    recipe.pop("attacks", None)
    recipe["stages"] = [
        {k: v for k, v in stage.items() if k != "seed"} if isinstance(stage, dict) else stage
        for stage in recipe["stages"]
    ]
    case = {"data": run.recipe.get("data")}
    if run.recipe.get("after"):
        case["after"] = run.recipe["after"]
    if run.recipe["stages"]:
        case["model"] = _base(run)
        model = recipe.get("model") or {}
        recipe["model"] = {k: v for k, v in model.items() if k not in ("path", "revision")}
    text = json.dumps(case, sort_keys=True, default=str)
    return Setting(method(run.recipe), dict(_flat(recipe)), [run], [text])


def _base(run: Result) -> tuple[Any, Any]:
    model = run.recipe.get("model") or {}
    return model.get("path"), model.get("revision")


def seeds(run: Result) -> tuple[Any, ...]:
    """The seed of each stage; of a run without stages, the recipe's."""
    own = [stage.get("seed") if isinstance(stage, dict) else None for stage in run.recipe["stages"]]
    seed = run.recipe.get("seed", 0)
    return tuple(seed if one is None else one for one in own) or (seed,)


def _named(method: str, group: list[Setting]) -> list[Setting]:
    """Labels of one method's settings: what all have in common goes without saying."""
    keys = dict.fromkeys(key for one in group for key in one.recipe)
    absent = object()
    differing = [k for k in keys if any(
        one.recipe.get(k, absent) != group[0].recipe.get(k, absent) for one in group
    )]  # fmt: skip
    short = _short(differing)
    for one in group:
        one.details = {short[k]: one.recipe[k] for k in differing if k in one.recipe}
        one.label = " ".join([method, *(f"{k}={_shown(v)}" for k, v in one.details.items())])
    return sorted(group, key=lambda one: [_order(one.recipe.get(k)) for k in differing])


def _shown(value: Any) -> str:
    """A setting's value, short.

    >>> _shown(1e-5), _shown(None), _shown("cosine"), _shown([1.0, 0.5])
    ('1e-05', 'null', 'cosine', '[1.0, 0.5]')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def _order(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, int | float)
    return not number, value if number else 0.0, str(value)


def _short(keys: Iterable[str]) -> dict[str, str]:
    """The last part of each dotted key, as far as that tells them apart.

    >>> _short(["stages.0.epochs", "stages.0.learning_rate", "stages.1.learning_rate"])
    {'stages.0.epochs': 'epochs', 'stages.0.learning_rate': '0.learning_rate', \
'stages.1.learning_rate': '1.learning_rate'}
    """
    keys = list(keys)
    short = {}
    for key in keys:
        parts = key.split(".")
        tails = (".".join(parts[-n:]) for n in range(1, len(parts) + 1))
        short[key] = next(t for t in tails if sum(f".{k}".endswith(f".{t}") for k in keys) == 1)
    return short


def _flat(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        value = dict(enumerate(value))
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}".lstrip("."))
    else:
        yield path, value


def _original(results: Sequence[Result]) -> list[Setting]:
    """The model before any training; deterministic, so one run of a case tells all."""
    by_case: dict[str, Result] = {}
    for run in results:
        case = json.dumps([_base(run), run.recipe.get("data")], sort_keys=True, default=str)
        by_case.setdefault(case, run)
    if not by_case:
        return []
    runs, cases = list(by_case.values()), list(by_case)
    return [Setting(ORIGINAL, {}, runs, cases, ORIGINAL, original=True)]


def _evaluate(run: Result, key: str) -> str:
    return json.dumps((run.recipe.get("evaluate") or {}).get(key))


def _check_measuring(results: Sequence[Result]) -> None:
    for key in MEASURING:
        by_value: dict[str, Path] = {}
        for run in results:
            by_value.setdefault(_evaluate(run, key), run.folder)
        if len(by_value) > 1:
            said = ", ".join(f"{value} in {folder}" for value, folder in by_value.items())
            raise LetheError(
                f"evaluate.{key} differs: {said}: numbers measured in different ways cannot be "
                "compared; compare runs of one kind at a time, or measure again with one"
            )


def _check_attacks(results: Sequence[Result]) -> None:
    """An attack with other settings is another attack."""
    first: dict[str, tuple[str, Path]] = {}
    for run in results:
        for attack in run.recipe.get("attacks") or []:
            name = plug.label(attack["attack"] if isinstance(attack, dict) else str(attack))
            here = json.dumps(attack, sort_keys=True)
            there, folder = first.setdefault(name, (here, run.folder))
            if here != there:
                raise LetheError(
                    f"attacks: {name} differs: {there} in {folder}, {here} in {run.folder}: "
                    "compare runs of one kind at a time, or run one of them again"
                )


def _metrics_differ(results: Sequence[Result]) -> list[str]:
    found = {frozenset(key.metric for key in run.final) for run in results}
    some = sorted(frozenset.union(*found) - frozenset.intersection(*found))
    return [f"evaluate.metrics differs: not every run has {', '.join(some)}"] if some else []


def _cases_differ(found: Sequence[Setting]) -> list[str]:
    trained = [one for one in found if any(run.recipe["stages"] for run in one.runs)]
    everything = {case for one in trained for case in one.cases}
    fewer = [one.label for one in trained if set(one.cases) != everything]
    if not fewer:
        return []
    shown = "; ".join(fewer[:3]) + (f"; and {len(fewer) - 3} more" if len(fewer) > 3 else "")
    return [
        f"not every setting was run on all {len(everything)} cases, so differences may be the "
        f"cases': {shown}"
    ]
