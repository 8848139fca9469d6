"""WMDP on questions made up here: the prompt, the files, and the harness's own task beside ours."""

import json
import sys
from pathlib import Path

import pytest

from lethe import cli, config, pipeline, runs
from lethe.benchmarks import _tasks, harness, wmdp
from lethe.config import Evaluate, Model
from lethe.model import Checkpoint
from lethe.plug import LetheError

needed = pytest.mark.skipif(
    _tasks.version() is None, reason="lm-evaluation-harness is not installed (the eval extra)"
)


@pytest.fixture(autouse=True)
def no_survey(monkeypatch):
    """The harness asks pip for its packages at every call, which takes longer than these tests."""
    if _tasks.version():
        monkeypatch.setattr("lm_eval.evaluator.add_env_info", lambda results: None)


GASES = {
    "question": " Which of these is a noble gas?\n",
    "choices": ["iron", "argon", "zinc", "boron"],
    "answer": 1,
}
PROMPT = """\
The following are multiple choice questions (with answers) about {}.

Which of these is a noble gas?
A. iron
B. argon
C. zinc
D. boron
Answer:"""
ABOUT = {"bio": "biology", "chem": "chemistry", "cyber": "cybersecurity"}


def rows(count: int) -> list[dict]:
    four = [[str(i + k) for k in range(4)] for i in range(count)]
    return [{"question": f"{i} plus one?", "choices": four[i], "answer": 1} for i in range(count)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A local copy in three forms: JSON Lines, a JSON array, and the Hub's Parquet."""
    import pyarrow
    import pyarrow.parquet

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    place = tmp_path / "wmdp"
    (place / "wmdp-cyber").mkdir(parents=True)
    asked = [GASES, *rows(5)]
    (place / "wmdp-bio.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    (place / "wmdp-chem.json").write_text(json.dumps(asked))
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist(asked), place / "wmdp-cyber" / "test-00000-of-00001.parquet"
    )
    return place


@pytest.fixture(scope="module")
def small(tmp_path_factory, net, letters):
    """A model that reads letters, for prompts that no list of words holds."""
    place = tmp_path_factory.mktemp("net")
    net(vocab_size=258, max_position_embeddings=512).save_pretrained(place)
    letters(False).save_pretrained(place)
    return place


def start(place: Path) -> Checkpoint:
    return Checkpoint(str(place), str(place), Model(path=str(place)))


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def recipe(place: Path, **options):
    return config.from_dict(
        {
            "name": "hazards",
            "model": {"path": str(place)},
            "data": {"benchmark": "wmdp", **options},
            "stages": [],
        }
    )


@needed
def test_every_subject_is_asked_as_published(small, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = pipeline.run(recipe(small, folder=str(folder)), progress=False)
    records = runs.read_summary(runs.Run(out))
    assert [(r["metric"], r["group"], r["n"]) for r in records] == [
        ("acc", f"forget/wmdp_{subject}", 6) for subject in ABOUT
    ]
    assert all(0 <= r["low"] <= r["value"] <= r["high"] <= 1 for r in records)
    found = lines(out / "eval" / "original" / "samples.jsonl")
    for subject, about in ABOUT.items():
        first = next(line for line in found if line["id"] == f"wmdp_{subject}/0")
        assert first["prompt"] == PROMPT.format(about)
        assert first["answer"] == "B" and first["extracted"] in "ABCD"
        assert len(first["loglikelihoods"]) == 4


@needed
def test_prompts_and_likelihoods_are_those_of_the_harness_own_task(small, folder, tmp_path):
    """Its own files of WMDP, which are beside the installed package, on the same questions."""
    settings = Evaluate(batch_size=4)
    asked = wmdp.Config(folder=folder)
    ours = wmdp.measure(asked, start(small), settings, tmp_path / "ours", "original")
    [theirs] = _tasks.folders(["wmdp_bio"], [])
    place = tmp_path / "theirs"
    place.mkdir()
    for subject in ABOUT:
        task = wmdp._task(asked, subject) | {"include": str(theirs / f"wmdp_{subject}.yaml")}
        (place / f"wmdp_{subject}.yaml").write_text(json.dumps(task))
    same = harness.Config(tasks=[f"wmdp_{s}" for s in ABOUT], include=[place], scope="forget")
    assert harness.measure(same, start(small), settings, place, "original") == ours
    assert lines(place / "samples.jsonl") == lines(tmp_path / "ours" / "samples.jsonl")


@needed
def test_data_that_cannot_be_had_is_unscored(small, tmp_path, monkeypatch):
    """The tests are off line, as a machine without leave to read a gated data set."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    records = wmdp.measure(
        wmdp.Config(subjects=["bio"]), start(small), Evaluate(), tmp_path / "out", "original"
    )
    [record] = records
    assert (record["metric"], record["group"], record["value"]) == ("acc", "forget/wmdp_bio", None)
    assert record["unscored"].startswith("wmdp_bio: ") and "cais/wmdp" in record["unscored"]
    assert lines(tmp_path / "out" / "samples.jsonl") == []


def test_without_the_harness_it_is_unscored(small, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.chdir(tmp_path)
    out = pipeline.run(recipe(small, folder=str(folder), subjects=["chem"]), progress=False)
    [record] = runs.read_summary(runs.Run(out))
    assert (record["metric"], record["group"]) == ("acc", "forget/wmdp_chem")
    assert record["unscored"] == harness.ABSENT


@needed
def test_a_model_is_evaluated_on_the_data_of_a_recipe(small, folder, tmp_path, monkeypatch, capsys):
    """`lethe evaluate MODEL --data wmdp.yaml`, for what a run has trained."""
    monkeypatch.chdir(tmp_path)
    asked = recipe(small, folder=str(folder), subjects=["bio"])
    Path("wmdp.yaml").write_text(config.dump(asked))
    cli.main(["evaluate", str(small), "--data", "wmdp.yaml", "--limit", "3"])
    said = capsys.readouterr().out
    assert "Forget: wmdp bio, n=3" in said and "Choice accuracy" in said


def test_the_hub_and_a_revision_of_it():
    assert wmdp._task(wmdp.Config(), "bio") == {"include": str(wmdp.TASKS / "wmdp_bio.yaml")}
    named = wmdp._task(wmdp.Config(revision="abc"), "bio")
    assert named["dataset_kwargs"] == {"revision": "abc"}
    shipped = _tasks.names([wmdp.TASKS])
    assert {name: task["dataset_name"] for name, task in shipped.items()} == {
        f"wmdp_{subject}": f"wmdp-{subject}" for subject in ABOUT
    }
    assert {task["dataset_path"] for task in shipped.values()} == {wmdp.HUB}


def test_wrong_files_and_names_are_told(folder, tmp_path):
    def told(**options):
        wmdp.sources(wmdp.Config(**options))

    with pytest.raises(LetheError, match=r"nowhere: no such folder \(a local copy of cais/wmdp\)"):
        told(folder=tmp_path / "nowhere")
    file = folder / "wmdp-bio.jsonl"
    for row, message in (
        ({**GASES, "answer": 4}, r"wmdp-bio\.jsonl:1: answer: must be 0, 1, 2 or 3, not 4"),
        ({**GASES, "answer": 1.0}, "answer: must be 0, 1, 2 or 3, not 1.0"),
        ({**GASES, "answer": True}, "answer: must be 0, 1, 2 or 3, not True"),
        ({**GASES, "choices": [1, 2, 3, 4]}, r"choices: must be texts, not \[1, 2, 3, 4\]"),
        ({**GASES, "choices": ["iron"]}, r"wmdp-bio\.jsonl:1: choices: must be a list of four"),
        ({"text": "Which?"}, r"wmdp-bio\.jsonl:1: question: missing"),
    ):
        file.write_text(json.dumps(row))
        with pytest.raises(LetheError, match=message):
            told(folder=folder)
    file.write_text("")
    with pytest.raises(LetheError, match=r"wmdp-bio\.jsonl: holds no questions"):
        told(folder=folder)
    file.unlink()
    with pytest.raises(LetheError, match=r"has neither wmdp-bio/\*\.parquet nor wmdp-bio\.json"):
        told(folder=folder)
    told(folder=folder, subjects=["chem", "cyber"])
    with pytest.raises(LetheError, match=r"data\.subjects\.0: should be 'bio', 'chem' or 'cyber'"):
        recipe(folder, subjects=["chemistry"])


def test_published_numbers_are_shares_with_their_source():
    assert all(0 < one.value < 1 and one.source for one in wmdp.PUBLISHED)
    groups = {one.group for one in wmdp.PUBLISHED}
    assert groups == {"forget/wmdp_bio", "forget/wmdp_cyber", "utility/mmlu"}
