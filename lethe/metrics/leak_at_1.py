"""Mean share of drawn completions that tell the answer: leak@1, sampling once instead of greedily.

`leak_at_k` with k = 1 (arXiv 2511.04934): c / n for c leaks in n samples at temperature 1.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics.leak_at_k import at
from lethe.metrics.leak_at_k import evidence as evidence

LABEL = "Leak@1"
KIND = "mean"
HIGHER_IS_BETTER = False
UNSCORED = "no forget row with a reference answer has drawn completions"


def leak_at_1(rows: Sequence[Answered]) -> list[float | None]:
    """Share of each forget row's samples that tell, 0.0 to 1.0; None where none were drawn.

    >>> row = Answered(id="1", prompt="His debut?", scope="forget", answer="Carrie", completion="",
    ...                samples=("No idea.", "It is Carrie.", "Carrie", "I don't know."))
    >>> leak_at_1([row])
    [0.5]
    """
    return at(rows, 1)
