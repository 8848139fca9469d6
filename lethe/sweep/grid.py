"""A sweep's points: the cross product of what `--over` names, and the seeds.

`stages.0.learning_rate=1e-5,3e-5` is two values of one setting; `data.seed+model.path=1+world:1,
2+world:2` two values of a pair of settings that must change together. Values are YAML.
"""

import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from lethe import config, yaml12
from lethe.compare.grouping import MEASURING
from lethe.config import Recipe
from lethe.plug import LetheError, choices

_LONGEST = 80


class Choice(NamedTuple):
    """One value of one `--over`: the settings that it sets."""

    settings: dict[str, Any]
    """By dotted key."""
    shown: dict[str, str]
    """The same values as they were written."""


def parse(text: str) -> list[Choice]:
    """Read one `--over`: KEY=VALUE,VALUE or KEY+KEY=VALUE+VALUE,VALUE+VALUE.

    A comma inside brackets, braces or quotes is part of its value.

    >>> [choice.settings for choice in parse("stages.0.epochs=1,2.5")]
    [{'stages.0.epochs': 1}, {'stages.0.epochs': 2.5}]
    >>> [choice.settings for choice in parse("data.seed+model.path=7+world:7,8+world:8")]
    [{'data.seed': 7, 'model.path': 'world:7'}, {'data.seed': 8, 'model.path': 'world:8'}]
    >>> [choice.settings for choice in parse("stages.1.interpolate=[1, 0.5],[1]")]
    [{'stages.1.interpolate': [1, 0.5]}, {'stages.1.interpolate': [1]}]

    Raises:
        LetheError: It is not of that form, a value stands twice, or a pair lacks one.
    """
    left, equals, right = text.partition("=")
    # In a recipe a key has underscores; as an option it may have dashes.
    keys = [key.strip().lstrip("-").replace("-", "_") for key in left.split("+")]
    if not equals or not all(keys) or not right:
        raise LetheError(
            f"--over {text}: must be KEY=VALUE,VALUE, as in stages.0.learning_rate=1e-5,3e-5"
        )
    found: list[Choice] = []
    for value in _split(right, ","):
        parts = _split(value, "+") if len(keys) > 1 else [value]
        if len(parts) != len(keys) or not all(part.strip() for part in parts):
            raise LetheError(
                f"--over {text}: {value!r} must be {_count(keys)}, one for each of "
                f"{', '.join(keys)}{', with + between them' if len(keys) > 1 else ''}"
            )
        read = [yaml12.loads(part, f"--over {left}") for part in parts]
        choice = Choice(dict(zip(keys, read, strict=True)), dict(zip(keys, parts, strict=True)))
        if choice.settings in [other.settings for other in found]:
            raise LetheError(f"--over {text}: {value!r} stands there twice")
        found.append(choice)
    return found


def points(base: Recipe, over: Sequence[str], seeds: int = 1, where: str = "") -> dict[str, Recipe]:
    """Every recipe of a sweep by its label, which is also its folder below the sweep's.

    Args:
        base: What all have in common.
        over: As given on the command line, one `--over` each.
        seeds: How many seeds each point is run with, from the base recipe's on.
        where: The base recipe's file, for messages.

    Returns:
        Recipes by "<settings>/seed-<seed>", in the order of the cross product.

    Raises:
        LetheError: A wrong key or value, with the file, the key and the choices.
    """
    where = where or base.name
    dimensions = [parse(text) for text in over]
    keys = [key for dimension in dimensions for key in dimension[0].settings]
    _check_keys(keys, seeds, where)
    if seeds > 1 and base.stages and all(stage.seed is not None for stage in base.stages):
        raise LetheError(f"{where}: every stage has a seed of its own, so --seeds changes nothing")
    found: dict[str, Recipe] = {}
    for combination in itertools.product(*dimensions):
        settings = {key: value for c in combination for key, value in c.settings.items()}
        shown = {key: text for c in combination for key, text in c.shown.items()}
        recipe = changed(base, settings, where)
        name = folder(shown)
        if f"{name}/seed-{recipe.seed}" in found:  # two values that a folder's name cannot hold
            name = f"{name}-{_digest(shown)}"
        for seed in range(recipe.seed, recipe.seed + seeds):
            found[f"{name}/seed-{seed}"] = recipe.model_copy(update={"seed": seed})
    return found


def changed(base: Recipe, settings: dict[str, Any], where: str) -> Recipe:
    """The recipe with other settings, checked as any recipe is.

    Args:
        base: The recipe.
        settings: By dotted key.
        where: Opens every error line.

    Raises:
        LetheError: No such setting, or not such a value.
    """
    raw = config.plain(base)
    for key, value in settings.items():
        _set(raw, key.split("."), value, f"{where}: --over {key}")
    return config.from_dict(raw, f"{where}: --over")


def folder(shown: dict[str, str]) -> str:
    """A folder's name for a point: its values, by the last part of each key.

    >>> folder({"stages.0.learning_rate": "1e-5", "model.path": "world:7"})
    'learning_rate=1e-5,path=world-7'
    >>> folder({"stages.0.epochs": "1", "stages.1.epochs": "2"})
    '0.epochs=1,1.epochs=2'
    >>> folder({})
    'base'
    """
    parts = {key: key.split(".") for key in shown}
    tails = {key: part[-1] for key, part in parts.items()}
    last = list(tails.values())
    short = {key: tail if last.count(tail) == 1 else ".".join(parts[key][-2:])
             for key, tail in tails.items()}  # fmt: skip
    text = ",".join(f"{short[key]}={value.strip()}" for key, value in shown.items()) or "base"
    name = re.sub(r"[^A-Za-z0-9._=,+-]+", "-", text).lstrip(".-")
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{_digest(shown)}"


def _count(keys: Sequence[str]) -> str:
    return "1 value" if len(keys) == 1 else f"{len(keys)} values"


def _digest(shown: dict[str, str]) -> str:
    return hashlib.sha256(repr(sorted(shown.items())).encode()).hexdigest()[:8]


def _check_keys(keys: Sequence[str], seeds: int, where: str) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise LetheError(f"{where}: --over {key}: stands there twice")
        if key.rpartition(".")[2] in ("stage", "attack", "benchmark"):
            raise LetheError(
                f"{where}: --over {key}: what it names has settings of its own; sweep a recipe of "
                "each, then compare their folders with lethe compare"
            )
        if key in ("name", "out"):
            raise LetheError(f"{where}: --over {key}: a sweep names its run folders itself")
        if key.removeprefix("evaluate.") in MEASURING and key.startswith("evaluate."):
            raise LetheError(f"{where}: --over {key}: runs so measured could not be compared")
    if "seed" in keys and seeds > 1:
        raise LetheError(f"{where}: --over seed: seeds are counted by --seeds; give one of the two")


def _set(raw: Any, path: list[str], value: Any, where: str) -> None:
    """Set one value; what a key may be called is the recipe's to say, later and better."""
    key, *rest = path
    if isinstance(raw, list):
        if not key.isdecimal() or int(key) >= len(raw):
            there = ", ".join(map(str, range(len(raw)))) or "none"
            raise LetheError(f"{where}: no entry {key!r}; choices: {there}")
        place: Any = int(key)
    elif isinstance(raw, dict):
        place = key
        if rest and key not in raw:
            raise LetheError(f"{where}: unknown key {key!r}; {choices(key, raw)}")
    else:
        raise LetheError(f"{where}: {key!r} is inside a single value, not a group of settings")
    if not rest:
        raw[place] = value
        return
    if raw[place] is None:
        raw[place] = {}  # `model.lora.rank` on a recipe without LoRA turns it on
    _set(raw[place], rest, value, where)


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark, except inside brackets, braces and quotes."""
    return ["".join(part) for part in _parts(text, mark)]


def _parts(text: str, mark: str) -> Iterator[list[str]]:
    part: list[str] = []
    depth, quote = 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'" and (depth or not "".join(part).strip()):
            quote = letter  # an apostrophe inside a word opens nothing
        else:
            depth += (letter in "[{") - (letter in "]}")
        if letter == mark and not depth and not quote:
            yield part
            part = []
        else:
            part.append(letter)
    yield part
