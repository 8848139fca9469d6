"""Numbers made of a judge's ratings, worked out by hand."""

import pytest

from lethe.data import Answered, Rating
from lethe.metrics import helpfulness, judge_agreement, naturalness, readability, truthfulness
from lethe.metrics._summary import scores, summarise

METRICS = ["readability", "helpfulness", "truthfulness", "naturalness", "judge_agreement"]


def rated(name, *samples, **fields):
    """A row with samples: three numbers each, or the reason why there are none."""
    ratings = [
        Rating(why=one)
        if isinstance(one, str)
        else Rating(readability=one[0], helpfulness=one[1], truthfulness=one[2], why="ok")
        for one in samples
    ]
    same = {"id": name, "prompt": "?", "scope": "retain", "answer": "x", "completion": "y"}
    return Answered(**{**same, "ratings": tuple(ratings), **fields})


def test_a_row_is_the_mean_of_its_samples():
    row = rated("a", (90, 60, 30), (70, 40, 10), "no reply: HTTP 500")
    assert readability.readability([row]) == [80]
    assert helpfulness.helpfulness([row]) == [50]
    assert truthfulness.truthfulness([row]) == [20]
    assert naturalness.naturalness([row]) == [50]  # of 60 and 40
    assert naturalness.evidence([row]) == ["ok | no reply: HTTP 500"]


def test_means_stand_in_the_summary_with_the_rows_they_rest_on():
    rows = [rated("a", (90, 60, 30)), rated("b", (30, 30, 30)), rated("c", "no reply: late")]
    found = {r["metric"]: r for r in summarise(rows, "m", METRICS)}
    assert [(found[m]["value"], found[m]["n"]) for m in METRICS[:4]] == [
        (60, 2),
        (45, 2),
        (30, 2),
        (45, 2),
    ]
    assert found["judge_agreement"]["unscored"].startswith("one sample per answer")
    why = {line["id"]: line["why"] for line in scores(rows, ["naturalness"])}
    assert why == {"a": "ok", "b": "ok", "c": "no reply: late"}


def test_without_a_judge_they_say_so():
    for record in summarise([rated("a"), rated("b")], "m", METRICS):
        assert record["value"] is None and record["n"] == 0
        assert record["unscored"].startswith("no judge: set evaluate.judge")
    assert scores([rated("a")], ["naturalness"])[0]["why"].startswith("no judge")


def test_where_the_judge_failed_its_reason_stands():
    rows = [rated("a", "no reply: HTTP 500"), rated("b", "no reply: HTTP 500"), rated("c")]
    for record in summarise(rows, "m", METRICS):
        assert record["unscored"] == "no reply: HTTP 500"


def test_agreement_by_hand():
    """Two answers, samples 80 90 and 20 30.

    Observed: (2 x 10^2 + 2 x 10^2) / 4 = 100. Expected: of 12 ordered pairs of the four values
    2 x (100 + 3600 + 2500 + 4900 + 3600 + 100) = 29600, 29600 / 12. Alpha 1 - 1200 / 29600.
    """
    rows = [rated("a", (80, 80, 80), (90, 90, 90)), rated("b", (20, 20, 20), (30, 30, 30))]
    found = judge_agreement.judge_agreement(rows)
    assert found.value == pytest.approx(1 - 1200 / 29600)
    assert found.n == 2
    assert found.note == (
        "samples per answer: 2; 10.0 points apart; "
        "readability 0.96, helpfulness 0.96, truthfulness 0.96"
    )


def test_agreement_leaves_out_what_has_no_second_sample():
    whole = [rated("a", (80, 80, 80), (90, 90, 90)), rated("b", (20, 20, 20), (30, 30, 30))]
    odd = [rated("c", (0, 0, 0), "malformed reply: x"), rated("d", "late", "late"), rated("e")]
    more = judge_agreement.judge_agreement(whole + odd)
    assert more == judge_agreement.judge_agreement(whole)


def test_agreement_with_unequal_numbers_of_samples():
    """1 2 3 and 5 5. Observed: the first unit's squared differences, ordered, are 2 x (1 + 1 + 4)
    = 12, by m - 1 = 2: 6; the second's 0; 6 / 5. Expected: mean 3.2, squares 4.84 + 1.44 + 0.04 +
    3.24 + 3.24 = 12.8, twice that by n - 1 = 4: 6.4. Alpha 1 - 1.2 / 6.4."""
    assert judge_agreement.alpha([[1, 2, 3], [5, 5]]) == pytest.approx(1 - 1.2 / 6.4)


def test_samples_that_swap_are_worse_than_chance_and_equal_ones_say_nothing():
    assert judge_agreement.alpha([[1, 2], [2, 1]]) == -0.5
    assert judge_agreement.alpha([[0.1] * 3, [0.1] * 3]) is None
    found = judge_agreement.judge_agreement([rated("a", (50, 50, 50), (50, 50, 50))])
    assert found.value is None and "every rating is the same" in (found.unscored or "")


def test_one_number_may_be_constant_where_the_others_are_not():
    rows = [rated("a", (50, 0, 0), (50, 0, 0)), rated("b", (50, 90, 90), (50, 90, 90))]
    found = judge_agreement.judge_agreement(rows)
    assert found.value == 1
    assert "readability -, helpfulness 1.00" in (found.note or "")
