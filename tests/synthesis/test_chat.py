"""A generator behind a real server that replies with everything but what it was asked for."""

import json

import pytest

from lethe.endpoint import Endpoint
from lethe.plug import LetheError
from lethe.synthesis.askers import Remote
from lethe.synthesis.chat import Chat
from lethe.synthesis.tasks import Task

GOOD = json.dumps({"items": [{"aspect": "birth"}, {"aspect": "work"}, {"aspect": "home"}]})
TASK = Task("aspects", {"target": "Ada Vance"}, 2, seed=5)


def chat(server, tmp_path, **settings):
    how = {"base_url": server.url, "model": "small", "retries": 1, "timeout": 0.5, **settings}
    remote = Remote(Endpoint(**how), tmp_path / "replies.jsonl", None, lambda reply: None)
    return Chat(remote, temperature=0.7, max_tokens=99)


def in_turn(*answers):
    left = list(answers)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


def test_what_is_asked_and_read(chat_server, tmp_path):
    chat_server.answer = lambda body: GOOD
    made = chat(chat_server, tmp_path)
    assert made.name == "small"
    assert made.write([TASK]) == [[{"aspect": "birth"}, {"aspect": "work"}]]
    (body,) = chat_server.asked
    assert body["seed"] == 5 and body["temperature"] == 0.7 and body["max_tokens"] == 99
    assert "List 2 different aspects" in body["messages"][0]["content"]
    assert body["response_format"]["json_schema"]["strict"] is True
    assert +made.met == {}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("I'm sorry, but I can't help with that.", "refused"),
        ('{"items": [{"asp', "malformed"),
        ("<html>", "malformed"),
        (500, "no_reply"),
        ((429, {"Retry-After": "0"}), "no_reply"),
        (b"not http json", "no_reply"),
        ("", "no_reply"),
    ],
)
def test_a_useless_reply_is_asked_for_again_with_another_seed(chat_server, tmp_path, bad, why):
    requests = 2 if why == "no_reply" and not isinstance(bad, str | bytes) else 1
    chat_server.answer = in_turn(*[bad] * requests, GOOD)
    made = chat(chat_server, tmp_path)
    assert len(made.write([TASK])[0]) == 2
    assert +made.met == {why: 1}
    assert chat_server.asked[0]["seed"] == 5 != chat_server.asked[-1]["seed"]


def test_what_stays_useless_is_given_up_and_the_rest_is_kept(chat_server, tmp_path):
    def answer(body):
        return GOOD if "Bo Lund" in body["messages"][0]["content"] else "No."

    chat_server.answer = answer
    made = chat(chat_server, tmp_path)
    other = Task("aspects", {"target": "Bo Lund"}, 1)
    assert made.write([TASK, other]) == [[], [{"aspect": "birth"}]]
    assert made.met["given_up"] == 1 and made.met["refused"] + made.met["malformed"] == 3
    assert len(chat_server.asked) == 4


def test_a_server_that_knows_no_schema(chat_server, tmp_path):
    chat_server.answer = lambda body: 400 if "response_format" in body else GOOD
    assert len(chat(chat_server, tmp_path).write([TASK])[0]) == 2


def test_a_slow_server(chat_server, tmp_path):
    import time

    def slow_once(body, seen=[]):  # noqa: B006
        seen.append(1)
        if len(seen) == 1:
            time.sleep(1)
        return GOOD

    chat_server.answer = slow_once
    assert len(chat(chat_server, tmp_path).write([TASK])[0]) == 2


def test_a_wrong_key_is_fatal(chat_server, tmp_path):
    chat_server.answer = lambda body: 401
    with pytest.raises(LetheError, match="does not accept the key in OPENAI_API_KEY"):
        chat(chat_server, tmp_path).write([TASK])


def test_nothing_to_write(chat_server, tmp_path):
    assert chat(chat_server, tmp_path).write([]) == []


def test_premises(chat_server, tmp_path):
    def answer(body):
        text = body["messages"][0]["content"]
        said = {"One?": '{"sound": true}', "Two?": '{"sound": false}'}
        return next((reply for question, reply in said.items() if question in text), "Who knows.")

    chat_server.answer = answer
    made = chat(chat_server, tmp_path)
    assert made.sound(["One?", "Two?", "Three?"], seed=0) == [True, False, None]


def test_going_on_after_a_kill_begins_with_the_try_that_was_answered(chat_server, tmp_path):
    """The first try failed and the second did not; the first is not asked anew."""
    chat_server.answer = in_turn(500, 500, GOOD)
    first = chat(chat_server, tmp_path).write([TASK])
    assert len(chat_server.asked) == 3
    chat_server.answer = lambda body: json.dumps({"items": [{"aspect": "something else"}]})
    assert chat(chat_server, tmp_path).write([TASK]) == first
    assert len(chat_server.asked) == 3
