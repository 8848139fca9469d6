"""What may be passed to TRL is what TRL takes."""

import dataclasses
import subprocess
import sys

import pytest
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.sft_config import SFTConfig

from lethe.plug import LetheError
from lethe.stages import _passed, rebo, rejection_steering


@pytest.mark.parametrize("config", [GRPOConfig, SFTConfig])
def test_the_fields_are_those_of_the_class(config):
    assert _passed.fields(config.__name__) == {f.name for f in dataclasses.fields(config)}


@pytest.mark.parametrize(("stage", "config"), [(rebo, GRPOConfig), (rejection_steering, SFTConfig)])
def test_what_a_stage_owns_is_there(stage, config):
    assert {f.name for f in dataclasses.fields(config)} >= stage.OWNED


def test_reading_them_imports_no_library():
    code = """
import sys
from lethe.stages import _passed
assert "loss_type" in _passed.fields("GRPOConfig")
print(sorted({"torch", "trl", "transformers"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"save_steps": 3}, "r.trainer: save_steps: set it in the stage itself"),
        ({"steps_per_generation": 4, "beta": 0.1}, "beta, steps_per_generation: set it in"),
        ({"loss_typ": "dapo"}, "r.trainer.loss_typ: unknown; did you mean loss_type"),
        ({"loss_type": "gpro"}, "r.trainer.loss_type: 'gpro': did you mean grpo? choices: bnpo"),
    ],
)
def test_wrong_keys_of_rebo(lab, settings, given, message):
    with pytest.raises(LetheError) as error:
        rebo.validate(settings(trainer=given), lab.lessons(), "r")
    assert message in str(error.value)


def test_what_a_stage_only_prefers_can_be_changed(lab, settings, tmp_path):
    from lethe.stages import _rebo, _steering

    steering = rejection_steering.Config(trainer={"max_length": 512, "lr_scheduler_type": "linear"})
    rejection_steering.validate(steering, lab.lessons(), "r")
    made = _steering._arguments(steering, tmp_path, 0)
    assert (made.max_length, made.lr_scheduler_type, made.packing) == (512, "linear", False)
    choice = settings(trainer={"loss_type": "dr_grpo", "max_grad_norm": 0.5})
    rebo.validate(choice, lab.lessons(), "r")
    made = _rebo._arguments(choice, tmp_path, 0)
    assert (made.loss_type, made.max_grad_norm) == ("dr_grpo", 0.5)


def test_another_way_to_sample_is_left_to_trl(lab, settings, trainer):
    assert trainer(settings(), lab.full).fast
    assert not trainer(settings(trainer={"top_k": 5}), lab.full).fast
