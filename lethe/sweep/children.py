"""Commands as processes of their own, so many at once, each with a log file; stopped gently.

A child runs in a session of its own: a Ctrl-C in the terminal reaches it through here, once, so
that it can say good-bye and be waited for. A second Ctrl-C kills.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_POLL = 0.05


class Job(NamedTuple):
    """One command of Lethe's."""

    label: str
    argv: list[str]
    """What follows `lethe` on the command line."""
    log: Path
    """Takes all that it prints; made anew."""


class Failure(NamedTuple):
    """A job that did not end well."""

    label: str
    status: int
    """Its exit status; below 0, the signal that ended it."""
    log: Path
    line: str
    """The last line of its log."""


def cores() -> int:
    """How many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def run(
    jobs: Sequence[Job], at_once: int, ended: Callable[[Job, Failure | None], None]
) -> list[Failure]:
    """Run every job, `at_once` at a time; one that fails does not stop the others.

    Args:
        jobs: In the order in which they are begun.
        at_once: How many at a time, each with one thread.
        ended: Called as each job ends, with why if it failed.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM; the children have been stopped and waited for.
    """
    failures, waiting = [], list(reversed(jobs))
    running: list[tuple[Job, subprocess.Popen]] = []
    with terminable(), _stopped(running):
        while waiting or running:
            while waiting and len(running) < at_once:
                job = waiting.pop()
                running.append((job, _start(job)))
            for job, process in [pair for pair in running if pair[1].poll() is not None]:
                running.remove((job, process))
                failure = _failure(job, process.returncode)
                failures += [failure] if failure else []
                ended(job, failure)
            time.sleep(_POLL)
    return failures


def _start(job: Job) -> subprocess.Popen:
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "lethe", *job.argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "LETHE_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
            },
            start_new_session=True,
        )


def _failure(job: Job, status: int) -> Failure | None:
    return Failure(job.label, status, job.log, last_line(job.log)) if status else None


def last_line(log: Path) -> str:
    """The line of a log that says why it ended: the last `error:`, else the last of all.

    A progress bar's earlier states are no lines.
    """
    text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["it printed nothing"])[-1]


@contextlib.contextmanager
def _stopped(running: list[tuple[Job, subprocess.Popen]]) -> Iterator[None]:
    """Leave no child behind, whatever ends the block."""
    try:
        yield
    except BaseException:
        _signal(running, signal.SIGINT)
        try:
            for _, process in running:
                process.wait()
        except KeyboardInterrupt:  # asked twice: what is being written now is redone next time
            _signal(running, signal.SIGKILL)
            for _, process in running:
                process.wait()
        raise


def _signal(running: list[tuple[Job, subprocess.Popen]], number: int) -> None:
    for _, process in running:
        if process.poll() is None:
            # Its whole session: a child may have started processes of its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM as Ctrl-C: else the children would go on without their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
