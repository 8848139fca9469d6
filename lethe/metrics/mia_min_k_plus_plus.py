"""How far below the usual a text's least likely tokens are: low where the model was trained on it.

Min-K%++ (Zhang et al., arXiv 2404.02936): as `mia_min_k`, of z = (logp - mean) / sqrt(max(variance,
1e-6)), mean and variance of the log-probability over the vocabulary, under the model, at that
token; K = 40 % (OpenUnlearning). RWKU's `mink20` is minus this with K = 20 % and without the floor
of the variance: not the same number.
"""

from collections.abc import Sequence
from math import sqrt

from lethe.data import Answered
from lethe.metrics._rows import member, without_end
from lethe.metrics.mia_min_k import minus_lowest, why

LABEL = "MIA: Min-K++ 40 %"
KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "the spread over the vocabulary was not recorded (`spread` in the protocol)"


def mia_min_k_plus_plus(rows: Sequence[Answered]) -> list[float | None]:
    """Minus the mean of the lowest z; None where the spread was not recorded.

    z = (-4 + 2) / 2 and (-2 + 2) / 2, of which the first counts; the third label is the end:

    >>> told = {"answer": [{"logprobs": (-4.0, -2.0, 0.0), "means": (-2.0, -2.0, -2.0),
    ...                     "variances": (4.0, 4.0, 4.0)}]}
    >>> row = Answered(id="1", prompt="What?", scope="forget", completion="", scored=told)
    >>> mia_min_k_plus_plus([row])
    [1.0]
    """
    return [minus_lowest(without_end(row, _standardised(row))) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many tokens of each text count, and between which z they lie."""
    return [why(without_end(row, _standardised(row)), "z") for row in rows]


def _standardised(row: Answered) -> list[float]:
    found = member(row)
    if found is None or found.scored.means is None or found.scored.variances is None:
        return []
    columns = (found.scored.logprobs, found.scored.means, found.scored.variances)
    return [
        (logp - mean) / sqrt(max(variance, 1e-6))
        for logp, mean, variance in zip(*columns, strict=True)
    ]
