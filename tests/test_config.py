"""Recipes: what they may say, what they say when it is wrong, and overrides."""

import json
from pathlib import Path

import pytest

from lethe import config, overrides, schema, yaml12
from lethe.config import Evaluate, Lora, Model, Recipe
from lethe.plug import LetheError

STAGE = '''
"""A stage for these tests."""
from typing import Any, Literal
from pydantic import field_validator
from lethe import plug
from lethe.config import Stage

class Config(Stage):
    """Its settings."""
    stage: Literal["mystage"] = "mystage"
    num_generations: int = 8
    """Group size, 100 %."""
    learning_rate: float = 1e-3
    rewards: list[str] = ["refusal"]
    trainer: dict[str, Any] = {}
    fast: bool = True

    @field_validator("rewards")
    @classmethod
    def _exist(cls, rewards):
        for name in rewards:
            plug.function("reward", name)
        return rewards
'''
BENCHMARK = '''
"""A benchmark for these tests."""
from lethe.config import Benchmark

class Config(Benchmark):
    """Its settings."""
    size: int = 8
'''


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """A recipe as plain data, of plug-ins in the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("mystage.py").write_text(STAGE)
    Path("mybench.py").write_text(BENCHMARK)
    return {
        "name": "mine",
        "model": {"path": "world:0"},
        "data": {"benchmark": "./mybench.py", "size": 3},
        "stages": ["./mystage.py", {"stage": "./mystage.py", "trainer": {"warmup_steps": 1}}],
    }


@pytest.fixture
def recipe(raw):
    return config.from_dict(raw)


def test_defaults_and_plug_ins(recipe):
    assert recipe.seed == 0
    assert recipe.evaluate == Evaluate()
    assert recipe.data.size == 3
    assert [stage.stage for stage in recipe.stages] == ["./mystage.py", "./mystage.py"]
    assert [stage.num_generations for stage in recipe.stages] == [8, 8]


def test_dump_and_load_are_exact(raw):
    raw["stages"][1]["learning_rate"] = 1e-5
    raw["stages"][1]["trainer"] = {"optim": "1e-5", "a": [1, 2.0, None], "b": {"c": True}}
    raw["model"]["lora"] = {"targets": ["q_proj", "no"]}
    recipe = config.from_dict(raw)
    Path("again.yaml").write_text(config.dump(recipe))
    assert config.load("again.yaml") == recipe
    assert config.dump(config.load("again.yaml")) == config.dump(recipe)


def test_the_same_objects_can_be_built_in_python(raw, recipe):
    built = Recipe(
        name="mine", model=Model(path="world:0"), data=recipe.data, stages=list(recipe.stages)
    )
    assert built == recipe


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("nam", 1, "nam: unknown key; did you mean name?"),
        ("seed", -1, "seed: should be greater than or equal to 0, not -1"),
        ("seed", "many", "seed: should be a valid integer"),
        ("name", "../x", "name: should match pattern"),
        ("model", "x", "model: should be a valid dictionary"),
        ("model.path", "world:x", "model.path: 'world:x': world:<seed> needs a whole number"),
        ("model.dtype", "fp8", "model.dtype: should be 'auto', 'float32' or 'bfloat16', not 'fp8'"),
        ("model.lora", {"rnk": 2}, "model.lora.rnk: unknown key; did you mean rank?"),
        ("data", "wrld", "data: unknown benchmark 'wrld'"),
        ("data", 3, "data: must be a name, or a mapping with `benchmark:`"),
        ("data.sise", 3, "data.sise: unknown key; did you mean size?"),
        ("stages", {"a": 1}, "stages: should be a valid list"),
        ("stages.0", 3, "stages.0: must be a name, or a mapping with `stage:`"),
        ("stages.0", {"seed": 3}, "stages.0: `stage:` is missing; choices: "),
        ("stages.0", "rebbo", "stages.0: unknown stage 'rebbo'"),
        ("stages.0", "./nofile.py", "stages.0: stage './nofile.py': no such file"),
        (
            "stages.1.num_generation",
            3,
            "stages.1.num_generation: unknown key; did you mean num_generations? choices: fast, ",
        ),
        ("stages.1.num_generations", "x", "stages.1.num_generations: should be a valid integer"),
        ("stages.1.rewards", ["refsal"], "stages.1.rewards: unknown reward 'refsal': did you mean"),
        ("evaluate.metrics", ["x"], "evaluate.metrics: unknown metric 'x': choices: acc"),
    ],
)
def test_wrong_recipes_say_where_and_what(raw, place, value, message):
    *path, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    inner = raw
    for part in path:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
    inner[last] = value
    with pytest.raises(LetheError) as caught:
        config.from_dict(raw, "r.yaml")
    assert str(caught.value).startswith(f"r.yaml: {message}")
    assert "\n" not in str(caught.value)


def test_all_problems_are_told_at_once(raw):
    raw |= {"seed": "x", "sed": 1, "stages": ["nope"]}
    del raw["model"]
    with pytest.raises(LetheError) as caught:
        config.from_dict(raw, "r.yaml")
    lines = str(caught.value).splitlines()
    assert sorted(line.split(": ")[1] for line in lines) == ["model", "sed", "seed", "stages.0"]
    assert "r.yaml: model: this key is required" in lines


def test_a_recipe_is_a_mapping():
    for wrong in (None, [], "text", 3):
        with pytest.raises(LetheError, match="must be a mapping"):
            config.from_dict(wrong)


def test_recipes_are_frozen(recipe):
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3


# ----------------------------------------------------------------------------------- overrides


def changed(recipe, *args):
    """What overrides change, as {dotted key: value}."""

    def flat(data, path=""):
        if isinstance(data, dict | list) and data:
            pairs = data.items() if isinstance(data, dict) else enumerate(data)
            return {k: v for key, value in pairs for k, v in flat(value, f"{path}.{key}").items()}
        return {path[1:]: data}

    before = flat(config.plain(recipe))
    after = flat(config.plain(overrides.override(recipe, list(args))))
    return {key: value for key, value in after.items() if before.get(key, "absent") != value}


def test_overrides_reach_every_setting(recipe):
    assert changed(recipe) == {}
    assert changed(recipe, "--seed", "3", "--name=other") == {"seed": 3, "name": "other"}
    assert changed(recipe, "--name", "12") == {"name": "12"}
    found = changed(recipe, "--stages.1.num-generations", "16", "--stages.0.learning_rate=1e-5")
    assert found == {"stages.1.num_generations": 16, "stages.0.learning_rate": 1e-5}
    assert changed(recipe, "--stages.0.fast", "False") == {"stages.0.fast": False}
    assert changed(recipe, "--stages.0.seed", "7") == {"stages.0.seed": 7}
    assert changed(recipe, "--data.size", "5") == {"data.size": 5}
    assert changed(recipe, "--evaluate.metrics", "accuracy", "leak_rate") == {
        "evaluate.metrics.0": "accuracy",
        "evaluate.metrics.1": "leak_rate",
    }
    assert changed(recipe, "--out", "x/y") == {"out": "x/y"}


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("TRUE", True)])
def test_a_truth_is_written_as_in_yaml_or_python(tmp_path, text, value):
    raw = {"benchmark": "rwku", "target": "all"}
    made = config.from_dict({"name": "a", "model": {"path": "m"}, "data": raw, "stages": []})
    assert overrides.override(made, ["--data.upstream", text]).data.upstream is value
    with pytest.raises(LetheError, match=r"data\.upstream.*true or false"):
        overrides.override(made, ["--data.upstream", "yes please"])


def test_an_override_turns_a_group_on_and_its_required_keys_are_asked_for(recipe):
    judge = overrides.override(recipe, ["--evaluate.judge.model", "m"]).evaluate.judge
    assert judge == config.Judge(model="m")
    with pytest.raises(LetheError, match=r"--evaluate\.judge\.model .*required"):
        overrides.override(recipe, ["--evaluate.judge.samples", "2"])


def test_free_settings_are_read_as_yaml(recipe):
    args = ["--stages.1.trainer.warmup-steps", "2", "--stages.1.trainer.betas", "[0.9, 1e-5]"]
    assert overrides.override(recipe, args).stages[1].trainer == {
        "warmup_steps": 2,
        "betas": [0.9, 1e-5],
    }
    assert overrides.override(recipe, ["--stages.0.trainer.optim=sgd"]).stages[0].trainer == {
        "optim": "sgd"
    }


def test_free_settings_with_keys_that_cannot_be_options_stay(raw):
    raw["stages"][1]["trainer"] = {"./mine.py": 1, "a": 1}
    made = overrides.override(config.from_dict(raw), ["--stages.1.trainer.a", "2"])
    assert made.stages[1].trainer == {"./mine.py": 1, "a": 2}


def test_an_absent_group_is_made_by_setting_something_in_it(recipe):
    made = overrides.override(recipe, ["--model.lora.rank", "8"])
    assert made.model.lora == Lora(rank=8)
    again = overrides.override(made, ["--model.lora.targets", "q_proj", "k_proj"])
    assert again.model.lora == Lora(rank=8, targets=["q_proj", "k_proj"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--stages.1.num-generation", "16"],
            r"--stages\.1\.num-generation: unknown option; did you mean "
            r"--stages\.1\.num-generations\? choices: --stages\.1\.fast, ",
        ),
        (["--stages.2.seed", "1"], r"--stages\.2\.seed: unknown option; did you mean --stages"),
        (["--sed", "1"], r"--sed: unknown option; did you mean --seed\?"),
        (["--stages.1.num-generations", "x"], r"--stages\.1\.num-generations: invalid literal"),
        (["--seed"], "Missing value for argument '--seed'"),
        (["--seed", "-3"], "seed: should be greater than or equal to 0, not -3"),
        (["--model.dtype", "fp8"], r"invalid choice 'fp8'.*'auto', 'float32', 'bfloat16'"),
        (["--stages.0.rewards", "refsal"], r"stages\.0\.rewards: unknown reward 'refsal'"),
        (["16"], "unexpected '16': an option is written --key value"),
    ],
)
def test_wrong_overrides_say_what(recipe, args, message):
    with pytest.raises(LetheError, match=f"^command line: {message}"):
        overrides.override(recipe, args)


def test_help_lists_every_setting(recipe, capsys):
    with pytest.raises(SystemExit) as stop:
        overrides.override(recipe, ["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--stages.1.num-generations INT" in text
    assert "Group size, 100 %." in text


# -------------------------------------------------------------------------------------- schema


def test_the_committed_schema_is_current():
    committed = Path(__file__).parents[1] / "docs" / "recipe.schema.json"
    assert committed.read_text() == schema.text(), (
        "run: python -m lethe schema > docs/recipe.schema.json"
    )


def test_the_schema_knows_every_built_in():
    document = schema.schema()
    names = [
        document["$defs"][found["$ref"].rpartition("/")[2]]["properties"]["stage"]["const"]
        for found in document["properties"]["stages"]["items"]["anyOf"]
        if "$ref" in found
    ]
    assert "rejection_steering" in names
    assert document["required"] == ["name", "model", "data", "stages"]
    assert document["additionalProperties"] is False
    json.dumps(document)


def test_the_schema_has_the_help_of_each_field():
    for name, field in Recipe.model_fields.items():
        assert field.description, name
        assert schema.schema()["properties"][name]["description"] == field.description


def test_a_recipe_written_by_hand_is_read(raw):
    Path("r.yaml").write_text(yaml12.dumps(raw))
    assert config.load(Path("r.yaml")).name == "mine"
    Path("bad.yaml").write_text("name: x\nstages: [\n")
    with pytest.raises(LetheError, match=r"^bad\.yaml:3: not valid YAML"):
        config.load("bad.yaml")


def test_a_value_that_fits_none_of_its_types_is_one_line_without_their_names():
    raw = {"name": "x", "model": {"path": "world:0"}, "stages": ["idk"]}
    with pytest.raises(LetheError) as error:
        config.from_dict({**raw, "data": {"benchmark": "world", "targets": 9}}, "r.yaml")
    assert str(error.value) == (
        "r.yaml: data.targets: should be less than or equal to 8, or should be a valid list, not 9"
    )
    with pytest.raises(LetheError, match=r"^r.yaml: evaluate.batch_size: [^\n]*'auto', not 'x'$"):
        config.from_dict(
            {**raw, "data": {"benchmark": "world"}, "evaluate": {"batch_size": "x"}}, "r.yaml"
        )
    with pytest.raises(LetheError, match=r"(?m)^r.yaml: data.targets.1: .* valid string, not 3$"):
        config.from_dict({**raw, "data": {"benchmark": "world", "targets": ["a", 3]}}, "r.yaml")
