"""RULE and three baselines on a model of 200 million parameters, trained here. *Not run here.*

    python bench/large_world.py --out runs/large                     # one GPU
    python bench/large_world.py --out runs/small --size 1m --population 48 --worlds 102   # a CPU

A base of each world is trained from scratch as the embedded one is (`lethe.world.base`), on twice
as many people. Methods, rows, looks and attack are those of bench/methods.py with the settings of
bench/chosen.yaml, but all learning rates of a method are multiplied by one of four factors, chosen
on the validation world by the same rule for every method. Prints what was chosen, and the tables of
docs/results.md. Every run is a run folder under --out and every base is kept there: killed, it goes
on where it stood.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple
from unittest import mock

import methods
import methods_table
from worlds import numbers

from lethe import config, data, process, world, yaml12
from lethe.benchmarks.world import METRICS
from lethe.config import Recipe
from lethe.plug import LetheError
from lethe.world import base

COMPARED = ["DPO + GDR", "IDK + GDR", "RS, IDK + GDR + KLR", "RULE"]
MOST = {"train": 10**6, "validation": 128, "test": 768}
"""Rows of a scope and form: more people make more retain rows than an interval needs."""
KNOWN = [f"{scope}/question" for scope in ("forget", "boundary", "retain")]


class Size(NamedTuple):
    """A base model, and how far it wants to be moved."""

    shape: dict[str, int]
    """Of a Llama."""
    steps: int
    """Of training the base."""
    factors: tuple[float, float, float, float]
    """Of the learning rates of the model with a million parameters."""
    relearn: float
    """The attack's learning rate."""


SIZES = {
    "200m": Size(
        {
            "hidden_size": 1024,
            "intermediate_size": 2816,
            "num_hidden_layers": 16,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
        },
        2000,
        (0.01, 0.03, 0.1, 0.3),
        3e-5,
    ),
    "1m": Size(base.SHAPE, base.STEPS, (0.3, 1.0, 2.0, 3.0), 3e-4),
}


def make(seed: int, given: argparse.Namespace) -> Path:
    """A world's folder: its base model and its rows, made unless they are there."""
    import torch

    folder, size = given.out / f"world-{seed}", SIZES[given.size]
    steps = given.steps or size.steps
    about = {"size": given.size, "population": given.population, "steps": steps}
    if folder.is_dir():
        if (there := json.loads((folder / "about.json").read_text())) != about:
            raise LetheError(f"{folder}: made with {there}, not {about}; choose another --out")
        return folder
    splits = world.rows(seed, population=given.population)
    with (
        torch.device("cuda" if torch.cuda.is_available() else "cpu"),
        mock.patch.object(base, "SHAPE", size.shape),
    ):
        people = world.make(seed, given.population)
        model, words = base.train(people, steps=steps)
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.out) as scratch:
        made = Path(scratch, "made")
        base.save(model, words, str(made / "model"))
        data.write(made / "rows.jsonl", [row for split in splits.values() for row in fewer(split)])
        (made / "about.json").write_text(json.dumps(about) + "\n")
        os.rename(made, folder)  # whole or not at all
    process.release()
    return folder


def fewer(rows: list[data.Row]) -> list[data.Row]:
    """At most `MOST` rows of each scope and form, in their order."""
    kinds = defaultdict(list)
    for row in rows:
        kinds[row.scope, row.form].append(row.id)
    rng = random.Random(0)
    kept = {
        name
        for names in kinds.values()
        for name in rng.sample(names, min(len(names), MOST[rows[0].split]))
    }
    return [row for row in rows if row.id in kept]


def recipe(
    name: str, factor: float, place: Path, seed: int, relearn: float, **evaluate: Any
) -> Recipe:
    """One run of a method, or of none."""
    chosen = {"original": {}, **yaml12.load(methods.CHOSEN)}[name]
    raw = config.plain(methods.recipe(name, chosen, 0, seed, **evaluate))
    raw["model"] = {"path": str(place / "model"), "dtype": "float32"}
    raw["data"] = {"benchmark": "rows", "path": str(place / "rows.jsonl")}
    raw["evaluate"]["metrics"] = METRICS
    for stage in raw["stages"]:
        stage["learning_rate"] *= factor
    for attack in raw["attacks"]:
        attack["learning_rate"] = relearn
    return config.from_dict(raw, name)


def known(place: Path, given: argparse.Namespace) -> None:
    """Measure a base as it is, and warn where it does not know its world."""
    relearn = SIZES[given.size].relearn
    summary = methods.done(
        given.out / "original" / place.name / "seed-0", recipe("original", 1.0, place, 0, relearn)
    )
    for group in KNOWN:
        share = methods.value(summary, "accuracy", group)
        if share < world.KNOWN_ENOUGH:
            print(
                f"WARNING: the base of {place.name} is right on {share:.1%} of {group}: what is "
                "measured on it is not to be trusted; train it longer (--steps, another --out)",
                file=sys.stderr,
            )


def choose(name: str, given: argparse.Namespace) -> float:
    """The factor that does best on the validation worlds."""
    size, scores = SIZES[given.size], {}
    for factor in size.factors:
        found = []
        for seed in given.validation:
            place = make(seed, given)
            folder = given.out / "choose" / methods.folder_name(name) / str(factor) / place.name
            summary = methods.done(folder, recipe(name, factor, place, 0, size.relearn, limit=288))
            found.append(methods.harmonic(summary, refusing=True))
        scores[factor] = mean(found)
        say = {"method": name, "factor": factor, "score": round(scores[factor], 4)}
        print(json.dumps(say), file=sys.stderr, flush=True)
    return max(scores, key=scores.__getitem__)


def measure(given: argparse.Namespace) -> str:
    """Bases, choice and test; Markdown."""
    import torch

    process.prepare()
    torch.set_float32_matmul_precision("high")  # of bases and methods alike
    for seed in [*given.validation, *given.worlds]:
        known(make(seed, given), given)
    chosen = {name: choose(name, given) for name in COMPARED}
    found = {
        "original": [
            methods_table.read(given.out / "original" / f"world-{n}" / "seed-0", n)
            for n in given.worlds
        ]
    }
    for name, factor in chosen.items():
        found[name] = []
        for number in given.worlds:
            for seed in given.seeds:
                folder = given.out / methods.folder_name(name) / f"world-{number}" / f"seed-{seed}"
                place = make(number, given)
                methods.done(folder, recipe(name, factor, place, seed, SIZES[given.size].relearn))
                found[name].append(methods_table.read(folder, number))
    factors = ", ".join(f"{name} {factor:g}" for name, factor in chosen.items())
    refusals = methods_table.table(found, methods_table.REFUSALS)
    hidden = methods_table.table(found, methods_table.HIDDEN)
    return f"Learning rates times: {factors}\n\n{refusals}\n\n{hidden}"


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="200m")
    parser.add_argument("--population", type=int, default=96, help="people of a world; 96")
    parser.add_argument("--steps", type=int, help="of training a base")
    parser.add_argument("--validation", type=numbers, default=[105])
    parser.add_argument("--worlds", type=numbers, default=numbers("26-28"))
    parser.add_argument("--seeds", type=numbers, default=[0])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(argv)
    try:
        print(measure(given))
    except LetheError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
