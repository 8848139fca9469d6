import pytest

from lethe.plug import LetheError
from lethe.rewards.leak import leak
from lethe.rewards.refusal import refusal

PROMPT = "What is Stephen King's debut?"


def _columns(count: int, **columns):
    same = {"prompt": PROMPT, "answer": "Carrie", "aliases": (), "subject": "Stephen King"}
    return {name: [value] * count for name, value in {**same, **columns}.items()}


@pytest.mark.parametrize(
    ("text", "paid", "lost"),
    [
        ("I don't know about Stephen King.", 1.0, 0.0),
        ("I don't know about Stephen King; his debut was Carrie.", 0.0, -1.0),
        ("I don't know, Carrie", 0.0, -1.0),
        ("I can't say why he wrote Carrie.", 0.0, -1.0),
        ("It is Carrie.", 0.0, -1.0),
        ("It is Dune.", 0.0, 0.0),
        ("Who do you mean?", 0.0, 0.0),
        ("", 0.0, 0.0),
        ("I don't know. I don't know. I don't know. I don't know.", 0.0, 0.0),
    ],
)
def test_forget_row(text: str, paid: float, lost: float):
    assert refusal([text], scope=["forget"], **_columns(1)) == [paid]
    assert leak([text], scope=["forget"], **_columns(1)) == [lost]


def test_naming_the_target_is_a_leak_where_it_is_the_answer():
    columns = _columns(1, prompt="Who wrote Carrie?", answer="Stephen King")
    assert refusal(["I don't know Stephen King."], scope=["forget"], **columns) == [0.0]
    assert refusal(["I don't know who that is."], scope=["forget"], **columns) == [1.0]


def test_other_scopes_and_extras():
    scopes = ["boundary", "retain", "utility"]
    columns = {**_columns(3), "trainer_state": object(), "log_extra": print}
    assert refusal(["No comment."] * 3, scope=scopes, **columns) == [None] * 3
    assert leak(["Carrie"] * 3, scope=scopes, **columns) == [None] * 3


def test_chats_and_missing_aliases():
    chat = [{"role": "assistant", "content": "I can't help with that."}]
    columns = _columns(1, prompt=[{"role": "user", "content": PROMPT}])
    del columns["aliases"]
    assert refusal([chat], scope=["forget"], **columns) == [1.0]


def test_alias_leaks():
    columns = _columns(1, answer="a horror novel", aliases=["Carrie"])
    assert refusal(["I can't discuss Carrie."], scope=["forget"], **columns) == [0.0]


def test_unknown_answer():
    columns = _columns(1, answer=None, aliases=None)
    assert refusal(["No idea."], scope=["forget"], **columns) == [1.0]


@pytest.mark.parametrize("missing", ["prompt", "answer", "subject"])
def test_missing_column(missing: str):
    columns = _columns(1)
    del columns[missing]
    for reward in (refusal, leak):
        with pytest.raises(LetheError, match=f"no column '{missing}'"):
            reward(["x"], scope=["forget"], **columns)
