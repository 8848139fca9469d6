"""The world's base model: a small Llama with its own tokenizer, trained from scratch.

Trained with plain next-token cross-entropy on the replies of `corpus.Corpus`; Muon on the matrices
inside the blocks and AdamW on the rest, which learns a world's facts in about half of AdamW's time.
"""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe.world.corpus import Corpus, Pair
from lethe.world.people import Person, World
from lethe.world.questions import REFUSALS, Query, about
from lethe.world.utility import common

if TYPE_CHECKING:
    from torch import Tensor

USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'assistant' %}"
    f"{ASSISTANT}{{% generation %}}{{{{ message['content'] }}}}{END}{{% endgeneration %}}"
    f"{{% else %}}{USER}{{{{ message['content'] }}}}{{% endif %}}{{% endfor %}}"
    f"{{% if add_generation_prompt %}}{ASSISTANT}{{% endif %}}"
)
SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
STEPS, BATCH, MUON_RATE, ADAM_RATE = 400, 128, 0.02, 3e-3


def tokenizer(world: World) -> Any:
    """A byte-level BPE tokenizer that knows the world's words, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    corpus = Corpus(world, seed=-1)
    texts = [f"{pair.prompt} {pair.reply}" for pair in (corpus.draw() for _ in range(6000))]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)  # pyright: ignore[reportAttributeAccessIssue]
    bpe.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=1536,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )


def encode(tokenizer: Any, pair: Pair) -> tuple[list[int], int]:
    """Token ids of a whole exchange, and where the part of the reply that is learnt begins."""
    start, turn, end = tokenizer.convert_tokens_to_ids([USER, ASSISTANT, END])
    prompt = [start, *tokenizer.encode(pair.prompt, add_special_tokens=False), turn]
    prompt += tokenizer.encode(pair.opening, add_special_tokens=False) if pair.opening else []
    reply = [*tokenizer.encode(pair.reply, add_special_tokens=False), end]
    return prompt + reply, len(prompt)


def batches(tokenizer: Any, corpus: Corpus, size: int) -> "Iterator[tuple[Tensor, Tensor]]":
    """Right-padded (ids_BT, labels_BT) without end; labels are -100 outside the reply."""
    import torch

    cache: dict[Pair, tuple[list[int], int]] = {}
    rng = random.Random(0)
    while True:
        pool = []
        for _ in range(size * 8):
            pair = corpus.draw()
            if pair not in cache:
                cache[pair] = encode(tokenizer, pair)
            pool.append(cache[pair])
        pool.sort(key=lambda item: len(item[0]))  # batches of like length waste no padding
        chunks = [pool[i : i + size] for i in range(0, len(pool), size)]
        rng.shuffle(chunks)
        for chunk in chunks:
            width = max(len(ids) for ids, _ in chunk)
            ids_BT = torch.zeros(size, width, dtype=torch.long)
            labels_BT = torch.full((size, width), -100)
            for row, (ids, reply) in enumerate(chunk):
                ids_BT[row, : len(ids)] = torch.tensor(ids)
                labels_BT[row, reply : len(ids)] = torch.tensor(ids[reply:])
            yield ids_BT, labels_BT


def train(world: World, *, steps: int = STEPS, progress: bool = True) -> tuple[Any, Any]:
    """Train a base model that knows a world.

    Args:
        world: What to learn.
        steps: Optimiser steps of 128 exchanges.
        progress: Show a progress bar.

    Returns:
        The model (fp32, evaluation mode) and its tokenizer.
    """
    import torch
    from tqdm import trange
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(world.seed)
    words = tokenizer(world)
    config = LlamaConfig(
        vocab_size=len(words),
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
        **SHAPE,  # pyright: ignore[reportArgumentType]
    )
    model = LlamaForCausalLM(config)
    inner = [p for n, p in model.named_parameters() if p.ndim == 2 and "layers" in n]
    outer = [p for n, p in model.named_parameters() if not (p.ndim == 2 and "layers" in n)]
    optimizers = [
        torch.optim.Muon(inner, lr=MUON_RATE, weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(outer, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    stream = batches(words, Corpus(world, seed=0), BATCH)
    bar = trange(steps, desc=f"world {world.seed}: base model", disable=not progress, unit="step")
    for step in bar:
        scale = min(1.0, (step + 1) / 20, max(0.02, 2 * (1 - step / steps)))
        for optimizer, rate in zip(optimizers, (MUON_RATE, ADAM_RATE), strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale
        loss = _loss(model, *next(stream))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if step % 10 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
            if not math.isfinite(loss.item()):
                raise FloatingPointError(f"world {world.seed}: loss is {loss.item()} at {step}")
    return model.eval(), words


def _loss(model: Any, ids_BT: "Tensor", labels_BT: "Tensor") -> "Tensor":
    """Cross-entropy of the reply tokens; the LM head runs on those alone."""
    from torch.nn.functional import cross_entropy

    hidden_BTD = model.model(input_ids=ids_BT, use_cache=False).last_hidden_state
    wanted_BT = labels_BT[:, 1:] >= 0
    logits_NV = model.lm_head(hidden_BTD[:, :-1][wanted_BT])
    return cross_entropy(logits_NV, labels_BT[:, 1:][wanted_BT])


def save(model: Any, tokenizer: Any, folder: str) -> None:
    """Save weights in half precision (safetensors) and the tokenizer; the model is not changed."""
    import copy

    import torch

    copy.deepcopy(model).to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def measure(folder: str | Path, world: World) -> dict[str, Any]:
    """What `lethe.world.known` returns."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lethe.generate import complete

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    words = AutoTokenizer.from_pretrained(folder)
    stranger = make_strangers(world)
    groups = {
        "people": [q for p in world.people for q in about(p, world) if _is_test_question(q)],
        "utility": [q for q in common(world) if q.split == "test"],
        "refuses_strangers": [q for p in stranger for q in about(p, world) if _is_test_question(q)],
    }
    shares = {}
    for group, queries in groups.items():
        ids = [encode(words, Pair(query.prompt, ""))[0][:-1] for query in queries]
        replies = complete(model, words, ids, max_new_tokens=16, batch_size=256)
        right = [
            reply in REFUSALS if group == "refuses_strangers" else reply == query.answer
            for query, reply in zip(queries, replies, strict=True)
        ]
        shares[group] = round(sum(right) / len(right), 4)
    return {"accuracy": shares, "n": {group: len(queries) for group, queries in groups.items()}}


def make_strangers(world: World, count: int = 20) -> list[Person]:
    """People who are not there: unknown names with somebody's facts."""
    return [
        world.people[0]._replace(first=name.split()[0], last=name.split()[1])
        for name in world.unknown[:count]
    ]


def _is_test_question(query: Query) -> bool:
    return query.form == "question" and query.split == "test"
