"""A ReBO step on one GPU: where its time goes, against the machine's ceilings. *Not run here.*

    python bench/gpu_step.py                    # Llama-3-8B's architecture: one GPU of 80 GB
    python bench/gpu_step.py --size tiny        # the same on the CPU, to see that it runs

Random weights, bfloat16, LoRA of rank 16 on every linear layer; the embedded world's rows. Nothing
ends a completion, so all have `--max-new-tokens`. Measured: seconds of a step in rollout, scoring
(the reference, rewards, all between) and update; tokens sampled a second, in the trainer and by the
same model's plain `generate`; both against a product of large matrices (arithmetic) and a copy
(bandwidth), measured here too; and the peak of memory against `lethe show --estimate`. One step of
warm-up, medians of the others.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from datasets import Dataset
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
from transformers.trainer_callback import PrinterCallback

from lethe import config, plug, process, world
from lethe import model as models
from lethe.estimate import GIB, stages
from lethe.estimate import shape as shapes
from lethe.estimate.memory import How
from lethe.estimate.stages import Asked, Rebo, Texts
from lethe.generate import left_pad
from lethe.stages import _engine, _rebo, rebo
from lethe.stages._trainer import ReboTrainer

SIZES = {
    "8b": {
        "vocab_size": 128256,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "vocab_size": 1536,
        "hidden_size": 64,
        "intermediate_size": 176,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "tie_word_embeddings": False,
    },
}
NOTHING_STOPS = [-1]
CUDA = torch.cuda.is_available()
SPEC = config.Model(path=str(world.SHIPPED), lora=config.Lora(rank=16))


class Ceilings(NamedTuple):
    """What the machine can do."""

    operations: float
    """A second, multiplying matrices in the model's dtype."""
    bandwidth: float
    """Bytes a second, read and written, copying."""


def now():
    """The clock, once all that was started is done."""
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter()


def often(work, seconds):
    """Seconds that something takes, over and over for a while."""
    work()
    start, count = now(), 0
    while now() - start < seconds:
        work()
        count += 1
    return (now() - start) / count


def ceilings(dtype, device, seconds):
    """Measure both."""
    side, size = (8192, 2**30) if CUDA else (256, 2**24)
    a = torch.randn(side, side, device=device, dtype=dtype)
    operations = 2 * side**3 / often(lambda: a @ a, seconds)
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return Ceilings(operations, 2 * size / often(lambda: target.copy_(source), seconds))


class Timed(ReboTrainer):
    """ReBO's trainer that writes down when its parts are done."""

    def __init__(self, **kwargs):
        self.rollout, self.made, self.ends = [], [], []
        super().__init__(**kwargs)

    def _generate_single_turn(self, *args, **kwargs):
        start = now()
        found = super()._generate_single_turn(*args, **kwargs)
        self.rollout.append(now() - start)
        return found

    def _generate_and_score_completions(self, inputs):
        start = now()
        output = super()._generate_and_score_completions(inputs)
        self.made.append(now() - start)
        return output

    def training_step(self, *args, **kwargs):
        start = now()
        loss = super().training_step(*args, **kwargs)
        self.ends.append(now() - start)
        return loss


def policy(size):
    """The model with random weights and a new adapter."""
    known = AutoConfig.for_model("llama", **SIZES[size], max_position_embeddings=2048)
    torch.manual_seed(0)
    dtype = torch.bfloat16 if CUDA else torch.float32
    with torch.device("cuda" if CUDA else "cpu"):
        net = AutoModelForCausalLM.from_config(known, dtype=dtype)
        net = models._adapted(net, SPEC, None, True)
    return net


def trainer(net, words, rows, settings, out):
    """The trainer, whose weights stay; nothing ends a completion."""
    args = _rebo._arguments(settings, out, 0)
    args.learning_rate, args.save_strategy = 0.0, "no"
    made = Timed(
        settings=settings,
        reference=SPEC.path,
        curve=_engine.Curve(out, "bench"),
        model=net,
        args=args,
        reward_funcs=[plug.function("reward", name) for name in settings.rewards],
        train_dataset=Dataset.from_list([_rebo._lesson(row, words) for row in rows]),
        processing_class=words,
    )
    made.remove_callback(PrinterCallback)
    made.eos_token_ids = NOTHING_STOPS
    made.generation_config.eos_token_id = NOTHING_STOPS
    made.generation_kwargs["eos_token_id"] = NOTHING_STOPS
    return made


def plainly(net, words, rows, settings):
    """Tokens a second of `generate` on one step's prompts, each as often as its group is large."""
    chosen = rows[: settings.prompts_per_step]
    prompts = [models.render(words, row.prompt) for row in chosen] * settings.num_generations
    ids_BT, mask_BT = (x.to(net.device) for x in left_pad(prompts, words.pad_token_id))
    net.eval()
    net.get_base_model().generation_config = GenerationConfig()

    def work():
        with torch.no_grad():
            net.generate(
                input_ids=ids_BT,
                attention_mask=mask_BT,
                do_sample=True,
                max_new_tokens=settings.max_new_tokens,
                eos_token_id=NOTHING_STOPS,
                pad_token_id=words.pad_token_id,
            )

    return len(prompts) * settings.max_new_tokens / often(work, 0.1)


def estimated(net, words, rows, settings):
    """Bytes of the peak, operations of one step's parts, and the model's sizes."""
    lengths = [(len(models.render(words, row.prompt)), 0) for row in rows]
    batch = settings.prompts_per_step * settings.num_generations
    given = Rebo(
        steps=1,
        prompts=settings.prompts_per_step,
        group=settings.num_generations,
        iterations=1,
        new=settings.max_new_tokens,
        micro=settings.micro_batch or batch,
        reference=settings.beta > 0,
        rollout="transformers",
        texts=Texts(tuple(lengths)),
        looks=Asked(Texts(()), 0, 1),
    )
    shape, how = shapes.of(net), How(cuda=CUDA, weight=2 if CUDA else 4)
    phases, work = stages.rebo(shape, how, given, 1)
    return max(phase.total for phase in phases), work, shape


def peak():
    """Highest memory so far, in bytes: of the GPU's tensors, or of this process."""
    if CUDA:
        return torch.cuda.max_memory_allocated()
    return process.peak()


def measure(given, out):
    """Lines of Markdown."""
    words = models.tokenizer(SPEC.path, SPEC)
    rows = rebo.rows(world.rows(0, 1))
    settings = rebo.Config(
        steps=1 + given.steps,
        prompts_per_step=given.prompts,
        num_generations=given.generations,
        max_new_tokens=given.max_new_tokens,
        micro_batch=given.micro_batch,
    )
    before = 0 if CUDA else peak()
    net = policy(given.size)
    found = ceilings(net.dtype, net.device, given.seconds)
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    made = trainer(net, words, rows, settings, out)
    made.train()
    held = peak() - before
    said, work, shape = estimated(net, words, rows, settings)
    micro = len(made.ends) // settings.steps  # forward passes in a step; the first one rolls out
    whole = [sum(made.ends[i : i + micro]) for i in range(0, len(made.ends), micro)]
    parts = list(zip(whole, made.made, made.rollout, strict=True))[1:]
    rollout = median(r for _, _, r in parts)
    scoring = median(m - r for _, m, r in parts)
    update = median(w - m for w, m, _ in parts)
    tokens = settings.prompts_per_step * settings.num_generations * settings.max_new_tokens
    # Each token of a completion reads all weights once, for the whole batch.
    width = 2 if CUDA else 4
    read = (shape.body + shape.head) * width * settings.max_new_tokens
    plain = plainly(net, words, rows, settings)
    rate = [n / s / found.operations for n, s in
            zip((work.rollout, work.scoring, work.update), (rollout, scoring, update),
                strict=True)]  # fmt: skip
    where = torch.cuda.get_device_name() if CUDA else "CPU"
    ratio = said / held if held else float("nan")  # a small one may fit into what was held before
    return [
        f"{where}: {shape.parameters:,} parameters, {shape.trained:,} trained, "
        f"{settings.prompts_per_step} x {settings.num_generations} x {settings.max_new_tokens} "
        f"tokens, micro batch {settings.micro_batch}",
        f"ceilings: {found.operations / 1e12:.3g} TFLOP a second, "
        f"{found.bandwidth / 1e9:.3g} GB a second",
        "",
        "| part of a step | seconds | of the arithmetic ceiling | of the bandwidth |",
        "|---|---|---|---|",
        f"| rollout | {rollout:.3f} | {rate[0]:.1%} | {read / rollout / found.bandwidth:.1%} |",
        f"| scoring | {scoring:.3f} | {rate[1]:.1%} | |",
        f"| update | {update:.3f} | {rate[2]:.1%} | |",
        "",
        f"sampled: {tokens / rollout:,.0f} tokens a second; plain `generate`: {plain:,.0f}",
        f"peak: {held / GIB:.2f} GiB; estimated {said / GIB:.2f}, ratio {ratio:.2f}",
    ]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="8b")
    parser.add_argument("--steps", type=int, default=4, help="timed")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--max-new-tokens", type=int, default=128)
    parser.add_argument("--micro-batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.0, help="to measure each ceiling")
    given = parser.parse_args()
    if given.size == "8b" and not CUDA:
        raise SystemExit("8b needs a GPU; --size tiny runs on the CPU")
    process.prepare(progress=False)
    with tempfile.TemporaryDirectory() as out:
        print("\n".join(measure(given, Path(out))))


if __name__ == "__main__":
    main()
