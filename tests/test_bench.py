"""The benchmarks of a step, at toy size: tables are whole, and like is compared with like."""

import sys
from pathlib import Path

import pytest
import torch

from lethe import config
from lethe.data import Row
from lethe.generate import left_pad, sample
from lethe.model import Checkpoint
from lethe.stages import rebo

FORGET = [f"{words} Bo ?" for words in ("Who is", "Where is", "What is", "Who was")]
BOUNDARY = [f"{words} Ada ?" for words in ("Who is", "Where is", "What is", "Who was")]
ROWS = [
    *(Row(id=p, prompt=p, answer="baker", scope="forget", subject="Bo") for p in FORGET),
    *(Row(id=p, prompt=p, answer="Oslo", scope="boundary") for p in BOUNDARY),
]
# Pays by the token ids, so that members of a group differ.
REWARD = '''"""A reward."""

def pay(completions, scope, completion_ids=None, **columns):
    """Something that varies."""
    return [float(len(str(text)) % 7) for text in completions]
'''


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import rebo_step

    yield rebo_step
    for name in ("rebo_step", "by_hand"):
        sys.modules.pop(name, None)


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import offline_step

    yield offline_step
    sys.modules.pop("offline_step", None)


@pytest.fixture
def start(saved):
    path = str(saved(seed=1, scale=0.15))
    return Checkpoint(path=path, original=path, spec=config.Model(path=path))


@pytest.fixture
def settings(tmp_path):
    reward = tmp_path / "pay.py"
    reward.write_text(REWARD)
    return rebo.Config(
        steps=4,
        prompts_per_step=4,
        num_generations=3,
        max_new_tokens=5,
        beta=0.1,
        rewards={str(reward): 1.0},
    )


def test_the_table_has_a_row_for_each_and_the_lengths_are_fair(bench, start, settings, tmp_path):
    found = bench.measure(start, ROWS, settings, rounds=1, out=tmp_path)
    lines = bench.table(found).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == [
        *("completions", "step of", "tokens each", "CPU ms", "wall ms"),
        *("stock / this, CPU", "stock / this, wall"),
    ]
    assert len(lines) == 2 + len(bench.REGIMES) * len(bench.NAMES)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert len(found) == 2 * 3 * (settings.steps - bench.WARM_UP)
    assert all(step.length == settings.max_new_tokens for step in found if step.regime == "full")
    assert all(step.cpu > 0 and step.wall > 0 for step in found)
    # Ours and the loop by hand draw with the same luck.
    lengths = {
        name: [s.length for s in found if (s.regime, s.name) == ("natural", name)]
        for name in ("ours", "hand")
    }
    assert lengths["ours"] == pytest.approx(lengths["hand"])


def test_ours_and_stock_see_the_same_prompts(bench, start, settings, tmp_path):
    seen = [
        [
            row["id"]
            for batch in make(start, ROWS, settings, tmp_path, 3).get_train_dataloader()
            for row in batch
        ]
        for make in (bench.stock, bench.ours)
    ]
    count = len(seen[1])  # ours counts in epochs, stock's rows are laid out for the whole run
    assert count and seen[0][:count] == seen[1]


def test_the_three_agree_on_loss_and_gradient(bench, start, settings, tmp_path):
    import by_hand

    stock = bench.stock(start, ROWS, settings, tmp_path, 0)
    ours = bench.ours(start, ROWS, settings, tmp_path, 0)
    batch = next(iter(ours.get_train_dataloader()))
    inputs = ours._generate_and_score_completions(batch)
    assert inputs["advantages"].abs().max() > 0.5
    # A reference that differs, so that there is a penalty.
    noise = torch.randn(inputs["completion_ids"].shape, generator=torch.Generator().manual_seed(0))
    inputs["ref_per_token_logps"] = inputs["ref_per_token_logps"] + 0.3 * noise
    found = {}
    for name, trainer in (("stock", stock), ("ours", ours)):
        trainer.current_gradient_accumulation_steps = 1
        trainer.model.train()
        found[name] = trainer._compute_loss(trainer.model, dict(inputs)), trainer.model
    model = bench.models.load(start.path, start.spec, trainable=True)
    found["hand"] = by_hand.loss(model, inputs, settings), model
    gradients = {}
    for name, (loss, policy) in found.items():
        loss.backward()
        gradients[name] = torch.cat([weight.grad.flatten() for weight in policy.parameters()])
    for name in ("ours", "hand"):
        assert found[name][0].item() == pytest.approx(found["stock"][0].item(), rel=1e-4, abs=1e-7)
        gap = (gradients[name] - gradients["stock"]).norm()
        assert gap < 1e-4 * gradients["stock"].norm()


def test_greedy_rollouts_are_those_of_generate(bench, start):
    model = bench.models.load(start.path, start.spec)
    words = bench.models.tokenizer(start.path, start.spec)
    prompts = [bench.models.render(words, row.prompt) for row in ROWS]
    stop, pad = bench.stop_tokens(model, words), words.pad_token_id
    found = sample(model, prompts, stop=stop, pad=pad, max_new_tokens=12, temperature=0.0, seed=0)
    ids, mask = left_pad(prompts, pad)
    out = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=12, do_sample=False, pad_token_id=pad
    )
    for own, row in zip(found, out[:, ids.size(1) :].tolist(), strict=True):
        assert own == row[: len(own)]
        assert len(own) == 12 or own[-1] in stop


def offline_rows():
    train = [
        row.model_copy(update={"refusal": "I don't know"}) if row.scope == "forget" else row
        for row in ROWS
    ]
    return {"train": train, "validation": []}


def test_the_offline_table_has_a_row_for_each(offline, start, tmp_path):
    found = offline.measure(start, offline_rows(), steps=1, batch_size=2, rounds=1, out=tmp_path)
    lines = offline.table(found).splitlines()
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == [
        *("loss", "step of", "CPU ms", "wall ms", "plain / this, CPU", "plain / this, wall")
    ]
    assert len(lines) == 2 + len(offline.CASES) * len(offline.NAMES)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert len(found) == len(offline.CASES) * len(offline.NAMES)
    assert all(step.cpu > 0 and step.wall > 0 for step in found)


def test_ours_and_plain_agree_on_loss_and_gradient(offline, saved, start, tmp_path):
    other = Checkpoint(start.path, str(saved(seed=0, scale=0.15)), start.spec)
    for case in offline.CASES:
        settings = offline.settings_of(case, 1, 4, offline_rows())
        found = []
        for make in offline.MAKERS.values():
            trainer = make(case, other, offline_rows(), settings, tmp_path, 0)
            loss = trainer.compute_loss(trainer.model, next(iter(trainer.get_train_dataloader())))
            loss.backward()
            grads = torch.cat([weight.grad.flatten() for weight in trainer.model.parameters()])
            found.append((loss.item(), grads))
        (plain, theirs), (own, ours) = found
        assert own == pytest.approx(plain, rel=1e-5, abs=1e-5)
        assert (ours - theirs).norm() < 1e-4 * theirs.norm()


@pytest.fixture
def asking(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import evaluate

    yield evaluate
    for name in ("evaluate", "tofu"):
        sys.modules.pop(name, None)


def test_evaluation_is_timed_on_equal_texts(asking, net, letters, capsys):
    """`measure` compares what every way said before it prints; a stop text is met by all alike."""
    words = letters(True)
    model = net(scale=0.15, vocab_size=len(words), eos_token_id=1)
    free = asking.setup("free", model, words, ROWS, 7, ())
    said = asking.plainly(free, 3)
    assert said == asking.plainly(free, 1) == asking.ours(free) and len(set(said)) > 1
    stop = next(text[2] for text in said if len(set(text[:3])) == 3 and text[:3].isascii())
    given = asking.setup("a toy", model, words, ROWS, 7, (stop,))
    asking.measure(given, rounds=1)
    out = capsys.readouterr().out
    assert "### a toy (8 prompts, 0.0 M parameters)" in out and "x one at a time" in out
    assert out.count("| generate, ") == len(asking.SIZES) and "tokens a second" in out
    rows = [ROWS[0].model_copy(update={"prompt": "Who is Ada Ada ?"}), *ROWS]
    other = asking.setup("other", model, words, rows, 7, ())
    monkey = asking.ours
    asking.ours = lambda given: ["else", *monkey(given)[1:]]
    with pytest.raises(AssertionError, match="the texts differ"):
        asking.measure(other, rounds=1)


@pytest.fixture
def scaling(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import scaling

    yield scaling
    for name in ("scaling", "memory", "rebo_step", "by_hand", "evaluate", "tofu"):
        sys.modules.pop(name, None)


def test_scaling_measures_every_line_and_draws_it(scaling, tmp_path):
    path = scaling.memory.make("toy", tmp_path / "toy")
    cases = scaling.cases(["toy"], [2, 4], [2, 4], [4, 8])
    points = scaling.measure(cases, {"toy": path}, 2, tmp_path)
    assert [len(own) for own in scaling.lines(points).values()] == [1, 2, 2, 1, 2]
    assert all(len(point.seconds) == 2 and 0 < point.share < 1 for point in points)
    group = [p for p in points if p.case.grows == "group"]
    # Twice the completions are less than twice the operations: prompts are read once for all.
    assert 1.5 < group[1].operations / group[0].operations < 2
    assert scaling.table(points).count("| ReBO step |") == 5
    assert scaling.picture(points).count("<circle") == len(points)


def test_a_slope_is_that_of_a_power(scaling):
    case = scaling.Case("ReBO step", "group", "toy", 2)
    one, two = (scaling.Point(case, x, 3 * x**2, [1.0], [9.0]) for x in (2, 8))
    assert scaling.slope(one, two, lambda point: point.operations) == pytest.approx(2)
    assert one.share == 12 / 9


def test_a_step_on_a_gpu_is_split_into_its_parts(monkeypatch, capsys):
    """On the CPU, at toy size: every line but the GPU's runs."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import gpu_step

    options = ("--size tiny --steps 2 --prompts 4 --generations 2 --max-new-tokens 4 "
               "--micro-batch 4 --seconds 0.01").split()  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["gpu_step", *options])
    gpu_step.main()
    sys.modules.pop("gpu_step")
    out = capsys.readouterr().out
    assert "4 x 2 x 4 tokens, micro batch 4" in out and "plain `generate`: " in out
    seconds = [float(out.partition(f"| {part} | ")[2].split()[0])
               for part in ("rollout", "scoring", "update")]  # fmt: skip
    assert all(0 < spent < 60 for spent in seconds)
