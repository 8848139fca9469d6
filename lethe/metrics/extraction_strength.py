"""Share of the answer, from its end, that the model goes on to say once the rest is given.

1 - k / L, k being the first label from which on every one is the model's likeliest token, L their
number, the end-of-sequence label left out (Carlini et al., arXiv 2012.07805; for unlearning Wang et
al., arXiv 2406.09179; OpenUnlearning, arXiv 2506.12618).
Where not even the last label is hit k should be L and the strength 0; OpenUnlearning's loop ends at
k = L - 1, which gives 1 / L. This matches it: 1 / L is the floor, and an answer of one token has
strength 1 whether it is hit or not.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics.exact_memorisation import hits

KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no hits of the likeliest token were recorded"


def extraction_strength(rows: Sequence[Answered]) -> list[float | None]:
    """Strength, 1 / L to 1.0; None where no hits were recorded or the end is the only label.

    Of four labels the last is the end; of the other three the last two are hit:

    >>> told = {"answer": [{"logprobs": (-1, -1, -1, -1), "hits": (False, True, True, True)}]}
    >>> row = Answered(id="1", prompt="Who?", scope="forget", completion="", scored=told)
    >>> round(extraction_strength([row])[0], 4)
    0.6667
    """
    return [_strength(found) if (found := hits(row)) else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many labels at the end are hit, and the last that is not."""
    return [_why(hits(row)) for row in rows]


def _why(hits: Sequence[bool]) -> str:
    start = _start(hits)
    missed = f", the last miss at token {start}" if start else ""
    return f"the last {len(hits) - start} of {len(hits)} tokens hit{missed}"


def _strength(hits: Sequence[bool]) -> float:
    first = min(_start(hits), len(hits) - 1)
    return 1 - first / len(hits)


def _start(hits: Sequence[bool]) -> int:
    """The first label from which on every one is hit; their number where the last is not."""
    return max((k for k, hit in enumerate(hits, 1) if not hit), default=0)
