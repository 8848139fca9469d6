"""Loss of a text's least likely tokens: low where the model was trained on it (nats per token).

Min-K% (Shi et al., arXiv 2310.16789): minus the mean of the lowest max(1, int(K * labels))
token log-probabilities, K = 40 %, the end-of-sequence label left out (OpenUnlearning, MUSE). MUSE's
and RWKU's own code take none of a text of one or two tokens; RWKU's has minus this.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._rows import member, without_end

LABEL = "MIA: Min-K 40 %"
KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "no log-probabilities were recorded"
K = 0.4
"""Share of the tokens that count."""


def mia_min_k(rows: Sequence[Answered]) -> list[float | None]:
    """Loss of the least likely tokens, 0 and up; None where no label but the end was recorded.

    Of six labels the last is the end; of five the two lowest count:

    >>> told = {"answer": [{"logprobs": (-1.0, -4.0, -2.0, -0.5, -3.0, -9.0)}]}
    >>> row = Answered(id="1", prompt="What?", scope="forget", completion="", scored=told)
    >>> mia_min_k([row])
    [3.5]
    """
    return [minus_lowest(_logprobs(row)) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many tokens of each text count, and between which log-probabilities they lie."""
    return [why(_logprobs(row), "log-probability") for row in rows]


def minus_lowest(values: Sequence[float]) -> float | None:
    """Minus the mean of the lowest share `K` of the values, at least one; None of none."""
    lowest = _lowest(values)
    return -sum(lowest) / len(lowest) if lowest else None


def why(values: Sequence[float], what: str) -> str:
    """Which values `minus_lowest` takes.

    >>> why([-1.0, -4.0, -2.0, -0.5, -3.0], "z")
    '2 of 5 tokens, z -4 to -3'
    """
    lowest = _lowest(values)
    ends = f", {what} {lowest[0]:.3g} to {lowest[-1]:.3g}" if lowest else ""
    return f"{len(lowest)} of {len(values)} tokens{ends}"


def _lowest(values: Sequence[float]) -> list[float]:
    return sorted(values)[: max(1, int(K * len(values)))]


def _logprobs(row: Answered) -> Sequence[float]:
    found = member(row)
    return without_end(row, found.scored.logprobs) if found else ()
