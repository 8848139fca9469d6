"""Every method on the same worlds with the same rows: settings chosen on some, reported on others.

    python bench/methods.py choose --out runs/choose    # validation worlds; bench/chosen.yaml
    python bench/methods.py test --out runs/test        # untouched worlds, with what was chosen
    python bench/methods.py test --out runs/test --part 1/2   # and 2/2: in two processes

Runs that stand in bench/measured.jsonl are not made again; for runs with other settings or of
another version, empty it.

All methods have the same train rows (those of the world's RULE), the same validation rows, four
settings to choose from, and, where they train, the same ways to use validation rows: the best
checkpoint, looked for as often, then the least share of the change that balances as well
(`interpolate`). Most methods that teach refusing chose the corner of an earlier grid, so theirs
lies further out now. Of the four settings that one is taken that has the best mean, over the
validation worlds, of the harmonic mean of forgetting (1 - leak rate on unseen forget questions, or,
of methods that teach refusing, refusals that leak nothing) and accuracy on unseen neighbours. Every
run is an ordinary run folder, so a killed measurement goes on where it stood.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path
from statistics import mean
from typing import Any

from worlds import numbers

from lethe import config, pipeline, quickstart, runs, yaml12
from lethe.config import Recipe
from lethe.plug import LetheError

CHOSEN = Path(__file__).with_name("chosen.yaml")
MEASURED = Path(__file__).with_name("measured.jsonl")
"""What finished test runs said: a line each, by bench/methods_table.py."""
SHARED = {
    "batch_size": 16,
    "eval_every": 10,
    "interpolate": quickstart.INTERPOLATE,
}
STEERED = quickstart.STAGES[0]
GRID = [{"learning_rate": lr, "epochs": n} for lr in (3e-4, 1e-3) for n in (10, 30)]
FURTHER = [
    {"learning_rate": lr, "epochs": n} for lr, n in ((3e-4, 30), (1e-3, 30), (3e-3, 30), (1e-3, 60))
]
PAIR_KINDS = {"": {}, " + GDR": {"gdr": 1.0}, " + KLR": {"klr": 1.0}}


def method(stage: str, **settings: Any) -> list[dict[str, Any]]:
    """A single offline stage."""
    return [{"stage": stage, **SHARED, **settings}]


METHODS: dict[str, list[dict[str, Any]]] = {
    **{f"GA{kind}": method("gradient_ascent", **own) for kind, own in PAIR_KINDS.items()},
    **{f"NPO{kind}": method("npo", **own) for kind, own in PAIR_KINDS.items()},
    **{f"SimNPO{kind}": method("simnpo", **own) for kind, own in PAIR_KINDS.items()},
    "WGA + GDR": method("wga", gdr=1.0),
    "SatImp + GDR": method("satimp", gdr=1.0),
    "CE-U + GDR": method("ceu", gdr=1.0),
    "UNDIAL + GDR": method("undial", gdr=1.0),
    "ME + GDR": method("max_entropy", gdr=1.0, forget_weight=0.1),
    "RMU": method("rmu"),
    "task vector": [{"stage": "task_vector", "batch_size": 16}],
    "in-context": [{"stage": "in_context"}],
    "DPO": method("dpo"),
    "DPO + GDR": method("dpo", gdr=1.0),
    "KTO": [{"stage": "kto", **SHARED, "undesirable_weight": 10.0}],
    "IDK": method("idk"),
    "IDK + GDR": method("idk", gdr=1.0),
    "RS": [STEERED],
    "RS, IDK + GDR": [STEERED, *method("idk", gdr=1.0)],
    "RS, IDK + GDR + KLR": [STEERED, *method("idk", gdr=1.0, klr=1.0)],
    "RULE": quickstart.STAGES,
}
GRIDS: dict[str, list[dict[str, Any]]] = {
    "in-context": [{"examples": n} for n in range(4)],
    # A pass over all texts is thirteen passes over the forget rows.
    "KTO": [
        {"learning_rate": lr, "epochs": n} for lr, n in ((3e-4, 3), (1e-3, 3), (3e-3, 3), (1e-3, 6))
    ],
    "RS": [
        {"learning_rate": lr, "epochs": n} for lr, n in ((3e-4, 6), (1e-3, 3), (1e-3, 6), (3e-3, 3))
    ],
    "RULE": [
        {"learning_rate": lr, "guidance": shown}
        for lr, shown in (
            (3e-4, "demonstration"),
            (6e-4, "none"),
            (6e-4, "demonstration"),
            (1e-3, "demonstration"),
        )
    ],
}
REFUSING = {"DPO", "DPO + GDR", "KTO", "IDK", "IDK + GDR", "in-context", "RULE"}


def settings(name: str) -> list[dict[str, Any]]:
    """The four settings of a method's last stage."""
    return GRIDS.get(name, FURTHER if teaches_refusing(name) else GRID)


def teaches_refusing(name: str) -> bool:
    """Whether a method is meant to refuse, and not only to forget."""
    return name in REFUSING or name.startswith("RS")


def recipe(name: str, chosen: dict[str, Any], world: int, seed: int, **evaluate: Any) -> Recipe:
    """One run of a method with a setting of its last stage."""
    raw = config.plain(quickstart.recipe(world, seed))
    raw["name"] = folder_name(name)
    *first, last = METHODS.get(name, [None])
    raw["stages"] = [*first, {**last, **chosen}] if last else []
    raw["evaluate"] = {**raw["evaluate"], "models": "last", **evaluate}
    if "limit" in evaluate:
        raw["attacks"] = []
    return config.from_dict(raw, name)


def folder_name(name: str) -> str:
    """A method's name as a folder's.

    >>> folder_name("RS, IDK + GDR")
    'RS_IDK-GDR'
    """
    return name.replace(", ", "_").replace(" + ", "+").replace(" ", "-").replace("+", "-")


def value(summary: list[dict], metric: str, group: str) -> float:
    """One number of the last model of a run."""
    return next(r["value"] for r in summary if (r["metric"], r["group"]) == (metric, group))


def harmonic(summary: list[dict], refusing: bool) -> float:
    """What settings are chosen by."""
    forgotten = 1 - value(summary, "leak_rate", "forget/question")
    if refusing:
        forgotten = min(forgotten, value(summary, "refusal_rate", "forget/question"))
    kept = value(summary, "accuracy", "boundary/question")
    return 2 * forgotten * kept / (forgotten + kept) if forgotten + kept else 0.0


def done(folder: Path, wanted: Recipe) -> list[dict]:
    """The summary of a run, made now if it is not there."""
    pipeline.run(wanted, out=folder, progress=False)
    return runs.read_summary(runs.Run(folder))


def choose(given: argparse.Namespace) -> None:
    """Try every setting on the validation worlds, and write down the best of each method."""
    found: dict[str, Any] = {}
    for number, name in enumerate(METHODS):
        if (given.only and name not in given.only) or number % given.of != given.part:
            continue
        tried = []
        for place, setting in enumerate(settings(name)):
            scores = [
                harmonic(
                    done(
                        given.out / folder_name(name) / f"setting-{place}" / f"world-{world}",
                        recipe(name, setting, world, 0, limit=288),
                    ),
                    teaches_refusing(name),
                )
                for world in given.worlds
            ]
            tried.append({"setting": setting, "score": round(mean(scores), 4), "worlds": scores})
            print(name, json.dumps(tried[-1]), file=sys.stderr, flush=True)
        found[name] = max(tried, key=lambda one: one["score"])["setting"]
    known = (yaml12.load(CHOSEN) if CHOSEN.exists() else {}) | found
    CHOSEN.write_text(yaml12.dumps({name: known[name] for name in METHODS if name in known}))


def test(given: argparse.Namespace) -> None:
    """Run every method once, with its chosen setting, on worlds and seeds."""
    chosen = {"original": {}, **yaml12.load(CHOSEN)}
    if missing := [name for name in given.only or METHODS if name not in chosen]:
        raise LetheError(f"{CHOSEN}: nothing was chosen for {', '.join(missing)}: run choose first")
    names = ["original", *METHODS]
    jobs = [
        (world, seed, name)
        for seed, world, name in itertools.product(given.seeds, given.worlds, names)
        if name != "original" or seed == given.seeds[0]  # nothing about it is drawn
    ]
    known = {(line["world"], line["seed"], line["method"]) for line in measured()}
    for number, (world, seed, name) in enumerate(jobs):
        if (given.only and name not in given.only) or number % given.of != given.part:
            continue
        if (world, seed, name) in known:
            continue
        folder = given.out / folder_name(name) / f"world-{world}" / f"seed-{seed}"
        done(folder, recipe(name, chosen[name], world, seed))
        print(f"{number + 1}/{len(jobs)} {folder}", file=sys.stderr, flush=True)


def measured() -> list[dict[str, Any]]:
    """The lines of `MEASURED`."""
    if not MEASURED.is_file():
        return []
    return [json.loads(line) for line in MEASURED.read_text(encoding="utf-8").splitlines()]


def part(text: str) -> tuple[int, int]:
    """Which part of the work: 2/3 is the second of three, given as (1, 3)."""
    which, _, of = text.partition("/")
    return int(which) - 1, int(of)


def main() -> None:
    """Choose, or test."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["choose", "test"])
    parser.add_argument("--worlds", type=numbers)
    parser.add_argument("--seeds", type=numbers, default=[0, 1, 2])
    parser.add_argument(
        "--only", nargs="+", choices=["original", *METHODS], metavar="METHOD", help="not all"
    )
    parser.add_argument("--part", type=part, default=(0, 1), metavar="I/N")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.part, given.of = given.part
    given.worlds = given.worlds or numbers("103,105" if given.what == "choose" else "21-25")
    try:
        {"choose": choose, "test": test}[given.what](given)
    except LetheError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
