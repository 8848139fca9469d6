"""Negation of a task vector: the original minus scale times what was learnt."""

import json

import pytest
import torch

from lethe import config
from lethe import model as models
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _offline, task_vector

SMALL = {"batch_size": 4, "epochs": 2, "learning_rate": 3e-3, "eval_rows": 0}


def learnt(made, start, rows, out):
    """The weights after learning by heart, from the same trainer, not turned round."""
    out.mkdir()
    words = models.tokenizer(start.path, start.spec)
    trainer = _offline.build(made, start, words, rows, out, 0, task_vector.loss)
    trainer.train()
    return trainer.model


def run(made, start, rows, out):
    out.mkdir()
    task_vector.train(made, start, rows, out, 0)
    return out


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_all_weights_move_the_other_way(lab, tmp_path, scale):
    made = task_vector.Config(**SMALL, scales=[scale])
    out = run(made, lab.full, lab.lessons(), tmp_path / "a")
    heart = dict(learnt(made, lab.full, lab.lessons(), tmp_path / "b").named_parameters())
    start = dict(models.load(lab.full.path, lab.full.spec).named_parameters())
    moved = 0.0
    for name, weight in models.load(out / "model", lab.full.spec).named_parameters():
        expected = start[name] - scale * (heart[name] - start[name])
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)
        moved = max(moved, (heart[name] - start[name]).abs().max().item())
    assert moved > 1e-3


def test_an_adapters_update_moves_the_other_way(lab, tmp_path):
    made = task_vector.Config(**SMALL, scales=[2.0])
    out = run(made, lab.fresh_lora, lab.lessons(), tmp_path / "a")
    heart = learnt(made, lab.fresh_lora, lab.lessons(), tmp_path / "b").merge_and_unload()
    heart = dict(heart.named_parameters())
    start = dict(models.load(lab.original, lab.full.spec).named_parameters())
    merged = dict(models.load(out / "model", lab.fresh_lora.spec).named_parameters())
    assert merged.keys() == start.keys() == heart.keys()
    for name, weight in merged.items():
        expected = start[name] - 2 * (heart[name] - start[name])
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)
    assert any((heart[name] - start[name]).abs().max() > 1e-3 for name in start)


def test_the_scale_of_the_best_balance_is_kept_the_least_of_equals(lab, tmp_path):
    made = task_vector.Config(**{**SMALL, "eval_rows": 2}, scales=[1.0, 0.01, 0.02])
    out = run(made, lab.wise, lab.lessons(), tmp_path / "a")
    lines = [json.loads(line) for line in (out / "scales.jsonl").read_text().splitlines()]
    assert [line["scale"] for line in lines] == [0.01, 0.02, 1.0]
    best = max(line["balance"] for line in lines)
    kept = [line["scale"] for line in lines if line["kept"]]
    assert kept == [next(line["scale"] for line in lines if line["balance"] == best)]
    assert best == 1.0 and kept == [0.01], "a model that was right stays so after a small step"


def test_what_cannot_work_is_refused(lab, tmp_path):
    rows = lab.lessons()
    with pytest.raises(LetheError, match=r"^r\.interpolate: scales choose how far to go"):
        task_vector.validate(task_vector.Config(interpolate=[0.5]), rows, "r")
    for none in ({"eval_rows": 0}, {}):
        given = rows if none else {"train": rows["train"]}
        with pytest.raises(LetheError, match=r"^r\.scales: validation rows choose.* none; give"):
            task_vector.validate(task_vector.Config(**none), given, "r")
    one = [row for row in rows["validation"] if row.scope == "forget"]
    with pytest.raises(LetheError, match=r"^r\.scales: .* they are of: forget; give one scale"):
        task_vector.validate(task_vector.Config(), {**rows, "validation": one}, "r")
    with pytest.raises(LetheError, match=r"^r\.patience: nothing is looked at while it learns"):
        task_vector.validate(task_vector.Config(patience=1), rows, "r")
    lora = config.Model(path="m", lora=config.Lora())
    task_vector.check_model(task_vector.Config(), lora, True, "r")
    with pytest.raises(LetheError, match=r"^r: task_vector takes .* make it the first stage"):
        task_vector.check_model(task_vector.Config(), lora, False, "r")
    with pytest.raises(LetheError, match=r"^task_vector: .* is an adapter, and the change since"):
        task_vector.train(task_vector.Config(), lab.lora, rows, tmp_path, 0)


def test_the_vector_is_taken_from_where_the_stage_starts(lab, tmp_path):
    """After another stage, that is not the original."""
    made = task_vector.Config(**SMALL, scales=[1.0])
    own = Checkpoint(lab.steered, lab.steered, lab.full.spec)
    one, two = (run(made, s, lab.lessons(), tmp_path / n) for n, s in (("a", lab.full), ("b", own)))
    files = [(out / "model" / "model.safetensors").read_bytes() for out in (one, two)]
    assert files[0] == files[1]
