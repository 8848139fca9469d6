"""Rows of like length in one batch; a batch that is too large for the memory is halved.

What one process of several does is every so-manieth batch of the same list, so the batches, and
with them the last digit of every number, are those of one process.
"""

import sys
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Literal, TypeVar

from lethe import process
from lethe.plug import LetheError

T = TypeVar("T")
Size = int | Literal["auto"]
LARGEST = 256
"""Rows of an automatic batch, at most."""
TOKENS = 2**16
"""Tokens of an automatic batch, at most, padding included."""


def batches(
    lengths: Sequence[int], size: Size, tokens: int | None = None, rows: int | None = None
) -> list[list[int]]:
    """Indices in batches, from short to long; equal lengths keep their order.

    Args:
        lengths: Tokens of each row.
        size: Rows of a batch; auto: up to `LARGEST` rows and `TOKENS` tokens.
        tokens: No batch holds more (padding included), but for one of a single row.
        rows: No batch holds more.

    >>> batches([9, 2, 3, 8], 2)
    [[1, 2], [3, 0]]
    >>> batches([9, 2, 3, 8], 4, tokens=12)
    [[1, 2], [3], [0]]
    """
    most = min(LARGEST if size == "auto" else size, rows or sys.maxsize)
    limit = min(n for n in (tokens, TOKENS if size == "auto" else None, sys.maxsize) if n)
    found: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        full = not found or len(found[-1]) == most or (len(found[-1]) + 1) * lengths[i] > limit
        if full:
            found.append([i])
        else:
            found[-1].append(i)
    return found


def left(
    planned: Sequence[list[int]], share: tuple[int, int], skip: Container[int]
) -> list[list[int]]:
    """The batches that one of several processes has still to do.

    Args:
        planned: From `batches`.
        share: (i, n): every n-th batch from the i-th on.
        skip: Indices that are done; batches stay whole, so one of these alone is left out.

    >>> left([[0, 1], [2, 3], [4, 5], [6]], (0, 2), {0, 1, 4})
    [[4, 5]]
    """
    return [batch for batch in planned[share[0] :: share[1]] if not all(i in skip for i in batch)]


def done(
    found: Sequence[list[int]], work: Callable[[list[int]], list[T]], *, together: bool = False
) -> Iterator[tuple[list[int], list[T]]]:
    """Do batch after batch; where the memory does not hold one, in halves, and so from then on.

    Args:
        found: From `batches`.
        work: Gives one result for each row of a batch.
        together: Whether several processes must take each forward pass at once: none halves then.

    Yields:
        A batch and its results.

    Raises:
        LetheError: Memory is short for a single row, or for a batch that all take together.
    """
    largest = max(map(len, found), default=1)
    waiting = [list(batch) for batch in reversed(found)]
    while waiting:
        batch = waiting.pop()
        if len(batch) > largest:
            waiting += [batch[largest:], batch[:largest]]
            continue
        try:
            results = work(batch)
        except Exception as error:
            if not out_of_memory(error):
                raise
            if together:  # the others would wait for passes that they do not make
                raise LetheError(
                    f"out of memory with {len(batch)} rows, which a process that shares weights "
                    "cannot halve by itself; choices: a smaller eval_rows, more processes"
                ) from error
            if len(batch) == 1:
                raise LetheError("out of memory with a single row: take a smaller model") from error
            largest = (len(batch) + 1) // 2
            print(f"out of memory with {len(batch)} rows: going on with {largest}", file=sys.stderr)
            waiting.append(batch)
            results = None
        if results is None:  # outside the handler: the error held the memory of its batch
            process.release()
            continue
        yield batch, results


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory, of a GPU or of the machine, is full."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(
            sign in text
            for sign in ("out of memory", "allocate memory", "not enough memory", "alloc_failed")
        )
    )
