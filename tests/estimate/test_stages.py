"""What stages hold and do, by hand on a toy model."""

import pytest

from lethe.config import Evaluate
from lethe.estimate import memory, stages, work
from lethe.estimate.memory import How
from lethe.estimate.shape import Shape
from lethe.estimate.stages import Asked, Lessons, Mixing, Rebo, Texts

TOY = Shape(340, 340, 2, 4, 2, 4, 2, 6, 10, 240, False, True)
ADAPTED = TOY._replace(trained=232, adapted=60, ranks=28)
CPU = How(cuda=False, weight=4)
CUDA = How(cuda=True, weight=4, autocast=True)
NOBODY = Asked(Texts(()), 8, 128)
GIVEN = Rebo(
    steps=5,
    prompts=4,
    group=3,
    iterations=1,
    new=6,
    micro=12,
    reference=True,
    rollout="transformers",
    texts=Texts(((2, 0), (4, 0))),
    looks=NOBODY,
)


def rebo(shape=TOY, how=CPU, gpus=1, **changed):
    phases, did = stages.rebo(shape, how, GIVEN._replace(**changed), gpus)
    return {phase.name: phase for phase in phases}, did


def test_texts():
    texts = Texts(((2, 5), (4, 1)))
    assert (texts.prompt, texts.reply, texts.longest) == (3, 3, 4)
    assert texts.most(1).pairs == ((2, 5),)
    assert texts.most(3).pairs == ((2, 5), (4, 1), (2, 5))


def test_rebo_on_the_cpu_holds():
    found, _ = rebo()
    assert list(found) == ["rollout", "reference", "update", "optimiser step"]
    # Weights, both moments and the reference are there all the time.
    assert all((p.weights, p.optimizer) == (340 * 4, 340 * 8) for p in found.values())
    assert found["update"].copies == 340 * 4 and found["rollout"].copies == 340 * 4 + 160 * 4
    # 4 prompts of 4 tokens once, 12 rows of 4 + 6: 8 numbers a token; three times 12 x 10 logits.
    assert found["rollout"].cache == (16 + 120) * 8 * 4
    assert found["rollout"].logits == 3 * 12 * 10 * 4
    # 12 x 6 places of 10 logits, four times; tokens: 4 prompts of 4, 12 completions but the last.
    assert found["update"].logits == 4 * 72 * 10 * 4
    assert found["update"].activations == memory.kept(TOY, CPU, 16 + 60, 12 * 9, masked=True)
    assert found["update"].gradients == 0 and found["optimiser step"].gradients == 340 * 4


def test_rebo_in_micro_batches_holds_gradients_and_fewer_activations():
    found, _ = rebo(micro=3)
    assert found["update"].gradients == 340 * 4
    assert found["update"].activations == memory.kept(TOY, CPU, 4 + 15, 3 * 9, masked=True)
    assert found["update"].logits == 4 * 18 * 10 * 4


def test_rebo_on_cuda_is_trl():
    found, _ = rebo(how=CUDA)
    assert found["rollout"].copies == 340 * 4  # the reference alone
    assert found["update"].activations == memory.kept(TOY, CUDA, 120, 120, masked=True)
    assert found["update"].logits == memory.tile(TOY, CUDA, 72, trained=True)
    assert found["update"].weights == 340 * 4 + 300 * 2


def test_rebo_with_adapters_has_no_copy_of_the_weights():
    found, _ = rebo(ADAPTED, How(cuda=True, weight=2))
    assert found["reference"].copies == 232 * 4  # the steered adapter
    assert found["update"].optimizer == 232 * 8
    assert rebo(ADAPTED, How(cuda=True, weight=2), reference=False)[0]["update"].copies == 0


def test_rollouts_of_vllm():
    beside = rebo(how=CUDA, rollout="vllm-colocate", share=0.25, memory=800)[0]
    assert beside["rollout"].cache == 200
    assert "rollout" not in rebo(how=CUDA, rollout="vllm-server")[0]


def test_two_gpus_halve_the_batch():
    one, two = rebo(how=CUDA)[0], rebo(how=CUDA, gpus=2, micro=6)[0]
    assert two["rollout"].cache == one["rollout"].cache / 2
    assert two["update"].gradients == 0
    shared = rebo(how=CUDA._replace(shards=2), gpus=2, micro=6)[0]
    assert shared["optimiser step"].optimizer == two["optimiser step"].optimizer / 2
    # Gathered whole to decode, beside the shards.
    more = shared["rollout"].weights - shared["optimiser step"].weights
    assert more == 340 * 4


def test_rebo_does():
    _, did = rebo()
    assert (did.steps, did.rollouts, did.tokens) == (5, 60, 360)
    # 4 prompts of 3 tokens on average, 12 rows of 5; the head sees 12 x 6.
    attended = 4 * work.text(3) + 12 * work.text(6, 3)
    forward = work.forward(TOY, 12 + 60, 72, attended)
    assert did.scoring == 5 * forward and did.update == 5 * 3 * forward
    assert did.rollout == 5 * work.sampling(TOY, 4, 12, 3, 6, shared=True)
    assert did.total == did.rollout + did.scoring + did.update
    twice = rebo(iterations=2, reference=False)[1]
    assert (twice.steps, twice.update, twice.scoring) == (10, 2 * did.update, did.scoring)


def test_rounds_of_resampling_are_counted_as_if_every_group_were_paid_alike():
    plain, did = rebo()[1], rebo(resample=2)[1]
    # 5 steps of 12 completions, and up to 12 others in each of two rounds more.
    assert (did.steps, did.rollouts, did.tokens) == (5, 180, 180 * 6)
    assert did.rollout == 3 * plain.rollout
    assert (did.scoring, did.update) == (plain.scoring, plain.update)


def test_looks_while_training_and_while_mixing():
    looks = Asked(Texts(((3, 1), (5, 1))), 8, 128)
    one = work.sampling(TOY, 2, 2, 4, 8, shared=True)
    assert rebo(looks=looks, looked=3, mixes=Mixing(3, 4))[1].looks == 7 * one
    lessons = Lessons((looks.texts,), 2, 2, 3, padded=True, looks=looks, looked=2)
    assert stages.lessons(TOY, CPU, lessons)[1].looks == 2 * one
    assert rebo(looked=3)[1].looks == 0  # there are no rows


def test_lessons():
    kinds = (Texts(((3, 2), (5, 2))), Texts(((4, 1),)))
    given = Lessons(kinds=kinds, batch=2, rows=2, steps=3, padded=False)
    [update, ends], did = stages.lessons(TOY, CPU, given)
    # The longest two of each kind: 7 + 5 and 5 + 5 tokens, 4 and 2 of them scored.
    assert update.activations == memory.kept(TOY, CPU, 22, 22, masked=False)
    assert update.logits == 5 * 6 * 10 * 4 and update.copies == 0 and update.gradients == 0
    assert ends.total == 340 * 4 * 4
    one = work.forward(TOY, 6, 2, work.text(6)) + work.forward(TOY, 5, 1, work.text(5))
    assert did.update == 3 * 2 * one * 3 and did.steps == 3
    padded = stages.lessons(TOY, CPU, given._replace(padded=True, kinds=kinds[:1]))[0][0]
    assert padded.activations == memory.kept(TOY, CPU, 14, 14, masked=True)
    whole = stages.lessons(TOY, CPU, given._replace(original=True, batch=1))[0][0]
    assert whole.copies == 340 * 4 and whole.gradients == 340 * 4


def test_mixing_holds_whole_models_and_a_look():
    found, _ = rebo(mixes=Mixing(3, 2))
    assert found["mixing"].copies == 340 * 4 * (1 + 3)
    assert found["mixing"].cache == 0 and "look" not in found  # there are no rows
    looks = Asked(Texts(((3, 1), (5, 1))), 8, 128)
    found, _ = rebo(mixes=Mixing(3, 2), looks=looks, looked=1)
    # The trainer's moments are there, the decoder's joined matrices, and both rows' 5 + 8 tokens.
    assert found["mixing"].optimizer == 340 * 8
    assert found["mixing"].copies == found["look"].copies + 3 * 340 * 4
    assert found["mixing"].total == found["look"].total + 3 * 340 * 4


def test_a_task_vector_is_looked_at_between_two_models_alone():
    looks = Asked(Texts(((3, 1), (5, 1))), 8, 128)
    given = Lessons((looks.texts,), 2, 2, 3, padded=False, looks=looks, mixes=Mixing(2, 4))
    phases, did = stages.lessons(TOY, CPU, given)
    assert [phase.name for phase in phases] == ["update", "optimiser step", "mixing"]
    mixing = phases[-1]
    assert (mixing.weights, mixing.optimizer) == (340 * 4, 340 * 8)
    assert mixing.copies == 2 * 340 * 4 + 160 * 4 and mixing.cache > 0
    assert did.looks == 4 * work.sampling(TOY, 2, 2, 4, 8, shared=True)


def test_of_an_adapter_both_ends_are_held_and_no_other_model():
    found, _ = rebo(ADAPTED, How(cuda=True, weight=2), reference=False, mixes=Mixing(0, 2))
    assert found["mixing"].copies == 2 * 232 * 4


def test_evaluation():
    asked = Asked(Texts(((3, 2), (5, 2))), 4, 64)
    [answers, likely], did = stages.evaluation(TOY, CPU, asked, Evaluate(samples=2), 1)
    # Reading 2 prompts of 5 tokens, a layer of 4 x (4 + 6) numbers each, takes more here than
    # writing behind them, which holds room for 5 + 4 tokens in 2 rows.
    assert (answers.cache, answers.activations) == (10 * 8 * 4, 10 * 40 * 4)
    longer = stages.evaluation(TOY, CPU, asked._replace(new=40), Evaluate(), 1)[0][0]
    assert longer.cache == (10 + 90) * 8 * 4 and longer.logits == 2 * 10 * 4
    assert answers.optimizer == 0
    assert likely.logits == 6 * 2 * 2 * 10 * 4
    assert (did.rollouts, did.tokens) == (2 + 2, 16)
    assert did.scoring == pytest.approx(2 * work.forward(TOY, 6, 2, work.text(6)))
