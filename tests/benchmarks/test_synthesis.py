"""Synthesis as a section of a recipe: made once, read afterwards, reported by distance."""

import json
from pathlib import Path

import pytest

from lethe import config, pipeline, planning
from lethe.benchmarks import synthesis
from lethe.plug import LetheError
from lethe.world import facts, rows


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    facts.write(0, tmp_path)
    target = next(row.subject for row in rows(0)["train"] if row.subject)
    raw = {
        "name": "named",
        "model": {"path": "world:0"},
        "data": {
            "benchmark": "synthesis", "target": target, "facts": "facts.csv",
            "wordings": "wordings.yaml", "neighbours": 8, "per_neighbour": 4, "samples": 2,
        },
        "stages": [{"stage": "rejection_steering", "epochs": 2, "learning_rate": 1e-3}],
        "evaluate": {"limit": 6},
    }  # fmt: skip
    return config.from_dict(raw)


def test_a_run_makes_its_rows_and_reports_them_by_distance(recipe, tmp_path):
    with pytest.raises(LetheError, match=r"no synthesised rows .*lethe synthesize makes them"):
        synthesis.load(recipe.data)
    folder = pipeline.run(recipe, progress=False)
    place = next((tmp_path / "data").iterdir())
    told = json.loads((place / "synthesis.json").read_text())
    assert sum(told["splits"].values()) == sum(told["rows"].values()) > 100
    # The embedded model knows its world: its own answers are the facts.
    table = {(e, v) for e, _, v in facts.table(0)}
    for row in synthesis.load(recipe.data)["train"]:
        if row.scope == "boundary" and row.form in ("question", "cloze"):
            assert (row.entity, row.answer) in table
        if row.scope == "forget":
            assert row.refusal and len(row.refusal) < 60  # in its own voice, which is brief
    assert "by distance" in (folder / "report.html").read_text()
    before = (place / "forget.jsonl").stat().st_mtime_ns
    again = pipeline.run(recipe, progress=False)
    assert again == folder and (place / "forget.jsonl").stat().st_mtime_ns == before


def test_an_evaluation_makes_no_rows(recipe, tmp_path):
    (tmp_path / "r.yaml").write_text(config.dump(recipe))
    with pytest.raises(LetheError, match="no synthesised rows"):
        pipeline.run(planning.evaluation("world:0", "r.yaml"), progress=False)
    assert not (tmp_path / "data").exists()


def test_a_wrong_key_is_named():
    raw = {"name": "x", "model": {"path": "m"}, "stages": [], "data": {"benchmark": "synthesis"}}
    with pytest.raises(LetheError, match=r"recipe: data: target, targets: name one target"):
        config.from_dict(raw)
    raw["data"] |= {"target": "Ada", "neighbors": 3}
    with pytest.raises(LetheError, match=r"data\.neighbors: unknown key; did you mean neighbours"):
        config.from_dict(raw)
    raw["data"] = {"benchmark": "synthesis", "target": "Ada", "endpoint": {"modle": "x"}}
    with pytest.raises(LetheError, match=r"data.endpoint.modle: unknown key; did you mean model"):
        config.from_dict(raw)


def test_where_the_rows_go():
    assert synthesis.Config(target="Ada Vance").out is None
    assert synthesis.folder.of(synthesis.Config(target="Ada Vance")) == Path("data/ada-vance")
