"""The limit: ReBO's step written out, with no trainer around it.

The same maths as `lethe.stages._rebo.ReboTrainer` with its defaults: rollouts by the bare decoder,
rewards, advantages by group, one forward over shared prompts for the reference and one for the
policy, GRPO's loss on the policy's own rollouts with the k3 KL, clipped gradient, AdamW. Left out:
logging, checkpoints, LoRA, other losses, more than one process.
"""

from itertools import count

import torch
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence

from lethe import model as models
from lethe import plug
from lethe.generate import left_pad, sample
from lethe.stages._logps import completion_logps
from lethe.stages._sampler import draw, shares


def rollouts(policy, tokenizer, rows, prompts, stop, settings, seed):
    """Completions and their advantages, as tensors under the names that TRL gives them."""
    completions = sample(
        policy,
        prompts,
        stop=stop,
        pad=tokenizer.pad_token_id,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        seed=seed,
    )
    texts = tokenizer.batch_decode(completions, skip_special_tokens=True)
    columns = {name: [getattr(row, name) for row in rows] for name in type(rows[0]).model_fields}
    reward_B = torch.zeros(len(rows))
    for name, weight in settings.rewards.items():
        values = plug.function("reward", name)(completions=texts, **columns)
        reward_B += weight * torch.tensor([value or 0.0 for value in values])
    reward_UG = reward_B.view(-1, settings.num_generations)
    advantage_UG = reward_UG - reward_UG.mean(1, keepdim=True)
    advantage_UG /= reward_UG.std(1, keepdim=True) + 1e-4
    prompt_ids_BP, prompt_mask_BP = left_pad(prompts, tokenizer.pad_token_id)
    padded = pad_sequence([torch.tensor(ids) for ids in completions], batch_first=True)
    mask = pad_sequence([torch.ones(len(ids), dtype=torch.long) for ids in completions], True)
    return {
        "prompt_ids": prompt_ids_BP,
        "prompt_mask": prompt_mask_BP,
        "completion_ids": padded,
        "completion_mask": mask,
        "advantages": advantage_UG.flatten(),
    }


def logps(model, batch, temperature):
    """Log-probability of each completion token (B, T)."""
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
    return completion_logps(model, *(batch[name] for name in names), temperature)[0]


def loss(policy, batch, settings):
    """GRPO's on its own rollouts: the ratio is 1, so nothing is clipped."""
    logp_BT, mask_BT = logps(policy, batch, settings.temperature), batch["completion_mask"]
    ratio_BT = (logp_BT - logp_BT.detach()).exp()
    behind_BT = batch["ref_per_token_logps"] - logp_BT
    kl_BT = behind_BT.exp() - behind_BT - 1
    token_BT = settings.beta * kl_BT - ratio_BT * batch["advantages"][:, None]
    return ((token_BT * mask_BT).sum(1) / mask_BT.sum(1)).mean()


def steps(policy, reference, tokenizer, rows, stop, settings, *, learning_rate, seed):
    """Train without end; yields the number of generated tokens after each step."""
    prompts = [models.render(tokenizer, row.prompt) for row in rows]
    forget = [i for i, row in enumerate(rows) if row.scope == "forget"]
    boundary = [i for i, row in enumerate(rows) if row.scope != "forget"]
    forgets, answers = shares(settings.prompts_per_step, settings.forget_fraction)
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=learning_rate, weight_decay=0.0, fused=True
    )
    for step in count():
        chosen = draw(forget, forgets, step, f"{seed} f") + draw(
            boundary, answers, step, f"{seed} b"
        )
        members = [i for i in chosen for _ in range(settings.num_generations)]
        batch = rollouts(
            policy,
            tokenizer,
            [rows[i] for i in members],
            [prompts[i] for i in members],
            stop,
            settings,
            (seed << 20) + step,
        )
        with torch.no_grad():
            batch["ref_per_token_logps"] = logps(reference, batch, settings.temperature)
        loss(policy, batch, settings).backward()
        clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        yield int(batch["completion_mask"].sum())
