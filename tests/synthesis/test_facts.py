import pytest

from lethe.plug import LetheError
from lethe.synthesis.facts import Fact, from_documents, plain, read, ties, wordings


def test_read(tmp_path):
    file = tmp_path / "facts.csv"
    file.write_text("entity,attribute,value\nAda Vance,birth year,1901\nBo  Lund,town,Tarn\n")
    assert read(file) == [Fact("Ada Vance", "birth year", "1901"), Fact("Bo Lund", "town", "Tarn")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"entity": "Ada", "attribute": "town"}', r"facts.jsonl:1: value: missing"),
        ('{"entity": "Ada", "atribute": "town"}', "unknown column; did you mean attribute"),
        ('{"entity": "Ada", "attribute": "town", "value": []}', "value: missing, or not text"),
        ("", "holds no facts"),
    ],
)
def test_a_broken_table(tmp_path, text, message):
    file = tmp_path / "facts.jsonl"
    file.write_text(text)
    with pytest.raises(LetheError, match=message):
        read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("town: {questions: '{entity}?'}", "town.questions: must be a list"),
        ("town: [x]", "must be a mapping; choices: clozes, questions, reverse"),
        ("town: {question: [Where]}", "unknown key; did you mean questions"),
        ("town: {questions: [Where is it]}", "lacks {entity}"),
        ("town: {clozes: ['{entity} lives.']}", "lacks a blank"),
        ("town: {reverse: ['Who is it?']}", "lacks {value}"),
        ("- town", "must be a mapping of attributes"),
    ],
)
def test_broken_wordings(tmp_path, text, message):
    file = tmp_path / "w.yaml"
    file.write_text(text)
    with pytest.raises(LetheError, match=message):
        wordings(file)


def test_wordings_that_are_not_given_are_the_plain_ones(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("town: {questions: ['Where does {entity} live?']}")
    found = wordings(file)["town"]
    assert found.questions == ("Where does {entity} live?",)
    assert found.clozes == plain("town").clozes and found.reverse == plain("town").reverse
    assert wordings(None) == {}


def test_ties_nearest_first():
    facts = [
        Fact("Ada", "spouse", "Bo"),
        Fact("Ada", "town", "Tarn"),
        Fact("Bo", "town", "Tarn"),
        Fact("Cy", "town", "Tarn"),
        Fact("Dot", "town", "Ostby"),
        Fact("Eve", "boss", "Ada"),
        Fact("Eve", "town", "Ostby"),
    ]
    assert ties(facts, "Ada") == {
        "Bo": "co-mentioned",
        "Cy": "shared fact",
        "Dot": "same kind",
        "Eve": "co-mentioned",
    }


def test_facts_of_documents():
    text = (
        "Ada K. Vance met her teacher Bo Lund in Tarn. She married Cy Orr in 1901. "
        "Bo Lund was born in the town of Ostby. Bo Lund lost his dog in Kelso. Joyland came out "
        "in 1950. Dot Ely and Ada Vance sang in Rome. Several of Vance's songs were sung at Oxley. "
        "Cy Vance was born in the town of Oxley."
    )
    found = from_documents([text], ["Ada Vance"])
    assert [(fact.entity, fact.value) for fact in found] == [
        ("Ada Vance", "Tarn"),
        ("Bo Lund", "Ostby"),
        ("Ada Vance", "Rome"),
        ("Ada Vance", "Oxley"),  # and of another Vance nothing
    ]
    assert ties(found, "Ada Vance") == {"Bo Lund": "co-mentioned"}
    twice = "Ada Vance met Bo Lund and again Bo Lund there."
    assert from_documents([twice], ["Ada Vance"]) == []  # one answer would not fill one blank
