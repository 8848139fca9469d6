"""What `--over` means: the points, their labels, and what is said of wrong ones."""

from pathlib import Path

import pytest

from lethe import config
from lethe.plug import LetheError
from lethe.sweep import grid

RAW = {
    "name": "mine",
    "seed": 4,
    "model": {"path": "world:1"},
    "data": {"benchmark": "world", "seed": 1},
    "stages": [{"stage": "rejection_steering"}, {"stage": "rebo", "steps": 2}],
}
BASE = config.from_dict(RAW)


def test_the_cross_product_with_seeds_from_the_recipes_on():
    over = ["stages.0.epochs=1,2", "stages.1.learning-rate=1e-5,3e-5"]
    found = grid.points(BASE, over, seeds=2)
    assert len(found) == 8
    assert list(found)[:3] == [
        "epochs=1,learning_rate=1e-5/seed-4",
        "epochs=1,learning_rate=1e-5/seed-5",
        "epochs=1,learning_rate=3e-5/seed-4",
    ]
    last = found["epochs=2,learning_rate=3e-5/seed-5"]
    values = last.stages[0].epochs, last.stages[1].learning_rate, last.seed  # type: ignore[attr-defined]
    assert values == (2.0, 3e-5, 5)
    assert BASE.seed == 4 and config.plain(BASE)["stages"][0]["epochs"] != 2


def test_settings_that_change_together():
    found = grid.points(BASE, ["data.seed+model.path=7+world:7,8+world:8"])
    assert list(found) == ["seed=7,path=world-7/seed-4", "seed=8,path=world-8/seed-4"]
    assert [recipe.model.path for recipe in found.values()] == ["world:7", "world:8"]


def test_nothing_to_vary_but_the_seed():
    assert list(grid.points(BASE, [], seeds=3)) == ["base/seed-4", "base/seed-5", "base/seed-6"]


def test_values_are_yaml():
    [choice] = grid.parse("model.lora={rank: 4, alpha: 8}")
    assert choice.settings == {"model.lora": {"rank": 4, "alpha": 8}}
    found = grid.points(BASE, ["model.lora.rank=4,8", "model.dtype=auto,float32"])
    assert [recipe.model.lora.rank for recipe in found.values()] == [4, 4, 8, 8]
    [first, second] = grid.parse("stages.1.rewards={refusal: 1, answer: 1},{refusal: 1}")
    assert first.settings == {"stages.1.rewards": {"refusal": 1, "answer": 1}}
    assert second.settings == {"stages.1.rewards": {"refusal": 1}}
    assert [c.settings for c in grid.parse("a=it's,'x,y',1e+5")] == [
        {"a": "it's"},
        {"a": "x,y"},
        {"a": 1e5},
    ]


def test_labels_that_a_folder_cannot_tell_apart_or_hold():
    found = grid.points(BASE, ["model.freeze=[a b],[a/b]"])
    assert len(found) == 2 and all(label.startswith("freeze=-a-b-") for label in found)
    [label] = grid.points(BASE, [f"model.freeze=[{'layers, ' * 40}x]"])
    assert len(Path(label).parent.name) == 80


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ("stages.0.epoch=1", "r.yaml: --over: stages.0.epoch: unknown key; did you mean epochs?"),
        ("stages.2.epochs=1", "r.yaml: --over stages.2.epochs: no entry '2'; choices: 0, 1"),
        ("stages.x.epochs=1", "no entry 'x'; choices: 0, 1"),
        ("stage.0.epochs=1", "unknown key 'stage'; did you mean stages? choices: after, attacks, "),
        ("seed.x=1", "'x' is inside a single value"),
        ("stages.0.epochs=x", "stages.0.epochs: should be a valid number"),
        ("stages.0.epochs=1,1.0", "'1.0' stands there twice"),
        ("stages.0.epochs=", "must be KEY=VALUE,VALUE, as in stages.0.learning_rate=1e-5,3e-5"),
        ("stages.0.epochs=1,", "'' must be 1 value, one for each of stages.0.epochs"),
        ("data.seed+model.path=1", "'1' must be 2 values, one for each of data.seed, model.path"),
        ("stages.0.epochs=[1", "--over stages.0.epochs:1: not valid YAML"),
        ("stages.0.stage=npo,dpo", "what it names has settings of its own; sweep a recipe of each"),
        ("name=a,b", "a sweep names its run folders itself"),
        ("evaluate.limit=1,2", "runs so measured could not be compared"),
        ("seed=1,2", "seeds are counted by --seeds; give one of the two"),
    ],
)
def test_wrong(over, message):
    with pytest.raises(LetheError) as error:
        grid.points(BASE, [over], seeds=2, where="r.yaml")
    assert message in str(error.value)


def test_a_key_twice_and_seeds_that_change_nothing():
    with pytest.raises(LetheError, match=r"stages\.0\.epochs: stands there twice"):
        grid.points(BASE, ["stages.0.epochs=1", "stages.0.epochs=2"])
    fixed = config.from_dict(RAW | {"stages": [{"stage": "rebo", "seed": 3}]})
    with pytest.raises(LetheError, match="every stage has a seed of its own"):
        grid.points(fixed, [], seeds=2)
