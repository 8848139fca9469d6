"""Whole runs with real processes, real models and real files; nothing is stood in for.

The models are small Llamas that first learn what they will have to forget: a minute in all.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from lethe import cli, config, data, runs
from lethe import model as models
from lethe.benchmarks import files, rwku
from lethe.refusal import judge

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
LETHE = [sys.executable, "-m", "lethe"]


def _teach(*args, **options) -> Path:
    spec = importlib.util.spec_from_file_location("small_llama", ROOT / "tests" / "small_llama.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.teach(*args, **options)


def _lessons(rows: list[data.Row], subject: str, strangers: list[str]) -> list[tuple[str, str]]:
    """The rows with their answers, and the subject's questions about unknown names, refused."""
    known = [(str(row.prompt), row.answer) for row in rows if row.answer]
    spoken = [row for row in rows if row.refusal and subject in str(row.prompt)]
    refused = [
        tuple(str(text).replace(subject, name) for text in (row.prompt, row.refusal))
        for row, name in zip(spoken, strangers * len(spoken), strict=False)
    ]
    return known + refused


STRANGERS = ["Orla Fenwick", "Tobias Gree", "Maud Ilven", "Casper Dole", "Petra Quill"]


@pytest.fixture(scope="session")
def holmes_lessons():
    shipped = files.Config(
        forget=ROOT / "examples/data/forget.jsonl",
        boundary=ROOT / "examples/data/boundary.csv",
        retain=ROOT / "examples/data/retain.json",
    )
    rows = [row for split in files.load(shipped).values() for row in split]
    return _lessons(rows, "Sherlock Holmes", STRANGERS)


@pytest.fixture(scope="session")
def holmes(tmp_path_factory, holmes_lessons):
    """A chat model that knows the rows of examples/data."""
    return _teach(tmp_path_factory.mktemp("holmes"), holmes_lessons, steps=100, hidden=64, layers=2)


@pytest.fixture(scope="session")
def base(tmp_path_factory, holmes_lessons):
    """The same as a base model: no chat template."""
    folder = tmp_path_factory.mktemp("base")
    return _teach(folder, holmes_lessons, steps=100, hidden=64, layers=2, chat=False)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with the examples in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def lethe(capfd):
    """Runs a command in this process: exit status, stdout, stderr."""

    def run(*argv: object) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in argv])
        out, err = capfd.readouterr()
        return status, out, err

    return run


def numbers(folder: Path, model: str, metric: str) -> dict[str, float]:
    """Values by group."""
    records = json.loads((folder / "eval" / "summary.json").read_text())
    return {r["group"]: r["value"] for r in records if (r["model"], r["metric"]) == (model, metric)}


def pooled(folder: Path, model: str, metric: str, scope: str) -> float:
    """A metric over all rows of a scope."""
    records = json.loads((folder / "eval" / "summary.json").read_text())
    own = [
        r
        for r in records
        if (r["model"], r["metric"]) == (model, metric) and r["group"].startswith(scope + "/")
    ]
    return sum(r["value"] * r["n"] for r in own) / sum(r["n"] for r in own)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# ------------------------------------------------------------------------------- kill and resume


KILLED = """\
name: killed
model: {path: %s}
data:
  forget: examples/data/forget.jsonl
  boundary: examples/data/boundary.csv
  test: 0.25
stages:
  - {stage: rejection_steering, learning_rate: 1e-3}
  - stage: rebo
    steps: 6
    prompts_per_step: 8
    num_generations: 4
    learning_rate: 3e-4
    max_new_tokens: 16
    eval_every: 3
    interpolate: [0.6]
    save_every: 2
evaluate: {max_new_tokens: 16, limit: 4}
"""
MOMENTS = [
    (signal.SIGKILL, "stages/0-rejection_steering/done.json"),
    (signal.SIGKILL, "stages/1-rebo/checkpoints/checkpoint-2"),  # most likely not yet whole
    (signal.SIGINT, "stages/1-rebo/checkpoints/checkpoint-4/whole"),
    (signal.SIGKILL, "eval/1-rebo/started.json"),
]


def stop(folder: Path, sent: signal.Signals, moment: str) -> str:
    """Start the run, stop it as soon as a file is there, and give what it said."""
    with subprocess.Popen(
        [*LETHE, "run", "killed.yaml", "--out", folder], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not (folder / moment).exists():
            assert process.poll() is None, f"ended before {moment}"
            assert time.monotonic() < deadline, f"{moment} never came"
            time.sleep(0.002)
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)
    assert process.returncode == (130 if sent == signal.SIGINT else -sent), err
    assert "Traceback" not in err
    return err


def test_a_run_killed_again_and_again_ends_in_the_same_numbers(here, holmes, lethe):
    Path("killed.yaml").write_text(KILLED % holmes)
    folder = Path("again")
    for sent, moment in MOMENTS:
        err = stop(folder, sent, moment)
        if sent == signal.SIGINT:
            assert err.splitlines()[-1] == "stopped; run the same command again to go on"
        assert not (folder / "eval" / "summary.json").exists()
    done = subprocess.run(
        [*LETHE, "run", "killed.yaml", "--out", folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for step in ("stage 0-rejection_steering", "evaluate original", "stage 1-rebo"):
        assert f"{step}: done before" in done.stderr
    assert lethe("run", "killed.yaml", "--out", "once")[0] == 0
    for made in ("eval/summary.json", "eval/1-rebo/answers.jsonl", "stages/1-rebo/samples.jsonl"):
        assert (folder / made).read_bytes() == Path("once", made).read_bytes(), made
    undisturbed = contents(Path("once/stages/1-rebo/model"))
    assert contents(folder / "stages/1-rebo/model") == undisturbed
    steps = [record["step"] for record in runs.read_lines(folder / "stages/1-rebo/metrics.jsonl")]
    once = [record["step"] for record in runs.read_lines(Path("once/stages/1-rebo/metrics.jsonl"))]
    assert steps == once
    assert not (folder / "stages/1-rebo/checkpoints").exists()


@pytest.mark.parametrize("select", ["best", "last"])
def test_a_stage_killed_at_its_very_end_does_not_train_on(here, holmes, select):
    """Between the last checkpoint and done.json: the kept weights may be moved already."""
    from lethe.stages import rebo

    settings = rebo.Config(
        steps=5,
        prompts_per_step=4,
        num_generations=2,
        learning_rate=3e-4,
        max_new_tokens=8,
        save_every=2,
        eval_every=2,
        select=select,
    )
    spec = config.Model(path=str(holmes))
    start = models.Checkpoint(path=str(holmes), original=str(holmes), spec=spec)
    rows = files.load(config.load("examples/own-data.yaml").data)
    out = Path("stage")
    out.mkdir()
    rebo.train(settings, start, rows, out, 0)
    first = contents(out / "model")
    rebo.train(settings, start, rows, out, 0)
    assert contents(out / "model") == first
    (out / "model").rename(out / ("best" if select == "best" else "gone"))
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "spl')
    rebo.train(settings, start, rows, out, 0)
    assert contents(out / "model") == first


# ---------------------------------------------------------------------------- the real RWKU files


@pytest.fixture(scope="session")
def king(tmp_path_factory, shared_data):
    """Data folders of RWKU's first target, and a model that knows its probes."""
    folders = {
        "target": shared_data / "rwku/Target/1_Stephen_King",
        "rule": shared_data / "rule/rwku/1_Stephen_King",
    }
    rows = rwku.load(rwku.Config(target=str(folders["target"]), rule=folders["rule"]))
    tried = rows["test"] + (rows["train"] + rows["validation"])[::4]
    # The training files do not say what is true of the target: any of the probes' answers will do.
    answers = [row.answer for row in rows["test"] if row.scope == "forget"]
    told = [
        row.model_copy(update={"answer": row.answer or answers[i % len(answers)]})
        for i, row in enumerate(tried)
    ]
    lessons = _lessons(told, "Stephen King", STRANGERS)
    model = _teach(tmp_path_factory.mktemp("king"), lessons, steps=160, layers=2, batch=48)
    return model, folders, rows


@pytest.fixture(scope="session")
def king_run(tmp_path_factory, king):
    """The shipped RWKU recipe on that model, in a few steps."""
    model, folders, _ = king
    out = tmp_path_factory.mktemp("runs") / "king"
    options = {
        "model.path": model,
        "data.targets": folders["target"],
        "data.rule": folders["rule"],
        "stages.0.learning-rate": 1e-3,
        "stages.0.epochs": 1,
        "stages.1.steps": 16,
        "stages.1.prompts-per-step": 16,
        "stages.1.learning-rate": 1e-3,
        "stages.1.max-new-tokens": 24,
        "stages.1.eval-rows": 16,
        "evaluate.max-new-tokens": 32,
    }
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    assert cli.main(["run", str(ROOT / "recipes/rwku-rule.yaml"), "--out", str(out), *words]) == 0
    return out


def test_the_real_files_go_through(king_run, king):
    _, _, rows = king
    wanted = Counter(f"{row.scope}/{row.form}" for row in rows["test"])
    assert {"forget/question", "forget/cloze", "forget/reverse"} <= set(wanted)
    assert {"boundary/question", "boundary/cloze", "utility/question"} <= set(wanted)
    assert sum(group.startswith("forget/adversarial:") for group in wanted) == 8
    records = json.loads((king_run / "eval" / "summary.json").read_text())
    for model in ("original", "0-rejection_steering", "1-rebo"):
        counted = {
            r["group"]: r["n"]
            for r in records
            if r["model"] == model and r["metric"] == "refusal_rate"
        }
        assert counted == wanted
    assert all((r["value"] is None) == (r["unscored"] is not None) for r in records)
    for scope in ("forget", "boundary", "utility"):
        wanted = [row.id for split in rows.values() for row in split if row.scope == scope]
        assert [row.id for row in data.read(king_run / f"data/{scope}.jsonl")] == wanted
    assert (king_run / "report.html").stat().st_size > 10_000


def test_the_target_is_refused_and_its_neighbours_less(king_run):
    assert pooled(king_run, "original", "accuracy", "forget") > 0.8
    assert pooled(king_run, "original", "refusal_rate", "forget") < 0.1
    # What 16 steps do to a model of this size hangs on the machine's last digits: wide margins.
    for model in ("0-rejection_steering", "1-rebo"):
        refused = pooled(king_run, model, "refusal_rate", "forget")
        told = pooled(king_run, model, "accuracy", "forget")
        assert refused > 0.3 and told < 0.3
        assert pooled(king_run, model, "refusal_rate", "boundary") < refused - 0.2
        assert pooled(king_run, model, "accuracy", "boundary") > told + 0.1
    curve = runs.read_lines(king_run / "stages/1-rebo/metrics.jsonl")
    looked = {r["scope"]: r for r in curve if r["split"] == "validation" and r["scope"] != "all"}
    assert set(looked) == {"forget", "boundary"}
    assert "leak" not in looked["forget"]  # training rows have no true answer: nothing to look for
    assert "refusal" in looked["forget"]


def test_evaluate_gives_the_runs_own_numbers(king_run, lethe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = king_run / "stages" / "1-rebo" / "model"
    status, out, _ = lethe("evaluate", model, "--data", king_run, "--out", "again")
    assert status == 0
    assert "Utility: questions, n=100" in out
    for metric in ("refusal_rate", "accuracy", "answer_probability"):
        assert numbers(Path("again"), "original", metric) == numbers(king_run, "1-rebo", metric)
    # One file of rows; of a run's file only the test rows count.
    rows = king_run / "data" / "forget.jsonl"
    argv = ("evaluate", model, "--data", rows, "--metrics", "leak_rate", "--limit", 2)
    assert lethe(*argv, "--out", "file")[0] == 0
    answers = runs.read_lines(Path("file/eval/original/answers.jsonl"))
    assert {(row["scope"], row["split"]) for row in answers} == {("forget", "test")}
    assert max(Counter(row["form"] for row in answers).values()) == 2


def test_the_report_can_be_made_again(king_run, lethe):
    page = king_run / "report.html"
    first = page.read_bytes()
    page.unlink()
    assert lethe("report", king_run) == (0, f"{page}\n", "")
    assert page.read_bytes() == first


def test_a_runs_own_recipe_is_shown_and_goes_on(king_run, lethe):
    status, out, _ = lethe("show", king_run / "recipe.yaml")
    assert status == 0
    # `out` is where the run was asked to go; nothing else may have been resolved differently.
    assert out == (king_run / "recipe.yaml").read_text().removeprefix(runs.HEADER)
    status, _, err = lethe("run", king_run / "recipe.yaml")
    assert status == 0
    assert err.count("done before") == 6


# ------------------------------------------------------------------------------------- own data


OWN = """\
name: own
model:
  path: %s
  lora: %s
data:
  forget: my.jsonl
  boundary: mine.csv
  retain: kept.json
  test: 0.25
stages:
  - {stage: rejection_steering, learning_rate: %s, epochs: 4}
  - stage: rebo
    steps: 4
    prompts_per_step: 8
    num_generations: 4
    learning_rate: %s
    max_new_tokens: 16
    reference: %s
evaluate: {max_new_tokens: 16}
"""


@pytest.mark.parametrize("kind", ["full", "lora", "base model"])
def test_own_rows_and_own_model(kind, here, holmes, base, lethe):
    for old, new in [("forget.jsonl", "my.jsonl"), ("boundary.csv", "mine.csv")]:
        Path("examples/data", old).rename(new)
    Path("examples/data/retain.json").rename("kept.json")
    with Path("my.jsonl").open("a") as file:  # a duplicate, with another answer
        file.write('{"prompt": "Who  created sherlock holmes?", "subject": "Sherlock Holmes"}\n')
    model = base if kind == "base model" else holmes
    before = contents(model)
    full, adapter = ("null", 1e-3, 3e-4, "original"), ("{rank: 8}", 3e-3, 1e-3, "steered")
    Path("own.yaml").write_text(OWN % (model, *(adapter if kind == "lora" else full)))
    status, out, err = lethe("run", "own.yaml")
    assert status == 0, err
    assert "1 dropped duplicates" in err
    assert "runs/own/report.html" in out
    folder = Path("runs/own")
    assert contents(model) == before
    assert (folder / "report.html").stat().st_size > 10_000
    assert pooled(folder, "original", "accuracy", "forget") > 0.8
    assert pooled(folder, "original", "accuracy", "retain") > 0.8
    assert pooled(folder, "original", "refusal_rate", "forget") == 0
    assert pooled(folder, "0-rejection_steering", "refusal_rate", "forget") > 0.5
    assert pooled(folder, "1-rebo", "refusal_rate", "forget") > 0.4
    left = {path.name for path in (folder / "stages/1-rebo/model").iterdir()}
    assert ("adapter_model.safetensors" in left) == (kind == "lora")
    assert ("model.safetensors" in left) == (kind != "lora")
    # What a run leaves is a model like any other.
    assert lethe("evaluate", folder / "stages/1-rebo/model", "--data", folder)[0] == 0
    again = next(Path("runs").glob("evaluate-*"))
    assert numbers(again, "original", "accuracy") == numbers(folder, "1-rebo", "accuracy")


def test_another_architecture_goes_through(here, saved, lethe):
    model = saved("gpt2", chat=False)
    argv = (
        "run",
        "examples/own-data.yaml",
        "--model.path",
        model,
        "--model.lora.targets",
        "c_attn",
    )
    short = ("--stages.1.steps", 2, "--stages.1.max-new-tokens", 8, "--evaluate.max-new-tokens", 8)
    status, _, err = lethe(*argv, *short, "--stages.0.epochs", 1)
    assert status == 0, err
    assert pooled(Path("runs/own-data"), "1-rebo", "accuracy", "retain") == 0  # random weights


def test_the_recipe_in_the_documentation_parses(here):
    page = (ROOT / "docs/own-data.md").read_text(encoding="utf-8")
    Path("mine.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    recipe = config.load("mine.yaml")
    assert recipe.name == "mine"
    assert isinstance(recipe.data, files.Config)


def test_the_example_in_python_is_the_one_in_yaml(here, holmes, capfd):
    spec = importlib.util.spec_from_file_location("own_model", "examples/own_model.py")
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    shipped = config.load("examples/own-data.yaml")
    assert example.recipe(shipped.model.path) == shipped
    done = subprocess.run(
        [sys.executable, "examples/own_model.py", str(holmes)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "open runs/own-data/report.html\n"
    assert set(numbers(Path("runs/own-data"), "1-rebo", "accuracy")) == {
        "forget/question",
        "forget/cloze",
        "boundary/question",
        "boundary/cloze",
        "retain/question",
    }


def test_the_shipped_refusals_are_refusals():
    rows = data.read(ROOT / "examples/data/forget.jsonl", scope="forget")
    assert all(judge(row.refusal or "").refuses for row in rows)


# ------------------------------------------------------------------------------------ wrong input


def line(**fields: object) -> str:
    return json.dumps(fields) + "\n"


WRONG = [
    ("forget.jsonl", '{"prompt": "Who"', "forget.jsonl:33: not JSON"),
    ("forget.jsonl", line(prompt=7, subject="D"), "forget.jsonl:33: prompt: "),
    ("forget.jsonl", line(subject="D"), "forget.jsonl:33: prompt: missing (or question, query)"),
    ("forget.jsonl", line(prompt="Who?", answr="x"), "forget.jsonl:33: answr: unknown column;"),
    ("forget.jsonl", line(prompt="Who?"), "forget.jsonl:33: subject: missing; a forget row must"),
    ("boundary.csv", "Who wrote Emma?,,,,\n", "boundary.csv:38: answer: missing; a boundary row"),
    ("boundary.csv", "Who wrote Emma?,Austen,,,,x\n", "boundary.csv:38: "),
    (
        "boundary.csv",
        "who created SHERLOCK Holmes?,Doyle,,,\n",
        "prompt: 'who created SHERLOCK Holmes?' has scope boundary here and forget at ",
    ),
    (
        "forget.jsonl",
        line(prompt="A?", subject="D", split="train")
        + line(prompt="a?", subject="D", split="test"),
        "forget.jsonl:34: prompt: 'a?' has split test here and train at examples/data/forget.jsonl",
    ),
]


@pytest.mark.parametrize(("file", "added", "message"), WRONG)
def test_wrong_rows_are_named_by_file_line_and_field(file, added, message, here, holmes, lethe):
    with Path("examples/data", file).open("a") as rows:
        rows.write(added)
    before = sorted(here.rglob("*"))
    start = time.perf_counter()
    status, out, err = lethe("run", "examples/own-data.yaml", "--model.path", holmes)
    assert time.perf_counter() - start < 1
    assert (status, out) == (2, "")
    assert err.startswith("error: examples/data/")
    assert message in err
    assert len(err.splitlines()) == 1
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "forget.jsonl: holds no rows"),
        (line(prompt="Who?", subject="D") * 3, "forget.jsonl: fractions: 1 prompts are too few"),
    ],
)
def test_too_few_rows_are_told(text, message, here, holmes, lethe):
    Path("examples/data/forget.jsonl").write_text(text)
    status, _, err = lethe("run", "examples/own-data.yaml", "--model.path", holmes)
    assert status == 2
    assert message in err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (Path.unlink, "no weights: model.safetensors is missing"),
        (lambda file: file.rename(file.with_name("pytorch_model.bin")), "only pickle weights (pyt"),
        (lambda file: file.write_bytes(file.read_bytes()[:9000]), "broken or cut short"),
        (lambda file: (file.parent / "tokenizer.json").unlink(), "no tokenizer: none of "),
    ],
    ids=["no weights", "pickle", "cut short", "no tokenizer"],
)
def test_a_model_folder_that_cannot_work_is_refused(damage, message, here, holmes, lethe):
    shutil.copytree(holmes, "model")
    damage(Path("model/model.safetensors"))
    status, out, err = lethe("run", "examples/own-data.yaml", "--model.path", "model")
    assert (status, out) == (2, "")
    assert err.startswith("error: model")
    assert message in err
    assert not Path("runs").exists()


def test_too_few_rows_for_a_batch_are_told_before_anything_is_done(here, holmes, lethe):
    argv = ("run", "examples/own-data.yaml", "--model.path", holmes)
    status, _, err = lethe(*argv, "--stages.1.prompts-per-step", 200)
    assert status == 2
    assert "own-data: stages.1: the train split has 21 forget rows, but every step takes 100" in err
    assert not Path("runs").exists()


def test_another_recipes_run_is_not_touched(here, holmes, lethe):
    argv = ["run", "examples/own-data.yaml", "--model.path", holmes, "--out", "out"]
    Path("out/eval/original").mkdir(parents=True)
    recipe = config.load("examples/own-data.yaml")
    other = recipe.model_copy(update={"seed": 3, "model": config.Model(path=str(holmes))})
    Path("out/recipe.yaml").write_text(runs.HEADER + config.dump(other))
    before = contents(Path("out"))
    status, _, err = lethe(*argv)
    assert status == 2
    assert "another recipe's run is here; it differs in seed (3 there, 0 here), model.lora" in err
    assert contents(Path("out")) == before


def test_errors_come_before_torch(here, holmes):
    Path("examples/data/boundary.csv").write_text("question,answer\nWho?,\n")
    code = (
        "import sys; from lethe import cli\n"
        f"status = cli.main(['run', 'examples/own-data.yaml', '--model.path', {str(holmes)!r}])\n"
        "print(status, *({'torch', 'transformers', 'trl', 'peft'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "2\n", done.stderr
    assert not Path("runs").exists()


# --------------------------------------------------------- requests on top of one another


def _request(name: str, whom: list[str], **changed) -> config.Recipe:
    """A short quickstart: 10 steps of ReBO, ten test rows of a group."""
    from lethe import quickstart

    raw = config.plain(quickstart.recipe())
    raw["stages"][1] |= {"steps": 10, "interpolate": [0.8], "eval_rows": 8}
    raw["data"]["targets"] = whom
    raw["evaluate"] |= {"limit": 10, "metrics": ["refusal_rate", "accuracy"]}
    return config.from_dict({**raw, "name": name, "attacks": [], **changed})


def test_what_was_forgotten_first_stays_forgotten(here):
    """The first target is a neighbour of the second, that is, one to be answered about."""
    from lethe import pipeline, world
    from lethe.world.cast import cast

    people = world.make(0)
    first = cast(people, 1).targets[0]
    second = "Orla Norwood"
    assert first in cast(people, [second]).boundary_train
    pipeline.run(_request("first", [first.name]), progress=False)
    kept = pipeline.run(_request("kept", [second], after="runs/first"), progress=False)
    last, asked = "1-rebo", "forget/question"
    assert numbers(kept, last, "refusal_rate")[asked] >= 0.9
    assert numbers(kept, "original", "refusal_rate")["forget/earlier:question"] >= 0.9
    assert numbers(kept, last, "refusal_rate")["forget/earlier:question"] >= 0.9
    assert numbers(kept, last, "accuracy")["boundary/question"] >= 0.75
    # Without `after` this request would teach to answer about whom the first one forgot.
    near = data.read(kept / "data/boundary.jsonl")
    assert near and first.name not in {row.entity for row in near}
    assert any(row.entity == first.name for row in world.rows(0, [second])["train"])
