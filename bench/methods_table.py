"""The tables of docs/results.md from the runs of bench/methods.py.

    python bench/methods_table.py runs/test

What the runs say is added to bench/measured.jsonl, one line a run, and the tables are made of that
file: runs that are there need not be made again, nor kept.
Each number is the mean over worlds, each first averaged over its seeds, with Student's 95 %
interval over the worlds. Gone: forget questions on which nothing is told. Areas are the paper's, of
the chosen setting, above a retain floor of 0.5: (neighbours - 0.5) * gone, or * refused.
Prints Markdown.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from methods import MEASURED, METHODS, folder_name, measured

from lethe import runs
from lethe.compare.estimate import Estimate, Measured, estimate
from lethe.compare.pareto import Point, area

FLOOR = 0.5


class Measurement(NamedTuple):
    """One run: its world and what it says."""

    world: int
    numbers: dict[tuple[str, str], tuple[float, int]]
    """Value and rows by (metric, group)."""
    seconds: float
    """Of the processor, of all stages."""
    rollouts: int
    """Completions drawn in training."""

    def line(self, method: str, seed: int) -> str:
        """The run as a line of `MEASURED`."""
        numbers = {f"{metric} {group}": known for (metric, group), known in self.numbers.items()}
        about = {"method": method, "world": self.world, "seed": seed}
        cost = {"seconds": self.seconds, "rollouts": self.rollouts}
        return json.dumps({**about, **cost, "numbers": numbers})

    def of(self, metric: str, group: str) -> float:
        """A value; forms of one kind are averaged over their rows."""
        found = [
            known
            for (name, place), known in self.numbers.items()
            if name == metric and (place == group or place.startswith(f"{group}:"))
        ]
        return sum(value * n for value, n in found) / sum(n for _, n in found)

    def area(self, forgotten: str) -> float:
        """The area that the run's point dominates above the floor."""
        gone = 1 - self.of("leak_rate", "forget/question")
        if forgotten == "refused":
            gone = min(gone, self.of("refusal_rate", "forget/question"))
        return area([Point(self.of("accuracy", "boundary/question"), gone)], FLOOR)


Column = Callable[[Measurement], float]
REFUSALS: dict[str, Column] = {
    "questions refused": lambda run: 100 * run.of("refusal_rate", "forget/question"),
    "clozes refused": lambda run: 100 * run.of("refusal_rate", "forget/cloze"),
    "adversarial refused": lambda run: 100 * run.of("refusal_rate", "forget/adversarial"),
    "questions gone": lambda run: 100 - 100 * run.of("leak_rate", "forget/question"),
    "neighbours": lambda run: 100 * run.of("accuracy", "boundary/question"),
    "neighbours, adversarial": lambda run: 100 * run.of("accuracy", "boundary/adversarial"),
    "retain": lambda run: 100 * run.of("accuracy", "retain/question"),
    "utility": lambda run: 100 * run.of("accuracy", "utility/question"),
    "area, gone": lambda run: run.area("gone"),
    "area, refused": lambda run: run.area("refused"),
}
HIDDEN: dict[str, Column] = {
    "clozes leak": lambda run: 100 * run.of("leak_rate", "forget/cloze"),
    "adversarial leak": lambda run: 100 * run.of("leak_rate", "forget/adversarial"),
    "reverse leak": lambda run: 100 * run.of("leak_rate", "forget/reverse"),
    "p(answer)": lambda run: 100 * run.of("answer_probability", "forget/question"),
    "relearnt": lambda run: 100 * run.of("relearn", "forget/question"),
    "unnatural": lambda run: 100 * run.of("fault_rate", "forget/question"),
    "CPU seconds": lambda run: run.seconds,
    "rollouts": lambda run: run.rollouts,
}


def kept(line: dict) -> Measurement:
    """A line of `MEASURED`, read again."""
    numbers = {tuple(key.split(" ", 1)): tuple(known) for key, known in line["numbers"].items()}
    return Measurement(line["world"], numbers, line["seconds"], line["rollouts"])


def read(folder: Path, world: int) -> Measurement:
    """What a run folder says of its last model."""
    run = runs.Run(folder)
    numbers = {
        (record["metric"], record["group"]): (record["value"], record["n"])
        for record in runs.read_summary(run)
        if record["value"] is not None and _read(record["metric"], record["group"])
    }
    seconds = sum(
        json.loads(line)["cpu_seconds"]
        for line in run.log.read_text().splitlines()
        if json.loads(line)["what"].startswith("stage ")
    )
    return Measurement(world, numbers, seconds, rollouts(run))


def _read(metric: str, group: str) -> bool:
    """Whether a column might read it; the others are not kept."""
    if not group.startswith("forget/"):
        return metric == "accuracy"
    return metric not in ("accuracy", "rouge_l_recall")


def rollouts(run: runs.Run) -> int:
    """The completions that a run's stages drew."""
    curves = run.folder.glob("stages/*/metrics.jsonl")
    drawn = [[line.get("rollouts") or 0 for line in runs.read_lines(curve)] for curve in curves]
    return int(sum(max(curve, default=0) for curve in drawn))


def cell(runs: list[Measurement], column: Column, places: int) -> str:
    """Mean and interval."""
    found: Estimate = estimate([Measured(run.world, column(run)) for run in runs], None, None)
    if found.value is None:
        return "-"
    text = f"{found.value:.{places}f}"
    if found.low is None or found.high is None or found.high - found.low < 10**-places:
        return text
    return f"{text} ± {(found.high - found.low) / 2:.{places}f}"


def table(found: dict[str, list[Measurement]], columns: dict[str, Column]) -> str:
    """Markdown: a line a method."""
    lines = ["| method | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for name, runs_of in found.items():
        cells = [
            cell(runs_of, column, 3 if title.startswith("area") else 1)
            for title, column in columns.items()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def add(folder: Path) -> None:
    """Write down what finished runs say, each once."""
    known = {(line["method"], line["world"], line["seed"]) for line in measured()}
    new = []
    for name in ("original", *METHODS):
        for place in sorted((folder / folder_name(name)).glob("world-*/seed-*")):
            world, seed = (int(part.name.rpartition("-")[2]) for part in (place.parent, place))
            if runs.Run(place).summary.is_file() and (name, world, seed) not in known:
                new.append(read(place, world).line(name, seed) + "\n")
    with MEASURED.open("a", encoding="utf-8") as file:
        file.writelines(new)


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="runs to add; none: only the tables")
    given = parser.parse_args()
    if given.folder:
        add(given.folder)
    lines = measured()
    found = {
        name: [kept(line) for line in lines if line["method"] == name]
        for name in ("original", *METHODS)
        if any(line["method"] == name for line in lines)
    }
    worlds = sorted({run.world for runs_of in found.values() for run in runs_of})
    counts = ", ".join(f"{name} {len(runs_of)}" for name, runs_of in found.items())
    print(f"Worlds {worlds}; runs: {counts}\n")
    print(table(found, REFUSALS), "\n")
    print(table(found, HIDDEN))


if __name__ == "__main__":
    main()
