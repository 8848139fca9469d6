"""MUSE's PrivLeak: AUC of Min-K 40 % against that of MUSE's retrained model (%), best near 0.

100 (A - R) / R (arXiv 2407.06460), A in MUSE's orientation, which is 1 - OpenUnlearning's: low
where the model still knows the forget texts. R is the retain model's where there is a reference
run, else the one MUSE published, .4772 for News and .5393 for Books; which of them the rows' ids
say, `news/...` or `books/...`. From the same R it is the same number as `priv_leak`, whose 1e-10 is
kept here.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._auc import MISSING
from lethe.metrics._measure import Total
from lethe.metrics._priv_leak import privacy_leakage
from lethe.metrics._rows import same
from lethe.metrics.auc_min_k import auc_min_k

LABEL = "PrivLeak, MUSE's"
KIND = "whole"
HIGHER_IS_BETTER = {}
RETRAINED = {"news": 0.4772, "books": 0.5393}
"""AUC of MUSE's own retrained models (`forget_holdout_Min-40%`), in MUSE's orientation."""


def priv_leak_muse(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """Privacy leakage in per cent, from -100 up; unscored without a retrained AUC."""
    measured = auc_min_k(same(rows, reference), None).value
    if measured is not None:
        return privacy_leakage(auc_min_k(rows, None), measured)
    if not rows:
        return Total(None, unscored=MISSING)
    corpus, *others = {row.id.partition("/")[0] for row in rows}
    if others or corpus not in RETRAINED:
        return Total(
            None, unscored="no reference run, and the rows are not all MUSE's News or Books"
        )
    note = f"against MUSE's published AUC of the retrained model, {RETRAINED[corpus]}"
    return privacy_leakage(auc_min_k(rows, None), 1 - RETRAINED[corpus], note)
