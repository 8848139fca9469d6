"""TOFU's model utility: harmonic mean of nine numbers of what must be kept (0 to 1).

{retain, real authors, world facts} x {probability, ROUGE-L recall with stems, truth ratio} (arXiv
2401.06121); on real authors and world facts the probability is the normalised one. The rows are
those of groups retain/question, utility/real_authors and utility/world_facts that have all three
numbers. One number that is 0 makes it 0. The interval is a percentile bootstrap over the rows of
each group.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lethe.data import Answered
from lethe.metrics._measure import Total
from lethe.metrics.answer_probability import answer_probability
from lethe.metrics.normalised_probability import normalised_probability
from lethe.metrics.rouge_l_recall_stemmed import rouge_l_recall_stemmed
from lethe.metrics.truth_ratio import truth_ratio

KIND = "whole"
HIGHER_IS_BETTER = True
_Metric = Callable[[Sequence[Answered]], list[float | None]]
_EACH: tuple[_Metric, ...] = (rouge_l_recall_stemmed, truth_ratio)
PARTS: dict[str, tuple[_Metric, ...]] = {
    "retain/question": (answer_probability, *_EACH),
    "utility/real_authors": (normalised_probability, *_EACH),
    "utility/world_facts": (normalised_probability, *_EACH),
}
"""The three numbers of each group of rows."""
_SAMPLES = 1000


def model_utility(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total:
    """Harmonic mean of the nine, 0.0 to 1.0; the reference is not used.

    >>> model_utility([], None).unscored
    'nothing to score in retain/question, utility/real_authors, utility/world_facts'
    """
    tables = {group: _table(rows, group) for group in PARTS}
    if lacking := [group for group, table_N3 in tables.items() if not len(table_N3)]:
        return Total(None, unscored=f"nothing to score in {', '.join(lacking)}")
    value = harmonic_mean(np.concatenate([table_N3.mean(0) for table_N3 in tables.values()]))
    low, high = _interval(list(tables.values()))
    return Total(value, sum(map(len, tables.values())), low, high)


def harmonic_mean(values: np.ndarray) -> float:
    """Harmonic mean; 0 where a value is 0.

    >>> harmonic_mean(np.array([0.25, 0.5, 1.0])), harmonic_mean(np.array([0.0, 1.0]))
    (0.42857142857142855, 0.0)
    """
    return float(len(values) / (1 / values).sum()) if values.all() else 0.0


def _table(rows: Sequence[Answered], group: str) -> np.ndarray:
    """The three numbers of each row of a group that has them all."""
    members = [row for row in rows if f"{row.scope}/{row.form}" == group]
    columns = [metric(members) for metric in PARTS[group]]
    complete = [line for line in zip(*columns, strict=True) if None not in line]
    return np.array(complete, dtype=np.float64).reshape(-1, len(columns))


def _interval(tables: list[np.ndarray]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = [
        np.concatenate([t_N3[rng.integers(len(t_N3), size=len(t_N3))].mean(0) for t_N3 in tables])
        for _ in range(_SAMPLES)
    ]
    low, high = np.percentile([harmonic_mean(nine) for nine in means], [2.5, 97.5])
    return float(low), float(high)
