"""What the README shows is true: its recipe, its Python, its links and its tree."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

import lethe
from lethe import config, yaml12

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found, language
    return found[1]


def in_tree() -> list[Path]:
    """Every path that a line of the tree opens with; what is indented is inside lethe/."""
    tree = re.search(r"```\n(lethe/\n.*?)```", TEXT, re.DOTALL)
    assert tree
    found = []
    for line in tree[1].splitlines():
        folder = ROOT / "lethe" if line.startswith(" ") else ROOT
        words = takewhile(re.compile(r"\w+(/|\.py)").fullmatch, line.split())
        found += [folder / word for word in words]
    return found


def test_python_and_yaml_are_the_same_recipe():
    written = config.from_dict(yaml12.loads(block("yaml"), "README"), "README")
    build, run, _ = block("python").partition("folder = lethe.run(recipe)")
    made: dict = {}
    exec(build, made)
    assert run and made["recipe"] == written


@pytest.mark.parametrize("path", in_tree(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_tree_names_what_is_there(path):
    assert path.exists()


def test_every_folder_of_the_package_is_in_the_tree():
    named = {path.name for path in in_tree()}
    folders = {path.parent.name for path in (ROOT / "lethe").glob("*/__init__.py")}
    assert folders <= named


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))])  # fmt: skip
def test_links_lead_somewhere(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [link for link in links if not (ROOT / file).parent.joinpath(link).exists()]
    assert missing == []


def test_the_version_is_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", lethe.__version__)
