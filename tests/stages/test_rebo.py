"""ReBO with the real trainer on a model of a few thousand weights."""

import inspect
import json

import pytest
import torch
from pydantic import ValidationError

from lethe import _llama, config
from lethe import model as models
from lethe.generate import left_pad
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import rebo

# ----------------------------------------------------------------------------- what is refused


def test_too_few_rows_for_one_batch_are_an_error_not_zero_steps(lab, settings, tmp_path):
    rows = lab.lessons()
    count = {s: sum(r.scope == s for r in rows["train"]) for s in ("forget", "boundary")}
    assert count == {"forget": 7, "boundary": 10}
    fits = settings(prompts_per_step=14)
    rebo.validate(fits, rows, "r: stages.0")
    with pytest.raises(LetheError) as error:
        rebo.train(settings(prompts_per_step=16), lab.full, rows, tmp_path, 0)
    assert str(error.value) == (
        "rebo: the train split has 7 forget rows, but every step takes 8 (prompts_per_step 16 x "
        "forget_fraction 0.5); add rows or lower prompts_per_step"
    )
    with pytest.raises(LetheError, match="has 10 boundary rows, but every step takes 11"):
        rebo.validate(settings(prompts_per_step=12, forget_fraction=0.1), rows, "r")
    elsewhere = [row.model_copy(update={"stages": ("other",)}) for row in rows["train"]]
    elsewhere[-1] = elsewhere[-1].model_copy(update={"stages": ("rebo",)})
    with pytest.raises(LetheError, match="has 0 forget rows"):
        rebo.validate(settings(), {"train": elsewhere}, "r")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"save_every": 3, "num_iterations": 2}, "save_every 3 is not a multiple of num_iteratio"),
        ({"micro_batch": 5}, "micro_batch 5 does not divide prompts_per_step x num_generations ="),
        ({"forget_fraction": 0.1}, "leaves 0 forget and 4 boundary prompts a step; both need one"),
        ({"prompts_per_step": 2, "forget_fraction": 0.9}, "leaves 2 forget and 0 boundary"),
        ({"rewards": {}}, "is empty; "),
        ({"rewards": {"refusall": 1.0}}, "did you mean refusal"),
        ({"num_generations": 1}, "greater than or equal to 2"),
        ({"temperature": 0}, "greater than 0"),
        ({"reference": "first"}, "'original' or 'steered'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, wrong, message):
    with pytest.raises((ValidationError, LetheError)) as error:
        settings(**wrong)
    assert message in str(error.value)


def test_a_recipe_names_the_place_of_a_wrong_setting():
    raw = {
        "name": "r",
        "model": {"path": "world:0"},
        "data": {"benchmark": "world"},
        "stages": [{"stage": "rebo", "save_every": 3, "num_iterations": 2}],
    }
    with pytest.raises(LetheError, match=r"^recipe: stages\.0.*: save_every 3 is not a multiple"):
        config.from_dict(raw)


# -------------------------------------------------------------------------------- TRL's hooks


HOOKS = {
    "_get_train_sampler": ["self", "dataset"],
    "_generate_single_turn": [
        *["self", "prompt_ids", "images", "multimodal_fields", "num_generations"],
        "has_tool_images",
    ],
    "_get_per_token_logps_and_entropies": [
        *["self", "model", "input_ids", "attention_mask", "logits_to_keep", "batch_size"],
        *["compute_entropy", "compute_aux_loss", "pixel_values", "image_grid_thw", "num_images"],
        *["pixel_attention_mask", "spatial_shapes", "num_tiles", "image_sizes"],
        *["token_type_ids", "mm_token_type_ids", "image_position_ids"],
    ],
    "_generate": ["self", "prompts"],
    "_calculate_rewards": ["self", "inputs", "prompts", "completions", "completion_ids_list"],
    "_generate_and_score_completions": ["self", "inputs"],
    "_compute_loss": ["self", "model", "inputs"],
}


def test_the_private_hooks_of_trl_are_those_that_rebo_overrides():
    import trl
    from trl.trainer.grpo_trainer import GRPOTrainer

    from lethe.stages._rebo import ReboTrainer
    from lethe.stages._rounds import RoundsTrainer

    own_classes = {**vars(RoundsTrainer), **vars(ReboTrainer)}
    for name, expected in HOOKS.items():
        found = list(inspect.signature(getattr(GRPOTrainer, name)).parameters)
        assert found == expected, (
            f"trl {trl.__version__} changed GRPOTrainer.{name}; lethe.stages._rebo was checked "
            "with trl 1.16 only: read its new code before the pin in pyproject.toml is moved"
        )
        own = inspect.signature(own_classes[name]).parameters
        catches_rest = any(p.kind is p.VAR_KEYWORD for p in own.values())
        named = [n for n, p in own.items() if p.kind is not p.VAR_KEYWORD]
        assert named == expected[: len(named)] and (catches_rest or len(named) == len(expected))
    private = {n for n in own_classes if n.startswith("_") and hasattr(GRPOTrainer, n)}
    overridden = {n for n in private if not n.startswith("__")}
    assert overridden == set(HOOKS), "an overridden hook is missing from this test"


def test_the_trainer_still_says_what_rebo_reads(lab, settings, trainer):
    """Attributes of TRL's trainer that `_rebo` relies on."""
    made = trainer(settings(), lab.full)
    assert made.eos_token_ids == [2] and made._tokenizer.pad_token_id == 0
    assert (made.temperature, made.beta, made.num_iterations, made.use_vllm) == (
        1.0,
        0.05,
        1,
        False,
    )
    made._generate_and_score_completions(batch(made))
    assert set(made._logs) >= {"completion", "prompt", "rewards", "advantages", "extra"}
    assert len(made._logs["completion"]) == 12


# ---------------------------------------------------------------------- what runs on the machine


def test_the_trainer_is_right_for_a_cpu(lab, settings, trainer):
    if torch.cuda.is_available():
        pytest.skip("the CPU's settings")
    made = trainer(settings(), lab.full)
    args = made.args
    assert args.use_cpu and not args.bf16 and not args.fp16
    assert not args.gradient_checkpointing and not made.model.is_gradient_checkpointing
    assert made.accelerator.mixed_precision == "no"
    assert args.report_to == [] and args.disable_tqdm
    assert made.fast and made.model.dtype == torch.float32
    assert (args.loss_type, args.use_bias_correction_kl) == ("grpo", False)
    assert (made.epsilon_low, made.epsilon_high) == (0.2, 0.3)
    assert args.max_steps == 4 and args.per_device_train_batch_size == 12
    micro = trainer(settings(micro_batch=6, num_iterations=2), lab.full).args
    assert (micro.per_device_train_batch_size, micro.gradient_accumulation_steps) == (6, 2)
    assert (micro.max_steps, micro.steps_per_generation) == (8, 2)


# ------------------------------------------------------------------------- numbers by hand


def batch(made, index=0):
    """The rows of one step as TRL's data loader hands them over."""
    sampler = made._get_train_sampler()
    group = made.settings.num_generations
    return [dict(made.train_dataset[i]) for i in sampler.batch(index) for _ in range(group)]


def plain_logps(model, prompt_ids, prompt_mask, ids, mask, temperature=1.0):
    """One row at a time, unpadded."""
    out = torch.zeros(ids.shape)
    for b in range(len(ids)):
        prompt = prompt_ids[b][prompt_mask[b].bool()]
        own = ids[b][mask[b].bool()]
        with torch.no_grad():
            logits = model(torch.cat([prompt, own])[None]).logits[0, len(prompt) - 1 : -1]
        logps = torch.log_softmax(logits / temperature, -1)
        out[b, : len(own)] = logps.gather(1, own[:, None])[:, 0]
    return out


def plain_of(model, output, temperature=1.0):
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
    return plain_logps(model, *(output[name] for name in names), temperature)


def test_a_batch_holds_the_stages_rows_in_groups_with_their_columns(lab, settings, trainer):
    made = trainer(settings(), lab.full)
    output = made._generate_and_score_completions(batch(made))
    rows = batch(made)
    assert [row["scope"] for row in rows] == ["forget"] * 6 + ["boundary"] * 6
    assert all(rows[i]["id"] == rows[i - i % 3]["id"] for i in range(12))
    words = made.processing_class
    for row, ids, mask in zip(rows, output["prompt_ids"], output["prompt_mask"], strict=True):
        assert ids[mask.bool()].tolist() == models.render(words, row["prompt"])
        assert ids[mask.bool()].tolist().count(words.bos_token_id) == 1
    assert {"answer", "subject", "refusal", "entity", "scope"} <= rows[0].keys()


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_advantages_by_hand(lab, settings, trainer, scale):
    made = trainer(settings(scale_rewards=scale), lab.full)
    output = made._generate_and_score_completions(batch(made))
    rewards = [
        float(sum(ids[mask.bool()].tolist()) % 7)
        for ids, mask in zip(output["completion_ids"], output["completion_mask"], strict=True)
    ]
    assert list(made._logs["rewards"]["pay"]) == rewards
    assert any(len(set(rewards[i : i + 3])) == 3 for i in range(0, 12, 3))

    def deviation(values):
        mean = sum(values) / len(values)
        return (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5

    expected = []
    for i in range(0, 12, 3):
        group = rewards[i : i + 3]
        by = {"group": deviation(group) + 1e-4, "batch": deviation(rewards) + 1e-4, "none": 1.0}
        expected += [(reward - sum(group) / 3) / by[scale] for reward in group]
    assert output["advantages"].tolist() == pytest.approx(expected, abs=1e-4)


def test_rewards_are_weighted_and_kept_apart_by_scope(lab, settings, trainer):
    made = trainer(settings(rewards={"refusal": 2.0, "answer": 0.5}), lab.full)
    texts = ["I don't know .", "He was a baker ."] * 3 + ["Oslo", "Rome", "I don't know ."] * 2
    chats = [[{"role": "assistant", "content": text}] for text in texts]
    rows = batch(made)
    found = made._calculate_rewards(rows, [row["prompt"] for row in rows], chats, [[5]] * 12)
    nan = float("nan")
    assert found[:, 0].tolist() == pytest.approx([1, 0] * 3 + [nan] * 6, nan_ok=True)
    assert found[:, 1].tolist() == pytest.approx([nan] * 6 + [1, 0, 0] * 2, nan_ok=True)
    assert made.reward_weights.tolist() == [2.0, 0.5]


def test_the_loss_of_the_first_step_by_hand(lab, settings, trainer):
    """Ratio one: the mean over rows of -advantage + beta x mean k3, as in GRPO's paper."""
    made = trainer(settings(beta=0.3, reference="original", temperature=0.8), lab.full)
    output = made._generate_and_score_completions(batch(made))
    made.model.train()
    loss = made._compute_loss(made.model, output)
    policy, reference = (
        plain_of(models.load(path, lab.full.spec), output, 0.8)
        for path in (lab.steered, lab.original)
    )
    mask = output["completion_mask"]
    gap = (reference - policy) * mask
    k3 = ((gap.exp() - gap - 1) * mask).sum(1) / mask.sum(1)
    expected = (-output["advantages"] + 0.3 * k3).mean()
    assert k3.min() > 1e-3
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)


def test_the_ratio_is_clipped_at_two_tenths_below_and_three_above(lab, settings, trainer):
    made = trainer(settings(beta=0.0), lab.full)
    output = made._generate_and_score_completions(batch(made))
    made.model.train()
    own = plain_of(made.model, output)
    mask = output["completion_mask"]
    draws = torch.Generator().manual_seed(0)
    drift = torch.randn(own.shape, generator=draws) * 0.5
    loss = made._compute_loss(made.model, {**output, "old_per_token_logps": own - drift})
    advantages, ratio = output["advantages"][:, None], drift.exp()
    clipped = torch.min(ratio * advantages, ratio.clamp(0.8, 1.3) * advantages)
    expected = -((clipped * mask).sum(1) / mask.sum(1)).mean()
    assert (ratio[mask.bool()] > 1.3).any() and (ratio[mask.bool()] < 0.8).any()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-4)


# ------------------------------------------------------------------------------- the reference


def same_weights(model, folder, spec):
    theirs = dict(models.load(folder, spec).named_parameters())
    ours = dict(model.named_parameters())
    assert ours.keys() == theirs.keys()
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("reference", ["original", "steered"])
def test_the_reference_is_the_saved_model_that_was_asked_for(lab, settings, trainer, reference):
    made = trainer(settings(reference=reference), lab.full)
    other = {"original": "steered", "steered": "original"}[reference]
    assert same_weights(made.ref_model, getattr(lab, reference), lab.full.spec)
    assert not same_weights(made.ref_model, getattr(lab, other), lab.full.spec)
    assert same_weights(made.model, lab.steered, lab.full.spec)
    assert made.model.config._name_or_path == lab.steered
    made.train()
    assert same_weights(made.ref_model, getattr(lab, reference), lab.full.spec)
    assert not same_weights(made.model, lab.steered, lab.full.spec)


def test_without_a_penalty_there_is_no_reference(lab, settings, trainer):
    assert trainer(settings(beta=0.0), lab.full).ref_model is None


@pytest.mark.parametrize("start", ["full", "lora", "fresh_lora", "over_adapter"])
@pytest.mark.parametrize("reference", ["original", "steered"])
def test_the_penalty_is_taken_against_the_reference(lab, settings, trainer, start, reference):
    checkpoint = getattr(lab, start)
    made = trainer(settings(reference=reference), checkpoint)
    path = getattr(checkpoint, {"original": "original", "steered": "path"}[reference])
    expected_model = models.load(path, checkpoint.spec)
    output = made._generate_and_score_completions(batch(made))
    expected = plain_of(expected_model, output)
    mask = output["completion_mask"].bool()
    torch.testing.assert_close(
        output["ref_per_token_logps"][mask], expected[mask], atol=1e-5, rtol=1e-5
    )
    policy = plain_of(models.load(checkpoint.path, checkpoint.spec), output)
    far = (policy - expected)[mask].abs().max() > 0.01
    assert far == (reference == "original" and start != "fresh_lora")
    # It stays where it was while the policy learns.
    made.train()
    after = made._generate_and_score_completions(batch(made, 3))
    mask = after["completion_mask"].bool()
    torch.testing.assert_close(
        after["ref_per_token_logps"][mask],
        plain_of(expected_model, after)[mask],
        atol=1e-5,
        rtol=1e-5,
    )


@pytest.mark.parametrize("start", ["full", "lora"])
@pytest.mark.parametrize("micro", [None, 3])
def test_rows_that_are_free_pay_no_penalty_and_get_no_gradient(
    lab, settings, trainer, start, micro
):
    choice = {"kl_scope": "boundary", "beta": 0.5, "reference": "original", "micro_batch": micro}
    made = trainer(settings(**choice), getattr(lab, start))
    output = made._generate_and_score_completions(batch(made))
    assert output["free"].tolist() == [True] * 6 + [False] * 6
    output["advantages"] = torch.zeros(12)
    made.model.train()

    def loss_and_gradient(rows):
        part = {
            k: v[rows] if isinstance(v, torch.Tensor) and v.dim() else v for k, v in output.items()
        }
        made.model.zero_grad()
        loss = made._compute_loss(made.model, part)
        loss.backward()
        grads = [p.grad.norm() for p in made.model.parameters() if p.grad is not None]
        return loss.item(), torch.stack(grads).norm().item()

    forget, boundary, both = slice(0, 6), slice(6, 12), slice(0, 12)
    free_loss, free_gradient = loss_and_gradient(forget)
    paid_loss, paid_gradient = loss_and_gradient(boundary)
    assert abs(free_loss) < 1e-8 and free_gradient < 1e-5
    assert paid_loss > 1e-3 and paid_gradient > 1e-3
    assert loss_and_gradient(both)[0] == pytest.approx(paid_loss / 2, abs=1e-6)
    # The same rows pay when everybody does.
    made = trainer(settings(**{**choice, "kl_scope": "all"}), getattr(lab, start))
    output = made._generate_and_score_completions(batch(made))
    assert "free" not in output
    output["advantages"] = torch.zeros(12)
    made.model.train()
    assert loss_and_gradient(forget)[0] > 1e-3


def test_rows_that_are_free_are_free_on_every_use_of_a_batch(lab, settings, trainer):
    """With several optimiser steps on one batch the policy has moved; still nothing is paid."""
    made = trainer(settings(kl_scope="boundary", beta=0.5, num_iterations=2), lab.full)
    output = made._generate_and_score_completions(batch(made))
    output["advantages"] = torch.zeros(12)
    with torch.no_grad():
        for weight in made.model.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    part = {k: v[:6] if isinstance(v, torch.Tensor) and v.dim() else v for k, v in output.items()}
    assert abs(made._compute_loss(made.model, part).item()) < 1e-8


# ------------------------------------------------------------------- fast path and TRL's own


def test_the_fast_path_and_trls_own_give_the_same_loss_and_gradient(lab, settings, trainer):
    made = trainer(settings(beta=0.2, reference="original", temperature=0.9), lab.full)
    output = made._generate_and_score_completions(batch(made))
    losses, gradients = [], []
    for fast in (True, False):
        made.fast = fast
        made.model.train()
        made.model.zero_grad()
        loss = made._compute_loss(made.model, output)
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for p in made.model.parameters()]))
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert (gradients[0] - gradients[1]).norm() < 1e-4 * gradients[1].norm()


def test_rollouts_are_a_function_of_seed_and_step(lab, settings, trainer):
    made = trainer(settings(), lab.full)
    first = made._generate_and_score_completions(batch(made))["completion_ids"]
    torch.manual_seed(77)
    assert torch.equal(made._generate_and_score_completions(batch(made))["completion_ids"], first)
    made.state.global_step = 1
    later = made._generate_and_score_completions(batch(made))["completion_ids"]
    assert later.shape != first.shape or not torch.equal(later, first)


def test_a_model_that_the_decoder_does_not_fit_is_trained_by_trl_alone(
    lab, settings, saved, tmp_path
):
    folder = str(saved("gpt2", scale=0.15))
    start = Checkpoint(folder, folder, config.Model(path=folder))
    assert not _llama.fits(models.load(folder, start.spec))
    choice = settings(steps=2, kl_scope="boundary", reference="steered")
    rebo.train(choice, start, lab.lessons(), tmp_path, 0)
    assert not same_weights(models.load(tmp_path / "model", start.spec), folder, start.spec)


# ------------------------------------------------------------------------- a whole stage


def stage(settings, start, rows, out, seed=0):
    out.mkdir(parents=True, exist_ok=True)
    rebo.train(settings, start, rows, out, seed)
    return out


def curve(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def weights(out):
    files = sorted(out.rglob("model/*.safetensors"))
    assert files
    return {file.name: file.read_bytes() for file in files}


def test_what_a_stage_leaves(lab, settings, tmp_path):
    out = stage(settings(), lab.full, lab.lessons(), tmp_path / "a")
    lines = curve(out)
    train = [line for line in lines if line["split"] == "train"]
    assert [(line["step"], line["scope"]) for line in train] == [
        (step, scope) for step in (1, 2, 3, 4) for scope in ("forget", "boundary", "all")
    ]
    for line in train:
        if line["scope"] == "all":
            assert line["loss"] is not None and line["kl"] >= 0
            both = [one["reward"] for one in train if one["step"] == line["step"]][:2]
            assert line["reward"] == pytest.approx(sum(both) / 2, abs=1e-4)
        else:
            assert 0 <= line["refusal"] <= 1 and 0 <= line["zero_variance"] <= 1
    looked = [line for line in lines if line["split"] == "validation"]
    assert {line["step"] for line in looked} == {0, 2, 4}
    assert {line["scope"] for line in looked} == {"forget", "boundary", "all"}
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert [sample["scope"] for sample in samples] == ["forget"] * 2 + ["boundary"] * 2
    assert all(sample["step"] == 4 for sample in samples)
    names = {file.name for file in (out / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pt", ".pth"))}
    assert not same_weights(models.load(out / "model", lab.full.spec), lab.steered, lab.full.spec)


def test_equal_seeds_train_equal_weights_and_others_do_not(lab, settings, tmp_path):
    first, again = (stage(settings(), lab.full, lab.lessons(), tmp_path / n) for n in "ab")
    other = stage(settings(), lab.full, lab.lessons(), tmp_path / "c", seed=1)
    assert weights(first) == weights(again) != weights(other)
    assert curve(first) == curve(again) != curve(other)


def test_an_adapter_stage_leaves_the_adapter_and_no_second_one(lab, settings, tmp_path):
    out = stage(settings(), lab.lora, lab.lessons(), tmp_path / "a")
    assert is_adapter(out / "model")
    found = {str(p.relative_to(out / "model")) for p in (out / "model").rglob("*.safetensors")}
    assert found == {"adapter_model.safetensors"}
    before, after = (models.load(p, lab.lora.spec) for p in (lab.adapter, out / "model"))
    assert any(
        not torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True)
    )


def test_training_moves_the_policy_towards_what_is_paid(lab, settings, tmp_path):
    file = tmp_path / "long.py"
    file.write_text(
        '"""A reward."""\n'
        "def long(completions, completion_ids, **columns):\n"
        '    """Pays for Oslo."""\n'
        "    return [float(text[0]['content'].split().count('Oslo')) for text in completions]\n"
    )
    choice = settings(steps=12, learning_rate=1e-2, rewards={str(file): 1.0}, eval_rows=0)
    lines = curve(stage(choice, lab.full, lab.lessons(), tmp_path / "a"))
    rewards = [line["reward"] for line in lines if line["scope"] == "all"]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 1


# --------------------------------------------------------------------------- kill and resume


# Most replies are paid alike, and the rows' own replies better.
SHOWN = {"guidance": "demonstration", "rewards": {"refusal": 1.0, "answer": 1.0, "PAY": 0.0}}
CASES = {
    "inside the first epoch": ("full", {}, 3),
    "just before a checkpoint": ("full", {}, 1),
    "across the epoch boundary": ("full", {"steps": 8}, 5),
    "in the second epoch": ("full", {"steps": 10}, 7),
    "two uses of a batch": ("full", {"steps": 6, "num_iterations": 2}, 6),
    "in parts, second epoch": ("full", {"steps": 8, "micro_batch": 6}, 7),
    "a falling learning rate": ("full", {"steps": 6, "schedule": "cosine"}, 3),
    "boundary rows alone pay": ("full", {"kl_scope": "boundary", "reference": "original"}, 3),
    "an adapter": ("lora", {"steps": 8}, 7),
    "an adapter against the original": ("lora", {"steps": 6, "reference": "original"}, 3),
    "a new adapter": ("fresh_lora", {"steps": 6}, 3),
    "adaptive prompts": ("full", {"steps": 6, "prompt_choice": "adaptive"}, 3),
    "adaptive prompts, two uses": (
        "full",
        {"steps": 4, "num_iterations": 2, "prompt_choice": "adaptive"},
        4,
    ),
    "rounds": ("full", {"steps": 6, "resample": 2, "num_generations": 2}, 3),
    "adaptive rounds": ("full", {"steps": 6, "resample": 2, "prompt_choice": "adaptive"}, 5),
    "shown replies": ("full", {**SHOWN, "steps": 6}, 3),
    "all at once": (
        "lora",
        {**SHOWN, "steps": 6, "prompt_choice": "adaptive", "resample": 1, "micro_batch": 6},
        5,
    ),
    "rloo": ("full", {"steps": 6, "advantage_estimator": "rloo"}, 3),
    "reinforce++": ("full", {"steps": 6, "advantage_estimator": "reinforce_pp"}, 3),
    "ppo": ("full", {"steps": 6, "advantage_estimator": "ppo", "num_iterations": 2}, 6),
    "out of patience": ("full", {"steps": 12, "patience": 2, "select": "best"}, 3),
    "out of patience at a checkpoint": ("wise", {"steps": 12, "patience": 2}, 3),
    "the best of equals": ("full", {"steps": 6, "select": "best"}, 3),
    "the best is the start": ("wise", {"steps": 6, "select": "best", "learning_rate": 0.05}, 3),
}


@pytest.mark.parametrize("case", CASES)
def test_killed_and_resumed_is_the_same_as_undisturbed(lab, settings, reward, tmp_path, case):
    start, changed, kill_at = CASES[case]
    if "rewards" in changed:
        names = {
            str(reward) if name == "PAY" else name: w for name, w in changed["rewards"].items()
        }
        changed = {**changed, "rewards": names}
    start, choice = getattr(lab, start), settings(**changed)
    whole = stage(choice, start, lab.lessons(), tmp_path / "whole")
    stop = reward.with_name("stop_at")
    stop.write_text(str(kill_at))
    with pytest.raises(KeyboardInterrupt):
        stage(choice, start, lab.lessons(), tmp_path / "killed")
    killed = tmp_path / "killed"
    saved = {path.name for path in (killed / "checkpoints").glob("checkpoint-*")}
    assert bool(saved) == (kill_at > 1), "the kill must leave a checkpoint to go on from"
    assert not (killed / "model").exists()
    stop.unlink()
    torch.manual_seed(123)  # another process has another past
    resumed = stage(choice, start, lab.lessons(), killed)
    assert weights(resumed) == weights(whole)
    assert (resumed / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
    assert (resumed / "samples.jsonl").read_bytes() == (whole / "samples.jsonl").read_bytes()


def test_killed_twice(lab, settings, reward, tmp_path):
    choice = settings(steps=8)
    whole = stage(choice, lab.full, lab.lessons(), tmp_path / "whole")
    stop = reward.with_name("stop_at")
    for step in (3, 6):
        stop.write_text(str(step))
        with pytest.raises(KeyboardInterrupt):
            stage(choice, lab.full, lab.lessons(), tmp_path / "killed")
    stop.unlink()
    resumed = stage(choice, lab.full, lab.lessons(), tmp_path / "killed")
    assert weights(resumed) == weights(whole)
    assert curve(resumed) == curve(whole)


def test_a_checkpoint_that_was_cut_short_is_not_resumed_from(lab, settings, reward, tmp_path):
    choice = settings(steps=6)
    whole = stage(choice, lab.full, lab.lessons(), tmp_path / "whole")
    reward.with_name("stop_at").write_text("3")
    with pytest.raises(KeyboardInterrupt):
        stage(choice, lab.full, lab.lessons(), tmp_path / "killed")
    reward.with_name("stop_at").unlink()
    half = tmp_path / "killed" / "checkpoints" / "checkpoint-4"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"\x00" * 100)
    resumed = stage(choice, lab.full, lab.lessons(), tmp_path / "killed")
    assert weights(resumed) == weights(whole)


# -------------------------------------------------------------------- which checkpoint is kept


SPOILING = {"select": "best", "learning_rate": 0.05}


def test_the_best_weights_become_the_model(lab, settings, tmp_path):
    """A model that was right about every validation row, spoilt by what it is paid for."""
    out = stage(settings(**SPOILING), lab.wise, lab.lessons(), tmp_path / "a")
    balances = [line["balance"] for line in curve(out) if "balance" in line]
    assert balances[0] == 1.0 and max(balances[1:]) < 1.0
    assert same_weights(models.load(out / "model", lab.wise.spec), lab.wise.path, lab.wise.spec)
    assert not (out / "best").exists()
    last = stage(settings(learning_rate=0.05), lab.wise, lab.lessons(), tmp_path / "b")
    assert not same_weights(
        models.load(last / "model", lab.wise.spec), lab.wise.path, lab.wise.spec
    )


def test_a_stage_killed_after_its_best_became_the_model_keeps_it(lab, settings, tmp_path):
    """The last checkpoint is before the last step, so training could go on once more."""
    choice = settings(**SPOILING, steps=5, save_every=4)
    out = stage(choice, lab.wise, lab.lessons(), tmp_path / "a")
    first = weights(out)
    assert same_weights(models.load(out / "model", lab.wise.spec), lab.wise.path, lab.wise.spec)
    assert weights(stage(choice, lab.wise, lab.lessons(), tmp_path / "a")) == first


def test_without_validation_rows_the_last_weights_are_the_model(lab, settings, tmp_path):
    rows = {"train": lab.lessons()["train"]}
    out = stage(settings(select="best"), lab.full, rows, tmp_path / "a")
    assert not same_weights(models.load(out / "model", lab.full.spec), lab.steered, lab.full.spec)
    last = stage(settings(select="last"), lab.full, rows, tmp_path / "b")
    assert weights(out) == weights(last)


def test_a_base_model_without_chat_template(lab, settings, saved, tmp_path):
    folder = str(saved(chat=False, scale=0.15))
    start = Checkpoint(folder, folder, config.Model(path=folder))
    choice = settings(steps=2, rewards={"refusal": 1.0, "answer": 1.0}, eval_rows=1)
    out = stage(choice, start, lab.lessons(), tmp_path / "a")
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert all(s["prompt"].startswith("Question: ") for s in samples)
    assert (out / "model" / "model.safetensors").is_file()


def test_the_prompts_of_a_base_model_are_those_of_evaluation(lab, settings, trainer, saved):
    folder = str(saved(chat=False, scale=0.15))
    start = Checkpoint(folder, folder, config.Model(path=folder))
    made = trainer(settings(), start)
    output = made._generate_and_score_completions(batch(made))
    rows = {row.id: row for row in lab.lessons()["train"]}
    expected, mask = left_pad(
        [models.render(made.processing_class, rows[row["id"]].prompt) for row in batch(made)], 0
    )
    assert torch.equal(output["prompt_ids"], expected)
    assert torch.equal(output["prompt_mask"], mask)
