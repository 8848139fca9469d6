"""What stops a training that has gone wrong."""

import json
from types import SimpleNamespace

import pytest

from lethe.plug import LetheError
from lethe.stages._health import Health, collapsed, window_means


def state(*rewards, **last):
    history = [
        {"step": i + 1, "loss": 0.5, "grad_norm": 2.0, "reward": reward}
        for i, reward in enumerate(rewards)
    ]
    return SimpleNamespace(global_step=len(history), log_history=[*history, {"step": 9, **last}])


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_stops_with_what_was_before(tmp_path, name, value):
    logs = {"loss": 0.1, "grad_norm": 1.0, name: value}
    with pytest.raises(LetheError) as found:
        Health(tmp_path, "npo").on_log(None, state(1.0, 1.0), None, logs)
    first, *rest = str(found.value).splitlines()
    assert first.startswith(f"npo: step 2: the {name} is {value}; choices: a lower learning_rate")
    assert "step 2: loss 0.5, grad_norm 2, reward 1" in rest[1]
    assert rest[-1].strip() == "no checkpoint was made yet"


def test_the_last_good_weights_are_named(tmp_path):
    (tmp_path / "checkpoints" / "checkpoint-4").mkdir(parents=True)
    (tmp_path / "checkpoints" / "checkpoint-12").mkdir()
    bad = {"loss": float("nan")}
    with pytest.raises(LetheError, match=r"last checkpoint: .*checkpoint-12"):
        Health(tmp_path, "npo").on_log(None, state(), None, bad)
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "balance.json").write_text(json.dumps({"step": 4, "balance": 0.75}))
    with pytest.raises(LetheError, match=r"step 4, validation balance 0\.750\).*: .*best"):
        Health(tmp_path, "npo").on_log(None, state(), None, bad)


def test_healthy_numbers_and_logs_without_any_pass(tmp_path):
    health = Health(tmp_path, "rebo", collapse=0.5)
    for logs in (None, {}, {"loss": 0.0, "grad_norm": None}, {"loss": 1.0, "reward": 1.0}):
        health.on_log(None, state(1.0, 1.0, 1.0, 1.0, 1.0, 1.0), None, logs)


def test_pay_that_falls_below_a_share_of_its_best_has_collapsed(tmp_path):
    """Means of five: 1.0, 0.8, 0.6, 0.4 at the eighth batch."""
    fell = [1.0] * 5 + [0.0] * 3
    assert window_means(fell) == pytest.approx([1.0, 0.8, 0.6, 0.4])
    assert not collapsed(fell[:-1], 0.5) and collapsed(fell, 0.5)
    assert not collapsed([-1.0] * 5 + [-2.0] * 5, 0.5), "no share of what is not above zero"
    logs = {"loss": 0.1, "reward": 0.0}
    with pytest.raises(LetheError, match=r"collapsed: mean 0\.400 of the last 5 batches, 1"):
        Health(tmp_path, "rebo", collapse=0.5).on_log(None, state(*fell), None, logs)
    Health(tmp_path, "rebo").on_log(None, state(*fell), None, logs)


def test_a_training_that_diverges_stops_before_a_checkpoint_is_made_of_it(lab, tmp_path):
    from lethe.stages import npo

    config = npo.Config(learning_rate=1e30, batch_size=4, epochs=5, save_every=1, eval_every=1)
    with pytest.raises(LetheError, match=r"npo: step \d+: the (loss|grad_norm) is (nan|inf)"):
        npo.train(config, lab.full, lab.lessons(), tmp_path, 0)
    import torch
    from safetensors.torch import load_file

    for file in [*tmp_path.glob("checkpoints/*/model.safetensors"), *tmp_path.glob("best/*.sa*")]:
        sound = all(torch.isfinite(weight).all() for weight in load_file(file).values())
        assert sound or not (file.parent / "whole").exists()
        assert sound or file.parent.name != "best"
    assert (tmp_path / "best" / "model.safetensors").is_file(), "what it began from is still there"


def test_rebo_stops_where_its_reward_collapses(lab, settings, reward, tmp_path):
    from lethe.stages import rebo

    reward.write_text(
        '"""A reward."""\ndef pay(completions, trainer_state, **columns):\n'
        '    """Well paid, then not."""\n'
        "    paid = 1.0 if trainer_state.global_step < 6 else 0.0\n"
        "    return [paid] * len(completions)\n"
    )
    with pytest.raises(LetheError, match=r"rebo: step 9: the reward has collapsed: mean 0.400"):
        rebo.train(settings(steps=12), lab.full, lab.lessons(), tmp_path, 0)
    assert settings().collapse == 0.5
