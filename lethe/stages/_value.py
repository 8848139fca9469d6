"""PPO's value head: a linear map of the policy's last hidden states, in float32.

It is a submodule of the policy while that is trained, so checkpoints hold it and a resumed run goes
on with it; `aside` takes it off while weights are saved to be kept. The head learns from hidden
states that pass no gradient on (our choice): the value loss cannot disturb the policy. It starts at
zero, where PPO is REINFORCE++. Experimental: one process, all weights trained.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

NAME = "value_head"


def attach(policy: Any) -> None:
    """Give the policy a head that values everything at 0."""
    head = torch.nn.Linear(policy.config.hidden_size, 1, dtype=torch.float32)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    policy.add_module(NAME, head.to(policy.device))


@contextlib.contextmanager
def aside(policy: Any) -> Iterator[None]:
    """The policy without its head, if it has one."""
    head = policy._modules.pop(NAME, None)
    try:
        yield
    finally:
        if head is not None:
            policy.add_module(NAME, head)


def values(
    policy: Any,
    prompt_ids_BP: Tensor,
    prompt_mask_BP: Tensor,
    completion_ids_BT: Tensor,
    completion_mask_BT: Tensor,
) -> Tensor:
    """What the head expects before each completion token: (B, T), differentiable in the head."""
    mask_BL = torch.cat([prompt_mask_BP, completion_mask_BT], dim=1)
    with torch.no_grad():
        hidden_BLD = policy.base_model(
            input_ids=torch.cat([prompt_ids_BP, completion_ids_BT], dim=1),
            attention_mask=mask_BL,
            position_ids=(mask_BL.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
    before_BTD = hidden_BLD[:, prompt_ids_BP.size(1) - 1 : -1]
    with torch.autocast(before_BTD.device.type, enabled=False):
        return getattr(policy, NAME)(before_BTD.float())[..., 0]
