"""AUC of the loss less the retain model's: does it tell forgotten texts from unseen ones?

Of l - l_ref, forget = 0 against held-out = 1; 0.5 is by chance only (the reference attack of
OpenUnlearning, arXiv 2506.12618). Only rows that both models were asked count. Parts and interval:
`_auc.py`.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._auc import auc
from lethe.metrics._measure import Total
from lethe.metrics.mia_loss import mia_loss

LABEL = "AUC: loss against reference"
KIND = "whole"
HIGHER_IS_BETTER = {}  # both ends tell; 0.5 is best


def auc_reference(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """Area under the curve, 0.0 to 1.0; unscored without a reference run."""
    if reference is None:
        return Total(None, unscored="no reference run: it needs the retain model's losses")
    theirs = dict(zip((row.id for row in reference), mia_loss(reference), strict=True))
    ours = zip(rows, mia_loss(rows), strict=True)
    return auc(rows, [_less(value, theirs.get(row.id)) for row, value in ours])


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other
