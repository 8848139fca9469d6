"""Loss of a text as the model reads it: low where it was trained on it (nats per token).

Membership inference by loss (Yeom et al., arXiv 1709.01604): the mean negative log-probability of
the text recorded as `text`, else `answer`, the end-of-sequence label included where recorded.
RWKU (arXiv 2406.10890) reports the mean over forget members (FM) and retain members (RM); its code
records the log-likelihood, which is minus this. `auc_loss` makes one number of both.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._rows import loss, member

LABEL = "MIA: loss"
KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "no log-probabilities were recorded"


def mia_loss(rows: Sequence[Answered]) -> list[float | None]:
    """Loss of each row's text, 0 and up; None where it was not recorded.

    >>> told = {"answer": [{"logprobs": (-0.5, -1.5)}]}
    >>> mia_loss([Answered(id="1", prompt="?", scope="forget", completion="", scored=told)])
    [1.0]
    """
    return [loss(found.scored) if (found := member(row)) else None for row in rows]


evidence = _evidence.of_member
