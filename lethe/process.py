"""This process: telemetry, threads, noise, seeds, memory and the disk; knows nothing of runs."""

import contextlib
import errno
import gc
import os
import random
import sys
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from lethe.plug import LetheError

_NOISY = r"(transformers|trl|torch|peft|accelerate|datasets|huggingface_hub)(\..*)?"


def prepare(*, progress: bool = True) -> None:
    """Set this process up: no telemetry, quiet libraries, and the number of threads.

    One thread unless LETHE_THREADS or OMP_NUM_THREADS says otherwise: the embedded model is too
    small for more, and numbers do not then depend on how many cores a machine has.
    LETHE_TELEMETRY=1 leaves the libraries' telemetry as they have it.
    """
    no_telemetry()
    threads = _threads()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    # One process trains on one GPU; TRL would spread a batch over all that it sees, and fail.
    if share()[1] == 1:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    if not progress:
        os.environ["TQDM_DISABLE"] = "1"
    import torch

    torch.set_num_threads(threads)
    _quiet()


def no_telemetry() -> None:
    """Turn the libraries' telemetry off, before they are imported or after."""
    if os.environ.get("LETHE_TELEMETRY") == "1":
        return
    for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"
    if hub := sys.modules.get("huggingface_hub.constants"):  # it reads the variable only once
        vars(hub)["HF_HUB_DISABLE_TELEMETRY"] = True


def check(*, training: bool) -> None:
    """Refuse what `prepare` cannot set up; imports nothing.

    Args:
        training: Whether more is to be done than to measure a model.

    Raises:
        LetheError: The number of threads is none, or one of several processes is to train.
    """
    _threads()
    if training and share()[1] > 1:
        raise LetheError(
            "WORLD_SIZE is above 1: training in several processes is not there yet; "
            "start lethe itself, without torchrun or accelerate launch"
        )


def _threads() -> int:
    threads = os.environ.get("LETHE_THREADS") or os.environ.get("OMP_NUM_THREADS") or "1"
    if not threads.isdigit() or int(threads) < 1:
        raise LetheError(f"LETHE_THREADS or OMP_NUM_THREADS: {threads!r}: a number of at least 1")
    return int(threads)


def _quiet() -> None:
    import datasets
    import transformers

    warnings.filterwarnings("ignore", module=_NOISY)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()


def share() -> tuple[int, int]:
    """Which of how many processes this is, by torchrun's variables: (0, 1) is one alone."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return int(os.environ.get("RANK", "0")) if processes > 1 else 0, processes


def barrier(word: str = "") -> str:
    """Wait until all processes are here; gives what the first of them says."""
    import torch.distributed as together

    if not together.is_initialized():
        # The first process may judge or train for longer than the half hour that is the default.
        together.init_process_group("gloo", timeout=timedelta(days=7))
    words = [word]
    together.broadcast_object_list(words)
    together.barrier()
    return words[0]


def seed(number: int) -> None:
    """Seed every generator, so that a step draws the same numbers whatever ran before it."""
    import numpy
    import torch

    random.seed(number)
    numpy.random.seed(number)
    torch.manual_seed(number)


def release() -> None:
    """Give back what the last step's model held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def peak_mb() -> float | None:
    """Highest memory of this process so far, in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


@contextlib.contextmanager
def disk_full_explained(folder: Path) -> Iterator[None]:
    """A full disk as one clear line: safetensors and torch report it in their own ways."""
    try:
        yield
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full and os.strerror(errno.ENOSPC).lower() not in str(error).lower():
            raise
        raise LetheError(
            f"{folder}: the disk is full; free some space, then run the same command again to go on"
        ) from error
