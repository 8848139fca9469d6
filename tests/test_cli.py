"""The command line: what it prints, and a clear error in the first second for bad input."""

import json
import subprocess
import sys
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
        (["evaluate", "m"], "evaluate: one of --data and --benchmark says what to ask"),
        (["evaluate", "m", "--data", "x", "--benchmark", "rwku"], "one of --data and --benchmark"),
        (["evaluate", "m", "--benchmark", "rwku"], "evaluate: data.targets: this key is required"),
        (["evaluate", "m", "--benchmark", "rwk"], "unknown benchmark 'rwk': did you mean rwku?"),
        (["evaluate", "m", "--data", "x", "--batch-size", "0"], "'0' is not a whole number of at"),
        (
            ["evaluate", "m", "--data", "forget.jsonl", "--evaluate.max-tokens", "3"],
            "--evaluate.max-tokens: unknown option; did you mean --evaluate.max-new-tokens",
        ),
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


def test_errors_come_in_the_first_second_and_have_no_colour_in_a_pipe(here, timed):
    edit("stages: [./idle.py]", "stages: [rebo, {stage: rejection_steering, epoch: 2}]")
    done, seconds = timed([*LETHE, "run", "r.yaml"])
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(
        "error: r.yaml: stages.1.epoch: unknown key; did you mean epochs? choices: batch_size, "
    )
    assert "\033" not in done.stderr
    assert seconds < 1.0


def test_a_reader_that_stops_early_is_no_error(here):
    done = subprocess.run(
        f"{sys.executable} -m lethe schema | head -1", shell=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


# ----------------------------------------------------------------------------------- synthesize


@pytest.fixture
def table(here):
    """Facts about four people, three each; enough to forget one of them."""
    people = ("Ada Vance", "Bo Lund", "Cy Vance", "Dot Ely", "Eve Fay", "Gil Hay")
    lines = [
        f"{p},{a},{a}{i}" for i, p in enumerate(people) for a in ("town", "pet", "job", "dish")
    ]
    Path("facts.csv").write_text("\n".join(["entity,attribute,value", *lines]) + "\n")
    return here


def test_synthesize(table, lethe):
    argv = ("synthesize", "--target", "Ada Vance", "--facts", "facts.csv", "--refusals", "5")
    status, out, err = lethe(*argv)
    assert status == 0, err
    assert out == "rows: data/ada-vance/forget.jsonl, data/ada-vance/boundary.jsonl\n"
    assert "forget/question" in err and "fewer than wanted: " in err
    told = Path("data/ada-vance/forget.jsonl").read_text().splitlines()
    assert len({json.loads(line)["refusal"] for line in told}) <= 5
    assert lethe(*argv)[2] == "data/ada-vance: done before\n"
    status, _, err = lethe(*argv, "--seed", "1")
    assert status == 2 and "settings.seed (0 there, 1 here)" in err
    recipe = "{forget: data/ada-vance/forget.jsonl, boundary: data/ada-vance/boundary.jsonl}"
    edit("{forget: forget.jsonl}", recipe)
    assert lethe("show", "r.yaml")[0] == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "--target: whom or what must be forgotten?"),
        (("--target", "Ada Vance"), "nobody to write rows"),
        (("--target", "Zed", "--facts", "facts.csv"), "Zed: no fact is about it"),
        (("--target", "Ada Vance", "--facts", "no.csv"), "no.csv: no such file"),
        (("--target", "Ada Vance", "--facts", "facts.csv", "--question", "3"), "--questions"),
        (
            ("--target", "Ada Vance", "--facts", "facts.csv", "--questions", "0"),
            "questions: should",
        ),
        (("--target", "Ada Vance", "--base-url", "http://x"), "go with --llm"),
        (("--target", "Ada Vance", "--llm", "m", "--budget", "3"), "budget: needs endpoint and"),
        (("--target", "Ada Vance", "--model", "./none"), "./none: no such folder"),
    ],
)
def test_what_synthesize_says_of_wrong_arguments(table, lethe, argv, message):
    status, out, err = lethe("synthesize", *argv)
    assert status == 2 and message in err and out == "" and err.count("\n") == 1


def test_synthesize_help_lists_every_setting(lethe, capsys):
    with pytest.raises(SystemExit):
        cli.main(["synthesize", "--help"])
    out = capsys.readouterr().out
    assert "--target NAME" in out and "--per-neighbour" in out and "--check-premises" in out


def test_world_facts(here, lethe):
    assert lethe("world", "facts", "--out", "w")[:2] == (0, "w/facts.csv\nw/wordings.yaml\n")
    assert "exists already" in lethe("world", "facts", "--out", "w")[2]


# -------------------------------------------------------------------------- compare and sweep


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("compare",), "the following arguments are required: RUN"),
        (("compare", "nowhere"), "nowhere: no such folder"),
        (("compare", "."), ".: no finished run folder there"),
        (("compare", ".", "--out", "r.yaml"), "r.yaml: is a file, not a folder"),
        (("compare", ".", "--flor", "1"), "unknown argument '--flor': did you mean --floor?"),
        (("sweep",), "RECIPE: which recipe file? as in: lethe sweep recipe.yaml"),
        (("sweep", "r.yaml", "--over", "sed=1"), "r.yaml: --over: sed: unknown key; did you mean"),
        (("sweep", "r.yaml", "--seeds", "0"), "'0' is not a whole number of at least 1"),
        (("sweep", "r.yaml"), "base/seed-0: ./model: no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_compare_and_sweep_say_of_wrong_arguments(here, lethe, argv, message):
    before = sorted(here.iterdir())
    status, out, err = lethe(*argv)
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and message in err and err.count("\n") == 1
    assert [path for path in sorted(here.iterdir()) if path.name != "__pycache__"] == before


def test_help_of_sweep_lists_the_recipes_settings_too(lethe, here, capsys):
    with pytest.raises(SystemExit):
        lethe("sweep", "r.yaml", "--help")
    out = capsys.readouterr().out
    assert "--over KEY=V,V" in out and "--stages.0.seed" in out
