"""Are the forget set's truth ratios those of a model that never saw it? A p-value; above 0.05: yes.

TOFU's forget quality (arXiv 2401.06121): p of the two-sided two-sample Kolmogorov-Smirnov test
between the raw truth ratios of the model and of the retain model. All forget rows with a ratio
count, as in OpenUnlearning (400 of forget10; the first TOFU code took 300). Without a retain model
it is unscored. It has no interval: it is itself the outcome of a test.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._measure import Total
from lethe.metrics._rows import same
from lethe.metrics.truth_ratio import ratio

KIND = "whole"
HIGHER_IS_BETTER = True


def forget_quality(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """P-value, 0.0 to 1.0; `n` counts the model's rows.

    >>> forget_quality([], None).unscored
    'no reference run: it needs the retain model on the same rows'
    """
    if reference is None:
        return Total(None, unscored="no reference run: it needs the retain model on the same rows")
    ours, theirs = _ratios(rows), _ratios(same(rows, reference))
    if not ours or not theirs:
        who = "no forget row" if not ours else "no forget row of the reference run"
        return Total(None, unscored=f"{who} has a truth ratio")
    differ = len(ours) != len(theirs)
    note = f"against {len(theirs)} rows of the reference run" if differ else None
    return Total(_p_value(ours, theirs), len(ours), note=note)


def _ratios(rows: Sequence[Answered]) -> list[float]:
    found = (ratio(row) for row in rows if row.scope == "forget")
    return [value for value in found if value is not None]


def _p_value(ours: list[float], theirs: list[float]) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(ours, theirs).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
