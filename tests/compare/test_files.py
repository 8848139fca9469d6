"""The files: whole, escaped, and nobody else's."""

import csv
import json
import re

import pytest

from lethe.compare import compare, files, text
from lethe.plug import LetheError

VALUES = {"refusal_rate:forget/question": 0.9, "accuracy:boundary/question": 0.75}


@pytest.fixture
def found(folders):
    hostile = [{"stage": "npo", "loss": "<script>alert('x')</script>"}]
    folders("a", VALUES, stages=[{"stage": "npo", "loss": "plain"}], before=VALUES)
    folders("b", VALUES | {"leak_rate:forget/reverse": None}, stages=hostile)
    return compare([folders.place])


def test_the_page_is_escaped_and_self_contained(found):
    page = files.html(found)
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r'(src|href)="?http', page)
    assert "default-src 'none'" in page
    assert "no answers" in page
    assert page.count("<svg") >= 3


def test_what_is_written(found, tmp_path):
    out = tmp_path / "out"
    assert [path.name for path in files.write(found, out)] == list(files.NAMES)
    told = json.loads((out / "compare.json").read_text())
    setting = told["settings"][1]
    assert setting["label"] == "npo loss=<script>alert('x')</script>"
    assert setting["numbers"]["refusal_rate:forget/question"]["value"] == 0.9
    assert [one["floor"] for one in told["areas"]] == [0.4, 0.5, 0.6, 0.7]
    with (out / "compare.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    line = next(
        x for x in lines if x["setting"] == "npo loss=plain" and x["group"] == "forget/question"
    )
    assert (line["metric"], line["value"], line["over"], line["items"]) == (
        *("refusal_rate", "0.9", "items", "20"),
    )
    files.write(found, out)  # ours, so written anew


def test_what_is_not_ours_is_not_touched(found, tmp_path):
    (tmp_path / "compare.html").write_text("a year of work")
    with pytest.raises(LetheError, match=r"compare\.html: not written by lethe compare"):
        files.write(found, tmp_path)
    assert (tmp_path / "compare.html").read_text() == "a year of work"
    (tmp_path / "compare.json").write_text('{"written_by": "me"}')
    with pytest.raises(LetheError, match="not written by"):
        files.check(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(LetheError, match="is a file, not a folder"):
        files.check(tmp_path / "file")


def test_the_table_in_the_terminal(found):
    lines = [line for line, _ in text.lines(found)]
    assert "0  original  (1 run, 1 case, 95 % over items)" in lines
    place = lines.index("2 *  npo loss=plain  (1 run, 1 case, 95 % over items)")
    assert lines[place + 1].split() == ["90.0", "-", "75.0", "81.8", "10.0"]
    assert lines[place + 2].split() == ["0.0–100.0", "0.0–100.0"]
    assert "-  Forget reverse questions: leak rate, row 1: no answers" in lines
    assert any(line.startswith("npo") and "0.315" in line for line in lines)  # 0.35 * 0.9
