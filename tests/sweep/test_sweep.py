"""Real sweeps of a tiny recipe: skipping, failing, being stopped, going on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe import cli, runs
from lethe.plug import LetheError
from lethe.sweep import children, grid, sweep

OVER = "stages.0.note"


def points(recipe, notes="a,b", seeds=1):
    return grid.points(recipe, [f"{OVER}={notes}"], seeds)


def lethe(capsys, *argv):
    status = cli.main(["sweep", "r.yaml", *argv])
    return status, *capsys.readouterr()


def test_a_sweep_runs_compares_and_is_not_repeated(recipe, ran, capsys):
    argv = ("--over", f"{OVER}=a", "--seeds", "2")
    status, out, err = lethe(capsys, *argv)
    assert status == 0, err
    assert ran() == ["a 0", "a 1"]
    assert "copy_stage  (2 runs, 1 case, 95 % over seeds)" in out
    assert out.endswith("page: runs/tiny-sweep/compare.html\n")
    assert "sweep: 2 runs" in err and "note=a/seed-1: done" in err
    place = Path("runs/tiny-sweep")
    assert runs.read_summary(runs.Run(place / "note=a" / "seed-0"))
    assert "rows: 2 forget, 2 boundary" in (place / "logs" / "note=a" / "seed-0.log").read_text()

    start = time.perf_counter()
    status, out, err = lethe(capsys, *argv)
    assert status == 0 and "2 of them done before" in err
    assert time.perf_counter() - start < 3  # no process was started
    assert ran() == ["a 0", "a 1"]

    status, _, err = lethe(capsys, "--over", f"{OVER}=c", "--seeds", "2")
    assert status == 2
    assert 'it differs in over.0 ("stages.0.note=a" there, "stages.0.note=c" here)' in err


def test_one_that_fails_does_not_stop_the_others(recipe, ran, capsys):
    status, out, err = lethe(capsys, "--over", f"{OVER}=bad,b", "--out", "s")
    assert status == 2
    assert ran() == ["b 0"]
    assert "copy_stage  (1 run, 1 case" in out
    assert "error: s: 1 of 2 runs failed:\n  note=bad/seed-0: RuntimeError: it went wrong (all of it: s/logs/note=bad/seed-0.log)" in err  # fmt: skip # noqa: E501
    Path("mended").touch()
    assert lethe(capsys, "--over", f"{OVER}=bad,b", "--out", "s")[0] == 0
    assert ran() == ["b 0", "bad 0"]


def test_rows_that_changed_are_seen(recipe, ran):
    assert sweep(points(recipe, "a"), "s", progress=False) == []
    rows = Path("rows.jsonl").read_text()
    Path("rows.jsonl").write_text(rows.replace("Who is Bo train", "Where is Bo train"))
    assert sweep(points(recipe, "a"), "s", progress=False) == []
    assert ran() == ["a 0", "a 0"]


def test_all_is_checked_before_the_first_run(recipe, ran, capsys):
    bad = {**points(recipe, "a"), "other": recipe.model_copy(update={
        "data": recipe.data.model_copy(update={"path": "none.jsonl"})})}  # fmt: skip
    with pytest.raises(LetheError, match=r"other: .*none\.jsonl: no such file"):
        sweep(bad, "s", progress=False)
    assert not Path("s").exists() and ran() == []
    assert lethe(capsys, "--over", "stages.0.nte=a")[0] == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize("label", ["../x", "a//b", "/a", ".a", "a b", "logs/a", ""])
def test_labels_stay_in_the_folder(recipe, label):
    with pytest.raises(LetheError, match="label"):
        sweep({label: recipe}, "s", progress=False)


def test_labels_and_jobs(recipe):
    with pytest.raises(LetheError, match="lies in the folder of another"):
        sweep({"a": recipe, "a/b": recipe}, "s")
    with pytest.raises(LetheError, match="no points"):
        sweep({}, "s")
    cores = children.cores()
    with pytest.raises(LetheError, match=rf"--jobs {cores + 1}: must be 1 to {cores}, the cores"):
        sweep({"a": recipe}, "s", cores + 1)


def test_what_is_not_a_sweep_is_not_touched(recipe):
    Path("s").mkdir()
    Path("s/thesis.tex").write_text("two years of work")
    with pytest.raises(LetheError, match="s: not empty and not a Lethe sweep"):
        sweep(points(recipe), "s")
    Path("s/sweep.yaml").write_text("mine: 1\n")
    with pytest.raises(LetheError, match=r"sweep\.yaml: not written by Lethe"):
        sweep(points(recipe), "s")
    with pytest.raises(LetheError, match="is a file"):
        sweep(points(recipe), "s/thesis.tex")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_stops_its_children_and_goes_on(recipe, ran, capsys, number):
    argv = ("--over", f"{OVER}=slow", "--out", "s")
    process = subprocess.Popen(
        [sys.executable, "-m", "lethe", "sweep", "r.yaml", *argv],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not Path("slow").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.endswith("stopped; run the same command again to go on\n")
    log = Path("s/logs/note=slow/seed-0.log")
    assert children.last_line(log) == "stopped; run the same command again to go on"
    with runs.locked(Path("s/note=slow/seed-0")):  # no child is left at work in it
        pass
    assert ran() == []
    if number == signal.SIGINT:
        Path("go").touch()
        assert lethe(capsys, *argv)[0] == 0
        assert ran() == ["slow 0"]


def test_a_worlds_model_is_trained_once_before_its_runs(recipe, tmp_path, monkeypatch):
    """Here it cannot be: its failure is that of every run that needs it, and of no other."""
    cache = tmp_path / "cache"
    cache.write_text("a file where a folder is wanted")
    monkeypatch.setenv("LETHE_CACHE", str(cache))
    world = {
        "model": recipe.model.model_copy(update={"path": "world:7"}),
        "stages": [],
    }
    needs = recipe.model_copy(update=world)
    failures = sweep(
        {"one": needs, "two": needs.model_copy(update={"seed": 1}), "own": recipe},
        "s",
        progress=False,
    )
    assert [failure.label for failure in failures] == ["one", "two"]
    assert {failure.log for failure in failures} == {Path("s/logs/world-7.log")}
    assert not Path("s/one").exists()
    assert runs.Run(Path("s/own")).summary.is_file()


def test_a_run_for_each_target_is_the_sweep_over_targets(recipe, ran, capsys):
    lines = Path("rows.jsonl").read_text()
    Path("rows.jsonl").write_text(
        lines + lines.replace("Bo", "Cy").replace("-t", "-2t").replace("Ada", "Eli")
    )
    assert cli.main(["run", "r.yaml", "--each", "--jobs", "2"]) == 0
    out, err = capsys.readouterr()
    assert "copy_stage  (2 runs, 2 cases, 95 % over cases)" in out
    assert "Bo: done" in err and "Cy: done" in err
    assert ran() == ["here 0", "here 0"]
    run = Path("runs/tiny/Cy")
    rows = (run / "data" / "forget.jsonl").read_text()
    assert "Cy" in rows and "Bo" not in rows
    assert cli.main(["run", "r.yaml", "--each"]) == 0
    assert "2 of them done before" in capsys.readouterr().err

    status, swept, _ = lethe(capsys, "--over", "data.targets=[Bo],[Cy]")
    assert status == 0
    assert swept.partition("\npage")[0] == out.partition("\npage")[0]
    assert cli.main(["run", "r.yaml", "--jobs", "2"]) == 2
    assert "--jobs: one run is one job" in capsys.readouterr().err
