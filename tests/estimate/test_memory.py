"""Formulas of memory: by hand on a toy, and against what autograd keeps."""

import pytest
import torch

from lethe.estimate import memory
from lethe.estimate import shape as shapes
from lethe.estimate.memory import How, Phase
from lethe.estimate.shape import Shape

TOY = Shape(340, 340, 2, 4, 2, 4, 2, 6, 10, 240, False, True)
ADAPTED = TOY._replace(trained=232, adapted=60, ranks=28)
CPU = How(cuda=False, weight=4)
FULL = How(cuda=True, weight=4, autocast=True)
LORA = How(cuda=True, weight=2)


def test_what_is_held_between_steps():
    assert memory.held(TOY, CPU) == 340 * 4
    assert memory.gradients(TOY, CPU) == 340 * 4 and memory.adam(TOY, CPU) == 340 * 8
    # The base in two bytes, the adapters in four, and nothing else of the base.
    assert memory.held(ADAPTED, LORA) == 340 * 2 + 232 * 4
    assert memory.gradients(ADAPTED, LORA) == 232 * 4 and memory.adam(ADAPTED, LORA) == 232 * 8
    assert memory.casts(TOY, FULL) == (260 + 40) * 2 and memory.casts(ADAPTED, LORA) == 0


def test_shared_by_four_gpus():
    shared = FULL._replace(shards=4)
    gathered = (2 * 260 / 2 + 40) * 2
    assert memory.held(TOY, shared) == 340 * 4 / 4 + gathered
    assert memory.adam(TOY, shared) == 340 * 8 / 4 and memory.casts(TOY, shared) == 0


def test_few_bits():
    few = LORA._replace(quantization="int8")
    assert memory.base(ADAPTED, few) == 240 * 1 + 100 * 2
    assert memory.base(ADAPTED, few._replace(quantization="nf4")) == 240 * 0.516 + 200


def test_activations_by_hand():
    # Norms 6 x 4, queries and result 2 x 4, MLP 4 x 6: 56 numbers a token and layer.
    assert memory.layer(TOY, CPU, masked=False, context=10) == 56 * 4
    assert memory.layer(TOY, CPU, masked=True, context=10) == 56 * 4 + 10 * 4
    eager = CPU._replace(eager=True)
    assert memory.layer(TOY, eager, masked=False, context=10) == 56 * 4 + 2 * 2 * 10 * 4
    # Keys and values of ten tokens besides: 2 x 10 x 2 numbers; the last norm: 2 x 10 x 4.
    assert memory.kept(TOY, CPU, 10, 10, masked=False) == 2 * (10 * 224 + 160) + 320
    again = CPU._replace(checkpointing=True)
    assert memory.kept(TOY, again, 10, 10, masked=False) == 10 * 224 + 160 + 2 * 10 * 4 * 4
    assert memory.kept(TOY, CPU, 0, 0, masked=False) == 0


def test_activations_in_bfloat16_by_hand():
    # Norms in float32: 4 x 4 of them, and 5 inputs of linear layers in two bytes; the rest in two.
    assert memory.layer(TOY, FULL, masked=True, context=9) == 4 * (16 + 10) + 32 * 2
    # Adapters: norms keep less, each adapter its own input and what it makes of it.
    own = (60 + 28) / 2 * 2
    assert memory.layer(ADAPTED, LORA, masked=True, context=9) == 4 * (8 + 4) + 32 * 2 + own


@pytest.mark.parametrize("adapters", [False, True])
def test_kept_is_what_autograd_keeps(net, adapters):
    size = {"hidden_size": 64, "intermediate_size": 176, "num_key_value_heads": 2}
    made = net(**size).train()
    if adapters:
        from lethe import config, model

        made = model._adapted(made, config.Model(path="m", lora=config.Lora(rank=4)), None, True)
    ids_BT = torch.randint(0, 20, (6, 40))
    stored, own = {}, {weight.untyped_storage().data_ptr() for weight in made.parameters()}

    def pack(tensor):
        place = tensor.untyped_storage()
        if place.data_ptr() not in own:
            stored[place.data_ptr()] = (place.nbytes(), tensor)
        return tensor

    backbone = made.get_base_model().model if adapters else made.model
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        states = backbone(input_ids=ids_BT, use_cache=False).last_hidden_state
    assert states.requires_grad
    found = sum(size for size, _ in stored.values())
    said = memory.kept(shapes.of(made), CPU, 240, 240, masked=False)
    assert said == pytest.approx(found, rel=0.06)


def test_a_tile_of_logits():
    # On CUDA: 4,096 x 32,768 in two bytes at most, whatever the batch; the head's gradient in four.
    large = TOY._replace(vocabulary=128256, hidden=4096)
    assert memory.tile(large, LORA, 10**6, trained=False) == 4096 * 32768 * 2
    assert memory.tile(large, LORA, 100, trained=False) == 100 * 32768 * 2
    assert memory.tile(large, FULL, 100, trained=True) == 100 * 32768 * 2 + 128256 * 4096 * 4


def test_a_phase_is_the_sum_of_its_parts():
    assert Phase("p", 1, 2, 3, 4, 5, 6, 7).total == 28
