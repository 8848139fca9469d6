"""The comparison of methods: every recipe of it is sound, and settings are chosen fairly."""

import sys
from pathlib import Path

import pytest

from lethe import pipeline


@pytest.fixture
def methods(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import methods

    yield methods
    sys.modules.pop("methods", None)


def test_every_method_has_the_same_number_of_settings_and_sound_recipes(methods):
    for name in methods.METHODS:
        tried = methods.settings(name)
        assert len(tried) == 4, name
        assert len({str(setting) for setting in tried}) == 4, name
        recipes = [methods.recipe(name, setting, 101, 0) for setting in tried]
        planned = pipeline.plan(recipes[0])
        assert len({recipe.model_dump_json() for recipe in recipes}) == 4, name
        # The baselines have every train row that RULE's stages have between them.
        seen = {row.id for i in range(len(planned.stages)) for row in planned.training(i)["train"]}
        expected = 16 if name == "RS" else 428
        assert len(seen) == expected, name


def test_folder_names_are_distinct(methods):
    names = [methods.folder_name(name) for name in methods.METHODS]
    assert len(set(names)) == len(names)


def summary(leak, refusal, accuracy):
    values = {
        ("leak_rate", "forget/question"): leak,
        ("refusal_rate", "forget/question"): refusal,
        ("accuracy", "boundary/question"): accuracy,
    }
    return [{"metric": m, "group": g, "value": value} for (m, g), value in values.items()]


def test_what_settings_are_chosen_by(methods):
    """Withheld 0.8 and kept 0.6: 2 * 0.48 / 1.4; a refusing method has only 0.5 to show."""
    found = summary(leak=0.2, refusal=0.5, accuracy=0.6)
    assert methods.harmonic(found, refusing=False) == pytest.approx(0.96 / 1.4)
    assert methods.harmonic(found, refusing=True) == pytest.approx(0.6 / 1.1)
    assert methods.harmonic(summary(1.0, 0.0, 0.0), refusing=False) == 0.0


def test_parts_share_the_work(methods):
    assert methods.part("2/3") == (1, 3)
