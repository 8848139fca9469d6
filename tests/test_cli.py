"""The command line: what it prints, and a clear error in the first second for bad input."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe import cli, config

STAGE = (
    '"""Does nothing."""\nfrom lethe.config import Stage\n\nclass Config(Stage):\n    """None."""\n'
)
LETHE = [sys.executable, "-m", "lethe"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with rows, a stage and a recipe of one's own."""
    monkeypatch.chdir(tmp_path)
    Path("idle.py").write_text(STAGE)
    Path("forget.jsonl").write_text(
        '{"prompt": "Where was Ada Vance born?", "answer": "Tarn", "subject": "Ada Vance"}\n'
        '{"prompt": "Who taught Ada Vance?", "answer": "Bo", "subject": "Ada Vance"}\n'
        '{"prompt": "When was Ada Vance born?", "answer": "1901", "subject": "Ada Vance"}\n'
    )
    Path("r.yaml").write_text(
        "name: mine\nmodel: {path: ./model}\ndata: {forget: forget.jsonl}\nstages: [./idle.py]\n"
    )
    return tmp_path


@pytest.fixture
def lethe(capsys):
    """Runs a command in this process: exit status, stdout, stderr."""

    def run(*argv: str) -> tuple[int, str, str]:
        status = cli.main(argv)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def edit(old: str, new: str) -> None:
    text = Path("r.yaml").read_text()
    assert old in text
    Path("r.yaml").write_text(text.replace(old, new))


# -------------------------------------------------------------------------------------- output


def test_list(lethe):
    status, out, err = lethe("list")
    assert (status, err) == (0, "")
    assert "rejection_steering" in out
    assert "leak_rate" in out
    status, out, _ = lethe("list", "reward")
    assert out.startswith("reward:\n")
    assert "leak_rate" not in out


def test_show_prints_every_default_and_takes_overrides(lethe, here):
    status, out, err = lethe("show", "r.yaml", "--seed", "7", "--model.lora.rank=4")
    assert (status, err) == (0, "")
    Path("shown.yaml").write_text(out)
    recipe = config.load("shown.yaml")
    assert recipe.seed == 7
    assert recipe.model.lora == config.Lora(rank=4)
    assert "max_new_tokens: 32" in out


def test_help_of_a_recipe_lists_its_settings(lethe, here, capsys):
    with pytest.raises(SystemExit) as stop:
        lethe("run", "r.yaml", "--help")
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "--out DIR" in out
    assert "--stages.0.seed" in out
    assert lethe("run", "--help")[0] == 0


def test_schema(lethe):
    assert '"title": "Lethe recipe"' in lethe("schema")[1]


def test_version():
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0


# --------------------------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["rn"], "invalid choice: 'rn' (choose from 'run', "),
        ([], "the following arguments are required: COMMAND; see lethe --help"),
        (["list", "stge"], "invalid choice: 'stge' (choose from 'stage', "),
        (["list", "--foo"], "unknown argument '--foo': choices: --help"),
        (["evaluate", "m"], "the following arguments are required: --data"),
        (["evaluate", "m", "--dta", "x", "--data", "y"], "unknown argument '--dta': did you mean"),
        (["evaluate", "m", "--data", "no.jsonl"], "no.jsonl: no such file"),
        (["evaluate", "m", "--data", "."], "recipe.yaml: no such file"),
        (
            ["evaluate", "m", "--data", "forget.jsonl", "--metrics", "x"],
            "evaluate: evaluate.metrics: unknown metric 'x': choices: accuracy",
        ),
        (["evaluate", "world:x", "--data", "forget.jsonl"], "needs a whole number, as in world:0"),
        (["quickstart", "--seed", "-1"], "'-1' is not a whole number of at least 0"),
        (["quickstart", "--targets", "0"], "'0' is not a whole number of at least 1"),
        (["world", "show", "--split", "tst"], "invalid choice: 'tst' (choose from 'train', "),
        (["report", "nowhere"], "nowhere: not a run folder"),
        (["run"], "RECIPE: which recipe file? as in: lethe run recipe.yaml"),
        (["run", "no.yaml"], "no.yaml: no such file"),
        (["run", "r.yaml", "16"], "command line: unexpected '16'"),
        (
            ["run", "r.yaml", "--sed", "1"],
            "command line: --sed: unknown option; did you mean --see",
        ),
        (["run", "r.yaml", "--seed", "x"], "command line: --seed: invalid literal for int()"),
        (["run", "r.yaml"], "./model: no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_commands(lethe, here, argv, message):
    status, out, err = lethe(*argv)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: mine", "name: mine\nnam: x", "r.yaml: nam: unknown key; did you mean name?"),
        ("stages: [./idle.py]", "stages: [./idle.py", "r.yaml:5: not valid YAML"),
        ("stages: [./idle.py]", "stages: [rebbo]", "r.yaml: stages.0: unknown stage 'rebbo': "),
        ("stages: [./idle.py]", "stages: [./no.py]", "r.yaml: stages.0: stage './no.py': no such"),
        (
            "stages: [./idle.py]",
            "stages: [{stage: rebo, rewards: {refsal: 1}}]",
            "r.yaml: stages.0.rewards: unknown reward 'refsal': did you mean refusal?",
        ),
        ("{forget:", "{benchmark: rwk, forget:", "r.yaml: data: unknown benchmark 'rwk': did you"),
        ("forget.jsonl", "no.jsonl", "no.jsonl: no such file"),
        ("name: mine", "name: mine\nname: his", "r.yaml:2: not valid YAML: the key 'name' stands"),
    ],
)
def test_wrong_recipes(lethe, here, old, new, message):
    (here / "model").mkdir()
    edit(old, new)
    if "no.jsonl" in new:
        edit("./model", "some/hub-id")
    status, _, err = lethe("run", "r.yaml")
    assert status == 2
    assert err.startswith(f"error: {message}")


def test_nothing_is_written_when_the_input_is_wrong(lethe, here):
    before = sorted(here.iterdir())
    assert lethe("run", "r.yaml")[0] == 2
    assert lethe("run", "r.yaml", "--model.path", "a/b", "--data.forget", "x.jsonl")[0] == 2
    assert [path for path in sorted(here.iterdir()) if path.name != "__pycache__"] == before


def test_another_recipes_folder_is_refused(lethe, here):
    (here / "out").mkdir()
    (here / "out" / "thesis.tex").write_text("two years of work")
    status, _, err = lethe("run", "r.yaml", "--out", "out")
    assert status == 2
    assert "out: not empty and not a Lethe run; choose another with --out" in err
    assert (here / "out" / "thesis.tex").read_text() == "two years of work"


# ------------------------------------------------------------------------------ real processes


def test_errors_come_in_the_first_second_and_have_no_colour_in_a_pipe(here):
    edit("stages: [./idle.py]", "stages: [rebo, {stage: rejection_steering, epoch: 2}]")
    best = 99.0
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([*LETHE, "run", "r.yaml"], capture_output=True, text=True)
        best = min(best, time.perf_counter() - start)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        "error: r.yaml: stages.1.epoch: unknown key; did you mean epochs? choices: batch_size, "
    )
    assert "\033" not in done.stderr
    assert best < 1.0


def test_a_reader_that_stops_early_is_no_error(here):
    done = subprocess.run(
        f"{sys.executable} -m lethe schema | head -1", shell=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{\n", "")
