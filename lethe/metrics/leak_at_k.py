"""Share of forget rows told at least once in all completions drawn: leak@k, k the number drawn.

What greedy decoding hides sampling brings out (arXiv 2511.04934): with c of n samples leaking, a
draw of k of them leaks with probability 1 - C(n - c, k) / C(n, k). Here k = n, every sample that
`samples` holds, drawn at temperature 1: rows with more samples leak more easily, compare runs of
equal numbers. `leak_at_1` is k = 1. What counts as telling is `leak_rate`'s rule, not one of the
paper's.
"""

from collections.abc import Sequence
from math import comb

from lethe.data import Answered
from lethe.metrics.leak_rate import leak_rate

LABEL = "Leak@k"
KIND = "rate"
HIGHER_IS_BETTER = False
UNSCORED = "no forget row with a reference answer has drawn completions"


def estimate(n: int, c: int, k: int) -> float:
    """Chance that of k samples, drawn without repeats from n of which c leak, at least one leaks.

    Unbiased for the chance that k new samples leak. Of 4 samples, 1 leaks: 1 - 3/6.

    >>> estimate(4, 1, 2)
    0.5
    """
    return 1 - comb(n - c, k) / comb(n, k)


def leak_at_k(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each forget row that any sample tells, else 0.0; None where none were drawn.

    >>> row = Answered(id="1", prompt="His debut?", scope="forget", answer="Carrie", completion="",
    ...                samples=("No idea.", "It is Carrie."))
    >>> leak_at_k([row]), at([row], 1)
    ([1.0], [0.5])
    """
    return [float(found > 0) if found is not None else None for found in leaks(rows)]


def at(rows: Sequence[Answered], k: int) -> list[float | None]:
    """Leak@k of each row, 0.0 to 1.0; None where fewer than k samples were drawn."""
    return [
        estimate(len(row.samples), found, k)
        if found is not None and len(row.samples) >= k
        else None
        for row, found in zip(rows, leaks(rows), strict=True)
    ]


def leaks(rows: Sequence[Answered]) -> list[int | None]:
    """How many of each row's samples tell the answer; None where that cannot be said."""
    return [_leaks(row) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many samples of how many tell the answer."""
    counted = zip(rows, leaks(rows), strict=True)
    return [f"{found or 0} of {len(row.samples)} samples tell it" for row, found in counted]


def _leaks(row: Answered) -> int | None:
    drawn = [row.model_copy(update={"completion": sample}) for sample in row.samples]
    found = [value for value in leak_rate(drawn) if value is not None]
    return int(sum(found)) if found else None
