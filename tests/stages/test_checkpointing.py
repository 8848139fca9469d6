"""Gradient checkpointing: under either name, and it ends in the weights of training without it."""

import dataclasses

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch.nn.modules.module import register_module_forward_pre_hook
from trl.trainer.kto_config import KTOConfig

from lethe import config
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _engine, _passed, kto, npo, rejection_steering

OFFLINE = {"batch_size": 4, "epochs": 2, "learning_rate": 3e-3, "eval_rows": 0}


def made(name, settings):
    if name == "rebo":  # top_k: TRL's own way to sample, with and without
        return settings(trainer={"top_k": 0}, steps=2, kl_scope="boundary")
    return {
        "npo": npo.Config(gdr=1.0, klr=1.0, **OFFLINE),
        "kto": kto.Config(**OFFLINE),
        "rejection_steering": rejection_steering.Config(learning_rate=3e-3, epochs=2, batch_size=4),
    }[name]


def stage(name, settings, start, rows, out):
    """Final weights, and how often an inner layer was computed while training."""
    from lethe import plug

    computed = []

    def count(module, given):
        if type(module).__name__ == "LlamaMLP" and module.training:
            computed.append(1)

    out.mkdir()
    hook = register_module_forward_pre_hook(count)
    try:
        plug.resolve("stage", name).train(settings, start, rows, out, 0)
    finally:
        hook.remove()
    file = next((out / "model").glob("*.safetensors"))
    return load_file(file), len(computed)


@pytest.mark.parametrize("kind", ["full", "fresh_lora"])
@pytest.mark.parametrize("name", ["rejection_steering", "npo", "kto", "rebo"])
def test_it_ends_in_the_same_weights(lab, settings, tmp_path, name, kind):
    start = getattr(lab, kind)
    spec = start.spec.model_copy(update={"gradient_checkpointing": True})
    again = Checkpoint(start.path, start.original, spec)
    choice = made(name, settings)
    plain, once = stage(name, choice, start, lab.lessons(), tmp_path / "plain")
    found, twice = stage(name, choice, again, lab.lessons(), tmp_path / "again")
    assert twice > once, "activations are computed again"
    assert plain.keys() == found.keys()
    for weight in plain:
        torch.testing.assert_close(found[weight], plain[weight], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["gradient_checkpointing", "activation_checkpointing"])
def test_either_name_is_understood_everywhere(lab, settings, trainer, tmp_path, name):
    spec = config.Model.model_validate({"path": "m", name: True})
    assert spec.gradient_checkpointing
    choice = settings(trainer={name: True})
    _passed.check("GRPOConfig", choice.trainer, (), "r")
    on = trainer(choice, lab.full)
    assert not on.fast and on.args.gradient_checkpointing and trainer(settings(), lab.full).fast
    given = _engine.arguments(tmp_path, 0, spec, **{name: False}, bf16=False)
    off = KTOConfig(**given)
    assert not off.gradient_checkpointing, "a stage's own word wins"
    known = {field.name for field in dataclasses.fields(transformers.TrainingArguments)}
    assert given.keys() <= known | {"output_dir"}
    assert sum("checkpointing" in key for key in given) == 2


def test_both_names_at_once_are_refused():
    both = {"gradient_checkpointing": True, "activation_checkpointing": False}
    with pytest.raises(ValueError, match="activation_checkpointing: is gradient_checkpointing"):
        config.Model(path="m", **both)
    with pytest.raises(LetheError, match=r"^r.trainer: gradient_.* and activation_.* one setting"):
        _passed.check("SFTConfig", both, (), "r")
