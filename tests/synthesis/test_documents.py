import pytest

from lethe.plug import LetheError
from lethe.synthesis.documents import PASSAGE, capitalised, passages, read, sentences


def test_sentences():
    text = 'Mr. Lund met Dr. Orr at 5 p.m. on Monday. "Why?" he said. One\nmore.\n\nNew paragraph'
    assert sentences(text) == [
        "Mr. Lund met Dr. Orr at 5 p.m. on Monday.",
        '"Why?" he said.',
        "One more.",
        "New paragraph",
    ]
    assert sentences("") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Which of Bo Lund's books won?", ["Bo Lund"]),
        ("The Dark Tower was written by Ada.", ["Dark Tower", "Ada"]),
        ("Ludwig van Beethoven met Goethe.", ["Ludwig van Beethoven", "Goethe"]),
        ("J. R. R. Tolkien lived in Oxford.", ["J. R. R. Tolkien", "Oxford"]),
        ("no names here", []),
        ("Élodie Dupont a vu Zürich", ["Élodie Dupont", "Zürich"]),
    ],
)
def test_names(text, names):
    assert capitalised(text) == names


def test_passages_about_somebody_come_first_and_are_short():
    texts = ["It rained. " * 200, "Ada Vance slept. Ada Vance woke."]
    found = passages(texts, ["Ada Vance"])
    assert found[0] == "Ada Vance slept. Ada Vance woke."
    assert all(len(passage) <= PASSAGE for passage in found)
    assert sum(passage.count("It rained.") for passage in found) == 200


def test_read(tmp_path):
    (tmp_path / "a.txt").write_text("Ada slept.")
    (tmp_path / "b.jsonl").write_text('{"text": "Bo woke.", "id": 1}\n')
    assert read([tmp_path / "a.txt", tmp_path / "b.jsonl"]) == ["Ada slept.", "Bo woke."]
    (tmp_path / "c.jsonl").write_text('{"txt": "Bo woke."}\n')
    (tmp_path / "d.txt").write_text(" \n")
    (tmp_path / "e.txt").write_bytes(b"\xff\xfe\x00")
    for name, message in {
        "c.jsonl": "c.jsonl:1: text: missing",
        "d.txt": "is empty",
        "e.txt": "not UTF-8",
        "f.txt": "no such file",
    }.items():
        with pytest.raises(LetheError, match=message):
            read([tmp_path / name])
