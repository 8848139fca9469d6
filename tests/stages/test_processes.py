"""Training in several processes under torchrun (gloo): the numbers of one, and after a kill."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lethe import data, runs
from lethe import model as models
from lethe.config import Model

# Pays by the token ids. The second process kills itself where a file says so, as a machine might.
PAY = '''"""A reward."""
import os, signal
from pathlib import Path

def pay(completions, scope, completion_ids, trainer_state, **columns):
    """Something that varies."""
    stop = Path(__file__).with_name("kill_at")
    here = os.environ.get("RANK") == "1" and stop.exists()
    if here and trainer_state.global_step == int(stop.read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
    return [float(sum(ids) % 7) for ids in completion_ids]
'''
REBO = {
    "stage": "rebo",
    "steps": 6,
    "prompts_per_step": 4,
    "num_generations": 3,
    "learning_rate": 3e-3,
    "max_new_tokens": 6,
    "beta": 0.05,
    "eval_every": 2,
    "save_every": 2,
    "collapse": None,
}
OFFLINE = {"learning_rate": 3e-3, "batch_size": 4, "eval_every": 2, "save_every": 2}


@pytest.fixture
def recipe(lab, tmp_path):
    """`recipe(stages, **model)`: a recipe file over the two toy models' rows."""
    given = lab.lessons()
    tests = [
        row.model_copy(
            update={"id": f"test-{row.id}", "prompt": f"{row.prompt} ?", "split": "test"}
        )
        for row in given["validation"]
    ]
    tests[0] = tests[0].model_copy(update={"answer": "Oslo"})  # what relearning is not given
    data.write(tmp_path / "rows.jsonl", [row for rows in given.values() for row in rows] + tests)
    (tmp_path / "pay.py").write_text(PAY)

    def make(stages, **model):
        raw = {
            "name": "several",
            "model": {"path": lab.steered, **model},
            "data": {"benchmark": "rows", "path": str(tmp_path / "rows.jsonl")},
            "stages": stages,
            "evaluate": {"models": "last"},
            "attacks": [{"attack": "relearn", "steps": 2}],
        }
        (tmp_path / "recipe.yaml").write_text(json.dumps(raw))
        return tmp_path / "recipe.yaml"

    return make


def run(recipe, out, processes=2):
    """`lethe run`, by torchrun or alone."""
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    how = together if processes > 1 else []
    return subprocess.run(
        [sys.executable, *how, "-m", "lethe", "run", recipe, "--out", out],
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def summary(out: Path) -> list:
    return json.loads((out / "eval" / "summary.json").read_text())


def weights(folder: Path):
    found = sorted(folder.glob("*.safetensors"))
    assert found
    return [file.read_bytes() for file in found]


def same(one: Path, two: Path, model: str, spec: Model) -> None:
    """Two runs say the same, but for the last digits."""
    import torch

    first, second = summary(one), summary(two)
    assert [(r["metric"], r["group"], r["n"]) for r in first] == [
        (r["metric"], r["group"], r["n"]) for r in second
    ]
    for ours, theirs in zip(first, second, strict=True):
        assert ours["value"] == pytest.approx(theirs["value"], abs=2e-4), (ours, theirs)
    nets = [models.load(out / "stages" / model / "model", spec) for out in (one, two)]
    pairs = list(zip(*(net.parameters() for net in nets), strict=True))
    assert all(torch.allclose(a, b, atol=2e-4) for a, b in pairs)


GUIDED = {
    **REBO,
    "guidance": "demonstration",
    "resample": 1,
    "prompt_choice": "adaptive",
    "advantage_estimator": "reinforce_pp",
    "micro_batch": 3,
}
STAGES = {
    "full": [
        {"stage": "rejection_steering", "batch_size": 4, "learning_rate": 3e-3, "epochs": 2},
        {"stage": "rmu", **OFFLINE, "epochs": 3, "patience": 9, "interpolate": [0.5]},
        GUIDED,
    ],
    "lora": [
        {"stage": "npo", **OFFLINE, "gdr": 1.0, "klr": 0.5, "epochs": 3},
        {"stage": "kto", **OFFLINE, "epochs": 1},
        REBO,
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("which", STAGES)
def test_two_processes_train_as_one(recipe, tmp_path, which):
    """The same rows a step, so the same numbers but for the order of sums; an attack too."""
    paid = {"rewards": {str(tmp_path / "pay.py"): 1.0}}
    stages = [{**s, **paid} if s["stage"] == "rebo" else s for s in STAGES[which]]
    model = {"lora": {"rank": 4, "alpha": 8}} if which == "lora" else {}
    file = recipe(stages, **model)
    for processes, name in ((1, "one"), (2, "two")):
        found = run(file, tmp_path / name, processes)
        assert found.returncode == 0, found.stderr[-3000:]
        assert found.stdout.count("report: ") == 1
    last = f"{len(stages) - 1}-rebo"
    same(tmp_path / "one", tmp_path / "two", last, Model(path="-", **model))
    looks = [places(tmp_path / name) for name in ("one", "two")]
    assert looks[0] == looks[1] and len(looks[0]) > 20
    assert any(record["metric"] == "relearn" for record in summary(tmp_path / "two"))


def places(out: Path) -> list:
    """Where the curve has points."""
    files = sorted((out / "stages").glob("*/metrics.jsonl"))
    points = [point for file in files for point in runs.read_lines(file)]
    return [(p["step"], p["split"], p["scope"], p.get("n")) for p in points]


@pytest.mark.slow
def test_a_killed_process_ends_the_run_which_then_goes_on_to_the_same_bytes(recipe, tmp_path):
    """Of two the second dies in the fifth step of ReBO; LoRA, with a checkpoint at the fourth."""
    stages = [{**REBO, "rewards": {str(tmp_path / "pay.py"): 1.0}}]
    file = recipe(stages, lora={"rank": 4, "alpha": 8})
    assert run(file, tmp_path / "whole").returncode == 0
    (tmp_path / "kill_at").write_text("4")
    killed = run(file, tmp_path / "killed")
    assert killed.returncode != 0
    stage = tmp_path / "killed" / "stages" / "0-rebo"
    assert (stage / "checkpoints" / "checkpoint-4" / "whole").exists()
    assert not (stage / "done.json").exists()
    (tmp_path / "kill_at").unlink()
    again = run(file, tmp_path / "killed")
    assert again.returncode == 0, again.stderr[-3000:]
    assert summary(tmp_path / "killed") == summary(tmp_path / "whole")
    whole = tmp_path / "whole" / "stages" / "0-rebo"
    assert weights(stage / "model") == weights(whole / "model")
    assert (stage / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()
