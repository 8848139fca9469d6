"""The run folder: claims, steps, whole files."""

import json
import subprocess
import sys

import pytest

from lethe import runs
from lethe.plug import LetheError
from lethe.runs import Run

RECIPE = "name: a\nseed: 0\nmodel:\n  path: m\nstages:\n- stage: s\n  n: 1\nout: null\n"


def claim(folder, recipe=RECIPE):
    with runs.claimed(folder, recipe) as run:
        return run


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_is_made_and_gone_on_with(tmp_path):
    folder = tmp_path / "runs" / "a"
    run = claim(folder)
    assert run.recipe.read_text() == runs.HEADER + RECIPE
    (folder / "mine.txt").write_text("kept")
    claim(folder)
    claim(folder, RECIPE.replace("out: null", "out: elsewhere"))
    assert (folder / "mine.txt").read_text() == "kept"


def test_another_recipe_is_refused_with_what_differs(tmp_path):
    runs.begin(claim(tmp_path / "a").eval("original"), "x")
    other = RECIPE.replace("seed: 0", "seed: 1").replace("n: 1", "n: 2")
    with pytest.raises(LetheError) as caught:
        claim(tmp_path / "a", other)
    assert str(tmp_path / "a" / "recipe.yaml") in str(caught.value)
    assert "seed (0 there, 1 here), stages.0.n (1 there, 2 here)" in str(caught.value)
    assert "--out" in str(caught.value)
    assert (tmp_path / "a" / "recipe.yaml").read_text() == runs.HEADER + RECIPE


def test_a_recipe_that_was_wrong_before_anything_began_may_be_mended(tmp_path):
    folder = tmp_path / "a"
    run = claim(folder)
    runs.begin(run.data, "x")
    runs.finish(run.data, "x")
    mended = RECIPE.replace("seed: 0", "seed: 1")
    assert claim(folder, mended).recipe.read_text() == runs.HEADER + mended
    runs.begin(run.stage("0-rebo"), "x")
    with pytest.raises(LetheError, match=r"seed \(1 there, 0 here\)"):
        claim(folder)


def test_a_damaged_done_file_is_not_done(tmp_path):
    runs.begin(tmp_path / "step", "x")
    runs.finish(tmp_path / "step", "x")
    assert runs.is_done(tmp_path / "step", "x")
    for text in ("", "{", "[]", "{}"):
        (tmp_path / "step" / "done.json").write_text(text)
        assert not runs.is_done(tmp_path / "step", "x")


def test_what_a_kill_left_of_a_finished_step_is_dropped(tmp_path):
    step = tmp_path / "step"
    runs.begin(step, "x")
    (step / "checkpoints").mkdir()
    runs.write(step / "done.json", '{"inputs": "x"}')
    runs.tidy(step)
    assert contents(step) == ["done.json"]


def test_foreign_folders_are_not_touched(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    with pytest.raises(LetheError, match=r"photos: not empty and not a Lethe run"):
        claim(tmp_path / "photos")
    assert contents(tmp_path / "photos") == ["cat.jpg"]

    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "recipe.yaml").write_text(RECIPE)
    with pytest.raises(LetheError, match=r"recipe\.yaml: not written by Lethe"):
        claim(tmp_path / "project")
    assert (tmp_path / "project" / "recipe.yaml").read_text() == RECIPE

    (tmp_path / "file").write_text("")
    with pytest.raises(LetheError, match="is a file, not a run folder"):
        claim(tmp_path / "file")
    with pytest.raises(LetheError, match="inner: cannot be made: Not a directory"):
        claim(tmp_path / "file" / "inner")


def test_a_kill_before_the_recipe_was_written_leaves_a_usable_folder(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / ".lock").touch()
    (folder / ".recipe.yaml.tmp").write_text("na")
    assert claim(folder).recipe.read_text() == runs.HEADER + RECIPE


def test_one_process_at_a_time_and_a_killed_one_leaves_no_lock(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from lethe import runs\n"
        f"with runs.claimed(Path({str(tmp_path / 'a')!r}), {RECIPE!r}):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LetheError, match="another lethe process is at work here"):
            claim(tmp_path / "a")
        other.kill()
    claim(tmp_path / "a")


def test_a_step_is_done_for_its_inputs_only(tmp_path):
    step = tmp_path / "step"
    assert not runs.is_done(step, "x")
    runs.begin(step, "x")
    (step / "checkpoints").mkdir()
    assert not runs.is_done(step, "x")
    runs.finish(step, "x", seconds=1 / 3)
    assert runs.is_done(step, "x")
    assert not runs.is_done(step, "y")
    assert runs.facts(step) == {"inputs": "x", "seconds": 0.333333}
    assert contents(step) == ["done.json"]


def test_an_interrupted_step_keeps_its_checkpoints_only_for_the_same_inputs(tmp_path):
    step = tmp_path / "step"
    runs.begin(step, "x")
    (step / "checkpoints").mkdir()
    runs.begin(step, "x")
    assert contents(step) == ["checkpoints", "started.json"]
    runs.begin(step, "y")
    assert contents(step) == ["started.json"]


def test_a_done_step_with_other_inputs_starts_from_nothing(tmp_path):
    step = tmp_path / "step"
    runs.begin(step, "x")
    runs.finish(step, "x")
    (step / "model").mkdir()
    runs.begin(step, "y")
    assert contents(step) == ["started.json"]


def test_a_step_killed_between_done_and_clean_up_stays_done(tmp_path):
    step = tmp_path / "step"
    runs.begin(step, "x")
    runs.write(step / "done.json", runs.json_text({"inputs": "x"}))
    assert runs.is_done(step, "x")


def test_write_is_whole_or_nothing(tmp_path):
    path = tmp_path / "a.json"
    runs.write(path, "old\n")
    with pytest.raises(UnicodeEncodeError):
        runs.write(path, "new \ud800")
    assert path.read_text() == "old\n"


def test_lines_survive_a_kill_in_the_middle(tmp_path):
    path = tmp_path / "log.jsonl"
    runs.append(path, {"a": 1, "text": "line\u2028separator\n\x85"})
    with path.open("a") as file:
        file.write('{"a": 2, "te')
    assert [record["a"] for record in runs.read_lines(path)] == [1]
    runs.append(path, {"a": 3})
    assert [record["a"] for record in runs.read_lines(path)] == [1, 3]
    assert runs.read_lines(path)[0]["text"] == "line\u2028separator\n\x85"


def test_json_text_is_the_same_bytes_for_the_same_numbers():
    first = runs.json_text([{"b": 0.1 + 0.2, "a": (1, None)}])
    assert first == runs.json_text([{"a": (1, None), "b": 0.3}])
    assert json.loads(first) == [{"a": [1, None], "b": 0.3}]
    assert first.endswith("]\n")


def test_digest_tells_every_change_but_not_the_order_of_keys():
    assert runs.digest({"a": 1, "b": [2]}) == runs.digest({"b": [2], "a": 1})
    seen = {runs.digest(x) for x in ({"a": 1}, {"a": "1"}, {"a": None}, {}, [1], [[1]])}
    assert len(seen) == 6


def test_fingerprint_sees_a_byte_in_a_small_file_and_a_block_in_a_large_one(tmp_path):
    small, large = tmp_path / "config.json", tmp_path / "model.safetensors"
    small.write_bytes(b"a" * 100)
    large.write_bytes(bytes(20 * 2**20))
    first = runs.fingerprint(tmp_path)
    assert first == runs.fingerprint(tmp_path)
    small.write_bytes(b"a" * 99 + b"b")
    second = runs.fingerprint(tmp_path)
    assert [a == b for a, b in zip(first, second, strict=True)] == [False, True]
    with large.open("r+b") as file:
        file.seek(9 * 2**20)
        file.write(b"x" * 50_000)
    assert runs.fingerprint(tmp_path)[1] != second[1]


def test_read_summary(tmp_path):
    run = Run(tmp_path)
    with pytest.raises(LetheError, match=r"no eval/summary\.json"):
        runs.read_summary(run)
    run.summary.parent.mkdir()
    run.summary.write_text("[]\n")
    assert runs.read_summary(run) == []
