"""TOFU's numbers move the right way: two small models, one of which never saw forget10.

    python bench/tofu.py --folder DIR --out runs/tofu

Trains one model on TOFU's `full` and one on its `retain90` from the same random weights, with the
same settings and the same number of passes, then evaluates both as TOFU does, with the second as
the reference. Before unlearning, forget quality must be near 0 (full against retain90); the retain
model against itself must have 1. The tokenizer is learnt from `full`; nothing is downloaded. Prints
the summary of both. DIR holds the JSON Lines files of locuslab/TOFU.
"""

import argparse
import json
import random
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lethe import pipeline, planning, runs
from lethe.batches import batches
from lethe.model import render
from lethe.process import prepare

SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
TEMPLATE = "<|user|>{{ messages[0]['content'] }}<|assistant|>"


def tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE of 3,000 pieces with a chat template."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<pad>", "</s>", "<|user|>", "<|assistant|>"]
    made.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=3000,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    words = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>")
    words.chat_template = TEMPLATE
    return words


def train(
    pairs: list[dict[str, str]],
    words: PreTrainedTokenizerFast,
    *,
    epochs: int,
    seed: int,
    name: str,
    shape: dict[str, int] = SHAPE,
    rows: int = 64,
    muon: bool = True,
) -> LlamaForCausalLM:
    """A model that has read the answers to the questions `epochs` times, `rows` at once."""
    torch.manual_seed(seed)
    net = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words),
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            pad_token_id=words.pad_token_id,
            eos_token_id=words.eos_token_id,
            bos_token_id=None,
            **shape,
        )
    )
    # Muon learns in fewer steps; on a CPU its steps of large matrices take longer than all else.
    inner = [p for n, p in net.named_parameters() if muon and p.ndim == 2 and "layers" in n]
    outer = [p for p in net.parameters() if not any(p is q for q in inner)]
    steppers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(outer, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0)
    ]
    if inner:
        steppers.append(
            torch.optim.Muon(inner, lr=0.02, weight_decay=0.01, adjust_lr_fn="original")
        )
    asked = [render(words, pair["question"]) for pair in pairs]
    told = [[*words.encode(pair["answer"]), words.eos_token_id] for pair in pairs]
    planned = batches([len(a) + len(t) for a, t in zip(asked, told, strict=True)], rows)
    order = random.Random(seed)
    steps, done = epochs * len(planned), 0
    with tqdm(total=steps, desc=name, unit="step") as bar:
        for _ in range(epochs):
            for batch in order.sample(planned, len(planned)):
                scale = min(1.0, (done + 1) / 20, max(0.02, 2 * (1 - done / steps)))
                for stepper, rate in zip(steppers, (3e-3, 0.02), strict=False):
                    stepper.param_groups[0]["lr"] = rate * scale
                loss = answer_loss(net, [asked[i] for i in batch], [told[i] for i in batch])
                loss.backward()
                for stepper in steppers:
                    stepper.step()
                    stepper.zero_grad()
                done += 1
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}")
    return net.eval()


def answer_loss(net: LlamaForCausalLM, asked: list[list[int]], told: list[list[int]]):
    """Cross-entropy of the answers' tokens."""
    rows = [a + t for a, t in zip(asked, told, strict=True)]
    width = max(map(len, rows))
    ids_BT = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    wanted_BT = torch.zeros(len(rows), width, dtype=torch.bool)
    for b, (a, row) in enumerate(zip(asked, rows, strict=True)):
        wanted_BT[b, len(a) : len(row)] = True
    hidden_BTD = net.model(input_ids=ids_BT, use_cache=False).last_hidden_state
    logits_NV = net.lm_head(hidden_BTD[:, :-1][wanted_BT[:, 1:]])
    return cross_entropy(logits_NV, ids_BT[:, 1:][wanted_BT[:, 1:]])


def read(file: Path) -> list[dict[str, str]]:
    """The question-answer pairs of a JSON Lines file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def main() -> None:
    """Train both, evaluate both, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="TOFU's files")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="at most so many test rows of each group")
    given = parser.parse_args()
    prepare()
    words = None
    for name in ("full", "retain90"):
        place = given.out / name / "model"
        if (place / "config.json").is_file():
            continue
        pairs = read(given.folder / f"{name}.json")
        if words is None:
            every = read(given.folder / "full.json")
            words = tokenizer([text for pair in every for text in pair.values()])
        net = train(pairs, words, epochs=given.epochs, seed=given.seed, name=name)
        words.save_pretrained(place)
        net.save_pretrained(place)
    retain = given.out / "retain90" / "eval"
    for name, reference in (("retain90", None), ("full", retain), ("retain90", retain)):
        out = given.out / name / ("eval" if reference is None else "against-retain90")
        recipe = planning.evaluation(
            str(given.out / name / "model"),
            benchmark="tofu",
            of={"folder": str(given.folder)},
            reference=reference and str(reference),
            limit=given.limit,
        )
        pipeline.run(recipe, out=out)
        print(f"\n{name}" + (f" against {reference}" if reference else ""))
        for record in runs.read_summary(runs.Run(out)):
            value = record["value"]
            shown = f"unscored: {record['unscored']}" if value is None else f"{value:.4g}"
            print(f"{record['metric']:24} {record['group']:24} {shown} n={record['n']}")


if __name__ == "__main__":
    sys.exit(main())
