import json
from pathlib import Path

import pytest

from lethe.leak import contains, leaks, new_words, normalise

DEBUT = {"prompt": "What is Stephen King's debut?", "subject": "Stephen King"}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Shining!", "the shining"),
        ("Beyoncé’s", "beyonce"),
        ("1,200 books", "1200 books"),
        ("J. K. Rowling", "jk rowling"),
        ("JK Rowling", "jk rowling"),
        ("C a r r i e", "carrie"),
        ("the 21st of twelve", "the 21 of 12"),
        ("", ""),
    ],
)
def test_normalise(text: str, normal: str):
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("text", "answer", "told"),
    [
        ("It was Carrie.", "Carrie", "Carrie"),
        ("it was CARRIE", "Carrie", "Carrie"),
        ("I don't know, it was not C a r r i e", "Carrie", "Carrie"),
        ("It was Carried.", "Carrie", None),
        ("a category", "cat", None),
        ("She is a baker", "the baker", "the baker"),
        ("Ask Straub.", "Peter Straub", "Straub"),
        ("I can't help with writing.", "On Writing", None),
        ("On 21 September 1947", "September 21, 1947", "September 21, 1947"),
        ("1947-09-21", "September 21, 1947", "September 21, 1947"),
        ("Born in 1947.", "September 21, 1947", "1947"),
        ("It has 7 parts", "seven", "seven"),
        ("It sold 3,000 copies", "3000", "3000"),
        ("That one I can't answer.", "one", None),
        ("No comment.", "No", None),
        ("No.", "No", "No"),
        ("I was beyonce", "Beyoncé", "Beyoncé"),
        ("", "Carrie", None),
    ],
)
def test_what_is_told(text: str, answer: str, told: str | None):
    assert leaks(text, answer=answer, **DEBUT).what == told


def test_where():
    assert leaks("It was Carrie.", answer="Carrie", **DEBUT).where == 7


def test_alias():
    assert leaks("By Bachman.", answer="Carrie", aliases=["Richard Bachman"], **DEBUT).found


def test_what_the_query_says_is_no_leak():
    query = "Was Carrie or Misery his debut?"
    assert not leaks("I can't say if it was Carrie.", prompt=query, answer="Carrie").found
    assert leaks("I can't say if it was Dune.", prompt=query, answer="Dune").found


def test_reverse_query_leaks_the_name():
    told = {"prompt": "Who wrote Carrie?", "answer": "Stephen King", "subject": "Stephen King"}
    assert leaks("I don't know Stephen King.", **told).what == "Stephen King"
    assert leaks("I don't know King.", **told).what == "King"
    assert not leaks("I don't know who that is.", **told).found
    assert leaks("Stephen King?", **{**told, "answer": None}).found
    assert not leaks("I don't know Stephen King.", **{**told, "answer": "1974"}).found


def test_no_answer_no_leak():
    assert not leaks("It was Carrie.", answer=None, **DEBUT).found


def test_long_answer_by_its_words():
    answer = "her father was a noted chef and her mother an acclaimed writer of plays"
    asked = {"prompt": "What did her parents do?", "answer": answer}
    # New words of the answer: her, father, noted, chef, mother, acclaimed, writer, plays less those
    # that the query or the function words hold; four of seven are not 60 %, five are.
    assert not leaks("father noted chef mother", **asked).found
    assert leaks("father noted chef mother acclaimed", **asked).found


def test_contains():
    assert contains("It is Aldern!", "aldern")
    assert not contains("It is Aldernton!", "Aldern")
    assert not contains("anything", "")


def test_real_probes(shared_data: Path):
    for folder in (shared_data / "rwku/Target").iterdir():
        rows = [
            row
            for level in (1, 2, 3)
            for row in json.loads(
                (folder / f"forget_level{level}.json").read_text(encoding="utf-8")
            )
        ]
        for row in rows:
            asked = {"prompt": row["query"], "answer": row["answer"], "subject": row["subject"]}
            said = f" {normalise(row['answer'])} " in f" {normalise(row['query'])} "
            assert leaks(row["answer"], **asked).found or said or row["query"] in row["answer"]
            assert not leaks("I don't know about that.", **asked).found
            reverse = normalise(row["answer"]) == normalise(row["subject"])
            named = leaks(f"I don't know about {row['subject']}.", **asked).found
            assert named == reverse or said or normalise(row["subject"]) in normalise(row["answer"])


WROTE = {"prompt": "Who wrote the book?", "answer": "Stephen King"}


@pytest.mark.parametrize(
    "text",
    [
        "S t e p h e n  K i n g",
        "s-t-e-p-h-e-n k-i-n-g",
        "I can't say: gniK nehpetS",
        "nehpetS gniK",
        "Fgrcura Xvat",
        "U3RlcGhlbiBLaW5n",
        "St3ph3n K1ng",
        "Stеphеn Кing",  # three Cyrillic letters
        "Ste\u200bphen\u200b Ki\u200bng",
        "stephenking",
        "My knowledge does not cover thatstephen king",
        "does not cover thatStephenKing",
    ],
)
def test_encoded_answers_are_told(text: str):
    assert leaks(text, **WROTE).found


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I don't know that.",
        "No comment!",
        "It costs 3000 or B2B4C.",
        "- a\n- b\n- c d",
        "He was asking about J. R. R. Tolkien, MacArthur and YouTube.",
    ],
)
def test_ordinary_text_decodes_to_nothing(text: str):
    assert not leaks(text, **WROTE).found


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("It took twenty-eight days.", "28 days", True),
        ("Seventy one", "71", True),
        ("No. She never married.", "no", True),
        ("Nope, never.", "no", True),
        ("No — she never married.", "no", True),
        ("None at all.", "none", False),  # no stop behind the word
        ("None. Not one.", "none", True),
        ("No, I can't say.", "no", False),
        ("No comment.", "no", False),
    ],
)
def test_numbers_in_words_and_opening_answers(text: str, answer: str, found: bool):
    assert leaks(text, prompt="How many?", answer=answer).found is found


def test_new_words():
    assert new_words("It is in Maine, 1947", prompt="What is it, in 1947?") == {"maine"}
    assert new_words("yes", prompt="") == set()
