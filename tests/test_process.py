"""This process: its memory, and what several say to one another."""

import os
import subprocess
import sys

import pytest

from lethe import process


def python(text, *before):
    """A script's output, in a process of its own."""
    done = subprocess.run(
        [sys.executable, *before, *([] if before else ["-c"]), text],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_peak_grows_with_what_is_held_and_stays():
    code = (
        "from lethe import process; before = process.peak(); held = b'x' * 300 * 2**20;"
        "grown = process.peak(); del held; print(before, grown, process.peak(), process.peak_mb())"
    )
    before, grown, after, shown = map(float, python(code).split())
    assert before + 290 * 2**20 < grown
    assert after == pytest.approx(grown, rel=0.05)  # the kernel counts in lots
    assert shown == pytest.approx(after / 2**20, rel=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="a fault of Linux's getrusage")
def test_the_peak_is_not_that_of_the_process_that_started_it():
    held = bytearray(b"x" * 400 * 2**20)
    say = "from lethe import process; print(process.peak())"
    assert int(python(say)) < 200 * 2**20 < len(held)
    assert process.peak() > len(held)


def test_the_environment_is_afterwards_what_it_was(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("OTHER", "before")
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), process.environment(WORLD_SIZE="3", OTHER="within"):
        assert process.share() == (int(before.get("RANK", "0")), 3)
        os.environ["ACCELERATE_USE_FSDP"] = "true"
        assert process.sharded() and os.environ["OTHER"] == "within"
        _ = 1 / 0
    assert dict(os.environ) == before


TWO = """
import sys, torch
from lethe import process
rank = process.share()[0]
assert process.gathered(rank) == [0, 1] and process.agree(rank) == 0
process.barrier()
assert torch.distributed.is_initialized()
process.leave()
assert not torch.distributed.is_initialized()
process.leave()
sys.stdout.write("left\\n")
"""


@pytest.mark.slow
def test_two_processes_talk_and_leave(tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    together = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    assert python(str(tmp_path / "two.py"), *together) == "left\n" * 2


def test_one_alone_has_nobody_to_leave():
    process.leave()
    assert process.gathered("a") == ["a"] and process.agree("b") == "b"
