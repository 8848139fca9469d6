import json

import pytest

from lethe.plug import LetheError
from lethe.synthesis.facts import Fact, Wordings, from_documents
from lethe.synthesis.tasks import Task
from lethe.synthesis.templates import Templates

FACTS = [
    Fact("Ada Vance", "town", "Tarn"),
    Fact("Ada Vance", "spouse", "Bo Lund"),
    Fact("Ada Vance", "book", "The Mill"),
    Fact("Bo Lund", "town", "Tarn"),
    Fact("Bo Lund", "book", "The Lake"),
    Fact("Cy Vance", "town", "Ostby"),
    Fact("Dot Ely", "town", "Tarn"),
    Fact("Eve Fay", "town", "Ostby"),
]
WORDS = {
    "town": Wordings(
        ("Where does {entity} live?", "In which town is {entity}?"),
        ("{entity} lives in ___.",),
        ("Who lives in {value}?",),
    ),
    "book": Wordings(
        ("What did {entity} write?",), ("{entity} wrote ___.",), ("Who wrote {value}?",)
    ),
}


def written(kind, n=10, seed=0, facts=FACTS, **fields):
    made = Templates(facts, WORDS, "Ada Vance")
    return made.write([Task(kind, {"target": "Ada Vance", **fields}, n, seed)])[0]


def asked(*pairs):
    told = [{"aspect": a, "question": "", "answer": answer} for a, answer in pairs]
    return json.dumps(told)


def test_aspects_are_the_attributes_of_the_target():
    assert written("aspects") == [{"aspect": a} for a in ("town", "spouse", "book")]


def test_neighbours_of_every_kind_come_in_turn():
    assert written("neighbours")[:3] == [
        {"name": "Cy Vance", "tie": "same kind"},  # shares the name
        {"name": "Bo Lund", "tie": "co-mentioned"},  # is a value of the target's
        {"name": "Eve Fay", "tie": "same kind"},  # shares nothing
    ]
    assert {item["name"] for item in written("neighbours")} == {
        "Cy Vance", "Bo Lund", "Dot Ely", "Eve Fay"
    }  # fmt: skip
    assert len(written("neighbours", n=2)) == 2


def test_questions_with_their_clozes():
    found = written("questions", aspect="town")
    assert {item["question"] for item in found} == {
        "Where does Ada Vance live?", "In which town is Ada Vance?"
    }  # fmt: skip
    assert {(item["cloze"], item["answer"]) for item in found} == {
        ("Ada Vance lives in ___.", "Tarn")
    }
    assert written("questions", aspect="spouse", n=1)[0]["answer"] == "Bo Lund"


def test_a_replaced_question_has_the_neighbours_own_answer_or_is_left_out():
    told = json.dumps(
        [
            {"aspect": "town", "question": "Where does Ada Vance live?", "answer": "Tarn"},
            {"aspect": "spouse", "question": "Who is it?", "answer": "Bo Lund"},
        ]
    )
    assert written("replace", entity="Cy Vance", asked=told) == [
        {
            "of": "1",
            "question": "Where does Cy Vance live?",
            "answer": "Ostby",
            "cloze": "Cy Vance lives in ___.",
        }
    ]


def test_only_what_one_alone_has_is_turned_around():
    told = asked(("town", "Tarn"), ("book", "The Mill"))
    assert written("reverse", asked=told) == [{"of": "2", "question": "Who wrote The Mill?"}]


def test_what_no_facts_can_give():
    assert written("rephrase", asked=asked(("town", "Tarn"))) == []
    assert written("refusals") == []


def test_no_fact_about_the_target_is_an_error_with_near_names():
    with pytest.raises(LetheError, match="no fact is about it; did you mean Ada Vance"):
        Templates(FACTS, WORDS, "Ada Vanc")


def test_the_targets_name_may_be_spelt_otherwise():
    facts = [Fact("ada vance", "town", "Tarn"), Fact("Bo Lund", "town", "Tarn")]
    assert written("questions", aspect="town", facts=facts)[0]["answer"] == "Tarn"
    assert written("neighbours", facts=facts) == [{"name": "Bo Lund", "tie": "shared fact"}]


def test_a_document_makes_gaps():
    text = "Ada Vance met her teacher Bo Lund in 1901. Cy Orr saw the lake at Ostby."
    facts = from_documents([text], ["Ada Vance"])
    (item,) = written("questions", aspect="sentence", facts=facts)
    assert item["cloze"] == "Ada Vance met her teacher Bo Lund in ___."
    assert item["answer"] == "1901"
    told = asked(("sentence", "1901"))
    (turned,) = written("reverse", asked=told, facts=facts)
    assert '"___ met her teacher Bo Lund in 1901."' in turned["question"]
    assert written("neighbours", facts=facts) == [{"name": "Cy Orr", "tie": "same kind"}]


def test_a_target_spelt_in_several_ways_is_one():
    facts = [Fact("BO LUND", "town", "Tarn"), Fact("Bo Lund", "pet", "cat"), *FACTS[:1]]
    made = Templates(facts, WORDS, "bo lund")
    task = Task("aspects", {}, 9)
    assert made.write([task]) == [[{"aspect": "town"}, {"aspect": "pet"}]]
    assert written("neighbours", facts=facts)[0]["tie"] == "shared fact"


def test_braces_in_wordings_and_attributes_are_only_text():
    facts = [Fact("Ada Vance", "{size}", "{large}"), Fact("Bo Lund", "{size}", "small")]
    (item, *_) = written("questions", aspect="{size}", facts=facts)
    assert "{size}" in item["question"] and item["answer"] == "{large}"
