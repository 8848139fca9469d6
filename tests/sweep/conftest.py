"""A recipe that runs in seconds: a stage that copies the model, and a handful of rows."""

import json
from pathlib import Path

import pytest

from lethe import config

STAGE = '''"""Copies the model."""
import shutil, time
from pathlib import Path
from lethe.config import Stage

class Config(Stage):
    """Its settings."""
    note: str = "here"

def train(config, model, data, out, seed):
    if config.note == "bad" and not Path("mended").exists():
        raise RuntimeError("it went wrong")
    if config.note == "slow":
        Path("slow").touch()
        while not Path("go").exists():
            time.sleep(0.05)
    with Path("ran.txt").open("a") as file:
        file.write(f"{config.note} {seed}\\n")
    shutil.copytree(model.path, out / "model")
'''


@pytest.fixture
def recipe(saved, tmp_path, monkeypatch):
    """Such a recipe, also in r.yaml, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    Path("copy_stage.py").write_text(STAGE)
    rows = [
        {"id": f"{scope}-{split}", "prompt": f"Who is {who} {split} ?", "answer": "baker",
         "scope": scope, "split": split, "subject": "Bo" if scope == "forget" else None}
        for scope, who in (("forget", "Bo"), ("boundary", "Ada"))
        for split in ("train", "test")
    ]  # fmt: skip
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    raw = {
        "name": "tiny",
        "model": {"path": str(saved())},
        "data": {"benchmark": "rows", "path": "rows.jsonl"},
        "stages": ["./copy_stage.py"],
        "evaluate": {"max_new_tokens": 3, "metrics": ["refusal_rate", "accuracy"]},
    }
    made = config.from_dict(raw)
    Path("r.yaml").write_text(config.dump(made))
    return made


@pytest.fixture
def ran():
    """What the stage noted so far, sorted."""

    def read() -> list[str]:
        file = Path("ran.txt")
        return sorted(file.read_text().splitlines()) if file.exists() else []

    return read
