"""What a tracker is told: every step's loss, and every look at the validation rows."""

import pytest
from transformers import TrainerCallback

from lethe import plug
from lethe.stages import kto, npo

CHOSEN = {"epochs": 2, "learning_rate": 3e-3, "batch_size": 4, "eval_rows": 2, "eval_every": 2}


def made(name, settings, **more):
    if name == "rebo":
        return settings(**more)
    return {"npo": npo, "kto": kto}[name].Config(**CHOSEN, **more)


@pytest.mark.parametrize("name", ["npo", "kto", "rebo"])
def test_losses_and_looks_are_told(lab, settings, tmp_path, monkeypatch, name):
    from transformers import trainer as theirs

    told = []

    class Tracker(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            told.append((state.global_step, dict(logs)))

    # As transformers itself adds a tracker's callback for `report_to`.
    monkeypatch.setattr(theirs, "get_reporting_integration_callbacks", lambda names: [Tracker])
    stage = plug.resolve("stage", name)
    stage.train(made(name, settings), lab.lora, lab.lessons(), tmp_path, 0)
    losses = [step for step, logs in told if "loss" in logs]
    looks = {step: logs for step, logs in told if "eval_balance" in logs}
    steps = max(losses)
    assert losses == list(range(1, steps + 1)) and steps >= 4
    assert sorted(looks) == [*range(0, steps, 2), *([] if steps % 2 else [steps])] or (
        sorted(looks) == [*range(0, steps, 2), steps]
    )
    assert {"eval_forget_refusal", "eval_boundary_accuracy"} <= looks[0].keys()
    lines = (tmp_path / "metrics.jsonl").read_text().count('"loss"')
    assert lines == steps, "the curve is what it is without a tracker"


def test_tensorboard_keeps_them(lab, settings, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from lethe import tracking

    given = {"report_to": ["tensorboard"], "run_name": "mine/0-npo"}
    with tracking.into(tmp_path, ["tensorboard"]):
        npo.train(made("npo", settings, trainer=given), lab.full, lab.lessons(), tmp_path, 0)
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    losses = [event.step for event in found.Scalars("train/loss")]
    looks = {event.step: event.value for event in found.Scalars("eval/balance")}
    assert losses == [1, 2, 3, 4] and sorted(looks) == [0, 2, 4]
    assert found.Scalars("eval/boundary_accuracy")
