"""The comparison of methods: every recipe of it is sound, and settings are chosen fairly."""

import json
import sys
from pathlib import Path

import pytest

from lethe import planning


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
        planned = planning.plan(recipes[0])
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


def test_parts_are_counted_from_one(methods):
    assert methods.part("2/3") == (1, 3)


@pytest.fixture
def table(monkeypatch, methods):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import methods_table

    yield methods_table
    sys.modules.pop("methods_table", None)


def measurement(table, world, leak=0.0, refusal=1.0, accuracy=0.9):
    numbers = {
        ("leak_rate", "forget/question"): (leak, 48),
        ("refusal_rate", "forget/question"): (refusal, 48),
        ("accuracy", "boundary/question"): (accuracy, 288),
        ("refusal_rate", "forget/adversarial:a"): (1.0, 8),
        ("refusal_rate", "forget/adversarial:b"): (0.25, 24),
    }
    return table.Measurement(world, numbers, 3.0, 100)


def test_adversarial_kinds_are_weighted_by_their_rows(table):
    """(8 * 1 + 24 * 0.25) / 32"""
    assert measurement(table, 1).of("refusal_rate", "forget/adversarial") == 0.4375


def test_the_area_of_one_setting(table):
    """Above 0.5: (0.9 - 0.5) * 0.8 where a fifth leaks; refused counts what is told as well."""
    run = measurement(table, 1, leak=0.2, refusal=0.5)
    assert run.area("gone") == pytest.approx(0.32)
    assert run.area("refused") == pytest.approx(0.2)
    assert measurement(table, 1, accuracy=0.4).area("gone") == 0.0


def test_a_cell_averages_seeds_before_worlds(table):
    """Worlds 0.9 (two seeds) and 0.8: mean 0.85, half-width 12.706 * 0.0707 / sqrt(2) = 0.635."""
    runs = [measurement(table, w, accuracy=a) for w, a in ((1, 1.0), (1, 0.8), (2, 0.8))]
    shown = table.cell(runs, lambda run: run.of("accuracy", "boundary/question"), 3)
    assert shown == "0.850 ± 0.635"


def test_rollouts_are_the_last_count_of_each_stage(table, tmp_path):
    from lethe import runs

    for stage, counts in (("0-rebo", [64, 128]), ("1-rebo", [32])):
        (tmp_path / "stages" / stage).mkdir(parents=True)
        for count in counts:
            runs.append(tmp_path / "stages" / stage / "metrics.jsonl", {"rollouts": count})
    assert table.rollouts(runs.Run(tmp_path)) == 160


def test_a_run_is_written_down_once_and_read_again(table, methods, tmp_path, monkeypatch):
    known = measurement(table, 3)._replace(rollouts=7)
    line = json.loads(known.line("IDK", 2))
    assert (line["method"], line["seed"]) == ("IDK", 2) and table.kept(line) == known
    monkeypatch.setattr(methods, "MEASURED", tmp_path / "measured.jsonl")
    assert methods.measured() == []
    (tmp_path / "measured.jsonl").write_text(known.line("IDK", 2) + "\n")
    assert methods.measured() == [line]
    made = []
    monkeypatch.setattr(methods, "done", lambda folder, _: made.append(folder.name))
    monkeypatch.setattr(methods, "recipe", lambda *_: None)
    monkeypatch.setattr(
        sys, "argv", [*"x test --worlds 3 --seeds 1-3 --only IDK --out".split(), str(tmp_path)]
    )
    methods.main()
    assert made == ["seed-1", "seed-3"]
