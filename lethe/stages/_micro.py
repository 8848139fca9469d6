"""How the rows of a step are cut: over the processes, and into passes that the memory holds.

The loss of a step is a mean over its rows whatever the passes are, so smaller passes cost time and
change nothing but the last digits. (KTO estimates its KL within a pass.) A pass that the memory
does not hold is halved, and what was found is kept beside the checkpoints, for the next start.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lethe import batches, process, runs
from lethe.plug import LetheError

T = TypeVar("T")


class TooLarge(RuntimeError):
    """The memory does not hold a pass of a training."""


FOUND = "micro_batch.json"


def spread(batch: int, micro: int | None, where: str) -> dict[str, int]:
    """A step's rows as a trainer wants them: rows of one pass of one process, and passes.

    Args:
        batch: Rows of one optimiser step, over all processes.
        micro: At most so many in one pass; None: all of a process's own.
        where: Opens the message.

    Raises:
        LetheError: The batch cannot be cut so.

    >>> spread(32, 8, "rebo")
    {'per_device_train_batch_size': 8, 'gradient_accumulation_steps': 4}
    """
    processes = process.share()[1]
    own = batch // processes
    if batch % processes:
        raise LetheError(
            f"{where}: a step of {batch} rows cannot be spread evenly over {processes} processes; "
            f"choices: {' or '.join(str(n * processes) for n in (own, own + 1) if n)} rows, or "
            "other processes"
        )
    micro = min(micro or own, own)
    if own % micro:
        raise LetheError(
            f"{where}.micro_batch: {micro} does not divide the {own} rows of a process; "
            f"choices: {', '.join(map(str, _divisors(own)))}"
        )
    return {"per_device_train_batch_size": micro, "gradient_accumulation_steps": own // micro}


@contextlib.contextmanager
def passes() -> Iterator[None]:
    """Around a training: what runs out of memory in it is a pass."""
    try:
        yield
    except Exception as error:
        if batches.out_of_memory(error):
            raise TooLarge(str(error)) from error
        raise


def held(
    out: Path,
    batch: int,
    micro: int | None,
    where: str,
    train: Callable[[int | None], T],
    least: int = 1,
) -> T:
    """Train in passes that the memory holds.

    Args:
        out: The stage's folder.
        batch: Rows of one optimiser step, over all processes.
        micro: The recipe's rows of a pass; None: all of a process's own.
        where: Opens messages.
        train: Builds a trainer for so many rows a pass and runs it, from its last checkpoint on.
        least: No pass has fewer rows.

    Raises:
        LetheError: Memory is short for the least pass; or it is short in one of several processes,
            which cannot go on by itself: the next start takes half.
    """
    file = out / FOUND
    while True:
        rows = _known(file, batch // process.share()[1], least) or micro
        size = spread(batch, rows, where)["per_device_train_batch_size"]
        try:
            return train(rows)
        except TooLarge as error:
            half = max((n for n in _divisors(size) if least <= n <= size // 2), default=None)
            if half is None:
                raise LetheError(
                    f"{where}: out of memory with {size} rows a pass, which cannot be fewer; "
                    "choices: model.lora, model.gradient_checkpointing, shorter texts, a smaller "
                    "model, more memory"
                ) from error
        process.release()  # outside the handler: the error held the memory of its pass
        runs.write(file, json.dumps({"micro_batch": half}))
        said = f"{where}: out of memory with {size} rows a pass; {half} from now on"
        if process.share()[1] > 1:
            raise LetheError(f"{said}: run the same command again")
        print(f"{said}, which changes no more than the last digits", file=sys.stderr)


def _known(file: Path, own: int, least: int) -> int | None:
    """What an earlier start found to fit, or the next less that divides a process's own rows."""
    if not file.is_file():
        return None
    found = json.loads(file.read_text())["micro_batch"]
    return max((n for n in _divisors(own) if least <= n <= found), default=None)


def _divisors(number: int) -> list[int]:
    """What divides a number.

    >>> _divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    return [n for n in range(1, number + 1) if number % n == 0]
