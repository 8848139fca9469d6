"""Runs with a judge that works, fails, comes back, or is asked only afterwards."""

import json
from pathlib import Path

import pytest

from lethe import config, pipeline, runs
from lethe.data import Answered, Row
from lethe.evaluate import judged
from lethe.metrics._ratings import METRICS
from lethe.plug import LetheError
from lethe.rejudge import rejudge

GOOD = {"why": "Fine.", "readability": 90, "helpfulness": 60, "truthfulness": 30}
KEY = "sk-very-secret-0123"


def by_seed(body) -> str:
    return json.dumps({**GOOD, "readability": 90 + body["seed"]})


@pytest.fixture(scope="module")
def model(saved):
    return str(saved(scale=0.15))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUDGE_KEY", KEY)
    names = ["Bo", "Ada", "Cy"]
    rows = [
        Row(
            id=f"{scope}-{name}",
            prompt=f"{question} {name} ?",
            answer="Oslo",
            scope=scope,
            subject=name if scope == "forget" else None,
            split="test",
        )
        for scope, question in (("forget", "Who is"), ("boundary", "What was"))
        for name in names
    ]
    Path("rows.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in rows))
    return tmp_path


def recipe(model, judge=None, **evaluate):
    raw = {
        "name": "tiny",
        "model": {"path": model},
        "data": {"benchmark": "rows", "path": "rows.jsonl"},
        "stages": [],
        "evaluate": {"max_new_tokens": 3, "metrics": ["accuracy"], "judge": judge, **evaluate},
    }
    return config.from_dict(raw)


def asks(server, **settings):
    given = {"base_url": server.url, "model": "judge", "api_key_env": "JUDGE_KEY", "retries": 0}
    return {**given, **settings}


def go(recipe) -> Path:
    return pipeline.run(recipe, progress=False)


def records(folder):
    return {(r["metric"], r["group"]): r for r in runs.read_summary(runs.Run(folder))}


def answers(folder):
    lines = runs.read_lines(folder / "eval" / "original" / "answers.jsonl")
    return [Answered.model_validate(line) for line in lines]


def check_rated(folder):
    found = records(folder)
    assert {metric for metric, _ in found} == {"accuracy", *METRICS}
    values = {m: found[m, "forget/question"]["value"] for m in METRICS[:4]}
    assert values == {
        "readability": 91,
        "helpfulness": 60,
        "truthfulness": 30,
        "naturalness": pytest.approx(181 / 3, abs=1e-6),
    }
    assert found["naturalness", "boundary/question"]["n"] == 3
    assert found["judge_agreement", "all"]["n"] == 6
    assert "samples per answer: 3" in found["judge_agreement", "all"]["note"]
    scored = runs.read_lines(folder / "eval" / "original" / "scores.jsonl")
    assert [line["metric"] for line in scored] == ["accuracy", *METRICS[:4]] * 6
    assert all(len(row.ratings) == 3 for row in answers(folder))


def test_a_run_with_a_judge(model, here, chat_server):
    chat_server.answer = by_seed
    run = recipe(model, asks(chat_server))
    folder = go(run)
    check_rated(folder)
    assert set(chat_server.keys) == {f"Bearer {KEY}"}
    asked = len(chat_server.asked)
    assert asked <= 18  # equal answers to one question are asked once
    before = (folder / "eval" / "summary.json").read_bytes()
    go(run)
    assert len(chat_server.asked) == asked
    assert (folder / "eval" / "summary.json").read_bytes() == before
    for file in folder.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file
    assert "Naturalness" in (folder / "report.html").read_text()


def test_a_run_whose_judge_fails_is_done_without_and_goes_on_when_it_is_back(
    model, here, chat_server
):
    chat_server.answer = lambda body: (
        500 if "Ada" in body["messages"][1]["content"] else by_seed(body)
    )
    run = recipe(model, asks(chat_server))
    folder = go(run)
    found = records(folder)
    assert found["accuracy", "forget/question"]["n"] == 3
    assert found["naturalness", "forget/question"]["n"] == 2
    ada = next(row for row in answers(folder) if row.id == "forget-Ada")
    assert [one.why for one in ada.ratings] == ["no reply: HTTP 500, 1 times"] * 3
    chat_server.asked.clear()
    chat_server.answer = by_seed
    go(run)
    check_rated(folder)
    assert len(chat_server.asked) == 6
    steps = [record["what"] for record in runs.read_lines(folder / "log.jsonl")]
    assert steps.count("evaluate original") == 1  # nothing was generated again


def test_a_judge_that_is_not_there_at_all(model, here, chat_server):
    folder = go(recipe(model, asks(chat_server, base_url="http://127.0.0.1:9/v1")))
    for metric in METRICS[:4]:
        record = records(folder)[metric, "forget/question"]
        assert record["value"] is None and "cannot be reached" in record["unscored"]
    assert "cannot be reached" in records(folder)["judge_agreement", "all"]["unscored"]


def test_a_judge_for_a_run_that_had_none(model, here, chat_server):
    chat_server.answer = by_seed
    run = recipe(model)
    folder = go(run)
    assert {metric for metric, _ in records(folder)} == {"accuracy"}
    judge = config.Judge(**asks(chat_server))
    said = (folder / "eval" / "original" / "likelihoods.jsonl").read_bytes()
    found = rejudge(folder, judge)
    assert {r["metric"] for r in found} == set(METRICS)
    check_rated(folder)
    asked = len(chat_server.asked)
    assert rejudge(folder / "eval" / "original", judge) == found
    go(run)
    check_rated(folder)
    assert len(chat_server.asked) == asked
    assert (folder / "eval" / "original" / "likelihoods.jsonl").read_bytes() == said


def test_metrics_asked_for_without_a_judge_say_why_they_have_no_value(model, here):
    folder = go(recipe(model, metrics=["naturalness", "judge_agreement"]))
    for record in records(folder).values():
        assert record["value"] is None and record["unscored"].startswith("no judge: set evaluate")


def test_the_limit_is_of_each_group_and_what_generates_nothing_is_not_rated(chat_server, tmp_path):
    chat_server.answer = by_seed
    same = {"answer": "x", "scope": "retain", "completion": "y"}
    rows = [Answered(id=f"{form}{i}", prompt=f"{form}{i}", form=form, **same)
            for form in ("question", "cloze") for i in range(3)]  # fmt: skip
    silent = Answered(id="s", prompt="s", form="mia", protocol={"max_new_tokens": 0}, **same)
    judge = config.Judge(**asks(chat_server, limit=2, samples=1))
    found = judged([silent, *rows], judge, tmp_path / "c", "m")
    rated = [row.id for row in found if row.ratings]
    assert rated == ["question0", "question1", "cloze0", "cloze1"]
    assert len(chat_server.asked) == 4


def test_folders_that_hold_nothing_to_rate(model, here):
    judge = config.Judge(model="m")
    with pytest.raises(LetheError, match="not a run folder"):
        rejudge(here, judge)
    (here / "recipe.yaml").touch()
    with pytest.raises(LetheError, match="no finished evaluation"):
        rejudge(here, judge)
