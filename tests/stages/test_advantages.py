"""Advantages against numbers worked out by hand."""

import pytest
import torch

from lethe.stages import _advantages

NAN = float("nan")


def test_leave_one_out_is_the_reward_less_the_mean_of_the_others():
    rewards = torch.tensor([1.0, 0.0, 0.5, 0.5])
    # 1 - (0 + .5 + .5) / 3, 0 - 2 / 3, .5 - 1.5 / 3
    expected = [2 / 3, -2 / 3, 0.0, 0.0]
    assert _advantages.leave_one_out(rewards, 4).tolist() == pytest.approx(expected)


def test_leave_one_out_knows_nothing_of_other_groups_and_skips_what_is_not_scored():
    rewards = torch.tensor([3.0, 1.0, NAN, 7.0, NAN, NAN, NAN, NAN, NAN])
    # (3 - 1, 1 - 3, nothing), (nobody to compare with), (nothing)
    expected = [2.0, -2.0, 0, 0, 0, 0, 0, 0, 0]
    assert _advantages.leave_one_out(rewards, 3).tolist() == expected


def test_reinforce_pp_weighs_a_reward_by_its_tokens():
    mask = torch.tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
    # Tokens: 1 1 1 0 .5 .5: mean 4 / 6, squares 3 x 1/9 + 4/9 + 2 x 1/36 = 5/6, by 5: 1/6.
    expected = [(1 - 2 / 3) * 6**0.5, -2 / 3 * 6**0.5, (0.5 - 2 / 3) * 6**0.5]
    found = _advantages.reinforce_pp(torch.tensor([1.0, 0.0, 0.5]), mask)
    assert found.tolist() == pytest.approx(expected, abs=1e-5)


def test_reinforce_pp_leaves_out_what_is_not_scored_and_is_zero_when_all_are_alike():
    mask = torch.ones(3, 2)
    found = _advantages.reinforce_pp(torch.tensor([1.0, NAN, 0.0]), mask)
    assert found.tolist() == pytest.approx([0.75**0.5, 0, -(0.75**0.5)])
    assert _advantages.reinforce_pp(torch.ones(3), mask).abs().max() < 1e-3


def test_whitened_tokens_have_mean_zero_and_variance_one():
    values = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)) * 3 + 5
    mask = torch.arange(6) < torch.tensor([6, 3, 1, 4])[:, None]
    found = _advantages.whiten(values, mask)
    assert found[mask].mean().item() == pytest.approx(0, abs=1e-6)
    assert found[mask].var().item() == pytest.approx(1, abs=1e-5)
    assert (found[~mask] == 0).all()


def test_gae_that_trusts_what_was_paid_is_reward_less_value():
    values = torch.tensor([[0.5, 0.25, 0.1], [0.2, 9.0, 9.0]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
    advantages, returns = _advantages.gae(torch.tensor([1.0, -1.0]), values, mask)
    assert advantages.flatten().tolist() == pytest.approx([0.5, 0.75, 0.9, -1.2, 0, 0])
    assert returns.flatten().tolist() == pytest.approx([1, 1, 1, -1, 0, 0])


def test_gae_by_hand_with_discount():
    values, mask = torch.tensor([[0.5, 0.25, 7.0]]), torch.tensor([[1, 1, 0]])
    advantages, returns = _advantages.gae(torch.tensor([1.0]), values, mask, gamma=0.9, lam=0.8)
    # Last: 1 - .25 = .75. First: .9 x .25 - .5 = -.275, and .9 x .8 x .75 = .54.
    assert advantages[0].tolist() == pytest.approx([0.265, 0.75, 0.0])
    assert returns[0].tolist() == pytest.approx([0.765, 1.0, 0.0])


def test_gae_of_what_is_not_scored_is_nothing():
    advantages, returns = _advantages.gae(torch.tensor([NAN]), torch.ones(1, 2), torch.ones(1, 2))
    assert advantages.abs().sum() == returns.abs().sum() == 0


def test_the_value_loss_takes_the_worse_of_clipped_and_free():
    values, old = torch.tensor([[0.5, 0.1, 5.0]]), torch.tensor([[0.0, 0.0, 0.0]])
    returns, mask = torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[1, 1, 0]])
    # max(.25, (.2 - 1)^2 = .64), max(.81, .81): half of 1.45 / 2.
    found = _advantages.value_loss(values, old, returns, mask)
    assert found.item() == pytest.approx(1.45 / 4)
