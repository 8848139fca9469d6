"""Share of the answer's tokens that the model would have put there itself, all before them given.

Teacher-forced argmax hits over labels, the end-of-sequence label left out (OpenUnlearning's exact
memorization, arXiv 2506.12618), of the text recorded as `text`, else `answer`.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._rows import member, without_end

KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no hits of the likeliest token were recorded"


def exact_memorisation(rows: Sequence[Answered]) -> list[float | None]:
    """Share of hits, 0.0 to 1.0; None where none were recorded or the end is the only label.

    Of four labels the last is the end; of the other three two are hit:

    >>> told = {"answer": [{"logprobs": (-1, -1, -1, -1), "hits": (True, False, True, True)}]}
    >>> row = Answered(id="1", prompt="Who?", scope="forget", completion="", scored=told)
    >>> round(exact_memorisation([row])[0], 4)
    0.6667
    """
    return [_share(hits(row)) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many labels are hit, and the first that is not."""
    return [_why(hits(row)) for row in rows]


def hits(row: Answered) -> Sequence[bool]:
    """Whether each label is the model's likeliest token, the end left out."""
    found = member(row)
    return without_end(row, found.scored.hits) if found else ()


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _why(hits: Sequence[bool]) -> str:
    first = next((f", the first miss at token {k}" for k, hit in enumerate(hits, 1) if not hit), "")
    return f"{sum(hits)} of {len(hits)} tokens hit{first}"
