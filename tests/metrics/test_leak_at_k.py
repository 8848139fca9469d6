"""leak@k: the estimator against counting every draw, and on rows."""

from itertools import combinations

import pytest

from lethe.data import Answered
from lethe.metrics import leak_at_1, leak_at_k


def _row(*samples: str, **fields) -> Answered:
    same = {
        "id": "1",
        "prompt": "His debut?",
        "scope": "forget",
        "answer": "Carrie",
        "completion": "Carrie",
    }
    return Answered.model_validate({**same, "samples": samples, **fields})


def test_the_estimate_counts_the_draws():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                draws = [any(i < c for i in draw) for draw in combinations(range(n), k)]
                assert leak_at_k.estimate(n, c, k) == pytest.approx(sum(draws) / len(draws))
    assert leak_at_k.estimate(200, 2, 64) == pytest.approx(1 - (136 / 200) * (135 / 199))


def test_rows():
    row = _row("No idea.", "It is Carrie.", "Dune", "I can't say.")
    dry = _row("No idea.", "Dune")
    kept = _row("Carrie", scope="retain")
    rows = [row, dry, _row(), kept, _row("Carrie", answer=None)]
    assert leak_at_k.leak_at_k(rows) == [1.0, 0.0, None, None, None]
    assert leak_at_1.leak_at_1(rows) == [0.25, 0.0, None, None, None]
    assert leak_at_k.at(rows, 2)[0] == pytest.approx(1 - 3 / 6)
    assert leak_at_k.at(rows, 3)[1] is None  # fewer were drawn
    assert leak_at_k.evidence(rows)[:2] == ["1 of 4 samples tell it", "0 of 2 samples tell it"]
