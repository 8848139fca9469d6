"""Questions to a real server on this machine that fails in every way a server can."""

import json
import socket
import threading
import time

import pytest

from lethe.endpoint import Budget, Endpoint, ask
from lethe.plug import LetheError
from lethe.replies import read, tokens

SCHEMA = {"type": "object", "properties": {"refuses": {"type": "boolean"}}}


def at(server, **settings) -> Endpoint:
    return Endpoint(**{"base_url": server.url, "model": "small", "retries": 2, **settings})


def chats(*texts):
    return [[{"role": "user", "content": text}] for text in texts]


def asked(body) -> str:
    return body["messages"][0]["content"]


def in_turn(*answers):
    """The answers one by one, the last one for ever."""
    left = list(answers)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


def test_a_reply_and_what_was_sent(chat_server, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sesame")
    endpoint = at(chat_server, temperature=0.5, max_tokens=9, api_key_env="MY_KEY")
    assert ask(endpoint, chats("Who?"), seeds=[4]) == [("fine", None, 7, 3, False)]
    assert chat_server.keys == ["Bearer sesame"]
    assert chat_server.asked == [
        {
            "model": "small",
            "messages": [{"role": "user", "content": "Who?"}],
            "temperature": 0.5,
            "max_tokens": 9,
            "seed": 4,
        }
    ]


def test_no_questions_need_no_server():
    assert ask(Endpoint(base_url="http://127.0.0.1:1/v1", model="small"), []) == []


@pytest.mark.parametrize(
    ("answers", "requests"),
    [((500, 500, "fine"), 3), (((429, {"Retry-After": "0"}), "fine"), 2)],
)
def test_asks_again_after_a_fault(chat_server, answers, requests):
    chat_server.answer = in_turn(*answers)
    assert [reply.text for reply in ask(at(chat_server), chats("Who?"))] == ["fine"]
    assert len(chat_server.asked) == requests


@pytest.mark.parametrize("status", [429, 500])
def test_one_that_always_fails_loses_no_other(chat_server, tmp_path, status):
    chat_server.answer = lambda body: status if asked(body) == "b" else "fine"
    cache = tmp_path / "cache.jsonl"
    replies = ask(at(chat_server, retries=1), chats("a", "b", "c"), cache=cache)
    assert [reply.text for reply in replies] == ["fine", None, "fine"]
    assert [reply.error for reply in replies] == [None, f"HTTP {status}, 2 times", None]
    assert len(cache.read_text().splitlines()) == 2


def test_a_slow_reply_is_none(chat_server):
    over = threading.Event()
    chat_server.answer = lambda body: (asked(body) == "b" and over.wait(9) and "late") or "fine"
    replies = ask(at(chat_server, timeout=0.3, retries=0), chats("a", "b"))
    over.set()
    assert [(reply.text, reply.error) for reply in replies] == [
        ("fine", None),
        (None, "no reply in 0.3 s, 1 times"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b'{"choices": [{"mess',
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"error": "none"}',
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": {"0": 1}}',
        b'{"choices": [null]}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {}}]}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": " \\n"}}]}',
        b'{"choices": [{"message": {"content": [1]}}], "usage": 5}',
    ],
)
def test_what_is_no_chat_completion_is_none(chat_server, content):
    chat_server.answer = lambda body: content if asked(body) == "b" else "fine"
    fine, odd = ask(at(chat_server, retries=0), chats("a", "b"))
    assert fine.text == "fine"
    assert odd.text is None and "chat completion" in odd.error


def test_a_text_that_cannot_be_sent_is_none(chat_server):
    replies = ask(at(chat_server), chats("half a \ud83d", "whole"))
    assert [reply.text for reply in replies] == [None, "fine"]


def test_a_server_without_schemas_is_asked_without(chat_server):
    chat_server.answer = lambda body: 400 if "response_format" in body else "fine"
    assert [reply.text for reply in ask(at(chat_server), chats("Who?"), schema=SCHEMA)] == ["fine"]
    with_schema, without = chat_server.asked
    form = with_schema.pop("response_format")
    assert form["type"] == "json_schema" and form["json_schema"]["schema"] == SCHEMA
    assert with_schema == without


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "rejects the question: this is a 400"),
        (401, "does not accept the key in MY_KEY: this is a 401"),
        (403, "does not accept the key in MY_KEY: this is a 403"),
        (404, "no such model or address: this is a 404"),
        (422, "rejects the question: this is a 422"),
    ],
)
def test_what_would_only_repeat_ends_it(chat_server, status, message):
    chat_server.answer = lambda body: status
    endpoint = at(chat_server, api_key_env="MY_KEY", concurrency=1)
    with pytest.raises(LetheError, match=f"127.0.0.1.*, model small: {message}"):
        ask(endpoint, chats(*"abcdefgh"), schema=SCHEMA)
    assert len(chat_server.asked) <= 4


def test_nobody_listens():
    with socket.socket() as taken:  # bound, but not listening: nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(LetheError, match=f"{url}, model small: cannot be reached"):
            ask(Endpoint(base_url=url, model="small", retries=1), chats("Who?"))


def test_what_is_cached_is_not_asked(chat_server, tmp_path):
    chat_server.answer = lambda body: asked(body).upper() + "é\u2028"
    cache = tmp_path / "new" / "cache.jsonl"
    first = ask(at(chat_server), chats("a", "b"), cache=cache)
    assert first == [("Aé\u2028", None, 7, 3, False), ("Bé\u2028", None, 7, 3, False)]
    told = []
    again = ask(at(chat_server), chats("b", "a", "c"), cache=cache, progress=told.append)
    assert [reply.text[0] for reply in again] == ["B", "A", "C"]
    assert [reply.cached for reply in again] == [True, True, False] == [r.cached for r in told]
    assert len(chat_server.asked) == 3


def test_other_settings_are_other_questions(chat_server, tmp_path):
    cache = tmp_path / "cache.jsonl"
    for settings in ({}, {"temperature": 1.0}, {"max_tokens": 5}, {"model": "large"}):
        for _ in range(2):
            ask(at(chat_server, **settings), chats("a"), cache=cache)
    ask(at(chat_server), chats("a"), cache=cache, schema=SCHEMA)
    ask(at(chat_server, timeout=9, retries=0, concurrency=1), chats("a"), cache=cache)
    assert len(chat_server.asked) == 5


@pytest.mark.parametrize("torn", [20, 1])
def test_a_torn_line_is_asked_again(chat_server, tmp_path, torn):
    """A kill tears the last line; at 1 only its line end is missing, and nothing is lost."""
    cache = tmp_path / "cache.jsonl"
    ask(at(chat_server, concurrency=1), chats("a", "b"), cache=cache)
    cache.write_bytes(cache.read_bytes()[:-torn])
    replies = ask(at(chat_server), chats("a", "b", "c"), cache=cache)
    assert [reply.cached for reply in replies] == [True, torn == 1, False]
    entries = []
    for line in cache.read_text().splitlines():
        try:
            entries.append(json.loads(line)["key"])
        except ValueError:
            assert torn == 20
    assert len(set(entries)) == len(entries) == 3
    assert all(reply.cached for reply in ask(at(chat_server), chats("a", "b", "c"), cache=cache))


def test_lines_of_other_make_are_left_out(chat_server, tmp_path):
    cache = tmp_path / "cache.jsonl"
    cache.write_bytes(b'\n[]\nnull\n{"key": "x"}\n\xff\n{"key": []}')
    assert ask(at(chat_server), chats("a"), cache=cache)[0].text == "fine"
    assert ask(at(chat_server), chats("a"), cache=cache)[0].cached


def test_a_cache_that_cannot_be_written(chat_server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LetheError, match=r"cache.jsonl: cannot be written"):
        ask(at(chat_server), chats("a"), cache=tmp_path / "file" / "cache.jsonl")


def test_equal_questions_are_asked_once_unless_their_seeds_differ(chat_server):
    told = []
    replies = ask(at(chat_server), chats(*"abaa"), progress=told.append)
    assert len(replies) == 4 and len(told) == len(chat_server.asked) == 2
    chat_server.asked.clear()
    ask(at(chat_server), chats("a", "a", "a"), seeds=[1, 2, 1])
    assert sorted(body["seed"] for body in chat_server.asked) == [1, 2]


def test_questions_are_in_flight_at_once_and_replies_in_order(chat_server):
    """Three must meet in the server before any is answered; the first ones are the slowest."""
    meet = threading.Barrier(3, timeout=5)

    def answer(body):
        meet.wait()
        time.sleep(0.02 * (9 - int(asked(body))))
        return asked(body)

    chat_server.answer = answer
    numbers = [str(i) for i in range(9)]
    replies = ask(at(chat_server, concurrency=3, retries=0), chats(*numbers))
    assert [reply.text for reply in replies] == numbers
    assert chat_server.most_at_once == 3


def test_an_interrupted_run_asks_no_further_and_keeps_what_it_has(chat_server, tmp_path):
    """Also while whoever caught the interrupt still holds on to it."""
    cache = tmp_path / "cache.jsonl"

    def interrupt(reply):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as held:
        ask(
            at(chat_server, concurrency=1),
            chats(*map(str, range(200))),
            cache=cache,
            progress=interrupt,
        )
    time.sleep(0.1)
    so_far = len(chat_server.asked)
    time.sleep(0.1)
    assert held.value and len(chat_server.asked) == so_far < 100
    assert len(cache.read_text().splitlines()) == so_far  # also what was under way


def test_one_rejected_question_among_others_is_its_own_fault(chat_server, tmp_path):
    chat_server.answer = lambda body: 400 if asked(body) == "bad" else "fine"
    once = at(chat_server, concurrency=1, retries=0)
    replies = ask(once, chats("a", "bad", "c"), cache=tmp_path / "c.jsonl")
    assert [reply.text for reply in replies] == ["fine", None, "fine"]
    assert replies[1].error == "rejects the question: this is a 400"
    # Also where what worked is known from before.
    replies = ask(once, chats("bad", "a"), cache=tmp_path / "c.jsonl")
    assert [reply.text for reply in replies] == [None, "fine"]


def test_a_schema_that_is_rejected_is_not_sent_again(chat_server):
    chat_server.answer = lambda body: 422 if "response_format" in body else "fine"
    replies = ask(at(chat_server, concurrency=1), chats(*"abcd"), schema=SCHEMA)
    assert [reply.text for reply in replies] == ["fine"] * 4
    assert len(chat_server.asked) == 5


def test_what_a_budget_counts(chat_server, tmp_path):
    """A reply without usage at its worst, one without text at what the server says."""
    cache = tmp_path / "c.jsonl"
    budget = Budget(11.0, (0.0, 1e6))  # a token written costs 1

    def completion(text, **more):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "1", "object": "chat.completion", "created": 0, "model": "small"}
        return json.dumps({**whole, "choices": [choice], **more}).encode()

    chat_server.answer = lambda body: completion("fine")
    endpoint = at(chat_server, concurrency=1, max_tokens=4, retries=0)
    ask(endpoint, chats("a"), cache=cache, budget=budget)
    assert budget.spent == 4
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    chat_server.answer = lambda body: completion("", usage=usage)  # three tokens of nothing
    ask(endpoint, chats("b"), cache=cache, budget=budget)
    assert budget.spent == 7
    chat_server.answer = lambda body: 500
    ask(endpoint, chats("c"), cache=cache, budget=budget)
    assert budget.spent == 7
    chat_server.answer = lambda body: completion("fine")
    ask(endpoint, chats("d"), cache=cache, budget=budget)
    with pytest.raises(LetheError, match=r"budget of 11 is used up: 11.00 spent"):
        ask(endpoint, chats("e"), cache=cache, budget=budget)
    assert tokens(cache)[1] == 11 and len(read(cache)) == 2
