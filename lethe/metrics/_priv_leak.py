"""Privacy leakage: by how many per cent an AUC differs from a retrained model's."""

from lethe.metrics._measure import Total


def privacy_leakage(auc: Total, retrained: float, note: str | None = None) -> Total:
    """100 (A - R) / (R + 1e-10), A and R being 1 - AUC of the model and of the retrained model.

    1 - AUC is MUSE's orientation. The interval is the AUC's; R is taken for exact.

    Args:
        auc: Of the model, forget = 0 against held-out = 1.
        retrained: AUC of the retrained model, in the same orientation.
        note: What a reader must know.

    >>> round(privacy_leakage(Total(0.8, 20), 0.5).value, 4)
    -60.0
    """
    if auc.value is None:
        return auc
    base = 1 - retrained

    def change(value: float) -> float:
        return ((1 - value) - base) / (base + 1e-10) * 100

    low, high = (None if end is None else change(end) for end in (auc.high, auc.low))
    return Total(change(auc.value), auc.n, low, high, note=note)
