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
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lethe.plug import LetheError

T = TypeVar("T")
_NOISY = r"(transformers|trl|torch|peft|accelerate|datasets|huggingface_hub)(\..*)?"


def prepare(*, progress: bool = True) -> None:
    """Set this process up: no telemetry, quiet libraries, and the number of threads.

    One thread unless LETHE_THREADS or OMP_NUM_THREADS says otherwise: the embedded model is too
    small for more, and numbers do not then depend on how many cores a machine has.
    LETHE_TELEMETRY=1 leaves the libraries' telemetry as they have it.

    Raises:
        LetheError: As `check`; or weights are to be shared by GPUs where there are none.
    """
    no_telemetry()
    threads = _threads()
    os.environ["OMP_NUM_THREADS"] = str(threads)
    # One process trains on one GPU; TRL would spread a batch over all that it sees, and fail.
    if share()[1] == 1:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    if sharded():
        # With it every rank but the first would load empty weights, for evaluations too.
        os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    if not progress:
        os.environ["TQDM_DISABLE"] = "1"
    import torch

    if sharded() and not torch.accelerator.is_available():
        raise LetheError(
            "ACCELERATE_USE_FSDP or ACCELERATE_USE_DEEPSPEED is set, but there is no GPU here, and "
            "nothing would be shared; on the CPU leave --config out"
        )
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


def check(*, alone: str | None = None) -> None:
    """Refuse what `prepare` cannot set up; imports nothing.

    Args:
        alone: What is to be done by one process, if it is.

    Raises:
        LetheError: The number of threads is none, or several processes are to do what one does.
    """
    _threads()
    if alone and share()[1] > 1:
        raise LetheError(
            f"WORLD_SIZE is above 1: {alone} is for one process; start lethe itself, without "
            "torchrun or accelerate launch"
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


def first() -> bool:
    """Whether this process is the one that writes: the only one, or the first of several."""
    return share()[0] == 0


def sharded() -> bool:
    """Whether weights are spread over the processes (FSDP, ZeRO), by accelerate's variables."""
    names = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")
    return any(os.environ.get(name, "").lower() in ("true", "1") for name in names)


def barrier() -> None:
    """Wait until all processes are here."""
    if share()[1] > 1:
        together, group = _group()
        together.barrier(group)


def agree(value: T) -> T:
    """What the first process says, told to all; every process must ask."""
    if share()[1] == 1:
        return value
    words: list[Any] = [value]
    together, group = _group()
    together.broadcast_object_list(words, group=group)
    return words[0]


def gathered(value: T) -> list[T]:
    """What each process says, in their order; every process must ask."""
    if share()[1] == 1:
        return [value]
    words: list[Any] = [None] * share()[1]
    together, group = _group()
    together.all_gather_object(words, value, group=group)
    return words


@cache
def _group() -> tuple[Any, Any]:
    """torch.distributed, and a group of all processes for what is said between them.

    Its own, on the CPU and patient: the first process may judge or write for longer than the half
    hour after which training takes a process that does not answer for lost.
    """
    import torch
    import torch.distributed as together

    if not together.is_initialized():
        together.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return together, together.new_group(backend="gloo", timeout=timedelta(days=7))


def leave() -> None:
    """Take leave of the other processes, at the orderly end of this one.

    A thread that still holds something of Python's when the interpreter ends would abort it, and
    a finished run would look like a failed one.
    """
    together = sys.modules.get("torch.distributed")
    if share()[1] > 1 and together and together.is_available() and together.is_initialized():
        _group.cache_clear()
        together.destroy_process_group()


def seed(number: int) -> None:
    """Seed every generator, so that a step draws the same numbers whatever ran before it."""
    import numpy
    import torch

    random.seed(number)
    numpy.random.seed(number)
    torch.manual_seed(number)


def load_whole() -> None:
    """From now on models are loaded whole, also where a trainer under ZeRO-3 had them split."""
    if deepspeed := sys.modules.get("transformers.integrations.deepspeed"):
        deepspeed.unset_hf_deepspeed_config()


@contextlib.contextmanager
def environment(**changed: str) -> Iterator[None]:
    """The environment with these variables; afterwards it is what it was, whatever is set within.

    With WORLD_SIZE, `share` and `sharded` speak as in one of so many processes.
    """
    before = dict(os.environ)
    os.environ.update(changed)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def release() -> None:
    """Give back what the last step's model held."""
    import torch

    load_whole()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def peak() -> int | None:
    """Highest resident memory of this process so far, in bytes; None where the system does not say.

    On Linux by /proc: what `getrusage` says there begins with the peak of the process that started
    this one.
    """
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        found = [line.split()[1] for line in status if line.startswith("VmHWM:")]
        if found:
            return int(found[0]) * 1024
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def peak_mb() -> float | None:
    """`peak` in MB (2^20 bytes)."""
    found = peak()
    return None if found is None else round(found / 2**20, 1)


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
