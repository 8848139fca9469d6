import pytest

from lethe.synthesis.answers import agreement, short


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Tarn.", "Tarn"),
        ('"Tarn"', "Tarn"),
        ("Answer: Tarn.\nBecause.", "Tarn"),
        ("\n\n  Tarn ", "Tarn"),
        ("Washington, D.C.", "Washington, D.C."),
        ("**Tarn**", "Tarn"),
        ("", ""),
    ],
)
def test_short(reply, answer):
    assert short(reply) == answer


def test_agreement_by_hand():
    assert agreement("Tarn", ["In Tarn.", "tarn", "Tarnby", "Ostby", "I don't know"]) == 0.4
    assert agreement("", ["", ""]) == 0
    assert agreement("Tarn", []) == 1
