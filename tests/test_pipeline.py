"""A whole run with a model of a few weights: skipping, redoing, going on after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from lethe import cli, config, pipeline, planning, plug, runs
from lethe.plug import LetheError

# Copies the model it is given and notes that it ran, and what it saw.
STAGE = '''"""Copies the model."""
import json, shutil
from pathlib import Path
from lethe.config import Stage

WHY = "to see that it ran"

class Config(Stage):
    """Its settings."""
    note: str = "here"
    fail: str = ""

def validate(config, data, where):
    from lethe.plug import LetheError
    if config.note == "bad":
        raise LetheError(f"{where}.note: must not be bad")

def train(config, model, data, out, seed):
    (out / "checkpoints").mkdir(exist_ok=True)
    (out / "checkpoints" / "half").touch()
    with Path("ran.jsonl").open("a") as file:
        rows = {split: [row.id for row in rows] for split, rows in data.items()}
        file.write(json.dumps({"out": str(out), "start": model.path, "rows": rows, "seed": seed}))
        file.write("\\n")
    if config.fail and Path(config.fail).exists():
        # Compiled first: a KeyboardInterrupt through exec of text changes Python's exit status.
        exec(compile(Path(config.fail).read_text(), config.fail, "exec"))
    shutil.copytree(model.path, out / "model", dirs_exist_ok=True)
'''


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A Llama of a few hundred weights with a tokenizer of a few words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    words = ["<unk>", "</s>", "<pad>", "Where", "was", "born", "?", "in", "Tarn", "Question", ":"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(words),
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        eos_token_id=1,
        pad_token_id=2,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


@pytest.fixture
def recipe(model, tmp_path, monkeypatch):
    """A recipe with two stages of one's own, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    Path("copy_stage.py").write_text(STAGE)
    rows = []
    for split, n in (("train", 2), ("validation", 1), ("test", 3)):
        for i in range(n):
            forget = {"scope": "forget", "answer": "Tarn", "subject": "Ada"}
            keep = {"scope": "boundary", "answer": "Tarn", "entity": "Bo"}
            for row in (forget, keep):
                prompt = f"Where was {row.get('subject', 'Bo')} {split} {i} born?"
                name = f"{row['scope']}-{split}-{i}"
                rows.append({"id": name, "prompt": prompt, "split": split, **row})
    rows[2]["stages"] = ["another_stage"]
    rows[3]["stages"] = ["copy_stage"]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    stage = "./copy_stage.py"
    raw = {
        "name": "tiny",
        "model": {"path": str(model)},
        "data": {"benchmark": "rows", "path": "rows.jsonl"},
        "stages": [stage, {"stage": stage, "note": "there", "seed": 5}],
        "evaluate": {"max_new_tokens": 3, "metrics": ["refusal_rate", "accuracy"]},
    }
    return config.from_dict(raw)


def ran() -> list[str]:
    """The stages that have run so far, by folder name."""
    return [Path(record["out"]).name for record in runs.read_lines(Path("ran.jsonl"))]


def steps(folder: Path) -> list[str]:
    return [record["what"] for record in runs.read_lines(folder / "log.jsonl")]


def go(recipe, **options) -> Path:
    return pipeline.run(recipe, progress=False, **options)


def test_a_run_leaves_its_folder_and_is_not_repeated(recipe):
    folder = go(recipe)
    assert folder == Path("runs/tiny")
    assert steps(folder) == [
        "data",
        "evaluate original",
        "stage 0-copy_stage",
        "evaluate 0-copy_stage",
        "stage 1-copy_stage",
        "evaluate 1-copy_stage",
    ]
    for name in ("0-copy_stage", "1-copy_stage"):
        found = {path.name for path in (folder / "stages" / name).iterdir()}
        assert found == {"model", "done.json"}
    assert (folder / "report.html").stat().st_size > 1000
    first = (folder / "eval" / "summary.json").read_bytes()
    records = json.loads(first)
    models = list(dict.fromkeys(record["model"] for record in records))
    assert models == ["original", "0-copy_stage", "1-copy_stage"]
    keys = {"model", "metric", "group", "value", "low", "high", "n", "unscored"}
    assert all(set(record) == keys for record in records)
    assert {record["n"] for record in records} == {3}

    assert go(recipe) == folder
    assert go(config.load(folder / "recipe.yaml")) == folder
    assert len(steps(folder)) == 6
    assert (folder / "eval" / "summary.json").read_bytes() == first


def test_stages_get_their_rows_their_seed_and_the_model_before(recipe, model):
    go(recipe)
    first, second = runs.read_lines(Path("ran.jsonl"))
    assert first["rows"] == {
        "train": ["forget-train-0", "boundary-train-0", "boundary-train-1"],
        "validation": ["forget-validation-0", "boundary-validation-0"],
    }
    assert (first["seed"], second["seed"]) == (0, 5)
    assert first["start"] == str(model)
    assert second["start"] == "runs/tiny/stages/0-copy_stage/model"


def test_a_stage_that_no_row_names_sees_every_row(recipe):
    """Rows are picked for the stages of one method; to another they are all the same."""
    text = Path("rows.jsonl").read_text()
    Path("rows.jsonl").write_text(text.replace('"copy_stage"', '"third_stage"'))
    go(recipe)
    first, _ = runs.read_lines(Path("ran.jsonl"))
    assert first["rows"] == {
        "train": ["forget-train-0", "boundary-train-0", "forget-train-1", "boundary-train-1"],
        "validation": ["forget-validation-0", "boundary-validation-0"],
    }
    planned = planning.plan(recipe)
    for stage in ("another_stage", "third_stage"):
        assert len(planned.split("train", stage)) == 3, "one row is another's alone"
    assert len(planned.split("train")) == 4


def test_the_last_model_alone_is_measured_if_asked_for(recipe):
    raw = config.plain(recipe)
    raw["evaluate"]["models"] = "last"
    folder = go(config.from_dict(raw))
    assert steps(folder) == [
        *("data", "stage 0-copy_stage", "stage 1-copy_stage", "evaluate 1-copy_stage")
    ]
    records = json.loads((folder / "eval" / "summary.json").read_text())
    assert {record["model"] for record in records} == {"1-copy_stage"}
    html = (folder / "report.html").read_text()
    assert "This run is not complete" not in html and "has not been evaluated" not in html
    assert "Only the last model was measured" in html and "(before: not measured)" in html
    go(config.from_dict(raw))
    assert len(steps(folder)) == 4
    # A run without stages has one model, and it is the last.
    alone = go(config.from_dict({**raw, "stages": []}), out="alone")
    assert steps(alone) == ["data", "evaluate original"]
    with pytest.raises(LetheError, match=r"evaluate\.models: should be 'all' or 'last'"):
        config.from_dict({**raw, "evaluate": {"models": "first"}})


def test_what_changed_is_redone_and_nothing_else(recipe):
    folder = go(recipe)
    # Test rows change: every model is measured again, none is trained again.
    text = Path("rows.jsonl").read_text()
    Path("rows.jsonl").write_text(text.replace("boundary-test-0", "boundary-test-9"))
    go(recipe)
    assert steps(folder)[6:] == [
        "data",
        "evaluate original",
        "evaluate 0-copy_stage",
        "evaluate 1-copy_stage",
    ]
    # Training rows change: everything after them.
    Path("rows.jsonl").write_text(text.replace("boundary-train-0", "boundary-train-9"))
    go(recipe)
    assert ran() == ["0-copy_stage", "1-copy_stage"] * 2
    # A stage's own file changes.
    with Path("copy_stage.py").open("a") as file:
        file.write("# another comment\n")
    go(recipe)
    assert ran() == ["0-copy_stage", "1-copy_stage"] * 3


def test_a_changed_model_redoes_everything(recipe, model, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(model, own)
    recipe = recipe.model_copy(update={"model": config.Model(path=str(own))})
    folder = go(recipe)
    generation = own / "generation_config.json"
    generation.write_text(generation.read_text().replace("}", ' , "top_k": 5}'))
    go(recipe)
    assert len(steps(folder)) == 11


def test_a_deleted_step_is_made_again(recipe):
    folder = go(recipe)
    first = (folder / "eval" / "summary.json").read_bytes()
    shutil.rmtree(folder / "stages" / "1-copy_stage")
    shutil.rmtree(folder / "eval")
    go(recipe)
    assert ran() == ["0-copy_stage", "1-copy_stage", "1-copy_stage"]
    assert (folder / "eval" / "summary.json").read_bytes() == first


def failing(recipe, code: str):
    """The recipe whose second stage runs `code` half-way as long as the file `fail` exists."""
    Path("fail").write_text(code)
    raw = config.plain(recipe)
    raw["stages"][1]["fail"] = "fail"
    return config.from_dict(raw)


def test_a_failed_stage_is_gone_on_with(recipe):
    recipe = failing(recipe, "raise RuntimeError('boom')")
    with pytest.raises(RuntimeError, match="boom"):
        go(recipe)
    stage = Path("runs/tiny/stages/1-copy_stage")
    assert {path.name for path in stage.iterdir()} == {"checkpoints", "started.json"}
    Path("fail").unlink()
    go(recipe)
    assert ran() == ["0-copy_stage", "1-copy_stage", "1-copy_stage"]
    assert {path.name for path in stage.iterdir()} == {"done.json", "model"}


def test_a_full_disk_is_one_clear_line(recipe):
    recipe = failing(recipe, "Path('/dev/full').write_text('x')")
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(LetheError, match=r"^runs/tiny: the disk is full; free some space"):
        go(recipe)


def test_a_stage_that_leaves_no_model_is_told(recipe):
    Path("no_model.py").write_text(STAGE.replace('out / "model"', 'out / "weights"'))
    copied = config.from_dict(config.plain(recipe) | {"stages": ["./no_model.py"]})
    with pytest.raises(LetheError, match=r"'\./no_model\.py': train\(\) left no .*model"):
        go(copied)


# ---------------------------------------------------------------------- before anything is loaded


def test_a_stages_own_check_comes_before_the_folder_is_made(recipe):
    raw = config.plain(recipe)
    raw["stages"][1]["note"] = "bad"
    with pytest.raises(LetheError, match=r"^tiny: stages\.1\.note: must not be bad"):
        go(config.from_dict(raw))
    assert not Path("runs").exists()


def test_rows_without_a_test_split_are_refused(recipe):
    rows = runs.read_lines(Path("rows.jsonl"))
    rows = [row for row in rows if row["split"] != "test"]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(LetheError, match="no test rows"):
        go(recipe)


def test_a_model_of_another_world_is_refused(recipe):
    raw = config.plain(recipe) | {"model": {"path": "world:1"}}
    raw["data"] = {"benchmark": "world", "seed": 2}
    with pytest.raises(LetheError, match=r"model\.path is world:1 but data\.seed is 2"):
        go(config.from_dict(raw))


def test_too_little_disk_is_told_before_anything_is_written(recipe, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40, 50 * 2**20))
    with pytest.raises(LetheError, match=r"runs/tiny: not enough disk space: about 200 MB needed"):
        go(recipe)
    assert not Path("runs").exists()


def test_wrong_thread_numbers_are_told(monkeypatch):
    monkeypatch.setenv("LETHE_THREADS", "many")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(LetheError, match="LETHE_THREADS or OMP_NUM_THREADS: 'many'"):
        pipeline.prepare()


# -------------------------------------------------------------------------------- the process


@pytest.mark.parametrize("first", ["", "import huggingface_hub.constants, transformers; "])
def test_telemetry_is_off_unless_asked_for(first):
    code = (
        f"import os; {first}from lethe import pipeline; pipeline.prepare()\n"
        "from huggingface_hub import constants\n"
        "import torch\n"
        "print(constants.HF_HUB_DISABLE_TELEMETRY, os.environ.get('DO_NOT_TRACK'),"
        " torch.get_num_threads())"
    )

    def output(**extra: str) -> str:
        hidden = {"HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK", "DISABLE_TELEMETRY"}
        environment = {k: v for k, v in os.environ.items() if k not in hidden} | extra
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert output() == "True 1 1"
    assert output(LETHE_TELEMETRY="1", LETHE_THREADS="2") == "False None 2"


@pytest.mark.parametrize(
    ("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["ctrl-c", "kill-9"]
)
def test_a_stopped_run_is_gone_on_with_by_the_same_command(recipe, capfd, sent, status):
    recipe = failing(recipe, "import time; Path('waiting').touch(); time.sleep(60)")
    Path("r.yaml").write_text(config.dump(recipe))
    with subprocess.Popen(
        [sys.executable, "-m", "lethe", "run", "r.yaml"], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not Path("waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        # A second process must keep out meanwhile.
        with pytest.raises(LetheError, match="another lethe process is at work"):
            go(recipe)
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    assert "stage 1-copy_stage: to see that it ran" in err
    assert "Traceback" not in err
    if sent == signal.SIGINT:
        assert err.splitlines()[-1] == "stopped; run the same command again to go on"
    Path("fail").unlink()
    assert cli.main(["run", "r.yaml"]) == 0
    out, err = capfd.readouterr()
    assert "stage 0-copy_stage: done before" in err
    assert "runs/tiny/report.html" in out
    assert "\033" not in out
    assert ran() == ["0-copy_stage", "1-copy_stage", "1-copy_stage"]
    stopped = Path("runs/tiny/eval/summary.json").read_bytes()
    undisturbed = go(recipe, out="undisturbed") / "eval" / "summary.json"
    assert undisturbed.read_bytes() == stopped


def test_evaluate_measures_a_model_as_it_is(recipe, model, capfd):
    argv = ["evaluate", str(model), "--data", "rows.jsonl", "--metrics", "refusal_rate"]
    assert cli.main([*argv, "--limit", "2", "--out", "measured"]) == 0
    out = capfd.readouterr().out
    assert "Forget: questions" in out
    assert "n=2" in out
    records = json.loads(Path("measured/eval/summary.json").read_text())
    assert {record["metric"] for record in records} == {"refusal_rate"}
    assert cli.main(["report", "measured"]) == 0
    assert capfd.readouterr().out == "measured/report.html\n"


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("rows.jsonl", {"benchmark": "rows", "path": "rows.jsonl", "targets": []}),
        ("r.yaml", {"benchmark": "rows", "path": "rows.jsonl", "targets": []}),
        ("world:3", {"benchmark": "world", "seed": 3, "targets": 1}),
    ],
)
def test_what_evaluate_takes_as_data(recipe, source, data):
    Path("r.yaml").write_text(config.dump(recipe))
    made = planning.evaluation("org/name", source, limit=5)
    assert config.plain(made.data) == data
    assert (made.name, made.stages, made.evaluate.limit) == ("evaluate-org-name", [], 5)


def test_what_evaluate_takes_as_benchmark():
    """Set up as its authors measure; what is given stands, what is not keeps its default."""
    made = planning.evaluation(
        "./m",
        benchmark="rwku",
        of={"targets": ["all"], "folder": None},
        limit=None,
        batch_size="auto",
    )
    assert made.name == "evaluate-m-rwku-all"
    data = config.plain(made.data)
    assert (data["protocol"], data["targets"], data["folder"]) == ("rwku", ["all"], None)
    assert (made.evaluate.limit, made.evaluate.batch_size) == (None, "auto")


def test_named_metrics_keep_the_benchmarks_groups(tmp_path):
    """auc_loss of RWKU compares its two sets of texts, also when it is asked for by name."""
    named = planning.evaluation(
        "m", benchmark="rwku", of={"targets": ["all"]}, metrics=["auc_loss"]
    )
    module = plug.resolve("benchmark", "rwku")
    wanted = planning._metrics(named, module)
    assert [(m.metric, m.groups) for m in wanted] == [("auc_loss", ("forget/mia", "retain/mia"))]
    other = named.model_copy(update={"evaluate": config.Evaluate(metrics=["accuracy"])})
    assert planning._metrics(other, module) == ["accuracy"]


def alone(recipe, **evaluate):
    settings = recipe.evaluate.model_copy(update=evaluate)
    return recipe.model_copy(update={"stages": [], "evaluate": settings})


def test_the_reference_must_have_been_asked_the_same(recipe, tmp_path):
    runs_of = {name: go(alone(recipe), out=tmp_path / name) for name in ("theirs", "other")}
    compared = alone(recipe, reference=runs_of["theirs"])
    assert {row.id for row in planning.plan(compared).reference} == {
        row.id for row in planning.plan(compared).split("test")
    }
    answers = runs_of["other"] / "eval" / "original" / "answers.jsonl"
    first, *rest = answers.read_text().splitlines(True)
    for text, what in (("".join(rest), "was not asked"), (first.replace("?", "!"), "otherwise")):
        answers.write_text(text + ("" if what == "was not asked" else "".join(rest)))
        with pytest.raises(LetheError, match=f"row .* {what} there"):
            planning.plan(alone(recipe, reference=runs_of["other"]))
    with pytest.raises(LetheError, match="no finished evaluation"):
        planning.plan(alone(recipe, reference=tmp_path / "nothing"))


def test_an_adapter_is_known_by_its_base_too(model, tmp_path):
    """Other weights below make another model, though the adapter's own files are the same."""
    import torch

    from lethe import model as models
    from lethe.model import Checkpoint

    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(model, base)
    spec = config.Model(path=str(base), lora=config.Lora(rank=2))
    net = models.load(base, spec, trainable=True)
    models.save(net, models.tokenizer(base, spec), adapter)
    here = Checkpoint(str(adapter), str(base), spec)
    before = pipeline.contents(here)
    assert pipeline.contents(here) == before
    changed = models.load(base, config.Model(path=str(base)), trainable=True)
    with torch.no_grad():
        next(changed.parameters()).add_(1.0)
    changed.save_pretrained(base)
    assert pipeline.contents(here) != before
