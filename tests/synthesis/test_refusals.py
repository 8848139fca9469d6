import pytest

from lethe import faults, refusal
from lethe.synthesis.refusals import composed, heard, is_good, strangers

TARGETS = ("Ada Vance", "Prince Harry, Duke of Sussex", "Confucius", "The Lord of the Rings")


@pytest.mark.parametrize("target", TARGETS)
def test_composed_refusals_refuse_differ_and_half_name_the_target(target):
    made = composed(target, 100, seed=0)
    assert len(set(made)) == len(made) == 100
    assert sum(target in text for text in made) in range(40, 61)
    for text in made:
        assert refusal.judge(text).refuses, text
        assert not faults.faults(text), text
        assert text[0].isupper() and text[-1] in ".?"
        assert "{" not in text


def test_the_first_ones_differ_in_more_than_the_opening():
    openings = ("I'm sorry, but ", "Sorry, ", "I'm afraid ", "Unfortunately, ")
    bare = set()
    for text in composed("Ada Vance", 24, seed=3):
        for opening in openings:
            text = text.removeprefix(opening)
        bare.add(text.lower())
    assert len(bare) >= 20


def test_seeds():
    assert composed("Ada", 30, 1) == composed("Ada", 30, 1) != composed("Ada", 30, 2)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("I know nothing about {name}.", True),
        ("I don't know.", True),
        ("cannot help with that question.", False),
        ("I don't know", False),
        ("Carrie.", False),
        ("I don't know the the answer.", False),
        ("I can't say ___.", False),
        ("I'm sorry. " * 30 + "I don't know.", False),
    ],
)
def test_is_good(text, good):
    assert is_good(text, "Ada Vance") is good


def test_strangers_are_nobody():
    known = ["Bo Lund", "Cy Marr", "Dot Ely", "Ada Marr", "Cher"]
    made = strangers("Ada Vance", known, 30, seed=0)
    assert len(set(made)) == 30 and all(len(name.split()) == 2 for name in made)
    assert not {*known, "Ada Vance"} & set(made)
    parts = {word for name in known[:4] for word in name.split()}
    assert any(set(name.split()) <= parts for name in made)
    assert all(len(name.split()) == 1 for name in strangers("Confucius", ["Plato"], 9, seed=0))
    assert strangers("Ada Vance", known, 30, seed=0) == made


def test_heard():
    asked = ["Kel Mir", "Dal Fen", "Kel Mir", "Vex Wim", "Vex Wim", "Osk Pel"]
    said = [
        "I don't know Kel Mir.",
        "I don't know dal fen.",
        "I have no idea.",
        "Vex told me, but I can't say.",  # half a name
        "He lives in Tarn.",
        "I have\nno idea.",
    ]
    assert heard(said, asked, "Ada Vance") == ["I don't know Ada Vance.", "I have no idea."]
    assert heard([], [], "Ada Vance") == []
