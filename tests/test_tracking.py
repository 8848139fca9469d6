"""Trackers are named in a recipe, found at once, and change nothing of a run."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from lethe import config, pipeline, planning, tracking
from lethe.plug import LetheError

# Copies the model, and notes what its trainer would be told.
STAGE = '''"""Copies the model."""
import json, os, shutil
from pathlib import Path
from typing import Any
from lethe.config import Stage

class Config(Stage):
    """Its settings."""
    trainer: dict[str, Any] = {}

def train(config, model, data, out, seed):
    told = {**config.trainer, "logs": os.environ.get("TENSORBOARD_LOGGING_DIR")}
    with Path("told.jsonl").open("a") as file:
        file.write(json.dumps(told) + "\\n")
    shutil.copytree(model.path, out / "model")
'''


@pytest.fixture
def recipe(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    Path("mine.py").write_text(STAGE)
    rows = [
        {"id": f"{split}{i}", "prompt": f"Where is {name} {split} ?", "split": split,
         "scope": scope, "answer": "Oslo", "subject": "Bo"}
        for split in ("train", "test")
        for i, (scope, name) in enumerate({"forget": "Bo", "boundary": "Ada"}.items())
    ]  # fmt: skip
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "name": "mine",
        "model": {"path": str(saved())},
        "data": {"benchmark": "rows", "path": "rows.jsonl"},
        "stages": ["./mine.py", {"stage": "./mine.py", "trainer": {"run_name": "own"}}],
        "evaluate": {"max_new_tokens": 2, "metrics": ["refusal_rate"]},
    }


def told():
    return [json.loads(line) for line in Path("told.jsonl").read_text().splitlines()]


def here(monkeypatch, *names):
    """As if these packages were installed, and no other tracker's."""
    real, all_names = (
        importlib.util.find_spec,
        {n for ns in tracking._PACKAGES.values() for n in ns},
    )
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: name in names if name in all_names else real(name, *more),
    )


def test_stages_are_told_of_trackers_and_nothing_is_done_again(recipe, monkeypatch):
    here(monkeypatch, "tensorboard")
    folder = pipeline.run(config.from_dict(recipe), progress=False)
    assert told() == [{"logs": None}, {"run_name": "own", "logs": None}]
    with_tracker = config.from_dict({**recipe, "report_to": ["tensorboard"]})
    assert pipeline.run(with_tracker, progress=False) == folder
    assert len(told()) == 2, "no stage depends on who is told"
    pipeline.run(with_tracker, out="other", progress=False)
    logs = [str(Path("other") / "stages" / f"{i}-mine" / "tensorboard") for i in (0, 1)]
    assert told()[2:] == [
        {"report_to": ["tensorboard"], "run_name": "mine/0-mine", "logs": logs[0]},
        {"report_to": ["tensorboard"], "run_name": "own", "logs": logs[1]},
    ]
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ
    for name in ("0-mine", "1-mine"):
        done = [json.loads((place / "stages" / name / "done.json").read_text())["inputs"]
                for place in (folder, Path("other"))]  # fmt: skip
        assert done[0] == done[1]


def test_a_tracker_that_is_not_installed_is_named_at_once(recipe, monkeypatch):
    here(monkeypatch)
    for name in ("trackio", "wandb", "tensorboard", "mlflow"):
        with pytest.raises(LetheError, match=rf"^report_to: {name} is not .*: pip install {name}$"):
            planning.plan(config.from_dict({**recipe, "report_to": [name]}))
    with pytest.raises(LetheError, match=r"report_to.0: .*'trackio', 'wandb', 'tensorboard'"):
        config.from_dict({**recipe, "report_to": ["wand"]})


def test_a_stages_own_trackers_are_found_at_once_too(recipe, monkeypatch):
    here(monkeypatch, "tensorboard")
    for own, message in {
        "wandb": r"stages\.1\.trainer\.report_to: wandb is not installed: pip install wandb$",
        "tensorbord": r"stages\.1\.trainer\.report_to: tensorbord: did you mean tensorboard\?",
    }.items():
        for given in (own, ["tensorboard", own]):
            stage = {"stage": "./mine.py", "trainer": {"report_to": given}}
            with pytest.raises(LetheError, match=message):
                planning.plan(config.from_dict({**recipe, "stages": ["./mine.py", stage]}))


def test_a_stages_own_trackers_write_into_its_folder(recipe, monkeypatch):
    here(monkeypatch, "tensorboard")
    own, none = ({"stage": "./mine.py", "trainer": {"report_to": who}}
                 for who in (["tensorboard"], "none"))  # fmt: skip
    pipeline.run(config.from_dict({**recipe, "stages": [own]}), out="own", progress=False)
    logs = str(Path("own") / "stages" / "0-mine" / "tensorboard")
    assert told() == [{"report_to": ["tensorboard"], "run_name": "mine/0-mine", "logs": logs}]
    silent = {**recipe, "report_to": ["tensorboard"], "stages": [none]}
    pipeline.run(config.from_dict(silent), out="none", progress=False)
    assert told()[1:] == [{"report_to": "none", "logs": None}]


def test_a_place_that_a_variable_names_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_DIR", "mine")
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)
    with tracking.into(tmp_path, ["tensorboard", "wandb", "mlflow"]):
        assert os.environ["WANDB_DIR"] == "mine"
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "tensorboard")
    assert os.environ["WANDB_DIR"] == "mine" and "TENSORBOARD_LOGGING_DIR" not in os.environ
