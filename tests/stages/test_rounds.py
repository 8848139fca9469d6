"""Chosen prompts, rounds and shown replies in the real trainer; estimators too."""

import json

import pytest
import torch

from lethe import config
from lethe import model as models
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _advantages, _value, rebo

TOLD = '''"""A reward."""

def told(completions, log_extra, **columns):
    """1 for a reply that a row shows, 0 for all else."""
    known = {"I cannot say that", "I don't know", "Oslo"}
    texts = [text[0]["content"] for text in completions]
    log_extra("text", texts)
    return [float(text in known) for text in texts]
'''


def batch(made, index=0):
    sampler = made._get_train_sampler()
    group = made.settings.num_generations
    return [dict(made.train_dataset[i]) for i in sampler.batch(index) for _ in range(group)]


@pytest.fixture
def shown(tmp_path):
    file = tmp_path / "told.py"
    file.write_text(TOLD)
    return {"rewards": {str(file): 1.0}}


def prompts_of(made, output):
    return [
        ids[mask.bool()].tolist()
        for ids, mask in zip(output["prompt_ids"], output["prompt_mask"], strict=True)
    ]


# ------------------------------------------------------------------------------ chosen prompts


def test_adaptive_prompts_come_in_groups_by_scope_and_follow_what_was_paid(lab, settings, trainer):
    made = trainer(settings(prompt_choice="adaptive"), lab.full)
    output = made._generate_and_score_completions(batch(made))
    rows = made.inputs
    assert [row["scope"] for row in rows] == ["forget"] * 6 + ["boundary"] * 6
    assert all(rows[i]["id"] == rows[i - i % 3]["id"] for i in range(12))
    words = made.processing_class
    assert prompts_of(made, output) == [models.render(words, row["prompt"]) for row in rows]
    totals = made.totals()
    choice, index = made.roller.choice, made.roller.index
    for i in range(0, 12, 3):
        key = str(index[rows[i]["id"]])
        assert choice.paid[key] == pytest.approx(sum(totals[i : i + 3]) / 3)
    assert made.rollouts == 12
    # The same step draws the same; another draws by what was learnt.
    fresh = trainer(settings(prompt_choice="adaptive"), lab.full)
    fresh._generate_and_score_completions(batch(fresh))
    assert [row["id"] for row in fresh.inputs] == [row["id"] for row in rows]
    made.state.global_step = 1
    made._generate_and_score_completions(batch(made, 1))
    assert [row["id"] for row in made.inputs] != [row["id"] for row in rows]


def test_what_the_trainer_remembers_it_recalls(lab, settings, trainer, tmp_path):
    made, other = (trainer(settings(prompt_choice="adaptive"), lab.full) for _ in range(2))
    made._generate_and_score_completions(batch(made))
    made.remember(tmp_path)
    other.recall(tmp_path)
    assert other.rollouts == 12
    assert other.roller.choice.state() == made.roller.choice.state()
    assert other.roller.choice.paid


# -------------------------------------------------------------------------------------- rounds


def test_rounds_replace_groups_that_are_paid_alike(lab, settings, trainer, shown):
    """Nobody is ever paid, so every round rolls other prompts out, and none takes a place."""
    made = trainer(settings(resample=2, **shown), lab.full)
    inputs = batch(made)
    before = [row["id"] for row in inputs]
    made._generate_and_score_completions(inputs)
    assert [row["id"] for row in inputs] == before
    # 12, then 2 + 2 other prompts by 3, twice; of 7 forget and 10 boundary rows.
    assert made.rollouts == 12 + 12 + 12


def test_a_round_keeps_prompts_completions_and_rewards_together(lab, settings, trainer):
    made = trainer(settings(resample=3, num_generations=2, beta=0.1), lab.full)
    found = 0
    for step in range(8):
        made.state.global_step = step
        inputs = batch(made, step)
        before = [row["id"] for row in inputs]
        output = made._generate_and_score_completions(inputs)
        found += before != [row["id"] for row in inputs]
        words = made.processing_class
        assert prompts_of(made, output) == [models.render(words, r["prompt"]) for r in inputs]
        assert [row["scope"] for row in inputs] == ["forget"] * 4 + ["boundary"] * 4
        rewards = [
            float(sum(ids[mask.bool()].tolist()) % 7)
            for ids, mask in zip(output["completion_ids"], output["completion_mask"], strict=True)
        ]
        assert list(made._logs["rewards"]["pay"]) == rewards
        assert list(made._logs["prompt"]) == [row["prompt"] for row in inputs]
        means = torch.tensor(rewards).view(-1, 2).mean(1, keepdim=True).expand(-1, 2).flatten()
        signs = (torch.tensor(rewards) - means).sign()
        assert torch.equal(output["advantages"].sign(), signs)
        assert output["num_items_in_batch"] == output["completion_mask"].sum()
        assert output["ref_per_token_logps"].shape == output["completion_ids"].shape
    assert found, "no round replaced a group"


# ------------------------------------------------------------------------------- shown replies


def test_a_shown_reply_is_the_rows_own_and_the_group_is_measured_with_it(
    lab, settings, trainer, shown
):
    made = trainer(settings(guidance="demonstration", **shown), lab.full)
    output = made._generate_and_score_completions(batch(made))
    assert output["shown"].tolist() == [False, False, True] * 4
    words = made.processing_class
    for i in range(2, 12, 3):
        row = made.inputs[i]
        text = row["refusal"] if row["scope"] == "forget" else row["answer"]
        own = output["completion_ids"][i][output["completion_mask"][i].bool()].tolist()
        assert own == [*words.encode(text, add_special_tokens=False), words.eos_token_id]
        assert made._logs["completion"][i][-1]["content"] == text
        assert made._logs["extra"]["text"][i] == text
    # One is paid 1, two 0: mean 1/3, deviation of a sample 3^-.5.
    low, high = -1 / 3 / (3**-0.5 + 1e-4), 2 / 3 / (3**-0.5 + 1e-4)
    assert output["advantages"].tolist() == pytest.approx([low, low, high] * 4, abs=1e-4)
    assert made.rollouts == 12  # what is shown was not rolled out


@pytest.mark.parametrize("uses", [1, 2])
def test_the_ratio_of_a_shown_reply_is_its_probability(lab, settings, trainer, shown, uses):
    choice = {"guidance": "demonstration", "beta": 0.0, "num_iterations": uses}
    made = trainer(settings(**choice, **shown), lab.full)
    output = made._generate_and_score_completions(batch(made))
    assert ("old_per_token_logps" in output) == (uses == 2)
    made.model.train()
    loss = made._compute_loss(made.model, output)
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
    ids, mask = output["completion_ids"], output["completion_mask"]
    own = torch.zeros(ids.shape)
    for b in range(12):
        prompt, pm, reply, rm = (output[name][b] for name in names)
        whole = torch.cat([prompt[pm.bool()], reply[rm.bool()]])
        with torch.no_grad():
            logits = made.model(whole[None]).logits[0, int(pm.sum()) - 1 : -1]
        own[b, : int(rm.sum())] = torch.log_softmax(logits, -1).gather(
            1, reply[rm.bool()][:, None]
        )[:, 0]
    ratio = torch.where(output["shown"][:, None], own.exp(), 1.0)
    advantages = output["advantages"][:, None]
    each = torch.min(ratio * advantages, ratio.clamp(0.8, 1.3) * advantages)
    expected = -((each * mask).sum(1) / mask.sum(1)).mean()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    assert (ratio[output["shown"]][mask[output["shown"]].bool()] < 0.8).any()


# ---------------------------------------------------------------------------------- estimators


@pytest.mark.parametrize("which", ["rloo", "reinforce_pp"])
def test_an_estimator_gives_the_trainer_its_advantages(lab, settings, trainer, which):
    made = trainer(settings(advantage_estimator=which), lab.full)
    output = made._generate_and_score_completions(batch(made))
    rewards = torch.tensor(made.totals())
    expected = {
        "rloo": _advantages.leave_one_out(rewards, 3),
        "reinforce_pp": _advantages.reinforce_pp(rewards, output["completion_mask"]),
    }[which]
    assert torch.equal(output["advantages"], expected) and expected.abs().max() > 0.5
    made.model.train()
    assert made._compute_loss(made.model, output).requires_grad


def test_ppo_starts_from_whitened_rewards_and_its_head_learns(lab, settings, trainer):
    made = trainer(settings(advantage_estimator="ppo", beta=0.0), lab.full)
    output = made._generate_and_score_completions(batch(made))
    mask = output["completion_mask"]
    rewards = torch.tensor(made.totals())
    torch.testing.assert_close(
        output["advantages"], _advantages.whiten(rewards[:, None].expand(mask.shape), mask)
    )
    assert torch.equal(output["returns"], rewards[:, None] * mask)
    assert output["old_values"].abs().max() == 0
    made.model.train()
    plain = {k: v for k, v in output.items() if k != "returns"}
    loss, without = (made._compute_loss(made.model, part) for part in (output, plain))
    expected = 0.5 * (rewards[:, None] ** 2 * mask).sum() / mask.sum()
    assert (loss - without).item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    assert made.model.value_head.bias.grad.abs() > 0


def test_values_are_those_of_the_state_before_each_token(lab):
    policy = models.load(lab.steered, lab.full.spec, trainable=True)
    _value.attach(policy)
    with torch.no_grad():
        policy.value_head.weight.normal_(0, 1)
    prompt, reply = (
        torch.tensor([[0, 0, 7, 8], [5, 6, 7, 8]]),
        torch.tensor([[9, 10, 2], [9, 2, 0]]),
    )
    prompt_mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    found = _value.values(policy, prompt, prompt_mask, reply, mask)
    for b, ids in enumerate([[7, 8, 9, 10], [5, 6, 7, 8, 9]]):
        hidden = policy.model(torch.tensor([ids])).last_hidden_state[0]
        count = int(mask[b].sum())
        own = policy.value_head(hidden[-count:])[:, 0]
        torch.testing.assert_close(found[b, :count], own, atol=1e-5, rtol=1e-5)


def test_the_value_head_is_in_checkpoints_and_not_in_the_model(lab, settings, tmp_path):
    from safetensors.torch import load_file

    choice = settings(advantage_estimator="ppo", select="best")
    rebo.train(choice, lab.full, lab.lessons(), tmp_path, 0)
    saved = load_file(tmp_path / "checkpoints" / "checkpoint-2" / "model.safetensors")
    assert saved["value_head.weight"].abs().max() > 0
    assert not any("value_head" in name for name in load_file(tmp_path / "model/model.safetensors"))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    counts = [line["rollouts"] for line in lines if "rollouts" in line]
    assert counts == [12, 24, 36, 48]


def test_ppo_does_not_go_with_an_adapter(lab, settings, tmp_path):
    choice = settings(advantage_estimator="ppo")
    with pytest.raises(LetheError, match="choices: grpo, reinforce_pp, rloo"):
        rebo.train(choice, lab.lora, lab.lessons(), tmp_path, 0)


@pytest.mark.parametrize("which", ["grpo", "ppo"])
def test_all_of_it_with_a_model_that_the_decoder_does_not_fit(
    lab, settings, saved, tmp_path, shown, which
):
    """TRL's own generation and log-probabilities, as on a GPU."""
    folder = str(saved("gpt2", scale=0.15))
    start = Checkpoint(folder, folder, config.Model(path=folder))
    choice = settings(
        steps=3,
        advantage_estimator=which,
        prompt_choice="adaptive",
        resample=1,
        guidance="demonstration",
        kl_scope="boundary",
        **shown,
    )
    rebo.train(choice, start, lab.lessons(), tmp_path / "stage", 0)
    lines = [json.loads(x) for x in (tmp_path / "stage/metrics.jsonl").read_text().splitlines()]
    assert [line["rollouts"] for line in lines if "rollouts" in line] == [24, 48, 72]
    assert (tmp_path / "stage/model/model.safetensors").is_file()


# ------------------------------------------------------------------------ what does not combine


def test_what_cannot_be_combined_is_refused(lab, settings, monkeypatch):
    rows = lab.lessons()
    normal = {"multi_objective_aggregation": "normalize_then_sum"}
    rebo.validate(settings(trainer=normal), rows, "r")
    with pytest.raises(LetheError, match=r"r\.advantage_estimator: rloo sums the rewards"):
        rebo.validate(settings(advantage_estimator="rloo", trainer=normal), rows, "r")
    with pytest.raises(LetheError, match=r"r\.patience: counts looks at validation rows"):
        rebo.validate(settings(patience=2, eval_rows=0), rows, "r")
    mute = [row.model_copy(update={"refusal": None, "answer": None}) for row in rows["train"]]
    rebo.validate(settings(guidance="demonstration"), rows, "r")
    with pytest.raises(LetheError, match=r"r\.guidance: demonstration needs rows that show"):
        rebo.validate(settings(guidance="demonstration"), {"train": mute}, "r")
    monkeypatch.setenv("WORLD_SIZE", "2")
    for changed in ({}, {"prompt_choice": "adaptive"}, {"resample": 1}):
        rebo.validate(settings(**changed), rows, "r")
    with pytest.raises(LetheError, match=r"r\.advantage_estimator: ppo's value .* single process"):
        rebo.validate(settings(advantage_estimator="ppo"), rows, "r")
