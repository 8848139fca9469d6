"""How fast a model is asked: our evaluation, one prompt at a time, and `transformers` at its best.

    make bench
    python bench/evaluate.py --rwku DIR     # a target's folder, such as data/Target/1_Stephen_King

Without RWKU's files: the embedded model and its world's test rows. With them: a Llama of ten
million parameters, taught for some minutes how long the target's answers are, asked the target's
probes and TriviaQA by RWKU's protocol, 30 tokens at most, up to a newline.

Generation: all prompts through `generate` one by one; through `generate` in left-padded batches in
the order of the file, at each of some batch sizes, of which the fastest counts; and through
`lethe.generate.completions`. Texts must be equal. Likelihood: tokens per second of
`lethe.likelihood.score` over the same texts, against plain forward passes of the model over right-
padded batches of them, sorted by length, at the same batch size. Each round does all of it in turn;
given are the medians of the rounds and the median and range of the ratios. One thread.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from tofu import tokenizer as learnt_tokenizer
from tofu import train
from transformers import GenerationConfig

from lethe import asking, config, generate, likelihood, world
from lethe import model as models
from lethe.benchmarks import rwku
from lethe.data import Row
from lethe.likelihood import Request
from lethe.process import prepare

SIZES = (8, 32, 128, 512)
LARGE = {
    "hidden_size": 320,
    "intermediate_size": 864,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
}


class Setup(NamedTuple):
    """A model and what it is asked."""

    what: str
    model: Any
    tokenizer: Any
    prompts: list[list[int]]
    limit: int
    stop: tuple[str, ...]
    requests: list[Request]
    """Texts to be scored."""


def embedded() -> Setup:
    """The embedded model and its own world's questions."""
    path = world.weights("world:0", progress=False)
    spec = config.Model(path=path)
    model, words = models.load(path, spec), models.tokenizer(path, spec)
    rows = world.rows(0, 1)["test"]
    return setup("embedded model, its world's test rows", model, words, rows, 16, ())


def on_rwku(folder: Path) -> Setup:
    """A model of ten million parameters and the probes of a target."""
    given = rwku.Config(target=str(folder), protocol="rwku")
    rows = [
        row
        for row in rwku.load(given)["test"]
        if (row.scope in ("forget", "boundary") and row.form != "mia") or row.form == "triviaqa"
    ]
    # A question's last line is enough to learn how long an answer is.
    asked = [str(row.prompt).strip().rpartition("\n")[2] for row in rows]
    answers = [f"Answer: {row.answer}\n" for row in rows]
    pairs = [{"question": q, "answer": a} for q, a in zip(asked, answers, strict=True)]
    words = learnt_tokenizer([*(str(row.prompt) for row in rows), *answers])
    name = "ten million parameters"
    model = train(pairs, words, epochs=12, seed=0, name=name, shape=LARGE, rows=8, muon=False)
    return setup(f"Llama, RWKU probes of {folder.name}", model, words, rows, 30, ("\n",))


def setup(
    what: str, model: Any, words: Any, rows: list[Row], limit: int, stop: tuple[str, ...]
) -> Setup:
    """Prompts in tokens, and the reference answers behind them."""
    asked = [asking.asked(words, row) for row in rows]
    requests = [
        likelihood.request(words, before.ids, str(row.answer))
        for row, before in zip(rows, asked, strict=True)
    ]
    size = sum(weight.numel() for weight in model.parameters())
    title = f"{what} ({len(rows)} prompts, {size / 1e6:.1f} M parameters)"
    return Setup(title, model, words, [before.ids for before in asked], limit, stop, requests)


def plainly(given: Setup, size: int) -> list[str]:
    """`generate` as a careful user calls it, `size` prompts at once, cut at the stop texts."""
    texts = []
    for start in range(0, len(given.prompts), size):
        ids_BT, mask_BT = generate.left_pad(
            given.prompts[start : start + size], given.tokenizer.pad_token_id
        )
        options = {"stop_strings": list(given.stop), "tokenizer": given.tokenizer}
        with torch.no_grad():
            out_BT = given.model.generate(
                input_ids=ids_BT,
                attention_mask=mask_BT,
                max_new_tokens=given.limit,
                do_sample=False,
                pad_token_id=given.tokenizer.pad_token_id,
                eos_token_id=given.tokenizer.eos_token_id,
                **(options if given.stop else {}),
            )
        new = given.tokenizer.batch_decode(out_BT[:, ids_BT.size(1) :], skip_special_tokens=True)
        texts += [generate.cut(text, given.stop).strip() for text in new]
    return texts


def ours(given: Setup) -> list[str]:
    """The same through our evaluation's path."""
    texts = [""] * len(given.prompts)
    for rows, found in generate.completions(
        given.model,
        given.tokenizer,
        given.prompts,
        max_new_tokens=given.limit,
        stop=given.stop,
        batch_size="auto",
    ):
        for row, text in zip(rows, found, strict=True):
            texts[row] = text
    return texts


def scored(given: Setup, size: int) -> None:
    """Our likelihood pass."""
    pad = given.tokenizer.pad_token_id
    for _ in likelihood.score(given.model, given.requests, pad=pad, batch_size=size):
        pass


def forward(given: Setup, size: int) -> None:
    """The model's own forward passes over the same texts."""
    texts = sorted(([*r.context, *r.target] for r in given.requests), key=len)
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        width = max(map(len, batch))
        ids_BT = torch.tensor([row + [0] * (width - len(row)) for row in batch])
        mask_BT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
        with torch.no_grad():
            given.model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long something takes, and what it gives."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def measure(given: Setup, rounds: int) -> None:
    """Time everything, and print it."""
    given.model.generation_config = GenerationConfig()
    names = ["one at a time", *(f"generate, {size} at once" for size in SIZES), "ours"]
    times: dict[str, list[float]] = {name: [] for name in names}
    passes: dict[str, list[float]] = {"forward": [], "scored": []}
    ours(given), scored(given, 32), forward(given, 32)
    for _ in range(rounds):
        works = [lambda: plainly(given, 1)]
        works += [lambda size=size: plainly(given, size) for size in SIZES]
        works += [lambda: ours(given)]
        said = []
        for name, work in zip(names, works, strict=True):
            spent, texts = seconds(work)
            times[name].append(spent)
            said.append(texts)
        assert all(texts == said[0] for texts in said), "the texts differ"
        for name, work in (("forward", forward), ("scored", scored)):
            passes[name].append(seconds(lambda work=work: work(given, 32))[0])
    best = min(names[1:-1], key=lambda name: median(times[name]))
    lengths = [len(given.tokenizer.encode(text)) for text in said[-1]]
    print(f"\n### {given.what}\n\nAnswers of {sum(lengths) / len(lengths):.1f} tokens.")
    print("\n| | prompts a second |\n|---|---|")
    for name in names:
        print(f"| {name} | {len(given.prompts) / median(times[name]):.1f} |")
    print(f"\n{ratio(times['one at a time'], times['ours'])} x one at a time")
    print(f"{ratio(times[best], times['ours'])} x {best}, its best")
    tokens = sum(len(r.context) + len(r.target) for r in given.requests)
    rate = tokens / median(passes["scored"])
    share = ratio(passes["forward"], passes["scored"])
    print(f"likelihood: {rate:,.0f} tokens a second, {share} x the model's own forward passes")


def ratio(theirs: list[float], mine: list[float]) -> str:
    """Median and range of the rounds' ratios."""
    found = [a / b for a, b in zip(theirs, mine, strict=True)]
    return f"{median(found):.2f} ({min(found):.2f}-{max(found):.2f})"


def main() -> None:
    """Measure what there is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rwku", type=Path, metavar="DIR", help="a target's folder")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    prepare()
    measure(on_rwku(given.rwku) if given.rwku else embedded(), given.rounds)


if __name__ == "__main__":
    main()
