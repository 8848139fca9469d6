"""Operations: by hand on a toy, and against torch's own count."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lethe.estimate import shape as shapes
from lethe.estimate import work
from lethe.estimate.shape import Shape

TOY = Shape(340, 340, 2, 4, 2, 4, 2, 6, 10, 240, False, True)


def test_works_add_up():
    both = work.Work(1, 2, 3, 4.0, 5.0, 6.0, 7.0).plus(work.Work(10, 20, 30, 40.0))
    assert both == (11, 22, 33, 44.0, 5.0, 6.0, 7.0)


def test_forward_and_backward_by_hand():
    # Three tokens through 260 parameters, one through the head of 40; 6 looks of 4 x 2 x 4.
    assert work.forward(TOY, 3, 1, 6) == 2 * 260 * 3 + 2 * 40 + 192
    assert work.backward(TOY, 100, again=False) == 200
    assert work.backward(TOY, 100, again=True) == 300
    assert work.backward(TOY._replace(ranks=2), 100, again=False) == 100


def test_sampling_by_hand():
    # Two prompts of 3 tokens, 4 completions of 2: the second token's successor is not asked.
    shared = work.sampling(TOY, 2, 4, 3, 2, shared=True)
    attended = 2 * 6 + 4 * (1 + 3)
    assert shared == 2 * 260 * (6 + 4) + 2 * 40 * 8 + 4 * 2 * 4 * attended
    apart = work.sampling(TOY, 2, 4, 3, 2, shared=False)
    assert apart - shared == 2 * 260 * 6 + 32 * 2 * 6


@pytest.mark.parametrize("tied", [False, True])
def test_a_step_is_what_torch_counts(net, tied):
    made = net(hidden_size=64, intermediate_size=176, tie_word_embeddings=tied).train()
    ids_BT = torch.randint(0, 20, (3, 16))
    with FlopCounterMode(display=False) as forward:
        logits_BTV = made(input_ids=ids_BT, use_cache=False).logits
    with FlopCounterMode(display=False) as back:
        logits_BTV.sum().backward()
    # torch counts products of matrices alone: no attention on the CPU, no norms (5 of 64 numbers).
    said = work.forward(shapes.of(made), 48, 48, 0)
    assert said == forward.get_total_flops() + 2 * 48 * 5 * 64
    assert work.backward(shapes.of(made), forward.get_total_flops(), again=False) == pytest.approx(
        back.get_total_flops(), rel=0.01
    )
