"""Every recipe in the repository parses, and says what its defaults would not."""

from pathlib import Path

import pytest

from lethe import config, quickstart

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
