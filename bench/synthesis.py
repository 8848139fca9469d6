"""Is synthesised data as good as a world's own, and does filtering noise pay?

    python bench/synthesis.py --arms own synthesised noisy filtered --worlds 101-105 --out runs/syn
    python bench/synthesis.py --rule ../shared/data/rule/rwku

Arms, all measured on the world's own test rows:

own          the world's built-in training rows
synthesised  rows that `lethe synthesize` makes from the world's table of facts, no test wording
noisy        the built-in rows with the faults of RULE's released files, at the rates found there
filtered     the same after `lethe.synthesis.filters`

The second form prints how many rows of RULE's released files have each fault. Prints Markdown;
every run is an ordinary run folder under --out, so a killed measurement goes on where it stood.
"""

import argparse
import math
import random
from collections.abc import Callable
from pathlib import Path

import worlds

from lethe import config, data, pipeline, quickstart, runs, synthesis, world
from lethe.benchmarks import _rule
from lethe.data import Row
from lethe.synthesis import filters, folder
from lethe.synthesis.filters import Known
from lethe.world import facts
from lethe.world.questions import ANSWER_PREFIX

ARMS = ("own", "synthesised", "noisy", "filtered")
# Share of RULE's 3,600 ReBO rows of RWKU's targets 1 to 3 with each fault (--rule prints them).
# A prompt with both labels is left out: `lethe run` refuses such rows.
RATES = {
    "placeholder": 1 / 3600,
    "cloze_without_blank": 25 / 3600,
    "several_blanks": 19 / 3600,
    "answer_in_question": 57 / 3600,
    "cut_off": 45 / 3600,
    "long_reference": 729 / 3600,
    "touches_target": 5 / 3600,
    "bad_refusal": 23 / 3600,
    "exact_duplicate": 19 / 3600,
    "near_duplicate": 109 / 3600,
}


def arm_rows(arm: str, seed: int, out: Path, times: float) -> list[Row]:
    """The rows of an arm: its own train and validation rows, and the world's test rows."""
    splits = world.rows(seed)
    built_in = [*splits["train"], *splits["validation"]]
    target = next(row.subject for row in built_in if row.subject)
    if arm == "synthesised":
        built_in = synthesised(seed, target, splits["test"], out)
    elif arm != "own":
        noisy = with_noise(splits["train"], target, seed, times)
        if arm == "filtered":
            noisy = filters.clean(noisy, Known((target,))).kept
        built_in = [*noisy, *splits["validation"]]
    return [*built_in, *splits["test"]]


def synthesised(seed: int, target: str, test: list[Row], out: Path) -> list[Row]:
    """What `lethe synthesize` makes of the world's facts, its test prompts excluded."""
    table = out / "facts"
    if not (table / "facts.csv").is_file():
        facts.write(seed, table)
        data.write(table / "test.jsonl", test)
    settings = synthesis.Settings(
        target=target,
        facts=table / "facts.csv",
        wordings=table / "wordings.yaml",
        exclude=[table / "test.jsonl"],
        out=out / "rows",
        test=0.0,
    )
    made = synthesis.synthesize(settings, config.Model(path=f"world:{seed}"), progress=False)
    return [row.model_copy(update={"id": f"made-{row.id}"}) for row in folder.read(made)]


def with_noise(rows: list[Row], target: str, seed: int, times: float) -> list[Row]:
    """Training rows with each of RULE's faults, at so many times its rate, one at least."""
    rng = random.Random(f"noise {seed}")
    found = list(rows)
    for fault, rate in RATES.items():
        spoil = FAULTS[fault]
        fit = [i for i, row in enumerate(found) if spoil(row, target) is not None]
        for i in rng.sample(fit, min(len(fit), math.ceil(times * rate * len(rows)))):
            spoilt = spoil(found[i], target)
            assert spoilt is not None
            if fault.endswith("duplicate"):
                found.append(spoilt.model_copy(update={"id": f"{spoilt.id}-{fault}"}))
            else:
                found[i] = spoilt
    return found


def _placeholder(row: Row, target: str) -> Row | None:
    return _changed(row, row.scope == "boundary", answer="ACCURATE_ANSWER_HERE")


def _cloze_without_blank(row: Row, target: str) -> Row | None:
    return _changed(row, row.form == "cloze", prompt=str(row.prompt).replace("___", "it"))


def _several_blanks(row: Row, target: str) -> Row | None:
    return _changed(row, row.form == "cloze", prompt=f"{str(row.prompt)[:-1]} and ___.")


def _answer_in_question(row: Row, target: str) -> Row | None:
    return _changed(row, row.form == "question", prompt=f"{row.prompt} Is it {row.answer}?")


def _cut_off(row: Row, target: str) -> Row | None:
    words = str(row.prompt).split()
    return _changed(row, row.form == "question", prompt=" ".join(words[: len(words) - 1]))


def _long_reference(row: Row, target: str) -> Row | None:
    told = (
        f"The one that is asked for is {row.answer}, as is well known to all who know {row.entity}."
    )
    return _changed(row, row.scope == "boundary", answer=told)


def _touches_target(row: Row, target: str) -> Row | None:
    fits = row.scope == "boundary" and row.entity is not None and row.form == "question"
    return _changed(
        row, fits, prompt=str(row.prompt).replace(row.entity or "", f"the boss of {target}")
    )


def _bad_refusal(row: Row, target: str) -> Row | None:
    return _changed(row, row.scope == "forget", refusal=f"I cannot say. It is {row.answer}.")


def _duplicate(row: Row, target: str) -> Row | None:
    return row


def _near_duplicate(row: Row, target: str) -> Row | None:
    return _changed(row, row.form == "question", prompt=f"{row.prompt} Please.")


def _changed(row: Row, fits: bool, **update: str) -> Row | None:
    return row.model_copy(update=update) if fits else None


FAULTS: dict[str, Callable[[Row, str], Row | None]] = {
    "placeholder": _placeholder,
    "cloze_without_blank": _cloze_without_blank,
    "several_blanks": _several_blanks,
    "answer_in_question": _answer_in_question,
    "cut_off": _cut_off,
    "long_reference": _long_reference,
    "touches_target": _touches_target,
    "bad_refusal": _bad_refusal,
    "exact_duplicate": _duplicate,
    "near_duplicate": _near_duplicate,
}


def rule_table(root: Path) -> str:
    """Markdown: how many rows of RULE's files have each fault, and how many are left."""
    names = [filters.name(each) for each in filters.FILTERS]
    lines = [
        "| file | rows | " + " | ".join(name.replace("_", " ") for name in names) + " | left |"
    ]
    lines.append("|---|" + "---|" * (len(names) + 2))
    for place in sorted(path for path in root.iterdir() if path.is_dir()):
        target = place.name.partition("_")[2].replace("_", " ")
        forms, _ = _rule.joined(place / "reject_with_fb_neighbor_target.json")
        sources = {
            "ReBO": list(
                _rule.rebo(place / "rl_rejection_with_fb_neighbor_target.json", target, forms)
            ),
            "RS": _rule.steering(place / "reject_target.json", target),
        }
        for what, rows in sources.items():
            known = Known((target,))
            counted = [sum(each(rows, known)) for each in filters.FILTERS]
            left = len(filters.clean(rows, known).kept)
            cells = " | ".join(map(str, counted))
            lines.append(f"| {target}, {what} | {len(rows)} | {cells} | {left} |")
    return "\n".join(lines)


def main() -> None:
    """Run, collect, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--worlds", type=worlds.numbers, default=worlds.numbers("101-105"))
    parser.add_argument("--seeds", type=worlds.numbers, default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs/synthesis"))
    parser.add_argument("--times", type=float, default=1.0, help="of RULE's rates of faults")
    parser.add_argument("--rule", type=Path, help="a folder of RULE's released files by target")
    given = parser.parse_args()
    if given.rule:
        print(rule_table(given.rule))
        return
    for arm in given.arms:
        found = {}
        for seed in given.worlds:
            place = given.out / f"{arm}-{seed}"
            file = place / "all.jsonl"
            if not file.is_file():
                data.write(file, arm_rows(arm, seed, place, given.times))
            for training in given.seeds:
                recipe = quickstart.recipe(seed, training)
                raw = config.plain(recipe) | {"data": {"benchmark": "rows", "path": str(file)}}
                raw["evaluate"]["prefix"] = ANSWER_PREFIX
                run = pipeline.run(config.from_dict(raw), out=place / f"run-{training}")
                summary = runs.read_summary(runs.Run(run))
                found[seed, training] = {
                    model: {
                        name: worlds.read(summary, model, *key)
                        for name, key in worlds.COLUMNS.items()
                    }
                    for model in (worlds.BASE, worlds.STEERED, worlds.FINAL)
                }
        print(f"\n{arm}\n\n{worlds.table(found)}", flush=True)


if __name__ == "__main__":
    main()
