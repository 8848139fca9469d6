"""Probability of the right answer as a share of that of all answers on offer (0 to 1).

TOFU's probability on real authors and world facts (arXiv 2401.06121): p / (p + sum of the wrong
ones' p + 1e-10), p being the per-token geometric mean as in `answer_probability`, of the texts
recorded as `answer` and `perturbed`. On TOFU's other sets the probability is not normalised.
"""

from collections.abc import Sequence
from math import exp

from lethe.data import Answered
from lethe.metrics._rows import losses

KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no wrong answers were recorded beside the right one"


def normalised_probability(rows: Sequence[Answered]) -> list[float | None]:
    """Share of the right answer, 0.0 to 1.0; None where right or wrong ones were not recorded.

    With p = exp(-1) and two wrong ones of exp(-2):

    >>> told = {"answer": [{"logprobs": (-0.5, -1.5)}],
    ...         "perturbed": [{"logprobs": (-2.0,)}, {"logprobs": (-2.0, -2.0)}]}
    >>> row = Answered(id="1", prompt="Who?", scope="utility", completion="", scored=told)
    >>> round(normalised_probability([row])[0], 4)
    0.5761
    """
    return [_share(row) for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """The probability of each answer on offer."""
    return [_why(*found) if (found := _probabilities(row)) else "" for row in rows]


def _why(right: float, wrong: list[float]) -> str:
    return f"right {right:.3g}, wrong {', '.join(f'{p:.3g}' for p in wrong)}"


def _share(row: Answered) -> float | None:
    found = _probabilities(row)
    if found is None:
        return None
    right, wrong = found
    return right / (right + sum(wrong) + 1e-10)


def _probabilities(row: Answered) -> tuple[float, list[float]] | None:
    right, wrong = losses(row, "answer"), losses(row, "perturbed")
    if right is None or wrong is None:
        return None
    return exp(-right[0]), [exp(-value) for value in wrong]
