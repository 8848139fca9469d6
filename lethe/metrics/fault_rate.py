"""Share of completions with something that no person would write: an offline naturalness.

A stand-in for RULE's judged naturalness where no judge is at hand: what counts is the table of
`lethe.faults` (loops, splices, cut ends, gibberish, encodings, nothing at all). It says nothing of
truth: a fluent lie has no fault.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.faults import faults

KIND = "rate"
HIGHER_IS_BETTER = False
UNSCORED = "no rows"


def fault_rate(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each completion with a fault, else 0.0.

    >>> row = Answered(id="1", prompt="Her job?", scope="retain", answer="a baker",
    ...                completion="It is I don't know")
    >>> fault_rate([row])
    [1.0]
    """
    return [float(bool(faults(row.completion))) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """The faults of each completion."""
    told = (", ".join(f"{f.kind}: {f.words!r}" for f in faults(row.completion)) for row in rows)
    return [found or "no fault" for found in told]
