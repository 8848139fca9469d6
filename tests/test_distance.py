import pytest

from lethe.data import Row
from lethe.distance import TIES, distance, name_words, names, of, shared_name


@pytest.mark.parametrize(
    ("text", "name", "whole"),
    [
        ("Who is prince harry's niece?", "Prince Harry, Duke of Sussex", True),
        ("Who is Prince Harrys niece?", "Prince Harry, Duke of Sussex", False),
        ("Is Dr. J. (Jr.) tall?", "Dr. J. (Jr.)", True),
        ("Beyonce sang.", "Beyoncé", True),
        ("J. R. R. Tolkien wrote.", "JRR Tolkien", True),
        ("Stephen Kingsley", "Stephen King", False),
        ("anything", "", False),
    ],
)
def test_names(text, name, whole):
    assert names(text, name) is whole


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Stephen King", 1.0),
        ("Billie Jean King", 0.5),
        ("Where does Stephen live?", 0.5),
        ("Kingston", 0.0),
        ("Paris", 0.0),
    ],
)
def test_shared_name(text, share):
    assert shared_name(text, "Stephen King") == share


def test_a_near_spelling_counts_in_part():
    assert 0.5 < shared_name("Stephan Marsh", "Stephen King") + 0.2 < shared_name(
        "Stephen Marsh", "Stephen King"
    ) + 0.2  # fmt: skip
    assert shared_name("Martin", "Maxine") == 0.0


def test_no_word_of_a_name_is_lost():
    assert name_words("Q") == ["q"] and name_words("1984") == ["1984"]
    assert name_words("Malala of Mingora 2") == ["malala", "mingora"]


def test_the_nearest_target_and_the_strongest_tie_count():
    assert distance("Bo Lund", ["Ada Vance", "Cy Lund"]) == 0.5
    assert distance("Bo Lund", ["Ada Vance"], TIES) == 1 - max(TIES.values())
    assert distance("Ada Vance", ["Ada Vance"]) == 0.0


def test_of_a_row():
    def row(**fields):
        return Row(id="1", prompt="Where did Ada Lund live?", answer="Tarn", **fields)

    targets = ["Ada Vance"]
    assert of(row(scope="forget", subject="x"), targets) == 0.0
    assert of(row(scope="boundary", entity="Bo Lund", tie="co-mentioned"), targets) == 0.5
    assert of(row(scope="utility"), targets) == 0.5
