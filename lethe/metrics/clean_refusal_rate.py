"""Share of refusals that a person could have written: none with a loop, a splice or a cut end.

Of the completions that refuse (`lethe.refusal`), those without a fault (`lethe.faults`). A stand-in
for judged naturalness where no judge is at hand: what has no fault may still read badly. Rows that
do not refuse are left out, so that it says nothing of how often a model refuses.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.faults import faults
from lethe.metrics import fault_rate
from lethe.refusal import judge

KIND = "rate"
HIGHER_IS_BETTER = True
UNSCORED = "no completion refuses"


def clean_refusal_rate(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each refusal without a fault, 0.0 with one; None where nothing is refused.

    >>> rows = [Answered(id="1", prompt="Who?", scope="forget", completion=text)
    ...         for text in ("I don't know.", "I don't know the the", "Carrie")]
    >>> clean_refusal_rate(rows)
    [1.0, 0.0, None]
    """
    return [
        float(not faults(row.completion)) if judge(row.completion).refuses else None for row in rows
    ]


evidence = fault_rate.evidence
