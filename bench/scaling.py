"""How the cost of a ReBO step and of an evaluation grows, against the operations they take.

    make bench
    python bench/scaling.py --rounds 3 --out docs/scaling.svg

Llamas of 0.5, 2, 10 and 50 M parameters with random weights (bench/memory.py), the embedded world's
rows, one thread, CPU seconds of the process. A ReBO step is that of bench/rebo_step.py: Lethe's
trainer, learning rate 0, no token ends a completion; one step of warm-up, one that counts. An
evaluation is greedy answers and likelihoods, as in bench/evaluate.py. One thing grows at a time:
the model, the group, the number of prompts. Each round measures every point once, and beside it
what this core makes of a product of two large matrices, which is the ceiling: other work on the
machine slows both.

Prints a table: operations by lethe/estimate/work.py, seconds (median and range of the rounds),
operations a second as a share of the ceiling, and the slopes between neighbouring points on
logarithmic axes, of the seconds and of the operations. Draws the same.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import evaluate as asking
import memory
import rebo_step
import torch

from lethe import config, world
from lethe import model as models
from lethe.estimate import shape as shapes
from lethe.estimate import stages
from lethe.estimate.memory import How
from lethe.estimate.stages import Asked, Rebo, Texts
from lethe.model import Checkpoint
from lethe.process import prepare
from lethe.report import svg
from lethe.report.svg import Axis
from lethe.report.words import number
from lethe.stages import rebo

NEW = 16
CPU = How(cuda=False, weight=4)
MATRIX = 1024


class Case(NamedTuple):
    """One point of one line."""

    what: str
    """ReBO step or evaluation."""
    grows: str
    size: str
    prompts: int
    group: int = 1


class Point(NamedTuple):
    """What was found of a case."""

    case: Case
    x: float
    """What grows: parameters, completions of a prompt, or prompts."""
    operations: float
    seconds: list[float]
    ceilings: list[float]
    """Operations a second of the product of matrices, measured beside each."""

    @property
    def share(self):
        """Of the ceiling, the median over rounds."""
        pairs = zip(self.seconds, self.ceilings, strict=True)
        return median(self.operations / s / c for s, c in pairs)


def cases(sizes, groups, prompts, rows):
    """Every point; the 2 M model, or the first size, where the model does not grow."""
    middle = "2M" if "2M" in sizes else sizes[0]
    found = [Case("ReBO step", "parameters", size, 8, 8) for size in sizes]
    found += [Case("ReBO step", "group", middle, 8, group) for group in groups]
    found += [Case("ReBO step", "prompts", middle, count, 8) for count in prompts]
    found += [Case("evaluation", "parameters", size, min(64, max(rows))) for size in sizes]
    return found + [Case("evaluation", "prompts", middle, count) for count in rows]


def ceiling(seconds=0.2):
    """Operations a second of a product of two square matrices, float32, one thread."""
    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    a @ b
    start, count = time.process_time(), 0
    while time.process_time() - start < seconds:
        a @ b
        count += 1
    return count * 2 * MATRIX**3 / (time.process_time() - start)


class Step:
    """A ReBO step of a case."""

    def __init__(self, case, path, rows, out):
        self.start = Checkpoint(str(path), str(path), config.Model(path=str(path)))
        self.rows, self.out = rows, out
        self.settings = rebo.Config(
            steps=2,
            prompts_per_step=case.prompts,
            num_generations=case.group,
            max_new_tokens=NEW,
        )

    def seconds(self, seed):
        """CPU seconds of the second step."""
        trainer = rebo_step.ours(self.start, self.rows, self.settings, self.out, seed)
        (first, _), (second, _) = rebo_step.run_trainer(trainer, "full")[0]
        return second - first

    def operations(self, shape, words):
        """Of one step."""
        lengths = [(len(models.render(words, row.prompt)), 0) for row in self.rows]
        given = Rebo(
            steps=1,
            prompts=self.settings.prompts_per_step,
            group=self.settings.num_generations,
            iterations=1,
            new=NEW,
            micro=self.settings.prompts_per_step * self.settings.num_generations,
            reference=True,
            rollout="transformers",
            texts=Texts(tuple(lengths)),
            looks=Asked(Texts(()), 0, 1),
        )
        return stages.rebo(shape, CPU, given, 1)[1].total


class Evaluation:
    """An evaluation of a case."""

    def __init__(self, case, path, rows):
        spec = config.Model(path=str(path))
        model, words = models.load(path, spec), models.tokenizer(path, spec)
        chosen = (rows * (1 + case.prompts // len(rows)))[: case.prompts]
        self.given = asking.setup("", model, words, chosen, NEW, ())

    def seconds(self, seed):
        """CPU seconds of answers and likelihoods."""
        start = time.process_time()
        asking.ours(self.given)
        asking.scored(self.given, 64)
        return time.process_time() - start

    def operations(self, shape, words):
        """Of all prompts."""
        pairs = [(len(r.context), len(r.target)) for r in self.given.requests]
        asked = Asked(Texts(tuple(pairs)), NEW, 64)
        return stages.evaluation(shape, CPU, asked, config.Evaluate(), 0)[1].total


def measure(chosen, folders, rounds, out):
    """Every case in every round."""
    data = world.rows(0, 1)
    lessons, tests = rebo.rows(data), data["test"]
    found = {}
    for number_ in range(rounds):
        for case in chosen:
            path = folders[case.size]
            stage = case.what == "ReBO step"
            work = Step(case, path, lessons, out) if stage else Evaluation(case, path, tests)
            if case not in found:
                spec = config.Model(path=str(path))
                shape, words = shapes.of(models.skeleton(path, spec)), models.tokenizer(path, spec)
                x = {"parameters": shape.parameters, "group": case.group, "prompts": case.prompts}
                operations = work.operations(shape, words)
                found[case] = Point(case, x[case.grows], operations, [], [])
            found[case].ceilings.append(ceiling())
            found[case].seconds.append(work.seconds(number_))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return list(found.values())


def lines(points):
    """The points that stand on one line, by what is measured and what grows."""
    found = {}
    for point in points:
        found.setdefault((point.case.what, point.case.grows), []).append(point)
    return {key: sorted(own, key=lambda point: point.x) for key, own in found.items()}


def slope(a, b, value):
    """Between two points, on logarithmic axes."""
    return math.log(value(b) / value(a)) / math.log(b.x / a.x)


def table(points):
    """Markdown."""
    out = [
        "| of | grows | to | GFLOP | CPU seconds | GFLOP a second | of the ceiling | "
        "slope of seconds | slope of operations |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (what, grows), own in lines(points).items():
        for i, point in enumerate(own):
            low, middle, high = (f(point.seconds) for f in (min, median, max))
            cells = [what, grows, f"{point.x:,}", f"{point.operations / 1e9:.3g}"]
            cells.append(f"{middle:.3g} ({low:.3g}-{high:.3g})")
            cells += [f"{point.operations / middle / 1e9:.1f}", f"{100 * point.share:.0f} %"]
            if i:
                before = own[i - 1]
                cells.append(f"{slope(before, point, lambda p: median(p.seconds)):.2f}")
                cells.append(f"{slope(before, point, lambda p: p.operations):.2f}")
            else:
                cells += ["", ""]
            out.append(f"| {' | '.join(cells)} |")
    every = [rate for point in points for rate in point.ceilings]
    low, middle, high = (f(every) / 1e9 for f in (min, median, max))
    out.append(f"\nCeiling: {middle:.0f} GFLOP a second ({low:.0f}-{high:.0f}), float32, 1 thread.")
    return "\n".join(out)


# ------------------------------------------------------------------------------------- picture

WIDE, HIGH = 300, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 30, 40


def decades(low, high, start, end):
    """A logarithmic axis over whole powers of ten."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    return Axis(first, last, start, end, tuple(range(first, last + 1)))


def panel(key, own, left, top):
    """One line: medians with their ranges, and the seconds that the ceiling would take."""
    what, grows = key
    at_best = [(p.x, p.operations / median(p.ceilings)) for p in own]
    seconds = [s for p in own for s in p.seconds] + [s for _, s in at_best]
    x = decades(own[0].x * 0.9, own[-1].x * 1.1, left + LEFT, left + WIDE - RIGHT)
    y = decades(min(seconds), max(seconds), top + HIGH - BOTTOM, top + TOP)
    parts = [svg.label(left + LEFT, top + 15, f"{what}, {grows}", "name")]
    for tick in y.ticks:
        parts.append(svg.line(x.start, y.at(tick), x.end, y.at(tick), "grid"))
        parts.append(svg.label(x.start - 7, y.at(tick) + 4, f"{10.0**tick:g} s", "tick end"))
    for tick in x.ticks:
        words = number(10.0**tick)
        parts.append(svg.label(x.at(tick), y.start + 16, words, "tick middle"))
    parts.append(svg.label((x.start + x.end) / 2, y.start + 33, grows, "tick middle"))
    path = "L".join(f"{x.at(math.log10(v)):.1f} {y.at(math.log10(s)):.1f}" for v, s in at_best)
    parts.append(f'<path class="limit" d="M{path}"/>')
    for point in own:
        place = x.at(math.log10(point.x))
        low, middle, high = (y.at(math.log10(f(point.seconds))) for f in (min, median, max))
        parts.append(f'<path class="whisker s-model-2" d="M{place:.1f} {low:.1f}V{high:.1f}"/>')
        parts.append(f'<circle class="f-model-2" cx="{place:.1f}" cy="{middle:.1f}" r="4"/>')
    return "".join(parts)


def picture(points):
    """All lines, three beside one another."""
    groups = list(lines(points).items())
    head = 44
    body = svg.label(
        0, 16, "CPU seconds, and what the operations would take at the ceiling", "title"
    )
    body += svg.label(
        0,
        34,
        "Points: median of the rounds, with their range. Dotted: operations / ceiling.",
        "tick",
    )
    for i, (key, own) in enumerate(groups):
        body += panel(key, own, WIDE * (i % 3), head + HIGH * (i // 3))
    told = "; ".join(
        f"{what}, {grows}: {median(own[0].seconds):.3g} s at {own[0].x:,}, "
        f"{median(own[-1].seconds):.3g} s at {own[-1].x:,}"
        for (what, grows), own in groups
    )
    return svg.drawing(
        body,
        width=3 * WIDE,
        height=head + HIGH * math.ceil(len(groups) / 3),
        key="scaling",
        title="Cost of a ReBO step and of an evaluation",
        description=told,
        standalone=True,
    )


def main():
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", default=["0.5M", "2M", "10M", "50M"])
    parser.add_argument("--groups", nargs="+", type=int, default=[2, 4, 16, 32])
    parser.add_argument("--prompts", nargs="+", type=int, default=[2, 4, 16, 32])
    parser.add_argument("--rows", nargs="+", type=int, default=[16, 64, 256])
    parser.add_argument("--out", type=Path, help="the picture")
    given = parser.parse_args()
    prepare(progress=False)
    chosen = cases(given.sizes, given.groups, given.prompts, given.rows)
    with tempfile.TemporaryDirectory() as scratch:
        folders = {size: memory.make(size, Path(scratch) / size) for size in given.sizes}
        points = measure(chosen, folders, given.rounds, Path(scratch))
    print(table(points))
    if given.out:
        given.out.write_text(picture(points) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
