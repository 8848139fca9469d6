"""The whole of it: from facts alone, from a small model, from a real server that misbehaves."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from lethe import config, data, refusal
from lethe.data import prompt_key
from lethe.distance import names
from lethe.plug import LetheError
from lethe.synthesis import Settings, folder, near, synthesize
from lethe.synthesis.filters import FILTERS, Known, clean

PEOPLE = "Ada Vance,Bo Lund,Cy Vance,Dot Ely,Eve Fay,Gil Hay,Ada Marr,Hal Orr,Ira Pye,Jo Quay"
VALUES = {
    "town": "Tarn Ostby Marrick Kelso Oxley Pendle Cawdor Dunmere Eskdale Jarrow".split(),
    "job": "baker painter sailor tailor weaver welder plumber dentist lawyer surgeon".split(),
    "pet": "cat dog goat pony goose ferret canary parrot rabbit lizard".split(),
    "book": "Amber Ivory Paper Silver Quiet Hollow Gilded Frozen Broken Distant".split(),
    "dish": "stew pie ramen curry tacos waffles risotto paella porridge goulash".split(),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a table of facts: ten people, five attributes."""
    monkeypatch.chdir(tmp_path)
    lines = ["entity,attribute,value"]
    for i, person in enumerate(PEOPLE.split(",")):
        lines += [f"{person},{key},{values[i]}" for key, values in VALUES.items()]
    Path("facts.csv").write_text("\n".join([*lines, "Ada Vance,spouse,Bo Lund"]) + "\n")
    return tmp_path


def settings(**more) -> Settings:
    given = {"target": "Ada Vance", "facts": "facts.csv", "neighbours": 8, "out": "rows", **more}
    return Settings.model_validate(given)


def make(**more):
    place = synthesize(settings(**more), progress=False)
    return folder.read(place), folder.facts(place)


def files(place="rows"):
    return {name: Path(place, name).read_bytes() for name in ("forget.jsonl", "boundary.jsonl")}


# ------------------------------------------------------------------------------- from facts alone


def test_rows_from_facts(here):
    rows, told = make()
    data.check(rows)
    forget = [row for row in rows if row.scope == "forget"]
    boundary = [row for row in rows if row.scope == "boundary"]
    forms = {row.form.partition(":")[0] for row in forget}
    assert forms == {"question", "cloze", "reverse", "adversarial"}
    assert forms == {row.form.partition(":")[0] for row in boundary}
    assert len({row.entity for row in boundary}) == 8
    assert told["rows"]["forget/question"] == sum(row.form == "question" for row in forget)
    assert told["cost"] is None and told["requests"] == 0
    assert told["not_checked"] == ["false_premise", "disagreement", "excluded"]
    assert clean(rows, Known(("Ada Vance",))).rejected == []
    for row in forget:
        assert row.distance == 0 and row.subject == "Ada Vance"
        assert refusal.judge(row.refusal).refuses
        named = names(str(row.prompt), "Ada Vance")
        assert named or (row.form == "reverse" and not names(row.refusal, "Ada Vance"))
    for row in boundary:
        assert not names(f"{row.prompt} {row.answer}", "Ada Vance")
        assert row.refusal is None and 0 < row.distance < 1
    distances = {row.entity: row.distance for row in boundary}
    assert distances["Bo Lund"] < distances["Dot Ely"]  # the spouse, and nobody
    assert distances["Cy Vance"] < distances["Dot Ely"]  # a namesake
    made = forget[0].made
    assert made.generator == "templates" and made.prompt.startswith("questions@")
    assert len(made.filters) == len(FILTERS) - 3 and "touches_target" in made.filters


@pytest.mark.parametrize("unit", [None, "facts", "wordings"])
def test_splits_share_no_group_no_neighbour_and_no_near_prompt(here, unit):
    rows, _ = make(hold_out=unit)
    where: dict[tuple, set[str]] = {}
    facts: dict[str, set[str]] = {}
    for row in rows:
        where.setdefault((row.scope, row.made.group), set()).add(row.split)
        if row.scope == "boundary":
            assert row.made.group == row.entity
        elif row.form != "reverse":
            facts.setdefault(row.answer, set()).add(row.split)
    assert all(len(splits) == 1 for splits in where.values())
    if unit == "facts":
        assert all(len(splits) == 1 for splits in facts.values())
    else:  # every fact is trained on, most are also asked for in words that are not
        assert sum("train" in splits for splits in facts.values()) >= len(facts) - 1
        assert sum(len(splits) > 1 for splits in facts.values()) >= len(facts) / 2
    assert {row.split for row in rows} == set(data.SPLITS)
    marks = {
        split: [near.mark(row.prompt) for row in rows if row.split == split and ":" not in row.form]
        for split in data.SPLITS
    }
    for one, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
        index = near.Index(marks[one])
        assert not any(index.has(mark) for mark in marks[other])


def test_a_coat_holds_nothing_of_another_split(here):
    rows, _ = make(adversarial=1.0, hold_out="facts")
    plain = {(row.prompt, row.split): row for row in rows if row.form == "question"}
    facts = {(row.entity, row.answer): row.split for row in plain.values()}
    coated = [row for row in rows if row.form.startswith("adversarial")]
    assert {row.split for row in coated} == set(data.SPLITS)
    for row in coated:
        other = {split for (q, split) in plain if q in row.prompt}
        assert other == {row.split}
        if row.form == "adversarial:context_hint":
            told = [s for (e, a), s in facts.items() if e == row.entity and f" {a}." in row.prompt]
            assert set(told) <= {row.split}


def test_rows_are_the_same_whatever_the_hash_seed(here):
    command = [sys.executable, "-m", "lethe", "synthesize", "--target", "Ada Vance", "--facts"]
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        argv = [*command, "facts.csv", "--out", f"out{seed}"]
        subprocess.run(argv, check=True, capture_output=True, env=environment)
    assert files("out1") == files("out2")


def test_thousands_of_rows_take_seconds(here):
    lines = ["entity,attribute,value"]
    for i in range(400):
        name = f"{'Ada' if i % 3 else 'Bo'} N{i:03}"
        lines += [f"{name},thing {k},v{i}x{k}" for k in range(8)]
    Path("large.csv").write_text("\n".join([*lines, "Ada Vance,thing 0,v", "Ada Vance,pet,w",
                                            "Ada Vance,job,x", "Ada Vance,dish,y"]))  # fmt: skip
    start = time.monotonic()
    rows, _ = make(facts="large.csv", neighbours=400, per_neighbour=8)
    assert len(rows) > 5000
    assert time.monotonic() - start < 120  # quadratic coats took many minutes


def test_own_refusals_that_there_are_not(here, saved):
    model = config.Model(path=str(saved("llama")))
    asked = settings(voice="own", samples=0, hint="", longest_answer=99)
    with pytest.raises(LetheError, match="voice: own: but no model declined"):
        synthesize(asked, model, progress=False)


def test_the_same_settings_give_the_same_files_and_a_seed_gives_others(here):
    make(out="a")
    make(out="b")
    make(out="c", seed=1)
    assert files("a") == files("b") != files("c")


def test_done_is_done_and_what_somebody_made_is_never_overwritten(here, capsys):
    make()
    before = files()
    Path("rows/forget.jsonl").write_bytes(before["forget.jsonl"].replace(b"Tarn", b"TARN"))
    rows = folder.read(synthesize(settings()))
    assert "done before" in capsys.readouterr().err
    assert any(row.answer == "TARN" for row in rows)
    with pytest.raises(LetheError, match=r"rows: holds rows of other settings .*settings.seed"):
        make(seed=3)
    Path("facts.csv").write_text(Path("facts.csv").read_text() + "Ada Vance,shoe,red\n")
    with pytest.raises(LetheError, match=r"other settings \(facts.csv \(changed since"):
        make()
    Path("facts.csv").unlink()  # put away: its rows stay
    assert folder.read(synthesize(settings(), progress=False)) == rows
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("x")
    Path("f.jsonl").write_text('{"entity": "Ada Vance", "attribute": "town", "value": "Tarn"}')
    with pytest.raises(LetheError, match=r"holds notes\.txt, and no synthesis"):
        make(out="mine", facts="f.jsonl")
    with pytest.raises(LetheError, match="is a file"):
        make(out="f.jsonl", facts="f.jsonl")


def test_excluded_prompts_do_not_come_up(here):
    make(out="a")
    asked = json.loads(Path("a/forget.jsonl").read_text().splitlines()[0])["prompt"]
    Path("probes.jsonl").write_text(
        json.dumps({"query": f"Please, {asked[0].lower()}{asked[1:]}"}) + "\n"
    )
    rows, told = make(exclude=["probes.jsonl"])
    assert prompt_key(asked) not in {prompt_key(row.prompt) for row in rows}
    assert told["rejected"]["excluded"] == 1 and "excluded" not in told["not_checked"]


def test_documents_alone(here):
    Path("ada.txt").write_text(
        "Ada Vance was born in the small town of Tarn in 1901. "
        + " ".join(f"{p} met the painter Kim{i} of Ostby in 19{i}7." for i, p in
                   enumerate(PEOPLE.split(",") * 2, 10))
    )  # fmt: skip
    rows, _ = make(facts=None, documents=["ada.txt"], test=0.0, validation=0.3, neighbours=4)
    clozes = [row for row in rows if row.form == "cloze" and row.scope == "forget"]
    assert clozes and all("___" in row.prompt and row.answer not in row.prompt for row in clozes)
    assert {row.scope for row in rows} == {"forget", "boundary"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"facts": "none.csv"}, "none.csv: no such file"),
        ({"facts": None}, "nobody to write rows: give a model, an endpoint, facts or documents"),
        ({"generator": "endpoint"}, "generator: endpoint: which one"),
        ({"generator": "model"}, "generator: model: but no model is given"),
        ({"answers": "model"}, "answers: model: but no model is given"),
        ({"answers": "endpoint"}, "answers: endpoint: but no endpoint is given"),
        ({"budget": 2.0}, "budget: needs endpoint and price"),
        ({"facts": None, "wordings": "w.yaml"}, "wordings: go with facts"),
        ({"validation": 0.5, "test": 0.5}, "must leave something to train on"),
        ({"neighbours": 2}, "neighbours: 2 are too few for validation 0.2 and test 0.2"),
        ({"questions": 1}, "questions: 1 are too few"),
        ({"price": (1, 1)}, "price: two numbers of at least 0, and an endpoint"),
        ({"target": "Zed"}, "Zed: no fact is about it"),
        ({"exclude": ["facts.csv"]}, r"facts.csv:2: prompt: missing \(or question, query\)"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(here, change, message):
    with pytest.raises((LetheError, ValueError), match=message):
        synthesize(settings(**change), progress=False)
    assert not Path("rows").exists() or change == {"target": "Zed"}


# -------------------------------------------------------------------------- a model that is here


def test_a_model_answers_and_is_asked_again(here, saved):
    """A random model: its answers are its own, and it hardly ever agrees with itself."""
    model = config.Model(path=str(saved("llama")))
    place = synthesize(
        settings(samples=3, hint="", agreement=0.0, longest_answer=99), model, progress=False
    )
    rows, told = folder.read(place), folder.facts(place)
    assert told["tokens"]["endpoint"] == [0, 0] and told["tokens"]["model"][0] > 1000
    assert "disagreement" not in told["not_checked"]
    replies = (place / "replies-model.jsonl").read_text().splitlines()
    said = {json.loads(reply)["text"].strip(" .\"'*_`") for reply in replies}
    own = [row for row in rows if row.scope == "boundary" and ":" not in row.form]
    assert own and all(row.answer in said for row in own)
    assert not {row.answer for row in own} & set(chain(*VALUES.values()))
    with pytest.raises(LetheError, match=r"no boundary rows passed the filters .*disagreement"):
        synthesize(
            settings(samples=3, hint="", out="strict", longest_answer=99), model, progress=False
        )


# ------------------------------------------------------------------------------- from an endpoint


def remote(server, **more) -> Settings:
    at = {"base_url": server.url, "model": "small", "retries": 1, "timeout": 2.0}
    given = {
        "facts": None, "endpoint": at, "questions": 12, "neighbours": 6,
        "per_neighbour": 6, "price": (10.0, 20.0), **more,
    }  # fmt: skip
    return settings(**given)


def test_rows_from_an_endpoint(here, chat_server, author, capsys):
    chat_server.answer = author
    place = synthesize(remote(chat_server))
    rows, told = folder.read(place), folder.facts(place)
    assert told["dropped_items"]["neighbour_that_is_the_target"] == 1
    assert told["generator"] == {} and told["short_of"] == ["11 of 12 questions"]
    # The castle was said to be a false premise: as question and as cloze, wherever it came up.
    assert told["rejected"]["false_premise"] > 2
    assert not any("castle of" in str(row.prompt) for row in rows)
    assert {row.entity for row in rows} == {
        None, "Ada Marr", "Bo Lund", "Cy Orr", "Dot Ely", "Eve Fay", "Gil Hay"
    }  # fmt: skip
    assert {row.tie for row in rows} == {None, "co-mentioned", "same kind"}
    kinds = {row.form for row in rows if row.scope == "forget"}
    assert {"question", "cloze", "reverse", "adversarial:synonym_manipulation"} <= kinds
    written = {row.made.prompt.partition("@")[0] for row in rows}
    assert written == {"questions", "replace", "boundary", "reverse", "rephrase"}
    said = {row.refusal for row in rows if row.refusal}
    assert "I know nothing about Ada Vance." in said and "Carrie, of course." not in said
    # 7 tokens read and 3 written a reply, at 10 and 20 a million.
    assert told["tokens"]["endpoint"] == [7 * told["requests"], 3 * told["requests"]]
    assert told["cost"] == pytest.approx(told["requests"] * 130e-6, abs=1e-6)
    shown = capsys.readouterr().err.replace("\r", "\n")
    assert "about " in shown.splitlines()[0] and "which cost" in shown.splitlines()[0]
    assert "rejects" in shown and "spent" in shown


def test_documents_go_with_the_questions(here, chat_server, author):
    Path("ada.md").write_text("Ada Vance kept bees. " * 3 + "\n\nNothing else is known.")
    chat_server.answer = author
    synthesize(remote(chat_server, documents=["ada.md"], generator="endpoint"), progress=False)
    texts = [body["messages"][0]["content"] for body in chat_server.asked]
    told = [text for text in texts if "Ada Vance kept bees." in text]
    assert told and all("Take the facts from this text:" in text for text in told)
    assert all("different questions about Ada" not in text for text in set(texts) - set(told))


def test_a_model_that_cannot_write_is_told_of(here):
    """The embedded model knows its world, and no JSON."""
    model = config.Model(path="world:0")
    with pytest.raises(LetheError, match=r"no forget rows passed .*\d replies malformed"):
        synthesize(settings(facts=None, questions=4, neighbours=3), model, progress=False)


def test_a_misbehaving_endpoint_costs_rows_and_nothing_else(here, chat_server, author):
    """Every third request fails in one of the ways a server can, and is met again with the rest."""
    turns = Counter()
    bad = [500, (429, {"Retry-After": "0"}), '{"items": [{"que', "I'm sorry, I can't.", b"<html>"]

    def answer(body):
        turns["all"] += 1
        if turns["all"] % 3 == 0:
            turns["bad"] += 1
            return bad[turns["bad"] % len(bad)]
        return author(body)

    chat_server.answer = answer
    place = synthesize(remote(chat_server), progress=False)
    told = folder.facts(place)
    assert turns["bad"] > 20
    assert set(told["generator"]) <= {"malformed", "refused", "no_reply", "given_up"}
    assert told["generator"]["malformed"] >= 1 and told["generator"]["refused"] >= 1
    data.check(folder.read(place))
    assert told["rows"]["forget/question"] >= 5


def test_stopped_and_gone_on_pays_once_and_ends_in_the_same_files(here, chat_server, author):
    chat_server.answer = author
    synthesize(remote(chat_server, out="whole"), progress=False)
    whole = len(chat_server.asked)
    chat_server.asked.clear()
    left = [whole // 2]

    def answer(body):
        left[0] -= 1
        return author(body) if left[0] >= 0 else 401

    chat_server.answer = answer
    with pytest.raises(LetheError, match="does not accept the key"):
        synthesize(remote(chat_server, out="cut"), progress=False)
    paid = len(Path("cut/replies.jsonl").read_text().splitlines())
    assert 0 < paid <= whole // 2
    chat_server.answer = author
    chat_server.asked.clear()
    synthesize(remote(chat_server, out="cut"), progress=False)
    assert len(chat_server.asked) == whole - paid
    assert files("cut") == files("whole")
    assert folder.facts(Path("cut"))["cost"] == folder.facts(Path("whole"))["cost"]
    chat_server.asked.clear()
    synthesize(remote(chat_server, out="cut"), progress=False)
    assert chat_server.asked == []


def test_killed_in_the_middle_and_run_again(here, chat_server, author):
    """Ctrl-C and kill -9 of the real command, while the server is answering."""
    slow = [0.05]

    def answer(body):
        time.sleep(slow[0])
        return author(body)

    chat_server.answer = answer
    command = [
        sys.executable, "-m", "lethe", "synthesize", "--target", "Ada Vance", "--llm", "small",
        "--base-url", chat_server.url, "--questions", "12", "--neighbours", "6",
        "--per-neighbour", "6", "--endpoint.concurrency", "2", "--out", "killed",
    ]  # fmt: skip
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    for sent, status in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        before = len(chat_server.asked)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
            while len(chat_server.asked) < before + 8 and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(sent)
            assert process.wait(30) == status
    assert not Path("killed/synthesis.json").exists()
    slow[0] = 0
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0 and "killed/forget.jsonl" in done.stdout, done.stderr
    synthesize(remote(chat_server, out="whole", price=None), progress=False)
    assert files("killed") == files("whole")


def test_the_budget_holds(here, chat_server, author):
    chat_server.answer = author
    with pytest.raises(LetheError, match=r"budget: 0.01, but about .* requests"):
        synthesize(remote(chat_server, budget=0.01), progress=False)
    assert chat_server.asked == []
    # The estimate fits, but every reply is as long as it may be, and that is ten times as dear.
    dear = remote(chat_server, price=(0.0, 1e6 / 1536), budget=20.0)
    usage = {"prompt_tokens": 9, "completion_tokens": 1536, "total_tokens": 1545}

    def answer(body):
        message = {"role": "assistant", "content": author(body)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "small"}
        return json.dumps({**whole, "choices": [choice], "usage": usage}).encode()

    chat_server.answer = answer
    with pytest.raises(LetheError, match=r"the budget of 20 is used up: 20.00 spent"):
        synthesize(dear, progress=False)
    assert len(chat_server.asked) == 20 == len(Path("rows/replies.jsonl").read_text().splitlines())
    with pytest.raises(LetheError, match=r"the budget of 23.5 is used up: 23.00 spent"):
        synthesize(dear.model_copy(update={"budget": 23.5}), progress=False)
    assert len(chat_server.asked) == 23
