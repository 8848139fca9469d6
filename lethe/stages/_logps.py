"""Token log-probabilities of completions when many of them share a prompt.

A group of G completions repeats its prompt G times; read once, with its keys and values handed to
every member, the prompt costs a G-th, and so does its backward pass. Completions are read in chunks
of like length, which saves most of the padding, and the LM head runs on completion tokens alone.
Equal to a plain forward over prompt + completion up to float rounding.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def completion_logps(
    model: Any,
    prompt_ids_BP: "Tensor",
    prompt_mask_BP: "Tensor",
    completion_ids_BT: "Tensor",
    completion_mask_BT: "Tensor",
    temperature: float = 1.0,
    batch_size: int | None = None,
) -> "tuple[Tensor, Tensor]":
    """Log-probability and entropy (nats) of every completion token, differentiable.

    Args:
        model: A causal language model with a decoder under `model.model` and a linear head.
        prompt_ids_BP: Prompts, padded on the left.
        prompt_mask_BP: 1 on prompt tokens.
        completion_ids_BT: Completions, padded on the right.
        completion_mask_BT: 1 on completion tokens.
        temperature: Divides the logits.
        batch_size: Completions at once, to bound the memory; None takes all.

    Returns:
        Two (B, T) tensors; 0 where the mask is 0. The entropy is not differentiable.
    """
    import torch

    from lethe._llama import inner

    count = len(completion_ids_BT)
    if batch_size and batch_size < count:
        cuts = [slice(start, start + batch_size) for start in range(0, count, batch_size)]
        parts = [
            completion_logps(
                model,
                prompt_ids_BP[cut],
                prompt_mask_BP[cut],
                completion_ids_BT[cut],
                completion_mask_BT[cut],
                temperature,
            )
            for cut in cuts
        ]
        logps, entropies = zip(*parts, strict=True)
        return torch.cat(logps), torch.cat(entropies)
    base = inner(model)
    hidden_ND, token_N = _states(
        base, prompt_ids_BP, prompt_mask_BP, completion_ids_BT, completion_mask_BT
    )
    logits_NV = base.get_output_embeddings()(hidden_ND).float()
    if temperature != 1.0:
        logits_NV = logits_NV / temperature
    logps_NV = torch.log_softmax(logits_NV, dim=-1)
    picked_N = logps_NV.gather(1, completion_ids_BT[token_N][:, None])[:, 0]
    with torch.no_grad():
        entropy_N = -torch.linalg.vecdot(logps_NV.exp(), logps_NV)
    blank_BT = torch.zeros_like(completion_ids_BT, dtype=logps_NV.dtype)
    return blank_BT.index_put(token_N, picked_N), blank_BT.index_put(token_N, entropy_N)


def _states(
    base: Any,
    prompt_ids_BP: "Tensor",
    prompt_mask_BP: "Tensor",
    completion_ids_BT: "Tensor",
    completion_mask_BT: "Tensor",
) -> "tuple[Tensor, tuple[Tensor, Tensor]]":
    """Hidden states (N, D) before each completion token, and the token's row and place (N,)."""
    import torch
    from transformers import DynamicCache

    prompts_BX = torch.cat([prompt_ids_BP, prompt_mask_BP], dim=1)
    distinct_UX, member_B = torch.unique(prompts_BX, dim=0, return_inverse=True)
    ids_UP, mask_UP = distinct_UX.chunk(2, dim=1)
    read: Any = DynamicCache()
    read_UPD = base.model(
        input_ids=ids_UP,
        attention_mask=mask_UP,
        position_ids=(mask_UP.cumsum(1) - 1).clamp(min=0),
        past_key_values=read,
        use_cache=True,
    ).last_hidden_state
    wanted_BT = completion_mask_BT.bool()
    lengths_B = completion_mask_BT.sum(1)
    begun_F = wanted_BT[:, 0].nonzero()[:, 0]
    hidden, rows, places = [read_UPD[:, -1][member_B[begun_F]]], [begun_F], [begun_F * 0]
    for chunk in like_lengths(lengths_B.tolist()):
        rows_C = torch.tensor(chunk, device=member_B.device)
        width = int(lengths_B[rows_C].max()) - 1
        cache = DynamicCache()
        for i, layer in enumerate(read.layers):
            cache.update(layer.keys[member_B[rows_C]], layer.values[member_B[rows_C]], i)
        prompt_mask_CP = prompt_mask_BP[rows_C]
        read_CWD = base.model(
            input_ids=completion_ids_BT[rows_C, :width],
            attention_mask=torch.cat([prompt_mask_CP, completion_mask_BT[rows_C, :width]], dim=1),
            position_ids=prompt_mask_CP.sum(1, keepdim=True)
            + torch.arange(width, device=member_B.device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        row_N, place_N = wanted_BT[rows_C, 1 : width + 1].nonzero(as_tuple=True)
        hidden.append(read_CWD[row_N, place_N])
        rows.append(rows_C[row_N])
        places.append(place_N + 1)
    return torch.cat(hidden), (torch.cat(rows), torch.cat(places))


def like_lengths(lengths: Iterable[int]) -> list[list[int]]:
    """Row numbers in chunks whose tokens after the first differ by less than a factor of two.

    >>> like_lengths([9, 2, 1, 3, 2, 6, 0])
    [[1, 4], [3], [0, 5]]
    """
    chunks: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        if length > 1:
            chunks.setdefault((length - 2).bit_length(), []).append(row)
    return [chunks[size] for size in sorted(chunks)]
