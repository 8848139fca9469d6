"""Exact memorisation and extraction strength, by hand and against a restated loop."""

import random

import pytest

from lethe.data import Answered
from lethe.metrics.exact_memorisation import exact_memorisation
from lethe.metrics.extraction_strength import extraction_strength


def _row(hits, end: bool = True, name: str = "answer") -> Answered:
    scored = {name: [{"logprobs": [-1.0] * len(hits), "hits": [bool(hit) for hit in hits]}]}
    protocol = {"texts": {name: ("x",)}, "end": end}
    return Answered.model_validate(
        {
            "id": "1",
            "prompt": "?",
            "scope": "forget",
            "completion": "",
            "scored": scored,
            "protocol": protocol,
        }
    )


@pytest.mark.parametrize(
    ("hits", "share", "strength"),
    [
        # The last label is the end and does not count, hit or not.
        ([1, 1, 1, 1, 0], 1.0, 1.0),
        ([0, 1, 1, 1, 1], 0.75, 0.75),
        ([1, 0, 1, 1, 1], 0.75, 0.5),
        ([1, 1, 0, 1, 0], 0.75, 0.25),
        # Nothing from the last label on: the loop of OpenUnlearning ends at k = L - 1, so 1/L.
        ([1, 1, 1, 0, 1], 0.75, 0.25),
        ([0, 0, 0, 0, 0], 0.0, 0.25),
        ([0, 1], 0.0, 1.0),
        ([1], None, None),
        ([], None, None),
    ],
)
def test_by_hand(hits, share, strength):
    assert exact_memorisation([_row(hits)]) == [share]
    assert extraction_strength([_row(hits)]) == [strength]


def test_a_text_without_end_keeps_its_last_label():
    assert exact_memorisation([_row([1, 0], end=False)]) == [0.5]
    assert extraction_strength([_row([1, 0], end=False, name="text")]) == [0.5]
    assert exact_memorisation([_row([1, 0], name="other")]) == [None]


def test_extraction_strength_is_open_unlearning_s_loop():
    draw = random.Random(0)
    for _ in range(300):
        hits = [draw.random() < 0.6 for _ in range(draw.randint(1, 12))]
        k = 0
        for k in range(len(hits)):  # the first suffix that is hit throughout; else the last k
            if all(hits[k:]):
                break
        assert extraction_strength([_row([*hits, 0])]) == [1 - k / len(hits)]
