"""Prompts in, completions out: one path for evaluation and for on-policy rollouts.

On the CPU a Llama-shaped model is decoded by `_llama.Decoder` (identical prompts are read once,
finished rows leave the batch); anything else goes through `transformers`' own `generate`.
Left out: beams, stop strings, tools.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def complete(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    batch_size: int = 64,
    progress: Callable[[int], object] | None = None,
) -> list[str]:
    """Complete prompts, in batches of like length.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompts: Token ids of each prompt, unpadded.
        max_new_tokens: Longest completion, in tokens.
        temperature: 0 is greedy.
        seed: For sampling; equal seeds give equal completions.
        batch_size: Prompts decoded at once.
        progress: Called with the number of prompts just finished.

    Returns:
        The completions' texts, in the order of the prompts, without special tokens.
    """
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    texts: list[str] = [""] * len(prompts)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        ids = sample(
            model,
            [prompts[i] for i in rows],
            stop=stop_tokens(model, tokenizer),
            pad=tokenizer.pad_token_id,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed + start,
        )
        decoded = tokenizer.batch_decode(ids, skip_special_tokens=True)
        for row, text in zip(rows, decoded, strict=True):
            texts[row] = text.strip()
        if progress:
            progress(len(rows))
    return texts


def stop_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends a completion: the tokenizer's and the generation config's."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends]
    return sorted({token for token in (*ends, tokenizer.eos_token_id) if token is not None})


def sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    stop: Sequence[int],
    pad: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[list[int]]:
    """Complete one batch of prompts; identical prompts are read once.

    Args:
        model: A causal language model.
        prompts: Token ids of each prompt, unpadded; repeat a prompt to draw from it again.
        stop: Tokens that end a completion; the one met is kept, as TRL expects.
        pad: Padding token.
        max_new_tokens: Longest completion, in tokens.
        temperature: 0 is greedy.
        seed: Of the draw.

    Returns:
        Token ids of each completion.
    """
    import torch

    from lethe import _llama

    with torch.no_grad():
        if _llama.fits(model):
            decoder = _llama.Decoder(model)
            return decoder.sample(prompts, set(stop), max_new_tokens, temperature, seed)
        return _stock(model, prompts, stop, pad, max_new_tokens, temperature, seed)


def _stock(
    model: Any,
    prompts: Sequence[Sequence[int]],
    stop: Sequence[int],
    pad: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[list[int]]:
    """The same through `transformers`' `generate`."""
    import torch
    from transformers import GenerationConfig

    from lethe._llama import inner

    ids_BT, mask_BT = left_pad(prompts, pad)
    choice = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    devices = [model.device] if model.device.type == "cuda" else []
    was_training, base = model.training, inner(model)
    model.eval()
    # What a released model likes to sample with (a repetition penalty, say) is not asked for here.
    liked, base.generation_config = base.generation_config, GenerationConfig()
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            out_BT = base.generate(
                input_ids=ids_BT.to(model.device),
                attention_mask=mask_BT.to(model.device),
                max_new_tokens=max_new_tokens,
                pad_token_id=pad,
                eos_token_id=list(stop),
                **(choice if temperature > 0 else {"do_sample": False}),
            )
    finally:
        base.generation_config = liked
        model.train(was_training)
    return [_until_stop(row, set(stop)) for row in out_BT[:, ids_BT.size(1) :].tolist()]


def _until_stop(ids: list[int], stop: set[int]) -> list[int]:
    """Ids up to and with the first stop token.

    >>> _until_stop([5, 6, 2, 0, 0], {2})
    [5, 6, 2]
    """
    end = next((i + 1 for i, token in enumerate(ids) if token in stop), len(ids))
    return ids[:end]


def left_pad(prompts: Sequence[Sequence[int]], pad: int) -> "tuple[Tensor, Tensor]":
    """Prompts as one (ids_BT, mask_BT) pair of integer tensors, padded on the left."""
    import torch

    width = max(len(prompt) for prompt in prompts)
    ids_BT = torch.full((len(prompts), width), pad)
    mask_BT = torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids_BT[row, width - len(prompt) :] = torch.tensor(list(prompt), dtype=torch.long)
        mask_BT[row, width - len(prompt) :] = 1
    return ids_BT, mask_BT
