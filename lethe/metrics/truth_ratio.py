"""TOFU's truth ratio: how much likelier wrong answers are than the right one, as a score (0 to 1).

R = p(wrong) / (p(right) + 1e-10), p the per-token geometric mean; of several wrong answers the
geometric mean too, as in TOFU's and OpenUnlearning's code (the equation in the paper, arXiv
2401.06121, has the arithmetic one). The right answer is the `paraphrased` text where one was
recorded, else the plain `answer` (real authors, world facts); the wrong ones are `perturbed`. Two
scores are made of R: min(R, 1 / (R + 1e-10)) on forget rows, where knowing nothing is R = 1;
max(0, 1 - R) on all others.
"""

from collections.abc import Sequence
from math import exp

from lethe.data import Answered
from lethe.metrics._rows import losses

KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = True
UNSCORED = "no wrong answers were recorded beside the right one"


def truth_ratio(rows: Sequence[Answered]) -> list[float | None]:
    """Each row's score by its scope, 0.0 to 1.0; None where it has no ratio.

    R = exp(-2) / exp(-1) = 0.3679:

    >>> told = {"answer": [{"logprobs": (-0.5, -1.5)}],
    ...         "perturbed": [{"logprobs": (-1.0,)}, {"logprobs": (-3.0, -3.0)}]}
    >>> row = Answered(id="1", prompt="Who?", scope="forget", completion="", scored=told)
    >>> other = row.model_copy(update={"scope": "utility"})
    >>> [round(value, 4) for value in truth_ratio([row, other])]
    [0.3679, 0.6321]
    """
    return [_score(ratio(row), row.scope == "forget") for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """Each row's R."""
    return [f"R = {value:.3g}" if (value := ratio(row)) is not None else "" for row in rows]


def ratio(row: Answered) -> float | None:
    """The truth ratio R itself, 0 to infinity; None where right or wrong answers were not recorded.

    It is what `forget_quality` compares.
    """
    right = losses(row, "paraphrased") or losses(row, "answer")
    wrong = losses(row, "perturbed")
    if right is None or wrong is None:
        return None
    return exp(-sum(wrong) / len(wrong)) / (exp(-right[0]) + 1e-10)


def _score(value: float | None, forget: bool) -> float | None:
    if value is None:
        return None
    return min(value, 1 / (value + 1e-10)) if forget else max(0.0, 1 - value)
