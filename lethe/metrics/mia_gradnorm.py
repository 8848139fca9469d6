"""How hard one text would pull at the weights: low where the model was trained on it.

Membership inference by gradients (arXiv 2402.17012): the Euclidean norm of the gradient of
`mia_loss`, recorded by `lethe.gradient` where the row's protocol asks for it (`gradient`).
OpenUnlearning takes the mean of the weight tensors' own norms instead, and leaves the last label
out of the loss: not the same number, though of the same kind.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._rows import member

LABEL = "MIA: gradient norm"
KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "no gradient norm was recorded (`gradient` in the protocol)"


def mia_gradnorm(rows: Sequence[Answered]) -> list[float | None]:
    """The recorded norm of each row's text, 0 and up; None where it was not recorded.

    >>> told = {"answer": [{"logprobs": (-0.5,), "gradient": 7.5}]}
    >>> mia_gradnorm([Answered(id="1", prompt="?", scope="forget", completion="", scored=told)])
    [7.5]
    """
    return [found.scored.gradient if (found := member(row)) else None for row in rows]


evidence = _evidence.of_member
