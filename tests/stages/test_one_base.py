"""With LoRA one base is in memory, whatever is held on to and whatever is kept in the end."""

import gc
import itertools
import weakref
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch.nn.modules.module import (
    register_module_forward_pre_hook,
    register_module_parameter_registration_hook,
)

from lethe import config, plug
from lethe import model as models
from lethe.model import Checkpoint
from lethe.stages import _selection, kto, npo, rejection_steering, rmu

CHOSEN = {"epochs": 3, "learning_rate": 3e-3, "batch_size": 4, "eval_rows": 2, "eval_every": 1}
MIXED = {**CHOSEN, "select": "best", "interpolate": [0.5]}


def made(case, settings):
    name, _, reference = case.partition(" ")
    if name == "rebo":
        return settings(reference=reference, select="best", interpolate=[0.5])
    return {
        "npo": npo.Config(klr=1.0, gdr=1.0, **MIXED),
        "rmu": rmu.Config(**MIXED),
        "kto": kto.Config(**MIXED),
        "rejection_steering": rejection_steering.Config(learning_rate=3e-3),
    }[name]


@pytest.fixture
def embeddings():
    """Every weight of an embedding made from now on, and how many of them are alive."""
    made = []

    def note(module, name, weight):
        if isinstance(module, torch.nn.Embedding) and weight.device.type != "meta":
            made.append(weakref.ref(weight))

    def alive():
        gc.collect()
        return len({id(one()) for one in made if one() is not None})

    hook = register_module_parameter_registration_hook(note)
    yield alive
    hook.remove()


@pytest.mark.parametrize("kind", ["lora", "over_adapter"])
@pytest.mark.parametrize(
    "case", ["npo", "rmu", "kto", "rejection_steering", "rebo original", "rebo steered"]
)
def test_one_base_is_loaded_and_alive(lab, settings, tmp_path, monkeypatch, embeddings, case, kind):
    start, choice = getattr(lab, kind), made(case, settings)
    if kind == "over_adapter" and "interpolate" in type(choice).model_fields:
        choice = choice.model_copy(update={"interpolate": []})  # adapters do not mix
    loads, most, calls = [], [0], itertools.count()
    load = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        lambda *given, **more: loads.append(given) or load(*given, **more),
    )

    def count(module, given):
        if isinstance(module, torch.nn.Embedding) and next(calls) % 4 == 0 and len(most) < 5:
            most.append(embeddings())

    hook = register_module_forward_pre_hook(count)
    try:
        plug.resolve("stage", choice.stage).train(choice, start, lab.lessons(), tmp_path, 0)
    finally:
        hook.remove()
    assert (tmp_path / "model" / "adapter_model.safetensors").is_file()
    assert len(loads) == 1 and max(most) == 1
    assert (tmp_path / "interpolation.jsonl").is_file() == bool(getattr(choice, "interpolate", 0))


def test_the_best_adapter_is_taken_into_the_policy(lab):
    """The policy has gone on since its best step."""
    policy = models.load(lab.over_adapter.path, lab.lora.spec, trainable=True)
    best, ids = models.load(lab.adapter, lab.lora.spec), torch.tensor([[1, 7, 8, 9]])
    with torch.no_grad():
        assert not torch.allclose(policy(ids).logits, best(ids).logits, atol=1e-2)
        assert _selection._best(Path(lab.adapter), lab.lora, policy) is policy
        torch.testing.assert_close(policy(ids).logits, best(ids).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", ["npo", "kto", "rejection_steering", "rebo original"])
def test_what_is_frozen_stays_frozen_though_the_reference_switches_adapters(
    lab, settings, tmp_path, case
):
    spec = config.Model.model_validate(
        {**lab.fresh_lora.spec.model_dump(), "freeze": ["layers.0."]}
    )
    choice = made(case, settings)
    plug.resolve("stage", choice.stage).train(
        choice, Checkpoint(lab.original, lab.original, spec), lab.lessons(), tmp_path, 0
    )
    learnt = load_file(tmp_path / "model" / "adapter_model.safetensors")
    moved = {name: bool(w.any()) for name, w in learnt.items() if "lora_B" in name}
    assert {m for name, m in moved.items() if "layers.0." in name} == {False}
    assert {m for name, m in moved.items() if "layers.1." in name} == {True}
