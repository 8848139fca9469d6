"""Brevity and naturalness: penalties of any text, whatever it says."""

import pytest

from lethe.plug import LetheError
from lethe.rewards.brevity import brevity
from lethe.rewards.naturalness import naturalness


@pytest.mark.parametrize(
    ("words", "scope", "reference", "paid"),
    [
        (40, "forget", None, 0.0),
        (44, "forget", None, -0.2),  # 4 of the 20 that cost all
        (60, "forget", None, -1.0),
        (500, "forget", "a long answer " * 40, -1.0),
        (12, "boundary", "Aldern", 0.0),
        (15, "boundary", "Aldern", -0.5),  # 3 of 6
        (40, "retain", "word " * 20, 0.0),
        (50, "utility", "word " * 20, -0.5),  # 10 of 20
        (0, "boundary", "Aldern", 0.0),
    ],
)
def test_brevity(words, scope, reference, paid):
    assert brevity(["no " * words], scope=[scope], answer=[reference]) == [pytest.approx(paid)]


def test_brevity_counts_letters_where_there_are_no_blanks():
    assert brevity(["x" * 480, "x" * 720], scope=["forget"] * 2, answer=[None] * 2) == [0.0, -1.0]


def test_brevity_takes_the_longest_alias():
    long = ["word " * 20]
    assert brevity(["a " * 40], scope=["retain"], answer=["a"], aliases=[long]) == [0.0]
    assert brevity(["a " * 40], scope=["retain"], answer=["a"], aliases=[[]]) == [-1.0]


def test_brevity_needs_answers():
    with pytest.raises(LetheError, match="no column 'answer'"):
        brevity(["a"], scope=["forget"])


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("I'm sorry, I don't know.", 0.0),
        ("It was was Carrie", -0.5),
        ("He lived with the", -0.5),
        ("It was was with the", -1.0),  # repeated and cut
        ("It is I don't know", -1.0),
        ("C a r r i e", -1.0),
        ("", -1.0),
    ],
)
def test_naturalness(text, paid):
    assert naturalness([text], ["forget"]) == [paid]


def test_chats():
    chat = [{"role": "assistant", "content": "It was was Carrie"}]
    assert naturalness([chat], ["retain"]) == [-0.5]
    assert brevity([chat], scope=["retain"], answer=["Carrie"]) == [0.0]
