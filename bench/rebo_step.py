"""ReBO's step on the CPU: ours, stock TRL's, and the same maths by hand as the limit.

    make bench
    python bench/rebo_step.py --rounds 3 --steps 5

One model, one set of prompts, one thread, one process. Each round runs `trl.GRPOTrainer`,
`lethe.stages._rebo.ReboTrainer` and `by_hand.steps` after one another on the same prompts: two
steps of warm-up, then the steps that are timed, with everything between two steps (data, logging).
The learning rate is 0, so that all draw from the same distribution in every step, in two regimes:

- natural: a completion ends where the steered model ends it; the three draw their own, so the mean
  length is given, and should be the same.
- full: no token ends a completion; each has exactly `--max-new-tokens`.

Stock is set up as a careful user would on a CPU: no bf16, no gradient checkpointing, no tracker, no
progress bar, the same logging as ours, its reference loaded from the same folder. Prints Markdown:
medians over all timed steps, and the median and range over the rounds of how many times faster than
stock each is. CPU is the process's time, which a busy machine disturbs less than the wall's.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import tempfile
import time
import warnings
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import by_hand
import torch
import transformers
from datasets import Dataset, disable_progress_bars
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl.trainer.grpo_trainer import GRPOTrainer

from lethe import config, plug, world
from lethe import model as models
from lethe.generate import stop_tokens
from lethe.model import Checkpoint
from lethe.stages import _engine, _rebo, _sampler, rebo, rejection_steering

WARM_UP = 2
NAMES = {"stock": "stock `trl.GRPOTrainer`", "ours": "Lethe's `ReboTrainer`", "hand": "by hand"}
REGIMES = ("natural", "full")
NOTHING_STOPS = [-1]


class Step(NamedTuple):
    """One timed step."""

    regime: str
    name: str
    round: int
    cpu: float
    wall: float
    length: float


class Clock(TrainerCallback):
    """The clocks at the end of each step, and the mean length of its completions."""

    def __init__(self):
        self.ends, self.lengths = [], []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append((time.process_time(), time.perf_counter()))

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "completions/mean_length" in logs:
            self.lengths.append(logs["completions/mean_length"])


def arguments(settings, out, seed):
    """Arguments of both trainers: ours, with weights that stay."""
    args = _rebo._arguments(settings, out, seed)
    args.learning_rate, args.save_strategy = 0.0, "no"
    return args


def common(start, settings, out, seed):
    return {
        "model": models.load(start.path, start.spec, trainable=True),
        "args": arguments(settings, out, seed),
        "reward_funcs": [plug.function("reward", name) for name in settings.rewards],
        "processing_class": models.tokenizer(start.path, start.spec),
    }


def stock(start, rows, settings, out, seed):
    """TRL's trainer, unchanged; its rows lie in the order in which ours draws them."""
    parts = common(start, settings, out, seed)
    forget = [i for i, row in enumerate(rows) if row.scope == "forget"]
    boundary = [i for i, row in enumerate(rows) if row.scope != "forget"]
    sampler = _sampler.ScopeSampler(
        forget,
        boundary,
        per_step=_sampler.shares(settings.prompts_per_step, settings.forget_fraction),
        num_generations=settings.num_generations,
        repeats=1,
        seed=seed,
    )
    order = [i for step in range(settings.steps) for i in sampler.batch(step)]
    parts["args"].shuffle_dataset = False
    lessons = [_rebo._lesson(rows[i], parts["processing_class"]) for i in order]
    return GRPOTrainer(train_dataset=Dataset.from_list(lessons), **parts)


def ours(start, rows, settings, out, seed):
    """Lethe's trainer, as `rebo.train` makes it."""
    parts = common(start, settings, out, seed)
    lessons = [_rebo._lesson(row, parts["processing_class"]) for row in rows]
    curve = _engine.Curve(out, "bench")
    return _rebo.ReboTrainer(
        settings=settings,
        reference=start.path,
        curve=curve,
        train_dataset=Dataset.from_list(lessons),
        **parts,
    )


def run_trainer(trainer, regime):
    """Train; clocks at each step's end and lengths."""
    if regime == "full":
        trainer.eos_token_ids = NOTHING_STOPS
        trainer.generation_config.eos_token_id = NOTHING_STOPS
        trainer.generation_kwargs["eos_token_id"] = NOTHING_STOPS
    clock = Clock()
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.ends, clock.lengths


def run_by_hand(start, rows, settings, seed, regime):
    """The same of the loop without a trainer."""
    policy = models.load(start.path, start.spec, trainable=True)
    tokenizer = models.tokenizer(start.path, start.spec)
    stop = NOTHING_STOPS if regime == "full" else stop_tokens(policy, tokenizer)
    reference = models.load(start.path, start.spec)
    ends, lengths = [], []
    endless = by_hand.steps(
        policy, reference, tokenizer, rows, stop, settings, learning_rate=0.0, seed=seed
    )
    for tokens in islice(endless, settings.steps):
        ends.append((time.process_time(), time.perf_counter()))
        lengths.append(tokens / (settings.prompts_per_step * settings.num_generations))
    return ends, lengths


def measure(start, rows, settings, rounds, out):
    """Every timed step of every round, in every regime."""
    found = []
    for seed in range(rounds):
        for regime in REGIMES:
            for name in NAMES:
                torch.manual_seed(seed)
                if name == "hand":
                    ends, lengths = run_by_hand(start, rows, settings, seed, regime)
                else:
                    make = {"stock": stock, "ours": ours}[name]
                    ends, lengths = run_trainer(make(start, rows, settings, out, seed), regime)
                timed = list(
                    zip(ends[WARM_UP - 1 :], ends[WARM_UP:], lengths[WARM_UP:], strict=False)
                )
                found += [
                    Step(regime, name, seed, after[0] - before[0], after[1] - before[1], length)
                    for before, after, length in timed
                ]
    return found


def table(found):
    """Markdown: a row for each regime and implementation."""
    lines = [
        "| completions | step of | tokens each | CPU ms | wall ms | stock / this, CPU | "
        "stock / this, wall |",
        "|---|---|---|---|---|---|---|",
    ]
    for regime in REGIMES:
        for name, words in NAMES.items():
            own = [step for step in found if (step.regime, step.name) == (regime, name)]
            cells = [regime, words, f"{mean(step.length for step in own):.2f}"]
            cells += [f"{1000 * median(getattr(s, c) for s in own):.0f}" for c in ("cpu", "wall")]
            cells += [faster(found, regime, name, clock) for clock in ("cpu", "wall")]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def faster(found, regime, name, clock):
    """How many times faster than stock: median over rounds, and their range."""

    def middle(who, seed):
        return median(getattr(step, clock) for step in found if step[:3] == (regime, who, seed))

    ratios = [middle("stock", s) / middle(name, s) for s in sorted({step.round for step in found})]
    if name == "stock":
        return "1"
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def steered(seed, out):
    """What ReBO starts from in the quickstart: the world's model after rejection steering."""
    path = str(world.checkpoint(seed))
    spec = config.Model(path=path)
    data = world.rows(seed, 1)
    steering = rejection_steering.Config(learning_rate=1e-3, epochs=6)
    out.mkdir()
    rejection_steering.train(steering, Checkpoint(path, path, spec), data, out, 0)
    return Checkpoint(str(out / "model"), path, spec), rebo.rows(data)


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--world", type=int, default=0, help="seed of the embedded world")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed, in each round")
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--max-new-tokens", type=int, default=16)
    given = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    disable_progress_bars()
    torch.set_num_threads(1)
    settings = rebo.Config(
        steps=WARM_UP + given.steps,
        prompts_per_step=given.prompts,
        num_generations=given.generations,
        max_new_tokens=given.max_new_tokens,
    )
    with tempfile.TemporaryDirectory() as folder:
        start, rows = steered(given.world, Path(folder) / "steered")
        print(table(measure(start, rows, settings, given.rounds, Path(folder))))


if __name__ == "__main__":
    main()
