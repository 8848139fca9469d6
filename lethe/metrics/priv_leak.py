"""PrivLeak: how much more, or less, the model knows of the forget texts than a retrained one (%).

100 (A - R) / (R + 1e-10) with A = 1 - AUC of Min-K 40 % and R the retain model's, as OpenUnlearning
(arXiv 2506.12618) computes it. Best near 0; far below 0 the model still knows the texts, far
above it shuns them and so gives them away. Without a retain model its AUC is taken for 0.5, chance,
and the record says so. `priv_leak_muse` takes MUSE's published one instead.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._measure import Total
from lethe.metrics._priv_leak import privacy_leakage
from lethe.metrics._rows import same
from lethe.metrics.auc_min_k import auc_min_k

LABEL = "PrivLeak"
KIND = "whole"
HIGHER_IS_BETTER = {}
CHANCE = 0.5


def priv_leak(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """Privacy leakage in per cent, from -100 up."""
    retrained = auc_min_k(same(rows, reference), None).value
    if retrained is None:
        why = "no reference run" if reference is None else "a reference run without Min-K scores"
        return privacy_leakage(auc_min_k(rows, None), CHANCE, f"{why}: its AUC is taken for 0.5")
    return privacy_leakage(auc_min_k(rows, None), retrained)
