"""The processes that a command of torchrun's starts: what the first prints, and which one failed.

torchrun writes what each process prints to files; the first one's are shown as they grow, and the
others' are there to be read. Its own long report goes to a file too: of it one line is told.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from lethe.plug import LetheError
from lethe.sweep.children import last_line, terminable

_POLL = 0.1


class RanksFailed(LetheError):
    """A process failed; `status` is its exit status, as a shell tells it."""

    def __init__(self, message: str, status: int) -> None:
        """Say what failed.

        Args:
            message: One line.
            status: 128 and a signal's number, where that ended it.
        """
        super().__init__(message)
        self.status = status


class Failure(NamedTuple):
    """The first process that ended badly."""

    rank: int
    local_rank: int
    status: int
    """Below 0: the signal that ended it."""


def run(argv: Sequence[str], logs: Path, env: Mapping[str, str]) -> None:
    """Run a command of torchrun's or accelerate's that writes to `logs`, and wait.

    Args:
        argv: The command.
        logs: Made anew.
        env: Beside this process's.

    Raises:
        RanksFailed: Which process, how, and where its output is.
        KeyboardInterrupt: Ctrl-C or SIGTERM; no process is left.
    """
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    told = logs / "launcher.log"
    with told.open("wb") as log, terminable():
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
            start_new_session=True,
        )
        try:
            _follow(child, logs)
        except BaseException:
            _stop(child)
            raise
    if child.returncode:
        raise _failed(told, child.returncode)


def _follow(child: subprocess.Popen, logs: Path) -> None:
    """Show what the first process of this node prints until the command ends."""
    shown: dict[str, TextIO] = {}
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}
    with contextlib.ExitStack() as files:
        ended = False
        while not ended:
            ended = child.poll() is not None
            for name, stream in streams.items():
                if name not in shown:
                    for path in logs.glob(f"*/attempt_*/0/{name}.log"):
                        text = path.open(encoding="utf-8", errors="replace", newline="")
                        shown[name] = files.enter_context(text)
                if name in shown and (new := shown[name].read()):
                    print(new, end="", file=stream, flush=True)
            if not ended:
                time.sleep(_POLL)


def _stop(child: subprocess.Popen) -> None:
    """Pass Ctrl-C on and wait; torchrun passes it on, and after 30 seconds it kills."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    while child.returncode is None:
        # Asked again: processes of a killed torchrun would go on without it.
        with contextlib.suppress(KeyboardInterrupt):
            child.wait()


def _failed(told: Path, status: int) -> RanksFailed:
    failure = first_failure(told.read_text(encoding="utf-8", errors="replace"))
    if failure is None:
        return RanksFailed(f"nothing ran: {last_line(told)}; all of it: {told}", abs(status))
    logs = sorted(told.parent.glob(f"*/attempt_*/{failure.local_rank}/stderr.log"))
    said = f": {last_line(logs[-1])} (all of it: {logs[-1]})" if logs else f"; see {told}"
    number = failure.status
    how = f"exit status {number}" if number >= 0 else f"signal {signal.Signals(-number).name}"
    return RanksFailed(f"rank {failure.rank} failed ({how}){said}", _shell(number))


def _shell(status: int) -> int:
    return status if status >= 0 else 128 - status


def first_failure(report: str) -> Failure | None:
    r"""The root cause in torchrun's report; None if it says nothing of processes.

    >>> first_failure("Root Cause (first\n rank : 3 (local_rank: 1)\n exitcode : -9 (pid: 7)\n")
    Failure(rank=3, local_rank=1, status=-9)
    """
    cause = report.rpartition("Root Cause")[2] if "Root Cause" in report else ""
    found = re.search(
        r"rank\s*:\s*(\d+) \(local_rank: (\d+)\)\s*exitcode\s*:\s*(-?\d+) \(pid", cause
    )
    return Failure(*map(int, found.groups())) if found else None
