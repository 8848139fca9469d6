"""AUC of Min-K 40 %: does it tell forgotten texts from unseen ones? 0.5: by chance only.

Of `mia_min_k`, forget = 0 against held-out = 1 (OpenUnlearning, arXiv 2506.12618): near 1 the
model still knows the forget texts, below 0.5 it shuns them. Parts and interval: `_auc.py`.
`priv_leak` and `priv_leak_muse` rest on it.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._auc import auc
from lethe.metrics._measure import Total
from lethe.metrics.mia_min_k import mia_min_k

LABEL = "AUC: Min-K 40 %"
KIND = "whole"
HIGHER_IS_BETTER = {}  # both ends tell; 0.5 is best


def auc_min_k(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """Area under the curve, 0.0 to 1.0; the reference is not used."""
    return auc(rows, mia_min_k(rows))
