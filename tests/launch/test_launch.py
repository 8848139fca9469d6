"""`lethe launch`: the command it makes, what it refuses, and recipes in several real processes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import torch
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser

from lethe import cli, launch
from lethe.launch import Layout, command
from lethe.plug import LetheError

SLOW = '''"""A metric."""
import time

def slow(rows):
    """Takes its time."""
    time.sleep(120)
    return [1.0] * len(rows)
'''


@pytest.fixture
def recipe(saved, tmp_path):
    """A recipe that measures a small model, and trains nothing."""
    (tmp_path / "rows.jsonl").write_text(
        "".join(
            f'{{"id": "{i}", "prompt": "Who is {name} ?", "answer": "Oslo", "scope": "retain", '
            f'"split": "test"}}\n'
            for i, name in enumerate(["Ada", "Cy", "Dot", "Eli"])
        )
    )
    text = (
        f"name: small\nmodel: {{path: {saved(scale=0.15)}}}\nstages: []\n"
        f"data: {{benchmark: rows, path: {tmp_path}/rows.jsonl}}\nevaluate: {{batch_size: 1}}\n"
    )
    (tmp_path / "small.yaml").write_text(text)
    return tmp_path / "small.yaml"


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "lethe", "launch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


# --------------------------------------------------------------------------- what is started


def test_two_processes_run_a_recipe_and_the_first_is_heard(recipe, tmp_path):
    out = tmp_path / "run"
    child = start(recipe, "--processes", 2, "--out", out, "--evaluate.limit", 3)
    stdout, stderr = child.communicate(timeout=300)
    assert child.returncode == 0, stderr
    assert stdout.count("report: ") == 1 and (out / "eval" / "summary.json").is_file()
    assert "limit: 3" in (out / "recipe.yaml").read_text()
    assert stderr.count("-m torch.distributed.run --standalone --nproc-per-node=2") == 1
    logs = tmp_path / "run.launch" / "node-0"
    assert {path.parent.name for path in logs.glob("*/attempt_0/*/stdout.log")} == {"0", "1"}


@pytest.mark.slow
def test_two_nodes_find_each_other_through_accelerate(recipe, tmp_path):
    """Both on this machine; each shows its own first process."""
    where = ["--nodes", 2, "--main-address", "127.0.0.1", "--main-port", 29631, "--config", "ddp"]
    nodes = [
        start(recipe, *where, "--node-rank", rank, "--out", tmp_path / "run") for rank in (0, 1)
    ]
    for node in nodes:
        _, stderr = node.communicate(timeout=300)
        assert node.returncode == 0, stderr
    assert (tmp_path / "run" / "eval" / "summary.json").is_file()
    assert sorted(path.name for path in (tmp_path / "run.launch").iterdir()) == ["node-0", "node-1"]


def test_ctrl_c_ends_all_processes_and_says_how_to_go_on(recipe, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    child = start(
        recipe,
        "--processes",
        2,
        "--out",
        tmp_path / "run",
        "--evaluate.metrics",
        tmp_path / "slow.py",
    )
    answers = tmp_path / "run" / "eval" / "original" / "answers.jsonl"
    until = time.monotonic() + 200
    while not answers.is_file() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    assert answers.is_file(), child.communicate()
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert child.returncode == 130
    assert stderr.endswith("stopped; run the same command again to go on\n")
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(tmp_path) not in left


def test_a_dry_run_prints_what_can_be_pasted(recipe, tmp_path, capsys):
    out = tmp_path / "a run"
    told = ["launch", recipe, "--processes", 3, "--dry-run", "--out", out, "--seed", 2]
    assert cli.main(list(map(str, told))) == 0
    shown = capsys.readouterr().out
    assert shown == (
        f"OMP_NUM_THREADS=1 {sys.executable} -m torch.distributed.run --standalone "
        f"--nproc-per-node=3 --tee=3 '--log-dir={out}.launch/node-0' -m lethe run {recipe} "
        f"--seed 2 --out '{out}'\n"
    )
    assert not out.exists() and not (tmp_path / "a run.launch").exists()
    assert "WORLD_SIZE" not in os.environ


def test_nodes_are_told_where_the_first_is(tmp_path):
    made = command(["run", "r.yaml"], Layout(8, 2, 1, "node0", 29501), None, tmp_path)
    assert made[1:8] == [
        *["-m", "torch.distributed.run", "--nnodes=2", "--node-rank=1"],
        *["--master-addr=node0", "--master-port=29501", "--nproc-per-node=8"],
    ]


@pytest.mark.parametrize("layout", [Layout(8), Layout(8, 2, 1, "node0", 29501)])
@pytest.mark.parametrize("name", ["ddp", "fsdp2", "zero3"])
def test_accelerate_reads_our_command_and_our_files(layout, name, tmp_path):
    shape = launch.Path(launch.__file__).with_name(f"{name}.yaml")
    made = command(["run", "r.yaml", "--seed", "1"], layout, shape, tmp_path)
    assert made[1:3] == ["-m", "accelerate.commands.launch"]
    read = launch_command_parser().parse_args(made[3:])
    assert (read.num_processes, read.num_machines) == (layout.world, layout.nodes)
    assert (read.machine_rank, read.main_process_ip) == (layout.node_rank, layout.address)
    assert read.main_process_port == (29501 if layout.nodes > 1 else 0)
    assert (read.module, read.training_script) == (True, "lethe")
    assert read.training_script_args == ["run", "r.yaml", "--seed", "1"]
    assert (read.tee, read.log_dir) == ("3", str(tmp_path))
    found = load_config_from_file(str(shape))  # refuses keys that it does not know
    kinds = {"ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero3": "DEEPSPEED"}
    assert found.distributed_type == kinds[name] and found.mixed_precision == "bf16"
    if name == "fsdp2":
        known = {action.dest for action in launch_command_parser()._actions}
        assert set(found.fsdp_config) <= known and found.fsdp_config["fsdp_version"] == 2
    if name == "zero3":
        known = {action.dest for action in launch_command_parser()._actions}
        assert set(found.deepspeed_config) <= known


# ----------------------------------------------------------------------------- what is refused


def refused(capsys, *arguments):
    assert cli.main(["launch", *map(str, arguments)]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    return found.err


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (["--nodes", 2], r"--main-address: the name or address of node 0"),
        (["--main-address", "node0"], r"--main-address: is for several nodes"),
        (["--main-port", 29501], r"--main-port: is for several nodes"),
        (
            ["--nodes", 2, "--main-address", "a", "--main-port", 65536],
            r"--main-port: 65536: a",
        ),
        (["--nodes", 2, "--node-rank", 2], r"--node-rank: 2, but there are 2 .* choices: 0 to 1"),
        (["--config", "fsdp"], r"--config: fsdp: no such file; did you mean fsdp2"),
        (["--config", "ddp"], r"--config: ddp: needs 2 processes or more"),
        (["--evaluate.metrics", "acuracy"], r"did you mean accuracy"),
        (["--model.path", "/nowhere"], r"/nowhere: no such folder"),
        (["--sed", 1], r"sed"),
    ],
)
def test_what_is_wrong_is_told_once_before_anything_starts(recipe, tmp_path, capsys, told, message):
    found = refused(capsys, recipe, *told, "--out", tmp_path / "run")
    assert re.search(message, found), found
    assert not (tmp_path / "run.launch").exists()


def test_a_node_has_a_gpu_for_each_process_or_none_at_all():
    launch.check_gpus(8, 8)
    launch.check_gpus(2, 0)
    with pytest.raises(LetheError, match=r"--processes: 3, but this node has 2 GPUs.* 2 or fewer"):
        launch.check_gpus(3, 2)
    assert launch.gpus() == torch.cuda.device_count()


def test_weights_are_not_called_shared_where_nothing_shares_them(recipe, tmp_path):
    if torch.accelerator.is_available():
        pytest.skip("there is a GPU here, which FSDP would share weights on")
    child = start(recipe, "--processes", 2, "--config", "fsdp2", "--out", tmp_path / "run")
    _, stderr = child.communicate(timeout=300)
    assert child.returncode == 2
    assert "there is no GPU here, and nothing would be shared; on the CPU leave --config" in stderr


def test_the_working_directory_is_a_run_folder_too(recipe, tmp_path, monkeypatch, capsys):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert cli.main(["launch", str(recipe), "--dry-run", "--out", "."]) == 0
    assert f"--log-dir={tmp_path}/here.launch/node-0 " in capsys.readouterr().out


def test_other_nodes_wait_for_the_rows_that_the_first_makes(recipe, tmp_path, capsys):
    model = recipe.read_text().partition("path: ")[2].partition("}")[0]
    recipe.write_text(
        f"name: two\nmodel: {{path: {model}}}\n"
        f"data: {{benchmark: synthesis, target: Bo, out: {tmp_path}/rows}}\nstages: [npo]\n"
    )
    where = ["--nodes", 2, "--node-rank", 1, "--main-address", "node0", "--out", tmp_path / "run"]
    found = refused(capsys, recipe, *where)
    assert "no synthesised rows" in found and "start this one when they are there" in found


def test_a_configuration_that_would_start_one_process_is_refused(recipe, tmp_path, capsys):
    for name, text in {
        "no": "distributed_type: 'no'\n",
        "many": "distributed_type: MULTI_CPU\n",
        "cpu": "distributed_type: FSDP\nuse_cpu: true\n",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
        asked = [recipe, "--processes", 2, "--config", tmp_path / f"{name}.yaml"]
        assert "accelerate would start one process with it" in refused(capsys, *asked)


def test_what_sharded_weights_exclude_is_told_at_once(recipe, capsys):
    recipe.write_text(recipe.read_text().replace("stages: []", "stages: [task_vector]"))
    found = refused(capsys, recipe, "--processes", 2, "--config", "fsdp2", "--dry-run")
    assert "stages.0: needs whole weights in each process: no FSDP, no ZeRO" in found
    assert "ACCELERATE_USE_FSDP" not in os.environ


def test_deepspeed_must_be_there(recipe, capsys):
    if launch.importlib.util.find_spec("deepspeed"):
        pytest.skip("DeepSpeed is installed")
    found = refused(capsys, recipe, "--processes", 2, "--config", "zero3")
    assert 'pip install "lethe-unlearn[deepspeed]"; choices: fsdp2' in found


def test_a_recipe_is_planned_as_one_of_so_many_processes(recipe, tmp_path, capsys, monkeypatch):
    """What goes with one process alone is told before any starts."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    text = recipe.read_text().replace(
        "stages: []", "stages: [{stage: rebo, advantage_estimator: ppo}]"
    )
    recipe.write_text(text)
    found = refused(capsys, recipe, "--processes", 2, "--out", tmp_path / "run")
    assert "stages.0.advantage_estimator: ppo's value head learns in a single process" in found
    assert "WORLD_SIZE" not in os.environ
