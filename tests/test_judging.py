import json

import pytest

from lethe import judging
from lethe.cli import main
from lethe.plug import LetheError

TEXTS = ["No comment.", "Paris", "I don't know.", "Who do you mean?"]


@pytest.mark.parametrize("field", ["completion", "text", "output"])
def test_reads_rows(tmp_path, field):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({field: text, "id": 1}) + "\n" for text in TEXTS))
    assert judging.read(file) == TEXTS


def test_reads_lines(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("\n\n".join(TEXTS))
    assert judging.read(file) == TEXTS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "no such file"),
        ("none.txt", None, "no such file"),
        ("empty.txt", "\n", "no text in it"),
        ("odd.jsonl", '{"prompt": "Who?"}\n', "odd.jsonl:1: no text in it"),
        ("odd.xml", "<a/>", "unknown file type"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(LetheError, match=message):
        judging.read(tmp_path / name)


def test_table_and_verdicts(tmp_path):
    file, out = tmp_path / "texts.txt", tmp_path / "out" / "verdicts.jsonl"
    file.write_text("\n".join(TEXTS))
    table = judging.report(judging.read(file), lambda texts: [True, True, None, False], out)
    # Rules: yes, no, yes, no. Of the three with an opinion two agree.
    assert "refusals           2    50.0 %" in table
    assert "second opinion agrees: 66.7 %" in table and "n=3" in table and "1 without one" in table
    assert "rules alone: 0, to it alone: 1" in table
    assert "rules answer, second refuses: 'Paris'" in table
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["text"], row["kind"], row["second"]) for row in told][:2] == [
        ("No comment.", "declined", True),
        ("Paris", "answer", True),
    ]
    with pytest.raises(LetheError, match="exists already"):
        judging.report(judging.read(file), None, out)


def test_no_opinion_on_anything(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("Paris")
    assert "none on any of the 1 texts" in judging.report(
        judging.read(file), lambda texts: [None], None
    )


def test_command_line(tmp_path, capsys):
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS))
    assert main(["judge", str(file)]) == 0
    assert "declined           1    25.0 %" in capsys.readouterr().out
    assert main(["judge", str(file), "--classifier", "a", "--llm", "b"]) == 2
    assert "one second opinion at a time" in capsys.readouterr().err
    assert main(["judge", str(file), "--classifier", "./none"]) == 2
    assert "no such folder" in capsys.readouterr().err
