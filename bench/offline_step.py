"""A step of the offline trainer on the CPU: ours, and a plain Trainer with a forward for each loss.

    make bench
    python bench/offline_step.py --rounds 3 --steps 5

One model, the same rows in the same batches, one thread, one process, learning rate 0. Plain is
`transformers.Trainer` with the losses written down as in the papers' codes: the model reads forget
answers, refusals and retain rows in a forward pass each, a frozen copy of the original reads what
the loss compares with in every step, and logits are those of all tokens. It is set up as ours is:
the same arguments, float32, no tracker, no progress bar. Each round runs plain, then ours: two
steps of warm-up, then the steps that are timed, with everything between two of them. What ours does
once before the first step, the original's log-probabilities of all forget rows, is not timed: it
costs a forward pass over each forget row, as plain pays in every pass over them.

Both losses of the first batch are compared first: they must agree to 1e-5. Prints Markdown: medians
over all timed steps, and the median and range over the rounds of how many times faster ours is. CPU
is the process's time, which a busy machine disturbs less than the wall's.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import itertools
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
import transformers
from torch.nn.functional import cross_entropy, logsigmoid
from torch.utils.data import SequentialSampler
from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import PrinterCallback

from lethe import config, world
from lethe import model as models
from lethe.model import Checkpoint
from lethe.stages import _offline, dpo, npo

WARM_UP = 2
NAMES = {"plain": "plain `transformers.Trainer`", "ours": "Lethe's `OfflineTrainer`"}
CASES = {
    "npo + gdr": (npo, {"gdr": 1.0}),
    "npo + klr": (npo, {"klr": 1.0}),
    "dpo + gdr": (dpo, {"gdr": 1.0}),
}


class Step(NamedTuple):
    """One timed step."""

    case: str
    name: str
    round: int
    cpu: float
    wall: float


class Clock(TrainerCallback):
    """The clocks at the end of each step."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, args, state, control, **kwargs):
        self.ends.append((time.process_time(), time.perf_counter()))


# ------------------------------------------------------------------------------ the plain trainer


def collate(texts, pad):
    """Prompt and completion in one row, padded on the right; labels of completions alone."""
    rows = [[*text.prompt, *text.completion] for text in texts]
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        ids[i, : len(row)], mask[i, : len(row)] = torch.tensor(row), 1
        labels[i, len(text.prompt) : len(row)] = torch.tensor(text.completion)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def collator(pad):
    """A batch for each kind of row that the pairs have."""

    def batches(pairs):
        kinds = zip(_offline.KINDS, zip(*pairs, strict=True), strict=True)
        return {kind: collate(texts, pad) for kind, texts in kinds if texts[0] is not None}

    return batches


def logits(model, batch):
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    return model(**inputs, use_cache=False).logits[:, :-1], batch["labels"][:, 1:]


def sums(model, batch):
    """Log-probability of each row's completion."""
    found, labels = logits(model, batch)
    losses = cross_entropy(found.transpose(1, 2), labels, ignore_index=-100, reduction="none")
    return -losses.sum(dim=1)


def per_row(values, labels):
    """Mean over a row's completion, then over rows."""
    mask = labels != -100
    return ((values * mask).sum(dim=1) / mask.sum(dim=1)).mean()


class PlainTrainer(Trainer):
    """A forward pass for each term of each loss."""

    def __init__(self, *, settings, original, **kwargs):
        self.settings, self.original = settings, original
        super().__init__(**kwargs)
        self.model_accepts_loss_kwargs = False

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(train_dataset or self.train_dataset)

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        settings = self.settings
        total = self.forget(model, inputs)
        if settings.gdr:
            found, labels = logits(model, inputs["retain"])
            losses = cross_entropy(found.transpose(1, 2), labels, reduction="none")
            total = total + settings.gdr * per_row(losses, labels)
        if settings.klr:
            found, labels = logits(model, inputs["retain"])
            with torch.no_grad():
                target = logits(self.original, inputs["retain"])[0].log_softmax(-1)
            gap = (target.exp() * (target - found.log_softmax(-1))).sum(-1)
            total = total + settings.klr * per_row(gap, labels)
        return total

    def forget(self, model, inputs):
        beta, lost = self.settings.beta, self.ratio(model, inputs["answer"])
        if self.settings.stage == "npo":
            return -2 / beta * logsigmoid(-beta * lost).mean()
        return -logsigmoid(beta * (self.ratio(model, inputs["refusal"]) - lost)).mean()

    def ratio(self, model, batch):
        with torch.no_grad():
            known = sums(self.original, batch)
        return sums(model, batch) - known


# -------------------------------------------------------------------------------- what is measured


def ours(case, start, rows, settings, out, seed):
    """Lethe's trainer, as `_offline.fit` makes it, with weights that stay."""
    method = CASES[case][0]
    words = models.tokenizer(start.path, start.spec)
    trainer = _offline.build(settings, start, words, rows, out, seed, method.loss)
    trainer.args.learning_rate, trainer.args.save_strategy = 0.0, "no"
    return trainer


def plain(case, start, rows, settings, out, seed):
    """The plain one, with the rows that ours would take, in its order."""
    known = ours(case, start, rows, settings, out, seed)
    trainer = PlainTrainer(
        settings=settings,
        original=models.load(start.original, start.spec),
        model=models.load(start.path, start.spec, trainable=True),
        args=known.args,
        train_dataset=known.train_dataset,
        data_collator=collator(models.tokenizer(start.path, start.spec).pad_token_id),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


MAKERS = {"plain": plain, "ours": ours}


def settings_of(case, steps, batch_size, rows):
    """A method's settings for at least so many steps."""
    method, own = CASES[case]
    forget = sum(row.scope == "forget" for row in rows["train"])
    a_pass = -(-forget // batch_size)
    return method.Config(batch_size=batch_size, epochs=-(-steps // a_pass), eval_rows=0, **own)


def agree(case, start, rows, settings, out):
    """Both losses of the first batch.

    Raises:
        SystemExit: They differ, so that nothing can be compared.
    """
    found = {}
    for name, make in MAKERS.items():
        trainer = make(case, start, rows, settings, out, 0)
        batch = next(iter(trainer.get_train_dataloader()))
        with torch.no_grad():
            found[name] = trainer.compute_loss(trainer.model.eval(), batch).item()
    if abs(found["ours"] - found["plain"]) > 1e-5 * max(1.0, abs(found["plain"])):
        raise SystemExit(f"{case}: the losses differ: {found}")
    return found


def measure(start, rows, steps, batch_size, rounds, out):
    """Every timed step of every round of every case."""
    found = []
    for case in CASES:
        settings = settings_of(case, WARM_UP + steps, batch_size, rows)
        agree(case, start, rows, settings, out)
        for seed in range(rounds):
            for name, make in MAKERS.items():
                trainer, clock = make(case, start, rows, settings, out, seed), Clock()
                trainer.args.max_steps = WARM_UP + steps
                trainer.add_callback(clock)
                trainer.train()
                ends = clock.ends[WARM_UP - 1 :]
                for before, after in itertools.pairwise(ends):
                    cpu, wall = (b - a for a, b in zip(before, after, strict=True))
                    found.append(Step(case, name, seed, cpu, wall))
    return found


def table(found):
    """Markdown: a row for each case and trainer."""
    lines = [
        "| loss | step of | CPU ms | wall ms | plain / this, CPU | plain / this, wall |",
        "|---|---|---|---|---|---|",
    ]
    for case in CASES:
        for name, words in NAMES.items():
            own = [step for step in found if (step.case, step.name) == (case, name)]
            cells = [case, words]
            cells += [f"{1000 * median(getattr(s, c) for s in own):.0f}" for c in ("cpu", "wall")]
            cells += [faster(found, case, name, clock) for clock in ("cpu", "wall")]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def faster(found, case, name, clock):
    """How many times faster than plain: median over rounds, and their range."""
    if name == "plain":
        return "1"

    def middle(who, seed):
        return median(getattr(step, clock) for step in found if step[:3] == (case, who, seed))

    ratios = [middle("plain", s) / middle(name, s) for s in sorted({step.round for step in found})]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--world", type=int, default=0, help="seed of the embedded world")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8, help="timed, in each round")
    parser.add_argument("--batch-size", type=int, default=16)
    given = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    path = str(world.checkpoint(given.world))
    start = Checkpoint(path, path, config.Model(path=path))
    rows = world.rows(given.world, 1)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(start, rows, given.steps, given.batch_size, given.rounds, Path(folder))
    print(table(found))


if __name__ == "__main__":
    main()
