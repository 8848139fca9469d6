import json

import pytest

from lethe.plug import LetheError
from lethe.records import records, some


def write(folder, name, text, encoding="utf-8"):
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


def test_json_lines_give_place_and_object_and_skip_blank_lines(tmp_path):
    file = write(tmp_path, "a.jsonl", '{"x": 1}\n\n{"x": "é"}\n')
    assert list(records(file)) == [(f"{file}:1", {"x": 1}), (f"{file}:3", {"x": "é"})]


def test_a_line_separator_inside_a_string_is_not_the_end_of_a_line(tmp_path):
    file = write(tmp_path, "a.jsonl", json.dumps({"x": "a\u2028b\x85c"}, ensure_ascii=False) + "\n")
    assert list(records(file)) == [(f"{file}:1", {"x": "a\u2028b\x85c"})]


def test_json_is_an_array_or_lines_with_or_without_bom(tmp_path):
    array = write(tmp_path, "a.json", '\ufeff[\n{"x": 1},\n{"x": 2}]')
    lines = write(tmp_path, "b.json", '{"x": 1}\n{"x": 2}')
    assert list(records(array)) == [(f"{array}:item 1", {"x": 1}), (f"{array}:item 2", {"x": 2})]
    assert list(records(lines)) == [(f"{lines}:1", {"x": 1}), (f"{lines}:2", {"x": 2})]


def test_csv_cells_lists_quotes_and_line_numbers(tmp_path):
    text = 'x,aliases,stages\n"a,\nb",Al|Bo,"[""rebo""]"\nc,,\n'
    file = write(tmp_path, "a.csv", text, "utf-8-sig")
    assert list(records(file)) == [
        (f"{file}:3", {"x": "a,\nb", "aliases": ["Al", "Bo"], "stages": ["rebo"]}),
        (f"{file}:4", {"x": "c", "aliases": "", "stages": ""}),
    ]


def test_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "a.parquet"
    table = pyarrow.Table.from_pylist([{"x": "é", "aliases": ["Al"]}, {"x": None, "aliases": []}])
    pyarrow.parquet.write_table(table, file)
    assert list(records(file)) == [
        (f"{file}:row 1", {"x": "é", "aliases": ["Al"]}),
        (f"{file}:row 2", {"x": None, "aliases": []}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"x": 1}\n{"x": ', ":2: not JSON: "),
        ("a.jsonl", "[1]\n", ":1: not an object but list: '[1]'"),
        ("a.json", '[{"x": 1},\n{"x" 2}]', ":2: not JSON: "),
        ("a.json", '[{"x": 1}, 7]', ":item 2: not an object but int: '7'"),
        ("a.csv", "x,y\n1,2\n1,2,3\n", ":3: 3 cells, the header has 2"),
        ("a.csv", "x,x\n1,2\n", ":1: two columns bear the same name: x, x"),
        ("a.csv", 'x\n"ab"c\n', ":2: not CSV: "),
        ("a.parquet", "PAR1 not really", ": not Parquet: "),
        ("a.txt", "hello", ": unknown file type '.txt': "),
    ],
)
def test_bad_syntax_names_file_and_line(tmp_path, name, text, message):
    file = write(tmp_path, name, text)
    with pytest.raises(LetheError) as error:
        list(records(file))
    assert str(error.value).startswith(f"{file}{message}")


def test_missing_file_folder_and_wrong_encoding(tmp_path):
    with pytest.raises(LetheError, match=r"gone\.jsonl: no such file"):
        list(records(tmp_path / "gone.jsonl"))
    with pytest.raises(LetheError, match="is a folder, not a file"):
        list(records(tmp_path))
    file = write(tmp_path, "a.jsonl", '{"x": "é"}', "latin-1")
    with pytest.raises(LetheError, match="not UTF-8 text at byte 7"):
        list(records(file))


def test_hub_options_are_checked_and_being_offline_is_a_short_error():
    with pytest.raises(LetheError, match="unknown option 'splt': did you mean split"):
        list(records("hub:org/name?splt=train"))
    with pytest.raises(LetheError, match="hub:no-such-org/name: cannot be loaded"):
        list(records("hub:no-such-org/name"))


def test_a_file_that_must_hold_some(tmp_path):
    file = tmp_path / "rows.json"
    file.write_text('[{"a": 1}]')
    assert list(some(file)) == list(records(file))
    for nothing in ("", "[]", "\n"):
        file.write_text(nothing)
        with pytest.raises(LetheError, match=r"rows\.json: holds no questions"):
            list(some(file, "questions"))
