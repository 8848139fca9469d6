"""From rewards to advantages: the estimators that TRL's GRPO trainer does not have.

- RLOO (Ahmadian et al., arXiv 2402.14740): the baseline of a rollout is the mean of its group's
  others; nothing is divided by a deviation.
- REINFORCE++ (Hu et al., arXiv 2501.03262): no baseline in the group; rewards are whitened over all
  tokens of the batch, as in verl, so long completions weigh more in mean and deviation.
- PPO (Schulman et al., arXiv 1707.06347): generalised advantage estimation (arXiv 1506.02438) from
  a value head, whitened, and a value loss that is clipped.

GRPO (Shao et al., arXiv 2402.03300) is TRL's own. A reward of NaN, where no reward function had
anything to say, gives an advantage of 0 and is in no mean. Left out: rewards on single tokens.
"""

import torch
from torch import Tensor


def leave_one_out(rewards_B: Tensor, group: int) -> Tensor:
    """RLOO: each reward less the mean of the others in its group of `group`.

    >>> leave_one_out(torch.tensor([1.0, 0.0, 0.0, 0.5, 0.5, 0.5]), 3).tolist()
    [1.0, -0.5, -0.5, 0.0, 0.0, 0.0]
    """
    rewards_NG = rewards_B.view(-1, group)
    known_NG = ~rewards_NG.isnan()
    others_NG = rewards_NG.nansum(1, keepdim=True) - rewards_NG
    count_NG = known_NG.sum(1, keepdim=True) - 1
    advantages_NG = rewards_NG - others_NG / count_NG.clamp(min=1)
    alone_NG = ~known_NG | (count_NG < 1)
    return advantages_NG.masked_fill(alone_NG, 0.0).flatten()


def reinforce_pp(rewards_B: Tensor, mask_BT: Tensor) -> Tensor:
    """REINFORCE++: rewards whitened over the batch, each as often as its completion has tokens.

    Args:
        rewards_B: The total reward of each completion.
        mask_BT: 1 on completion tokens.

    >>> mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
    >>> [round(x, 3) for x in reinforce_pp(torch.tensor([1.0, 0.0]), mask).tolist()]
    [0.5, -1.5]
    """
    known_BT = mask_BT.bool() & ~rewards_B.isnan()[:, None]
    whitened_BT = whiten(rewards_B[:, None].expand(mask_BT.shape), known_BT)
    return whitened_BT.sum(1) / known_BT.sum(1).clamp(min=1)


def whiten(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Mean 0 and variance 1 (of a sample) over the tokens of the mask; 0 elsewhere.

    >>> whiten(torch.tensor([[1.0, 3.0], [2.0, 9.0]]), torch.tensor([[1, 1], [1, 0]])).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    mask_BT = mask_BT.bool()
    values_N = values_BT[mask_BT]
    if len(values_N) < 2:
        return torch.zeros_like(values_BT)
    scaled_BT = (values_BT - values_N.mean()) * (values_N.var() + 1e-8).rsqrt()
    return scaled_BT.masked_fill(~mask_BT, 0.0)


def gae(
    rewards_B: Tensor, values_BT: Tensor, mask_BT: Tensor, gamma: float = 1.0, lam: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation; a completion is paid at its last token.

    Args:
        rewards_B: The total reward of each completion.
        values_BT: What the value head expects before each token.
        mask_BT: 1 on completion tokens, padded on the right.
        gamma: Discount of a token.
        lam: 1 trusts what was paid, 0 the next token's value.

    Returns:
        Advantages and returns (what a value should have been), (B, T) each; 0 on padding.

    >>> mask, values = torch.ones(1, 2), torch.tensor([[0.5, 0.25]])
    >>> [x.tolist() for x in gae(torch.tensor([1.0]), values, mask)]
    [[[0.5, 0.75]], [[1.0, 1.0]]]
    """
    known_BT = mask_BT.bool() & ~rewards_B.isnan()[:, None]
    lengths_B = mask_BT.sum(1)
    next_value_B = next_advantage_B = torch.zeros_like(rewards_B)
    columns = []
    for t in reversed(range(mask_BT.size(1))):
        paid_B = torch.where(lengths_B == t + 1, rewards_B.nan_to_num(), 0.0)
        delta_B = paid_B + gamma * next_value_B - values_BT[:, t]
        advantage_B = (delta_B + gamma * lam * next_advantage_B) * known_BT[:, t]
        next_value_B, next_advantage_B = values_BT[:, t] * known_BT[:, t], advantage_B
        columns.append(advantage_B)
    advantages_BT = torch.stack(columns[::-1], dim=1)
    return advantages_BT, (advantages_BT + values_BT) * known_BT


def value_loss(
    values_BT: Tensor, old_BT: Tensor, returns_BT: Tensor, mask_BT: Tensor, clip: float = 0.2
) -> Tensor:
    """PPO's: half the squared error, the worse of the value's and of the value near its old one.

    >>> one = torch.ones(1, 1)
    >>> round(value_loss(one, 0 * one, one, one).item(), 3)  # the value went too far too fast
    0.32
    """
    near_BT = old_BT + (values_BT - old_BT).clamp(-clip, clip)
    error_BT = torch.max((values_BT - returns_BT) ** 2, (near_BT - returns_BT) ** 2)
    return 0.5 * (error_BT * mask_BT).sum() / mask_BT.sum().clamp(min=1)
