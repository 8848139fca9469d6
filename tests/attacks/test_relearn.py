"""Relearning on a tiny model: which facts are given, and that the rest is asked for."""

import json
from pathlib import Path

import pytest

from lethe import config, data, pipeline, runs
from lethe.attacks import relearn
from lethe.config import Evaluate
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.plug import LetheError


def fact(answer, split, form="question", n=0):
    return Row(
        id=f"{answer}-{split}-{form}-{n}",
        prompt=f"{split} {form} {n} of {answer} ?",
        answer=answer,
        refusal="I don't know",
        scope="forget",
        subject="Bo",
        form=form,
        split=split,
    )


ANSWERS = ("baker", "Oslo", "Ada", "harp")


@pytest.fixture
def model(saved):
    path = str(saved(seed=1, scale=0.15))
    return Checkpoint(path=path, original=path, spec=config.Model(path=path))


@pytest.fixture
def rows():
    train = [fact(answer, "train", n=n) for answer in ANSWERS for n in range(2)]
    test = [fact(answer, "test") for answer in ANSWERS]
    return [*train, *test, fact("baker", "test", "cloze"), fact("baker", "validation")]


def test_a_quarter_of_the_facts_is_given_and_all_others_are_asked_for(rows):
    lessons, asked = relearn.parts(relearn.Config(), rows, seed=0)
    (given,) = {row.answer for row in lessons}
    assert len(lessons) == 2 and {row.split for row in lessons} == {"train"}
    assert sorted(row.answer for row in asked) == sorted(set(ANSWERS) - {given})
    assert {(row.split, row.form) for row in asked} == {("test", "question")}
    assert relearn.parts(relearn.Config(), rows, seed=0) == (lessons, asked)
    others = {relearn.parts(relearn.Config(), rows, seed=s)[0][0].answer for s in range(20)}
    assert others == set(ANSWERS), "another seed cuts otherwise"


def test_half_of_the_facts(rows):
    lessons, asked = relearn.parts(relearn.Config(share=0.5), rows, seed=1)
    assert len(lessons) == 4 and len(asked) == 2


def test_facts_that_no_train_row_tells_are_asked_for_and_never_given(rows):
    rows = [row for row in rows if row.split != "train" or row.answer == "Oslo"]
    for seed in range(5):
        lessons, asked = relearn.parts(relearn.Config(share=0.9), rows, seed)
        assert {row.answer for row in lessons} == {"Oslo"}
        assert sorted(row.answer for row in asked) == ["Ada", "baker", "harp"]


def test_one_fact_alone_cannot_be_held_out():
    rows = [fact("baker", "train"), fact("baker", "test")]
    with pytest.raises(LetheError, match=r"^r: attacks\.0: 1 train rows .* and 0 test questions"):
        relearn.validate(relearn.Config(), rows, 0, "r: attacks.0")


def test_a_question_whose_answer_a_lesson_tells_is_not_asked():
    """Another form of a given answer, and an answer that stands in a lesson's prompt."""
    told = fact("Paris", "train").model_copy(update={"prompt": "Where in France does Bo live ?"})
    rows = [told, fact("the city of Paris", "test"), fact("France", "test"), fact("harp", "test")]
    rows.append(fact("lute", "test").model_copy(update={"aliases": ("Paris",)}))
    lessons, asked = relearn.parts(relearn.Config(share=0.1), rows, seed=0)
    assert [row.answer for row in lessons] == ["Paris"]
    assert [row.answer for row in asked] == ["harp"]


def test_the_rest_is_asked_for_and_the_attacked_folder_is_left_as_it_was(rows, model, tmp_path):
    before = runs.fingerprint(Path(model.path))
    settings = relearn.Config(learning_rate=3e-3, steps=3, batch_size=2)
    answered = relearn.run(settings, model, rows, tmp_path, 0, Evaluate(max_new_tokens=4))
    asked = relearn.parts(settings, rows, 0)[1]
    assert [row.id for row in answered] == [row.id for row in asked]
    assert runs.fingerprint(Path(model.path)) == before
    assert not (tmp_path / "model").exists(), "attacked weights are of no use to anyone"


def test_steps_are_counted_exactly(rows, model, tmp_path):
    settings = relearn.Config(learning_rate=1e-3, steps=5, batch_size=2)
    relearn.run(settings, model, rows, tmp_path, 0, Evaluate(max_new_tokens=2))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "train"] == [1, 2, 3, 4, 5]


def test_a_run_has_a_record_of_each_attack_and_goes_on(rows, model, tmp_path):
    for split in ("train", "test"):
        data.write(tmp_path / f"{split}.jsonl", [row for row in rows if row.split == split])
    data.write(tmp_path / "rows.jsonl", [row for row in rows if row.split != "validation"])
    raw = {
        "name": "r",
        "model": {"path": model.path},
        "data": {"benchmark": "rows", "path": str(tmp_path / "rows.jsonl")},
        "stages": [],
        "attacks": [{"attack": "relearn", "steps": 2}],
        "evaluate": {"max_new_tokens": 3, "metrics": ["leak_rate"]},
    }
    folder = pipeline.run(config.from_dict(raw), out=tmp_path / "run", progress=False)
    found = [r for r in runs.read_summary(runs.Run(folder)) if r["metric"] == "relearn"]
    assert [(r["model"], r["group"], r["n"]) for r in found] == [("original", "forget/question", 3)]
    written = runs.Run(folder).attack("original", "relearn")
    assert len(runs.read_lines(written / "answers.jsonl")) == 3
    log = runs.read_lines(runs.Run(folder).log)
    pipeline.run(config.from_dict(raw), out=tmp_path / "run", progress=False)
    assert runs.read_lines(runs.Run(folder).log) == log, "done before"
    raw["attacks"] = [{"attack": "relearn", "steps": 0}]
    with pytest.raises(LetheError, match=r"attacks\.0.*steps"):
        config.from_dict(raw)
    raw["attacks"] = ["relearn", {"attack": "relearn", "steps": 3}]
    with pytest.raises(LetheError, match=r"attacks\.1: relearn stands there twice"):
        pipeline.run(config.from_dict(raw), out=tmp_path / "twice", progress=False)
    raw["attacks"] = ["relern"]
    with pytest.raises(LetheError, match="did you mean relearn"):
        config.from_dict(raw)
