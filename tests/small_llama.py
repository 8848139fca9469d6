"""A small Llama with a tokenizer of its own, taught a list of exchanges, saved as real ones are."""

import random
from pathlib import Path

USER, ASSISTANT, END, PAD = "<|user|>", "<|assistant|>", "<|end|>", "<|pad|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    f"{{{{ '{ASSISTANT}' if message['role'] == 'assistant' else '{USER}' }}}}"
    "{{ message['content'] }}"
    f"{{% if message['role'] == 'assistant' %}}{END}{{% endif %}}{{% endfor %}}"
    f"{{% if add_generation_prompt %}}{ASSISTANT}{{% endif %}}"
)
Lesson = tuple[str, str]


def teach(
    folder: Path,
    lessons: list[Lesson],
    *,
    steps: int,
    hidden: int = 128,
    layers: int = 3,
    words: int = 2048,
    batch: int = 64,
    chat: bool = True,
) -> Path:
    """Train on (prompt, reply) pairs and save to `folder`; without `chat` as a base model."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = _tokenizer(lessons, words, chat)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=hidden * 11 // 4,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 32,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    named = list(model.named_parameters())
    inner = [p for name, p in named if p.ndim == 2 and "layers" in name]
    outer = [p for name, p in named if not (p.ndim == 2 and "layers" in name)]
    rates = (0.02, 3e-3)
    optimizers = [
        torch.optim.Muon(inner, lr=rates[0], weight_decay=0.01, adjust_lr_fn="original"),
        torch.optim.AdamW(outer, lr=rates[1], betas=(0.9, 0.98), weight_decay=0.0),
    ]
    stream = _batches([_encoded(tokenizer, lesson, chat) for lesson in lessons], batch)
    for step in range(steps):
        ids_BT, labels_BT = next(stream)
        states_BTD = model.model(input_ids=ids_BT, use_cache=False).last_hidden_state
        wanted_BT = labels_BT[:, 1:] >= 0
        logits_NV = model.lm_head(states_BTD[:, :-1][wanted_BT])
        cross_entropy(logits_NV, labels_BT[:, 1:][wanted_BT]).backward()
        scale = min(1.0, (step + 1) / 10, max(0.05, 2 * (1 - step / steps)))
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale
            optimizer.step()
            optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(lessons, words, chat):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=words,
        special_tokens=[PAD, USER, ASSISTANT, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((_text(lesson, chat) for lesson in lessons), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE if chat else None,
        clean_up_tokenization_spaces=False,
    )


def _text(lesson, chat):
    prompt, reply = lesson
    if chat:
        return f"{USER}{prompt}{ASSISTANT}{reply}{END}"
    return f"Question: {prompt}\nAnswer: {reply}{END}"


def _encoded(tokenizer, lesson, chat):
    """Token ids of an exchange, and where its reply begins."""
    whole = tokenizer.encode(_text(lesson, chat), add_special_tokens=False)
    reply = "" if chat else " "
    tail = tokenizer.encode(f"{reply}{lesson[1]}{END}", add_special_tokens=False)
    return whole, len(whole) - len(tail)


def _batches(encoded, size):
    """Right-padded (ids_BT, labels_BT) without end; a batch holds lessons of like length."""
    import torch

    rng = random.Random(0)
    while True:
        order = sorted(rng.sample(encoded, len(encoded)), key=lambda item: len(item[0]) // 4)
        chunks = [order[i : i + size] for i in range(0, len(order), size)]
        for chunk in rng.sample(chunks, len(chunks)):
            width = max(len(ids) for ids, _ in chunk)
            ids_BT = torch.zeros(len(chunk), width, dtype=torch.long)
            labels_BT = torch.full((len(chunk), width), -100)
            for row, (ids, reply) in enumerate(chunk):
                ids_BT[row, : len(ids)] = torch.tensor(ids)
                labels_BT[row, reply : len(ids)] = torch.tensor(ids[reply:])
            yield ids_BT, labels_BT
