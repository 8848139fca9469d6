"""`lethe show --estimate`: of recipes and configurations, no weights at hand."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from lethe import cli, config, estimate, world
from lethe.estimate import text
from lethe.plug import LetheError

GIB = estimate.GIB
SHAPE = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}


@pytest.fixture
def large(tmp_path):
    """Llama-3-8B's configuration with the world's tokenizer, and no weights."""
    from transformers import LlamaConfig

    folder = tmp_path / "large"
    folder.mkdir()
    LlamaConfig(**SHAPE).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (world.SHIPPED / name).is_file():
            shutil.copy(world.SHIPPED / name, folder)
    return folder


def recipe(path, *stages, **model):
    return config.from_dict(
        {
            "name": "r",
            "model": {"path": str(path), **model},
            "data": {"benchmark": "world"},
            "stages": list(stages),
        }
    )


REBO = {"stage": "rebo", "prompts_per_step": 8, "max_new_tokens": 32}


def test_an_adapter_on_one_gpu(large):
    one = estimate.Machine(1, 80 * GIB)
    found = estimate.estimate(recipe(large, "rejection_steering", REBO, lora={}), one)
    steering, rebo, evaluation = found.parts
    assert all(estimate.fits(part, one) and not part.advice for part in found.parts)
    assert rebo.peak.weights == 8_030_261_248 * 2 + 41_943_040 * 4
    assert rebo.peak.copies == 41_943_040 * 4 and steering.peak.copies == 0
    assert rebo.work.rollouts == 20 * 64 and rebo.work.tokens == 20 * 64 * 32
    assert evaluation.peak.weights == 8_030_261_248 * 2
    assert evaluation.name == "evaluation of 3 models"


def test_what_does_not_fit_says_what_would_help(large):
    one = estimate.Machine(1, 80 * GIB)
    found = estimate.estimate(recipe(large, REBO), one)
    [part, _] = found.parts
    # Float32 weights, gradients, two moments, a reference: 20 bytes a parameter.
    step = next(phase for phase in part.phases if phase.name == "optimiser step")
    assert step.total == 20 * 8_030_261_248 and not estimate.fits(part, one)
    assert dict(part.advice)["model.lora: {}"] < 40 * GIB
    told = "\n".join(text.lines(found))
    assert "DOES NOT FIT into 80.0" in told and "    model.lora: {}: " in told


def test_gpus_that_share(large):
    given = recipe(large, REBO)
    copies = estimate.estimate(given, estimate.Machine(8, 80 * GIB)).parts[0]
    shared = estimate.estimate(given, estimate.Machine(8, 80 * GIB, sharded=True)).parts[0]
    assert "FSDP or ZeRO-3" in dict(copies.advice)
    assert shared.peak.optimizer == 8 * 8_030_261_248 / 8
    assert shared.peak.total < copies.peak.total


def test_every_stage_is_estimated_or_says_that_it_is_not(tmp_path):
    from lethe import plug

    names = [name for name in plug.names("stage") if name not in ("in_context", "rebo")]
    given = recipe("world:0", *names, "in_context")
    found = estimate.estimate(given, estimate.machine(0, None, False))
    assert [bool(part.phases) for part in found.parts] == [True] * len(names) + [False, True]
    assert all(part.work.update > 0 and part.work.steps > 0 for part in found.parts[: len(names)])
    assert f"{len(names)} in_context: not estimated" in list(text.lines(found))


def run(settings, tmp_path):
    """One stage from the embedded model, as the pipeline would run it; its folder's lines."""
    from lethe import plug
    from lethe.model import Checkpoint
    from lethe.planning import plan

    given = recipe(world.SHIPPED, settings)
    start = Checkpoint(str(world.SHIPPED), str(world.SHIPPED), given.model)
    stage = plug.resolve("stage", settings["stage"])
    stage.train(given.stages[0], start, plan(given).training(0), tmp_path, 0)
    names = [
        n for n in ("metrics", "interpolation", "scales") if (tmp_path / f"{n}.jsonl").exists()
    ]
    return {
        name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in names
    }


def work(settings):
    found = estimate.estimate(recipe(world.SHIPPED, settings), estimate.machine(0, None, False))
    return found.parts[0].work


@pytest.mark.slow
def test_a_run_looks_as_often_as_estimated_and_rolls_out_no_more(tmp_path):
    settings = {**REBO, "prompts_per_step": 4, "num_generations": 2, "max_new_tokens": 4}
    settings |= {"steps": 3, "resample": 2, "eval_every": 2, "eval_rows": 1, "interpolate": [0.5]}
    told = run(settings, tmp_path)
    looks = [
        line
        for line in told["metrics"]
        if line.get("split") == "validation" and line["scope"] == "all"
    ]
    shares = [line for line in told["interpolation"] if line["scope"] == "all"]
    assert [line["step"] for line in looks] == [0, 2, 3] and len(shares) == 2
    # Without any but the first and the last there are two.
    two = work(settings | {"eval_every": 3, "interpolate": []}).looks
    assert work(settings).looks == pytest.approx(two * 5 / 2)
    made = max(line.get("rollouts", 0) for line in told["metrics"])
    assert 3 * 8 < made <= work(settings).rollouts == 3 * 8 * 3


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["npo", "kto"])
def test_a_last_step_that_is_due_is_looked_at_once(tmp_path, stage):
    settings = {"stage": stage, "epochs": 1, "batch_size": 64, "eval_rows": 1, "eval_every": 1}
    told = run(settings, tmp_path)["metrics"]
    looks = [
        line["step"]
        for line in told
        if line.get("split") == "validation" and line["scope"] == "all"
    ]
    two = work(settings | {"eval_every": 1000}).looks
    assert looks == [*range(work(settings).steps + 1)]
    assert work(settings).looks == pytest.approx(two * len(looks) / 2)


def test_attacks_are_estimated_or_say_that_they_are_not(large, tmp_path):
    from lethe.attacks import relearn

    mine = tmp_path / "mine.py"
    mine.write_text(
        "from lethe.config import Attack\nMETRIC = 'leak_rate'\nclass Config(Attack):\n"
        "    attack: str = 'mine'\n"
        "def run(config, model, rows, out, seed, settings):\n    return []\n"
    )
    given = config.from_dict(
        {**config.plain(recipe(large, "in_context")), "attacks": ["relearn", str(mine)]}, "r"
    )
    one = estimate.Machine(1, 80 * GIB)
    found = estimate.estimate(given, one)
    untrained, _, part, unknown = found.parts
    assert not untrained.phases and part.name == "relearn of 2 models"
    # Float32 weights, gradients and two moments: 16 bytes a parameter.
    step = next(phase for phase in part.phases if phase.name == "optimiser step")
    assert step.total == 16 * 8_030_261_248 and not estimate.fits(part, one)
    assert [words for words, _ in part.advice] == ["model.lora: {}"]
    _, asked = relearn.parts(relearn.Config(), world_rows(), 0)
    assert (part.work.steps, part.work.rollouts) == (2 * 20, 2 * len(asked))
    told = list(text.lines(found))
    assert "mine: not estimated" in told and not unknown.phases
    evaluate = given.evaluate.model_copy(update={"models": "last", "samples": 3})
    last = estimate.estimate(given.model_copy(update={"evaluate": evaluate}), one).parts[2]
    assert (last.name, last.work.rollouts) == ("relearn of 1 models", len(asked))


def world_rows():
    return [row for rows in world.rows(0, 1).values() for row in rows]


def test_what_mixing_holds_depends_on_what_is_kept(large):
    one = estimate.Machine(1, 80 * GIB)

    def models(stage, **model):
        part = estimate.estimate(recipe(large, stage, **model), one).parts[0]
        mixing = [phase.copies for phase in part.phases if phase.name == "mixing"]
        return mixing[0] / (8_030_261_248 * 4) if mixing else None

    npo = {"stage": "npo", "interpolate": [0.5]}
    assert models("npo") is None
    assert (models(npo), models({**npo, "select": "last"})) == (3, 2)
    assert models("task_vector") == 2
    assert models(npo, lora={}) < 0.02


@pytest.mark.slow
def test_scales_are_looked_at_as_often_as_estimated(tmp_path):
    settings = {"stage": "task_vector", "epochs": 1, "batch_size": 64, "eval_rows": 1}
    told = run(settings, tmp_path)
    assert not [line for line in told["metrics"] if line.get("split") == "validation"]
    one = work({**settings, "stage": "npo", "eval_every": 1000}).looks / 2
    assert work(settings).looks == pytest.approx(one * len(told["scales"]))
    assert work({**settings, "scales": [1.0]}).looks == 0


def test_one_gpu_is_estimated_unless_more_are_named(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 8)
    assert estimate.machine(None, 24, False) == (1, 24 * GIB, False)
    assert estimate.machine(8, 24, True) == (8, 24 * GIB, True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert estimate.machine(None, None, False).gpus == 0
    assert estimate.machine(None, 24, False).gpus == 1


@pytest.mark.parametrize("rollout", ["vllm-colocate", "vllm-server"])
def test_what_is_not_installed_here_is_no_fault(large, rollout):
    stage = {**REBO, "rollout": rollout, "trainer": {"report_to": ["mlflow"]}}
    given = recipe(large, stage, lora={}).model_copy(update={"report_to": ["wandb"]})
    judge = {"model": "m", "base_url": "http://localhost:1/v1"}
    evaluate = given.evaluate.model_copy(update={"judge": config.Judge(**judge)})
    given = given.model_copy(update={"evaluate": evaluate})
    part = estimate.estimate(given, estimate.Machine(8, 80 * GIB)).parts[0]
    assert [p.name for p in part.phases if p.name == "rollout"] == ["rollout"] * ("co" in rollout)
    wrong = [{**stage, "vllm": {"tensor_parallel": 3}}, {**stage, "trainer": {"report_to": ["w"]}}]
    for one in wrong if rollout == "vllm-colocate" else wrong[1:]:
        with pytest.raises(LetheError, match=r"tensor_parallel: 3 does not divide|report_to: w: "):
            estimate.estimate(recipe(large, one), estimate.Machine(8, 80 * GIB))


def test_what_so_many_processes_could_not_run_is_refused_as_by_launch(tmp_path, capsys):
    file = tmp_path / "r.yaml"
    file.write_text(config.dump(recipe("world:0", "rejection_steering")))
    asked = [
        ["launch", str(file), "--dry-run", "--processes", "3", "--out", str(tmp_path / "out")],
        ["show", str(file), "--estimate", "--gpu-memory", "24", "--gpus", "3"],
    ]
    told = []
    for arguments in asked:
        assert cli.main(arguments) == 2
        told.append(capsys.readouterr().err.splitlines()[-1])
    assert "a step of 8 rows cannot be spread evenly over 3 processes" in told[0]
    assert told[0] == told[1] and "WORLD_SIZE" not in os.environ
    file.write_text(config.dump(recipe("world:0", "task_vector")))
    assert cli.main([*asked[1][:-1], "2", "--sharded"]) == 2
    assert "no FSDP, no ZeRO" in capsys.readouterr().err


def test_the_command(tmp_path, capsys):
    file = tmp_path / "r.yaml"
    file.write_text(config.dump(recipe("world:0", REBO)))
    given = ["show", str(file), "--estimate", "--gpus", "0"]
    assert cli.main([*given, "--stages.0.steps", "3"]) == 0
    told = capsys.readouterr().out
    assert "985,600 parameters, 985,600 trained (every weight)" in told
    assert "on the CPU, with" in told and "TFLOP update" in told
    lines = told.splitlines()
    row = next(line for line in lines if line.startswith("0 rebo") and "fits" not in line[6:])
    assert row == "0 rebo" or row.startswith("0 rebo ")
    assert cli.main([*given, "--json", "--stages.0.steps", "3"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["parts"][0]["work"]["rollouts"] == 3 * 64
    assert data["parts"][0]["fits"] and data["shape"]["parameters"] == 985_600


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--gpus", "2"], "--gpus: goes with --estimate"),
        (["--json"], "--json: goes with --estimate"),
        (["--gpus", "0"], "--gpus: goes with --estimate"),
        (["--estimate", "--gpu-memory", "0"], "--gpu-memory: 0: GiB of one GPU, above 0"),
        (["--estimate", "--gpus", "0", "--sharded"], "--sharded: needs several GPUs"),
    ],
)
def test_wrong_options(tmp_path, capsys, options, said):
    file = tmp_path / "r.yaml"
    file.write_text(config.dump(recipe("world:0", REBO)))
    assert cli.main(["show", str(file), *options]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def measuring(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "bench")
    import memory

    yield memory
    sys.modules.pop("memory", None)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resets the mark of the peak by /proc")
@pytest.mark.parametrize("case", ["rebo", "npo-interpolate"])
def test_the_estimate_is_within_a_fifth_of_what_is_measured(measuring, tmp_path, case):
    toy, path = (measuring.make(size, tmp_path / size) for size in ("toy", "2M"))
    found = measuring.measure(case, path, toy)
    assert found["estimated"] == pytest.approx(found["measured"], rel=0.2), found
