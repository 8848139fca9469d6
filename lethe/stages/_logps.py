"""Token log-probabilities of completions when many of them share a prompt.

A group of G completions repeats its prompt G times; read once, with its keys and values handed to
every member, the prompt costs a G-th, and so does its backward pass. The LM head runs on completion
tokens alone. Equal to a plain forward over prompt + completion up to float rounding.
"""

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
) -> "tuple[Tensor, Tensor]":
    """Log-probability and entropy (nats) of every completion token, differentiable.

    Args:
        model: A causal language model with a decoder under `model.model` and a linear head.
        prompt_ids_BP: Prompts, padded on the left.
        prompt_mask_BP: 1 on prompt tokens.
        completion_ids_BT: Completions, padded on the right.
        completion_mask_BT: 1 on completion tokens.
        temperature: Divides the logits.

    Returns:
        Two (B, T) tensors; 0 where the mask is 0.
    """
    import torch
    from transformers import DynamicCache

    from lethe._llama import inner

    base = inner(model)
    prompts_BX = torch.cat([prompt_ids_BP, prompt_mask_BP], dim=1)
    distinct_UX, member_B = torch.unique(prompts_BX, dim=0, return_inverse=True)
    ids_UP, mask_UP = distinct_UX.chunk(2, dim=1)
    cache = DynamicCache()
    read_UPD = base.model(
        input_ids=ids_UP,
        attention_mask=mask_UP,
        position_ids=(mask_UP.cumsum(1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    hidden_BTD = read_UPD[:, -1:][member_B]
    if completion_ids_BT.size(1) > 1:
        cache.batch_select_indices(member_B)
        given_mask_BT = completion_mask_BT[:, :-1]
        lengths_B1 = prompt_mask_BP.sum(1, keepdim=True)
        rest_BTD = base.model(
            input_ids=completion_ids_BT[:, :-1],
            attention_mask=torch.cat([prompt_mask_BP, given_mask_BT], dim=1),
            position_ids=lengths_B1 + torch.arange(given_mask_BT.size(1), device=member_B.device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        hidden_BTD = torch.cat([hidden_BTD, rest_BTD], dim=1)
    wanted_BT = completion_mask_BT.bool()
    logits_NV = base.get_output_embeddings()(hidden_BTD[wanted_BT]).float() / temperature
    logps_NV = torch.log_softmax(logits_NV, dim=-1)
    picked_N = logps_NV.gather(1, completion_ids_BT[wanted_BT][:, None])[:, 0]
    entropy_N = -(logps_NV.detach().exp() * logps_NV.detach()).sum(-1)
    blank_BT = torch.zeros_like(completion_ids_BT, dtype=logps_NV.dtype)
    return blank_BT.masked_scatter(wanted_BT, picked_N), blank_BT.masked_scatter(
        wanted_BT, entropy_N
    )
