"""Names of plug-ins: built-in, importable, and a user's own file."""

import sys
from pathlib import Path

import pytest

from lethe import plug
from lethe.plug import LetheError


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_names_have_first_lines_and_skip_private_files():
    found = plug.names("metric")
    assert {"refusal_rate", "leak_rate", "accuracy"} <= set(found)
    assert not [name for name in found if name.startswith("_")]
    assert all(line and not line.endswith("\n") for line in found.values())


@pytest.mark.parametrize("kind", list(plug.KINDS))
def test_every_built_in_resolves(kind):
    for name in plug.names(kind):
        module = plug.resolve(kind, name)
        assert module.__name__ == f"{plug.KINDS[kind]}.{name}"
        if kind in ("reward", "metric"):
            assert callable(plug.function(kind, name))


def test_unknown_names_list_the_choices():
    with pytest.raises(LetheError, match=r"unknown kind 'stge'.*did you mean stage\?"):
        plug.names("stge")
    with pytest.raises(
        LetheError, match=r"unknown metric 'acuracy'.*did you mean accuracy\?.*leak"
    ):
        plug.resolve("metric", "acuracy")
    with pytest.raises(LetheError, match=r"no_such\.metric.*cannot import.*accuracy"):
        plug.resolve("metric", "no_such.metric")
    with pytest.raises(LetheError, match=r"'\./no\.py': no such file.*accuracy"):
        plug.resolve("metric", "./no.py")


def test_a_users_file_is_a_plug_in(tmp_path, monkeypatch):
    write(tmp_path / "mine.py", '"""Mine."""\ndef mine(rows):\n    return [1.0 for _ in rows]\n')
    monkeypatch.chdir(tmp_path)
    assert plug.function("metric", "./mine.py")(["a", "b"]) == [1.0, 1.0]
    # The same file is the same module, however it is named: its classes stay the same.
    again = plug.resolve("metric", str(tmp_path / "mine.py"))
    assert again is plug.resolve("metric", "./mine.py")


def test_two_files_of_one_name_are_two_modules(tmp_path):
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "mine.py", f"def mine():\n    return {value}\n")
    made = [plug.function("reward", str(tmp_path / x / "mine.py"))() for x in ("a", "b")]
    assert made == [1, 2]


def test_a_dotted_module_is_a_plug_in(tmp_path, monkeypatch):
    (tmp_path / "acme_rewards").mkdir()
    write(tmp_path / "acme_rewards" / "__init__.py", "")
    write(tmp_path / "acme_rewards" / "shy.py", "def shy():\n    return 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert plug.function("reward", "acme_rewards.shy")() == 3


def test_a_file_that_cannot_be_used_says_why(tmp_path):
    broken = write(tmp_path / "broken.py", "x = 1\ndef (:\n")
    with pytest.raises(LetheError, match=r"broken\.py:2: invalid syntax"):
        plug.resolve("reward", broken)
    lacking = write(tmp_path / "lacking.py", "import no_such_thing\n")
    with pytest.raises(LetheError, match="cannot import: No module named 'no_such_thing'"):
        plug.resolve("reward", lacking)
    other = write(tmp_path / "other.py", "def another():\n    pass\n")
    with pytest.raises(LetheError, match=r"defines no 'other'"):
        plug.function("reward", other)


def test_a_failed_import_is_tried_again(tmp_path):
    path = write(tmp_path / "later.py", "raise RuntimeError('not yet')\n")
    before = set(sys.modules)
    with pytest.raises(RuntimeError, match="not yet"):
        plug.resolve("reward", path)
    assert not [name for name in set(sys.modules) - before if "later" in name]
    write(tmp_path / "later.py", "def later():\n    return 1\n")
    assert plug.function("reward", path)() == 1


def test_own_files_change_with_their_text(tmp_path):
    path = write(tmp_path / "mine.py", "a = 1\n")
    settings = {"stage": "npo", "rewards": {"refusal": 1.0, path: 0.5}, "n": [3]}
    first = plug.own_files(settings)
    assert list(first) == [path]
    write(tmp_path / "mine.py", "a = 2\n")
    assert plug.own_files(settings) != first
