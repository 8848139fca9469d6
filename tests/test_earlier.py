"""Requests on top of one another: what joins, what is dropped, where a run starts, what is told.

The stage copies the model and says what it was given, so that everything but learning is real; that
is in test_end_to_end.py.
"""

import json
import shutil
from pathlib import Path

import pytest

from lethe import cli, config, data, earlier, pipeline, planning, runs
from lethe.data import Row
from lethe.plug import LetheError
from lethe.report import reading, verdict

STAGE = '''"""Copies the model, and notes what it was given."""
import json, shutil
from lethe.config import Stage

class Config(Stage):
    """Its settings."""
    note: str = "here"

def train(config, model, data, out, seed):
    rows = {split: [row.id for row in rows] for split, rows in data.items()}
    out.joinpath("given.json").write_text(json.dumps([model.path, model.original, rows]))
    shutil.copytree(model.path, out / "model")
'''


def asked(about: str, scope: str, *splits: str) -> list[dict]:
    own = {"subject": about, "refusal": "I don't know"}
    subject = own if scope == "forget" else {"entity": about}
    return [
        {"id": f"{scope}-{about}-{split}", "prompt": f"Who is {about} {split} ?", "scope": scope,
         "answer": "baker", "split": split, **subject}
        for split in splits
    ]  # fmt: skip


ALL = ("train", "validation", "test")
ROWS = {
    "Bo": [*asked("Bo", "forget", *ALL), *asked("Ada", "boundary", "train"),
           *asked("Cy", "boundary", "test")],
    "Ada": [*asked("Ada", "forget", *ALL), *asked("Bo", "boundary", *ALL),
            *asked("Cy", "boundary", "train", "test"), *asked("Dot", "boundary", "validation")],
    "Cy": [*asked("Cy", "forget", *ALL), *asked("Dot", "boundary", "train", "test"),
           *asked("Ada", "boundary", "test")],
}  # fmt: skip


@pytest.fixture
def request_of(saved, tmp_path, monkeypatch):
    """`request_of("Ada", after="runs/Bo")`: the recipe of a request, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("copy_stage.py").write_text(STAGE)
    model = str(saved())

    def make(subject: str, after: str | None = None, **changed) -> config.Recipe:
        file = Path(f"{subject}.jsonl")
        file.write_text("".join(json.dumps(row) + "\n" for row in ROWS[subject]))
        raw = {
            "name": subject,
            "model": {"path": model},
            "after": after,
            "data": {"benchmark": "rows", "path": str(file)},
            "stages": ["./copy_stage.py"],
            "evaluate": {"max_new_tokens": 3, "metrics": ["refusal_rate"]},
        }
        return config.from_dict({**raw, **changed})

    return make


def given(folder: Path) -> tuple[str, str, dict[str, list[str]]]:
    return json.loads((folder / "stages/0-copy_stage/given.json").read_text())


def test_three_requests_on_top_of_one_another(request_of):
    first = pipeline.run(request_of("Bo"), progress=False)
    second = pipeline.run(request_of("Ada", "runs/Bo"), progress=False)
    left = "runs/Bo/stages/0-copy_stage/model"
    assert given(second) == [left, left, {
        "train": ["forget-Ada-train", "boundary-Cy-train", "Bo/forget-Bo-train"],
        "validation": [
            "forget-Ada-validation", "boundary-Dot-validation", "Bo/forget-Bo-validation",
        ],
    }]  # fmt: skip
    noise = runs.facts(second / "data")["noise"]
    assert noise == {
        "dropped_rows_about_earlier_targets": 3,  # those that ask to go on answering about Bo
        "dropped_test_rows_trained_on_earlier": 0,
        "kept_rows_of_earlier_targets": 3,
    }
    groups = {r["group"] for r in runs.read_summary(runs.Run(second)) if r["model"] == "original"}
    assert groups == {"forget/question", "forget/earlier:question", "boundary/question"}
    third = pipeline.run(request_of("Cy", "runs/Ada"), progress=False)
    _, _, rows = given(third)
    assert rows["train"][:2] == ["forget-Cy-train", "boundary-Dot-train"]
    # One row would be as many as there are new ones, but no earlier target is lost.
    assert rows["train"][2:] == ["Ada/forget-Ada-train", "Ada/Bo/forget-Bo-train"]
    assert rows["validation"][1:] == ["Ada/forget-Ada-validation", "Ada/Bo/forget-Bo-validation"]
    asked_too = [row for row in data.read(third / "data/forget.jsonl") if row.split == "test"]
    assert [(row.subject, row.form) for row in asked_too] == [
        ("Cy", "question"), ("Ada", "earlier:question"), ("Bo", "earlier:question"),
    ]  # fmt: skip
    told = json.loads((third / "data/earlier.json").read_text())
    assert (told["after"], told["subjects"], told["entities"]) == ("Ada", ["Ada", "Bo"], ["Ada", "Cy"])  # fmt: skip # noqa: E501
    # A mean over the two earlier targets, and each of the three by itself.
    means = [r for r in runs.read_summary(runs.Run(third)) if "by target" in r["group"]]
    assert {(r["group"], r["n"]) for r in means} == {("forget/by target:earlier:question", 2)}
    each = runs.read_lines(third / "eval/original/targets.jsonl")
    assert list(dict.fromkeys(line["target"] for line in each)) == ["Cy", "Ada", "Bo"]
    # The rest of the chain is in the last run: the first one is no longer needed.
    shutil.rmtree(first)
    assert pipeline.run(request_of("Cy", "runs/Ada"), progress=False) == third
    assert cli.main(["run", "runs/Cy/recipe.yaml", "--out", "again"]) == 0
    assert given(Path("again"))[2] == rows


def test_the_report_says_which_is_which(request_of):
    pipeline.run(request_of("Bo"), progress=False)
    folder = pipeline.run(request_of("Ada", "runs/Bo"), progress=False)
    page = (folder / "report.html").read_text()
    assert "Start (after Bo)" in page and "This run goes on from the run <b>Bo</b>" in page
    assert 'id="targets"' in page
    run = reading.read(folder)
    found = verdict.judge(run)
    assert found.checks[1].what == "Refuses forget questions about earlier targets"
    assert (found.checks[1].n, found.checks[1].met) == ("1", False)
    assert "of 1 unseen questions about Ada; still refuses" in found.sentence
    assert "of 1 about Bo" in found.sentence
    assert run.trained == {"Ada", "Cy"}  # the first request taught to answer about Ada


def test_a_flag_says_it_too_and_rows_that_changed_redo_the_run(request_of, capsys):
    Path("r.yaml").write_text(config.dump(request_of("Ada")))
    pipeline.run(request_of("Bo"), progress=False)
    assert cli.main(["run", "r.yaml", "--after", "runs/Bo"]) == 0
    assert "Start (after Bo)" in capsys.readouterr().out
    assert config.load("runs/Ada/recipe.yaml").after == Path("runs/Bo")
    stage = Path("runs/Ada/stages/0-copy_stage/given.json")
    stage.unlink()
    assert cli.main(["run", "r.yaml", "--after", "runs/Bo"]) == 0
    assert not stage.exists()  # done before
    weights = Path("runs/Bo/stages/0-copy_stage/model/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    assert cli.main(["run", "r.yaml", "--after", "runs/Bo"]) == 0
    assert stage.exists()


def test_what_cannot_be_gone_on_from_is_told_before_anything_is_done(request_of, saved, words):
    folder = pipeline.run(request_of("Bo"), progress=False)

    def fails(message: str, recipe: config.Recipe) -> None:
        with pytest.raises(LetheError, match=message):
            planning.plan(recipe)
        assert not Path("runs/Ada").exists()

    fails(r"Ada: after: gone: no run folder is there", request_of("Ada", "gone"))
    fails("is this run's own folder", request_of("Bo", "runs/Bo"))
    other = {"path": str(saved(seed=5))}
    fails("began from .*, but model.path here is", request_of("Ada", "runs/Bo", model=other))
    model = folder / "stages/0-copy_stage/model"
    changed = json.loads((model / "tokenizer.json").read_text())
    changed["model"]["vocab"]["baker"], changed["model"]["vocab"]["Oslo"] = 1000, 1001
    (model / "tokenizer.json").write_text(json.dumps(changed))
    fails("its tokenizer is not the one of", request_of("Ada", "runs/Bo"))
    words.save_pretrained(model)
    template = Path("chat.jinja")
    template.write_text("{{ messages }}")
    spec = {**config.plain(request_of("Ada").model), "chat_template": str(template)}
    fails("has another model.chat_template", request_of("Ada", "runs/Bo", model=spec))
    (folder / "eval/summary.json").unlink()
    fails("is not finished; `lethe run runs/Bo/recipe.yaml`", request_of("Ada", "runs/Bo"))
    bare = pipeline.run(request_of("Bo", name="bare", stages=[]), progress=False)
    fails("trained nothing; start from its model, without", request_of("Ada", str(bare)))


def test_a_copy_of_the_model_is_the_same_model(request_of, tmp_path):
    recipe = request_of("Bo")
    pipeline.run(recipe, progress=False)
    shutil.copytree(recipe.model.path, tmp_path / "copy")
    planning.plan(request_of("Ada", "runs/Bo", model={"path": "copy"}))


# ------------------------------------------------------------------------------------ rows, by hand


def row(name: str, prompt: str, scope: str = "forget", split: str = "train", **own) -> Row:
    whom = {"subject": "Bo Lund"} if scope == "forget" else {"answer": "x"}
    return Row(id=name, prompt=prompt, scope=scope, split=split, **{**whom, **own})  # type: ignore[arg-type]


def before(*rows: Row, trained: tuple[str, ...] = ()) -> earlier.Earlier:
    digests = frozenset(data.sha256(data.prompt_key(prompt))[:16] for prompt in trained)
    return earlier.Earlier("first", "m", list(rows), [], digests)


def test_rows_that_clash():
    new = [
        row("n1", "Where is Ada?", subject="Ada Vance"),
        row("n2", "Who is the tall one?", subject="Ada Vance", split="test"),
        row("n3", "Where does Bo Lund live?", "boundary"),  # asks to answer about an earlier target
        row("n4", "Who wed Cy?", "boundary", answer="Bo Lund"),  # so does this, by its answer
        row("n5", "Who is the short one?", "retain"),  # must be refused, since the first request
        row("n6", "Who is Dot?", "boundary", split="test"),  # the first run was trained on it
        row("n7", "Who is Eli?", "boundary", split="train"),
    ]
    old = [
        row("o1", "Who is the SHORT one?"),
        row("o2", "where is  ada?", split="test"),  # asked anew, and trained on
        row("o3", "What is Bo Lund?", split="test"),
    ]
    rows, noise = earlier.joined(new, before(*old, trained=("who is dot?", "who is eli?")))
    assert [one.id for one in rows] == ["n1", "n2", "n7", "o1", "o3"]
    assert noise == {
        "dropped_rows_about_earlier_targets": 3,
        "dropped_test_rows_trained_on_earlier": 1,
        "kept_rows_of_earlier_targets": 2,
    }
    data.check(rows)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_earlier_rows_do_not_outnumber_the_new_ones(split):
    new = [row(f"n{i}", f"new {i}", split=split, subject="Ada") for i in range(3)]
    old = [
        row(f"{s}{i}", f"{s} {i}", split=split, subject=s) for s in ("Bo", "Cy") for i in range(6)
    ]
    rows, _ = earlier.joined(new, before(*old))
    assert [one.id for one in rows] == ["n0", "n1", "n2", "Bo0", "Cy0", "Cy3"]


def test_an_adapter_goes_on(request_of):
    """Two requests with LoRA by the real stages; the second one's change is partly taken back."""
    from safetensors.numpy import load_file

    lora = {"lora": {"rank": 2, "alpha": 4}}
    base = config.plain(request_of("Bo").model)
    steering = {"stage": "rejection_steering", "epochs": 3, "learning_rate": 1e-2}
    rebo = {
        "stage": "rebo", "steps": 1, "prompts_per_step": 2, "num_generations": 2,
        "max_new_tokens": 3, "interpolate": [0.5], "slack": 0.9, "reference": "original",
    }  # fmt: skip
    model = {**base, **lora}
    first = pipeline.run(request_of("Bo", model=model, stages=[steering]), progress=False)
    second = request_of("Ada", "runs/Bo", model=model, stages=[steering, rebo])
    for wrong, message in (
        ({"lora": None}, "is an adapter, which goes on with model.lora alone"),
        (
            {"lora": {"rank": 4, "alpha": 4}},
            r"its own shape: model\.lora\.rank \(2 there, 4 here\)",
        ),
    ):
        other = second.model_copy(update={"model": config.Model.model_validate({**base, **wrong})})
        with pytest.raises(LetheError, match=message):
            planning.plan(other)
    folder = pipeline.run(second, progress=False)
    before, steered, kept = (
        load_file(run / "stages" / stage / "model" / "adapter_model.safetensors")
        for run, stage in (
            (first, "0-rejection_steering"), (folder, "0-rejection_steering"), (folder, "1-rebo"),
        )
    )  # fmt: skip
    assert before.keys() == steered.keys() == kept.keys()
    assert any((before[name] != steered[name]).any() for name in before)
    shares = runs.read_lines(folder / "stages/1-rebo/interpolation.jsonl")
    assert [line["share"] for line in shares if line["scope"] == "all"] == [1.0, 0.5]
    values = {r["group"] for r in runs.read_summary(runs.Run(folder)) if r["value"] is not None}
    assert "forget/earlier:question" in values
