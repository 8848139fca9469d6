"""Real processes of torchrun's: which one failed, and what is shown of it."""

import os
import sys

import pytest

from lethe.launch import _ranks

SCRIPT = """
import os, signal, sys, time
rank = int(os.environ["RANK"])
print("hello from", rank, flush=True)
print("warning of", rank, file=sys.stderr, flush=True)
if rank == 1:
    print("error: no room for the weights\\n  step 3", file=sys.stderr, flush=True)
    {end}
time.sleep(60)
"""


@pytest.fixture
def torchrun(tmp_path):
    """`torchrun(end)`: two processes, the second of which ends so."""

    def run(end):
        (tmp_path / "script.py").write_text(SCRIPT.format(end=end))
        logs = tmp_path / "logs"
        many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        argv = [sys.executable, *many, "--tee=3", f"--log-dir={logs}", str(tmp_path / "script.py")]
        _ranks.run(argv, logs, {"OMP_NUM_THREADS": "1"})

    return run


@pytest.mark.parametrize(
    ("end", "how", "status"),
    [
        ("sys.exit(3)", "exit status 3", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL", 137),
    ],
)
def test_the_process_that_failed_is_told_in_one_line(torchrun, tmp_path, capfd, end, how, status):
    with pytest.raises(_ranks.RanksFailed) as error:
        torchrun(end)
    said = str(error.value)
    assert said.startswith(f"rank 1 failed ({how}): error: no room for the weights (all of it: ")
    assert error.value.status == status and "\n" not in said
    log = said.rpartition("all of it: ")[2].removesuffix(")")
    with open(log) as text:
        assert text.read() == "warning of 1\nerror: no room for the weights\n  step 3\n"
    found = capfd.readouterr()
    assert (found.out, found.err) == ("hello from 0\n", "warning of 0\n")


def test_a_command_that_starts_nothing_is_told_by_its_last_line(tmp_path):
    argv = [sys.executable, "-c", "import sys; sys.exit('error: no such thing')"]
    with pytest.raises(_ranks.RanksFailed, match="nothing ran: error: no such thing; all of it: "):
        _ranks.run(argv, tmp_path / "logs", dict(os.environ))
