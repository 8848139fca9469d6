"""Which weights are kept: the checkpoint, and how much of its change."""

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from lethe import model as models
from lethe.plug import LetheError
from lethe.stages import rebo
from lethe.stages._engine import Curve
from lethe.stages._selection import Mixture, Selection, interpolate, least


def read(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def scores_to_numbers(score):
    """Numbers of a look whose balance is about `score`."""
    return {
        "forget": {"n": 4, "refusal": score, "leak": 0.0, "silent": score},
        "boundary": {"n": 4, "refusal": 0.0, "accuracy": score},
    }


class Looks:
    """A stage's selection fed with the balances of successive looks; notes what it would keep."""

    def __init__(self, tmp_path, settings, scores):
        self.scores, self.out = scores, tmp_path
        self.step = 0
        self.selection = Selection(
            settings,
            ["a row"],
            tmp_path,
            Curve(tmp_path, "test"),
            save=self.save,
            look=lambda rows: scores_to_numbers(self.scores[self.step]),
        )

    def save(self, folder):
        folder.mkdir(parents=True)
        (folder / "weights").write_text(str(self.step))

    def kept(self):
        file = self.out / "best" / "weights"
        return int(file.read_text()) if file.exists() else None

    def go(self, first, last, max_steps):
        state = SimpleNamespace(global_step=first, max_steps=max_steps)
        self.step = first
        self.selection.on_train_begin(None, state, None)
        for step in range(first + 1, last + 1):
            self.step = state.global_step = step
            self.selection.on_step_end(None, state, None)
        return self.kept()


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.1, 0, 0.5, 0, 0.9, 0, 0.7], 4),
        ([0.1, 0, 0.9, 0, 0.9, 0, 0.8], 4),  # the latest of equals
        ([0.9, 0, 0.5, 0, 0.5, 0, 0.5], 0),  # what the stage starts from counts too
        ([0.0, 0, 0.0, 0, 0.0, 0, 0.0], 6),
        ([0.1, 1, 0.2, 1, 0.3, 1, 0.2], 4),  # steps between looks do not count
        ([0.1, 0, 0.2, 0, 0.3, 0.9], 5),  # the last step is always looked at
    ],
)
def test_best_keeps_the_latest_of_the_highest_balance(settings, tmp_path, scores, kept):
    looks = Looks(tmp_path, settings(select="best"), scores)
    assert looks.go(0, len(scores) - 1, len(scores) - 1) == kept
    record = json.loads((tmp_path / "best" / "balance.json").read_text())
    assert record["step"] == kept and record["balance"] == pytest.approx(scores[kept])
    balances = [line for line in read(tmp_path / "metrics.jsonl") if line["scope"] == "all"]
    assert [line["balance"] for line in balances] == pytest.approx(
        [scores[line["step"]] for line in balances]
    )


@pytest.mark.parametrize(
    ("scores", "patience", "stop"),
    [
        ([0.1, 0.5, 0.9, 0.9, 0.8, 1.0], 2, 4),  # as good is not better
        ([0.1, 0.5, 0.9, 0.9, 1.0, 1.0, 1.0], 2, 6),
        ([0.9, 0.1, 0.1], 1, 1),  # the start is a look
        ([0.1, 0.2, 0.3, 0.4], 1, None),
        ([0.9, 0.1, 0.1, 0.1], None, None),
    ],
)
def test_patience_ends_after_so_many_looks_without_a_better_one(
    settings, tmp_path, scores, patience, stop
):
    looks = Looks(tmp_path, settings(eval_every=1, patience=patience), scores)
    control, stopped = SimpleNamespace(should_training_stop=False), None
    state = SimpleNamespace(global_step=0, max_steps=99)
    looks.selection.on_train_begin(None, state, control)
    for step in range(1, len(scores)):
        looks.step = state.global_step = step
        looks.selection.on_step_end(None, state, control)
        if control.should_training_stop and stopped is None:
            stopped = step
    assert stopped == stop


def test_last_keeps_nothing_on_the_way(settings, tmp_path):
    assert Looks(tmp_path, settings(select="last"), [0.9, 0, 0.9]).go(0, 2, 2) is None


@pytest.mark.parametrize("seed", range(30))
def test_a_resumed_selection_keeps_what_an_undisturbed_one_does(settings, tmp_path, seed):
    """Killed at any step and resumed from any checkpoint before it, twice."""
    import random

    rng = random.Random(seed)
    scores = [rng.choice([0.0, 0.2, 0.4, 0.6]) for _ in range(13)]
    choice = settings(select="best", eval_every=rng.choice([1, 2, 3, 5]))
    expected = Looks(tmp_path / "whole", choice, scores)
    (tmp_path / "whole").mkdir()
    expected = expected.go(0, 12, 12)
    (tmp_path / "killed").mkdir()
    looks, first = Looks(tmp_path / "killed", choice, scores), 0
    for _ in range(2):
        killed = rng.randrange(first, 13)
        looks.go(first, killed, 12)
        first = max(c for c in (0, 4, 8, 12) if c <= killed and c >= first)
    assert looks.go(first, 12, 12) == expected


# ----------------------------------------------------------------- how much of the change is kept


def test_the_least_of_nearly_equal_shares():
    balances = {1.0: 0.97, 0.8: 0.99, 0.6: 0.975, 0.4: 0.3}
    assert least(balances, slack=0.0) == 0.8
    assert least(balances, slack=0.015) == 0.6
    assert least(balances, slack=0.02) == 0.6
    assert least(balances, slack=0.7) == 0.4
    assert least({1.0: 0.0, 0.5: 0.0}, slack=0.0) == 0.5, "changing less is better than nothing"


def test_a_mixture_lies_on_the_line(net):
    original, trained = net(seed=0), net(seed=1)
    ends = [{n: p.detach().clone() for n, p in m.named_parameters()} for m in (original, trained)]
    mixture = Mixture(trained, original)
    for share in (0.25, 0.9, 1.0, 0.6):
        mixture.move(share)
        for name, weight in trained.named_parameters():
            first, last = ends[0][name], ends[1][name]
            assert torch.allclose(weight, first + share * (last - first), atol=1e-6)
    mixture.move(1.0)
    assert all(torch.equal(p, ends[1][n]) for n, p in trained.named_parameters())


def test_what_was_not_trained_is_left_alone(net):
    original, trained = net(seed=0), net(seed=0)
    with torch.no_grad():
        trained.model.norm.weight.add_(1.0)
    assert len(Mixture(trained, original).path) == 1


def test_an_adapters_change_is_scaled(lab):
    """Merged, the change of every weight is the share of the whole adapter's."""
    spec, path = lab.lora.spec, lab.lora.path
    base = dict(models.load(lab.original, spec).named_parameters())
    whole = dict(models.load(path, spec).named_parameters())
    net = models.load(path, spec, trainable=True)
    Mixture(net, None).move(0.5)
    merged = dict(net.merge_and_unload().named_parameters())
    moved = [name for name in base if not torch.equal(base[name], whole[name])]
    assert len(moved) > 5
    for name in base:
        assert torch.allclose(merged[name], (base[name] + whole[name]) / 2, atol=1e-5)


def test_every_share_is_looked_at_and_the_chosen_one_stays(settings, net, tmp_path):
    original, trained = net(seed=0), net(seed=1)
    first, last = original.lm_head.weight.clone(), trained.lm_head.weight.clone()
    balances = {1.0: 0.9, 0.75: 1.0, 0.5: 0.98, 0.25: 0.2}
    seen = []

    def look(rows):
        assert rows == ["a row"]
        moved = (trained.lm_head.weight - first).norm() / (last - first).norm()
        seen.append(round(moved.item(), 3))
        return scores_to_numbers(balances[seen[-1]])

    choice = settings(interpolate=[0.25, 1.0, 0.5, 0.75], slack=0.03)
    interpolate(Mixture(trained, original), choice, ["a row"], look, tmp_path)
    assert seen == [1.0, 0.75, 0.5, 0.25]
    assert torch.allclose(trained.lm_head.weight, (first + last) / 2, atol=1e-6)
    lines = read(tmp_path / "interpolation.jsonl")
    assert [(n["share"], n["kept"]) for n in lines if n["scope"] == "all"] == [
        (1.0, False),
        (0.75, False),
        (0.5, True),
        (0.25, False),
    ]
    assert [n["accuracy"] for n in lines if n["scope"] == "boundary"] == [0.9, 1.0, 0.98, 0.2]


def trained(config, start, rows, out):
    out.mkdir(parents=True, exist_ok=True)
    rebo.train(config, start, rows, out, 0)
    return out


@pytest.mark.parametrize("select", ["best", "last"])
@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_stage_leaves_the_mixture_and_nothing_else(lab, settings, tmp_path, kind, select):
    """Nobody refuses anything here: all shares balance alike, and the least is kept."""
    start = vars(lab)[kind]
    whole = trained(settings(select=select), start, lab.lessons(), tmp_path / "whole")
    choice = settings(select=select, interpolate=[1.0, 0.5])
    out = trained(choice, start, lab.lessons(), tmp_path / "mixed")
    ends = [models.load(path, start.spec) for path in (start.original, whole / "model")]
    first, last = (dict(net.named_parameters()) for net in ends)
    for name, weight in models.load(out / "model", start.spec).named_parameters():
        assert torch.allclose(weight, (first[name] + last[name]) / 2, atol=1e-5)
    assert {path.name for path in out.iterdir()} == {
        "checkpoints", "interpolation.jsonl", "metrics.jsonl", "model", "samples.jsonl"
    }  # fmt: skip
    before = {p.name: p.read_bytes() for p in (out / "model").iterdir()}
    again = trained(choice, start, lab.lessons(), out)
    assert {p.name: p.read_bytes() for p in (again / "model").iterdir()} == before


@pytest.mark.parametrize("select", ["best", "last"])
def test_an_adapter_that_goes_on_is_mixed_with_what_it_was(lab, settings, tmp_path, select):
    """Factor by factor; TRL's copy of it under the name "ref" is none of its weights."""
    start, rows = lab.over_adapter, lab.lessons()
    whole = trained(settings(select=select), start, rows, tmp_path / "whole")
    mixed = trained(settings(select=select, interpolate=[0.5]), start, rows, tmp_path / "mixed")
    first, last, kept = (
        load_file(f"{folder}/adapter_model.safetensors")
        for folder in (start.original, whole / "model", mixed / "model")
    )
    assert first.keys() == last.keys() == kept.keys()
    for name, weight in kept.items():
        assert torch.allclose(weight, (first[name] + last[name]) / 2, atol=1e-6)
    assert not (mixed / "model" / "ref").exists()


def test_a_stage_killed_while_it_mixes_ends_in_the_same_weights(
    lab, settings, tmp_path, monkeypatch
):
    choice = settings(select="best", interpolate=[1.0, 0.5], steps=5)
    whole = trained(choice, lab.full, lab.lessons(), tmp_path / "whole")
    move, calls = Mixture.move, []

    def killed(self, share):
        calls.append(share)
        if len(calls) == 2:
            raise KeyboardInterrupt
        move(self, share)

    with monkeypatch.context() as patch:
        patch.setattr(Mixture, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            trained(choice, lab.full, lab.lessons(), tmp_path / "killed")
    assert not (tmp_path / "killed" / "model").exists()
    again = trained(choice, lab.full, lab.lessons(), tmp_path / "killed")
    files = [load_file(out / "model" / "model.safetensors") for out in (whole, again)]
    assert all(torch.equal(files[0][name], files[1][name]) for name in files[0])


def test_what_cannot_be_mixed_is_refused(lab, settings, tmp_path):
    rows, choice = lab.lessons(), settings(interpolate=[0.5])
    with pytest.raises(LetheError, match="eval_rows is 0 and they are of: none"):
        rebo.validate(settings(interpolate=[0.5], eval_rows=0), rows, "r")
    only = [row for row in rows["validation"] if row.scope == "boundary"]
    with pytest.raises(LetheError, match=r"eval_rows is 2 and .* of: boundary$"):
        rebo.validate(choice, {**rows, "validation": only}, "r")
    for wrong in ([0.0], [1.1]):
        with pytest.raises(ValueError, match="interpolate"):
            settings(interpolate=wrong)
