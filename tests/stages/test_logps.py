"""Shared prompts and a late LM head change the cost of log-probabilities, not their values."""

import pytest
import torch

from lethe.generate import left_pad
from lethe.stages._logps import completion_logps

KINDS = {
    "llama": ("llama", {}),
    "tied": ("llama", {"tie_word_embeddings": True}),
    "grouped": ("llama", {"num_key_value_heads": 2}),
    "qwen2": ("qwen2", {"num_key_value_heads": 2}),
    "mistral": ("mistral", {"sliding_window": None}),
}


def batch(seed, *, distinct=4, members=3, longest=6, shuffle=True):
    """Ragged prompts, each several times, with ragged completions, in any order."""
    draws = torch.Generator().manual_seed(seed)

    def text(low, high):
        n = int(torch.randint(low, high + 1, (1,), generator=draws))
        return torch.randint(3, 40, (n,), generator=draws).tolist()

    prompts = [text(1, 8) for _ in range(distinct)]
    rows = [(p, text(1, longest)) for p in prompts for _ in range(members)]
    if shuffle:
        rows = [rows[i] for i in torch.randperm(len(rows), generator=draws).tolist()]
    return [p for p, _ in rows], [c for _, c in rows]


def tensors(prompts, completions):
    prompt_ids, prompt_mask = left_pad(prompts, 0)
    width = max(map(len, completions))
    ids = torch.tensor([c + [0] * (width - len(c)) for c in completions])
    mask = torch.tensor([[1] * len(c) + [0] * (width - len(c)) for c in completions])
    return prompt_ids, prompt_mask, ids, mask


def by_hand(model, prompts, completions, temperature):
    """One row at a time, unpadded: a plain forward over prompt and completion."""
    width = max(map(len, completions))
    logps, entropies = [], []
    for prompt, completion in zip(prompts, completions, strict=True):
        logits = model(input_ids=torch.tensor([prompt + completion])).logits[0]
        logits = logits[len(prompt) - 1 : -1] / temperature
        all_logps = torch.log_softmax(logits, -1)
        own = all_logps.gather(1, torch.tensor(completion)[:, None])[:, 0]
        rest = (0, width - len(completion))
        logps.append(torch.nn.functional.pad(own, rest))
        entropy = -(all_logps.exp() * all_logps).sum(-1)
        entropies.append(torch.nn.functional.pad(entropy, rest))
    return torch.stack(logps), torch.stack(entropies)


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def compare(model, prompts, completions, temperature=1.0):
    given = tensors(prompts, completions)
    logps, entropies = completion_logps(model, *given, temperature)
    expected_logps, expected_entropies = by_hand(model, prompts, completions, temperature)
    torch.testing.assert_close(logps, expected_logps, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(entropies, expected_entropies.detach(), atol=1e-5, rtol=1e-5)
    assert not entropies.requires_grad
    assert (logps[given[3] == 0] == 0).all() and (entropies[given[3] == 0] == 0).all()
    weights = torch.randn(logps.shape, generator=torch.Generator().manual_seed(1))
    ours = gradients(model, (logps * weights).sum())
    theirs = gradients(model, (expected_logps * weights).sum())
    assert ours.keys() == theirs.keys() and ours
    for name, gradient in theirs.items():
        error = (ours[name] - gradient).norm() / gradient.norm().clamp(min=1e-8)
        assert error < 1e-4, f"{name}: {error}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
def test_equal_to_a_plain_forward_with_its_gradients(net, kind, temperature):
    name, shape = KINDS[kind]
    compare(net(name, scale=0.2, **shape), *batch(0), temperature)


@pytest.mark.parametrize("seed", range(5))
def test_any_mix_of_prompts_and_lengths(net, seed):
    compare(net(scale=0.2), *batch(seed, distinct=1 + seed, members=1 + seed % 3))


def test_one_token_completions(net):
    compare(net(scale=0.2), *batch(3, longest=1))


def test_one_row(net):
    compare(net(scale=0.2), *batch(3, distinct=1, members=1))


def test_prompts_that_are_each_others_beginnings_and_ends(net):
    prompts = [[5, 6, 7], [6, 7], [5, 6], [7], [5, 6, 7], [0, 7], [7]]
    completions = [[8, 9], [8, 9], [7, 9], [8], [8, 9, 4], [8], [9, 9]]
    compare(net(scale=0.2), prompts, completions)


def test_with_an_adapter_only_the_adapter_learns(net):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    shape = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    model = get_peft_model(net(scale=0.2), shape)
    compare(model, *batch(0))
    logps, _ = completion_logps(model, *tensors(*batch(0)))
    assert all("lora_" in name for name in gradients(model, logps.sum()))
    with model.disable_adapter():
        bare, _ = completion_logps(model, *tensors(*batch(0)))
    expected, _ = completion_logps(net(scale=0.2), *tensors(*batch(0)))
    torch.testing.assert_close(bare, expected)


def test_a_row_does_not_depend_on_the_others(net):
    model, (prompts, completions) = net(scale=0.2), batch(1)
    together, _ = completion_logps(model, *tensors(prompts, completions))
    for i, completion in enumerate(completions):
        alone, _ = completion_logps(model, *tensors([prompts[i]], [completion]))
        torch.testing.assert_close(together[i, : len(completion)], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [1, 5, 12, 99])
def test_in_parts_as_at_once(net, size):
    given = tensors(*batch(3))
    whole = completion_logps(net(), *given)
    parts = completion_logps(net(), *given, batch_size=size)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
