"""Every recipe in the repository parses, and says what its defaults would not."""

import re
import shlex
from pathlib import Path

import pytest

from lethe import cli, config, launch, quickstart
from lethe.stages._micro import spread

ROOT = Path(__file__).parents[1]
RECIPES = sorted([*(ROOT / "recipes").glob("**/*.yaml"), *(ROOT / "examples").glob("**/*.yaml")])


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_it_parses_and_comes_back(path, tmp_path):
    recipe = config.load(path)
    assert recipe.name == path.stem
    (tmp_path / "again.yaml").write_text(config.dump(recipe))
    assert config.load(tmp_path / "again.yaml") == recipe


def commands(path):
    """Of `lethe run` and `lethe launch` with this recipe, in its comments: the words."""
    text = path.read_text().replace("\\\n#", " ")
    found = re.findall(rf"^#.*?lethe ((?:run|launch) +\S*{path.stem}\.yaml.*)$", text, re.MULTILINE)
    return [shlex.split(re.split(r" {3,}(?=\w)", line)[0]) for line in found]


COMMANDS = [(path, words) for path in RECIPES for words in commands(path)]


@pytest.mark.parametrize(("path", "words"), COMMANDS, ids=lambda value: getattr(value, "stem", ""))
def test_a_command_in_a_recipe_is_one(path, words, monkeypatch):
    given, rest = cli._parser().parse_known_args(words)
    assert ROOT / given.recipe == path and all("." in option for option in rest[::2])
    if words[0] == "launch":
        nodes = (given.processes, given.nodes, given.node_rank, given.main_address)
        launch.check(launch.Layout(*nodes))
        assert given.config in (None, *launch.names())
        monkeypatch.setenv("WORLD_SIZE", str(given.processes * given.nodes))
        for stage in config.load(path).stages:
            rows = getattr(stage, "batch_size", None)
            rows = rows or stage.prompts_per_step * stage.num_generations
            spread(rows, getattr(stage, "micro_batch", None), stage.stage)


def test_recipes_of_a_cluster_say_how_they_are_started():
    started = {path.stem for path, words in COMMANDS if words[0] == "launch"}
    assert started == {path.stem for path in RECIPES if re.search("8gpu|nodes", path.stem)}


def test_the_quickstart_is_its_recipe():
    path = next(path for path in RECIPES if path.stem == "quickstart")
    assert config.load(path) == quickstart.recipe()


def test_other_quickstarts_have_other_folders():
    names = [quickstart.recipe(*args).name for args in ((), (3,), (0, 2), (3, 2, 4))]
    assert names == [
        "quickstart",
        "quickstart-world3",
        "quickstart-seed2",
        "quickstart-world3-seed2-targets4",
    ]
