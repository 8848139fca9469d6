"""A model in this process: what is on file is not drawn again, and a stop changes nothing."""

import json

import pytest

from lethe import config
from lethe.plug import LetheError
from lethe.synthesis.askers import How, Local


@pytest.fixture(scope="module")
def folder(saved):
    return saved("llama")


def asker(folder, cache, seen=None, batch=4):
    spec = config.Model(path=str(folder))
    made = Local(str(folder), spec, cache, (seen if seen is not None else []).append)
    made.BATCH = batch
    return made


def chats(n):
    words = "Bo Ada Cy Dot Eli Fay".split()
    return [
        [{"role": "user", "content": f"Where does {words[i % 6]} live" + " ?" * (i // 6)}]
        for i in range(n)
    ]


def ask(made, n=10, temperature=1.0, max_tokens=6):
    return made.ask(chats(n), list(range(n)), How(temperature, max_tokens))


def test_going_on_gives_what_never_stopping_gives(folder, tmp_path):
    whole = ask(asker(folder, tmp_path / "whole.jsonl"))
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 10 and len({json.loads(line)["text"] for line in lines}) > 5
    # Killed in the middle of the second batch, in the middle of a line.
    (tmp_path / "cut.jsonl").write_text("".join(lines[:6]) + lines[6][:20])
    seen = []
    again = ask(asker(folder, tmp_path / "cut.jsonl", seen))
    assert [reply.text for reply in again] == [reply.text for reply in whole]
    assert [reply.cached for reply in seen] == [True] * 4 + [False] * 6


def test_what_is_on_file_loads_no_model(folder, tmp_path):
    first = ask(asker(folder, tmp_path / "c.jsonl"))
    made = asker(folder, tmp_path / "c.jsonl")
    assert [r._replace(cached=False) for r in ask(made)] == first
    assert made._loaded is None


def test_tokens_are_counted_and_greedy_draws_agree(folder, tmp_path):
    made = asker(folder, tmp_path / "c.jsonl")
    replies = ask(made, n=3, temperature=0.0)
    assert all(0 <= reply.completion_tokens <= 6 and reply.prompt_tokens > 4 for reply in replies)
    again = made.ask(chats(3), [7, 8, 9], How(0.0, max_tokens=6))
    assert [reply.text for reply in again] == [reply.text for reply in replies]


def test_other_weights_in_the_same_place_are_another_model(saved, tmp_path, words, net):
    folder = saved("llama")
    before = ask(asker(folder, tmp_path / "c.jsonl"))
    net("llama", seed=5).save_pretrained(folder)
    assert ask(asker(folder, tmp_path / "c.jsonl")) != before


def test_a_cache_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LetheError, match="cannot be written"):
        ask(asker(folder, tmp_path / "file" / "c.jsonl"))
