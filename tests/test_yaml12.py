"""YAML 1.2's core schema, both ways."""

import pytest

from lethe import yaml12
from lethe.plug import LetheError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-3.", -3.0),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("12:30", "12:30"),
        ("no", "no"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
        ("1_000", "1_000"),
        ("world:0", "world:0"),
        ("1e", "1e"),
        ("[1, 2e0]", [1, 2.0]),
    ],
)
def test_scalars(text, value):
    read = yaml12.loads(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        "1e-5",
        "010",
        "12",
        "null",
        "true",
        "",
        " a",
        "a: b",
        "# a",
        "é\n",
        "no",
        "-",
        "0x1F",
        ".inf",
    ],
)
def test_text_stays_text(value):
    assert yaml12.loads(yaml12.dumps({"a": value, "b": [value]})) == {"a": value, "b": [value]}


def test_numbers_come_back():
    for number in (1e-5, 1.0, 1e300, -0.0, 3, 1e-7, 123456.789, float("inf")):
        assert yaml12.loads(yaml12.dumps({"a": number})) == {"a": number}


def test_merge_keys_work():
    text = "base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  y: 3\n"
    assert yaml12.loads(text)["mine"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1\nc: 2\n", r"r\.yaml:3: not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", r"r\.yaml:3: .*'a' stands here twice"),
        ("a:\n  b: 1\n  b: 2\n", r"r\.yaml:3: .*'b' stands here twice"),
        ("a: !!python/object:os.system x\n", r"r\.yaml:1: .*could not determine a constructor"),
        ("a: \x00", r"r\.yaml: not valid YAML"),
        ("? [1]\n: 2\n", r"r\.yaml:1: .*keys must be plain"),
    ],
)
def test_errors_have_the_line(text, message):
    with pytest.raises(LetheError, match=message):
        yaml12.loads(text, "r.yaml")


def test_files(tmp_path):
    with pytest.raises(LetheError, match=r"no\.yaml: no such file"):
        yaml12.load(tmp_path / "no.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    with pytest.raises(LetheError, match=r"empty\.yaml: the file is empty"):
        yaml12.load(tmp_path / "empty.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: é\n".encode("latin-1"))
    with pytest.raises(LetheError, match=r"latin\.yaml: not UTF-8"):
        yaml12.load(tmp_path / "latin.yaml")
