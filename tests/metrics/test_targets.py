"""Each target by itself, and the mean over them, by hand."""

import pytest

from lethe.data import Answered
from lethe.evaluate import totals
from lethe.metrics import Measure
from lethe.metrics._targets import by_target, means
from lethe.runs import read_lines


def said(name: str, subject: str | None, refuses: bool, form: str = "question") -> Answered:
    return Answered(
        id=name, prompt=f"{name}?", scope="forget" if subject else "utility", subject=subject,
        answer="Carrie", form=form, split="test",
        completion="I don't know." if refuses else "Carrie",
    )  # fmt: skip


# Ada: 4 of 4 refused. Bo: 1 of 2. Cy is asked otherwise alone, and utility has no target.
ROWS = [
    *(said(f"a{i}", "Ada", True) for i in range(4)),
    said("b0", "Bo", True), said("b1", "Bo", False),
    said("c0", "Cy", True, "cloze"),
    said("u0", None, False),
]  # fmt: skip


def test_each_target_by_itself():
    found = by_target(ROWS, "m", ["refusal_rate"])
    assert [(r["target"], r["group"], r["value"], r["n"]) for r in found] == [
        ("Ada", "forget/question", 1.0, 4),
        ("Bo", "forget/question", 0.5, 2),
        ("Cy", "forget/cloze", 1.0, 1),
    ]


def test_the_mean_counts_a_target_once_whatever_its_rows():
    [mean] = means(by_target(ROWS, "m", ["refusal_rate"]))
    # (1.0 + 0.5) / 2; pooled it would be 5 / 6. Half-width: 12.706 * 0.35355 / sqrt(2) = 3.18.
    assert mean == {
        "model": "m", "metric": "refusal_rate", "group": "forget/by target:question",
        "value": 0.75, "low": 0.0, "high": 1.0, "n": 2, "unscored": None,
        "note": "mean over 2 targets",
    }  # fmt: skip


def test_the_interval_is_students_over_targets():
    values = {"Ada": 0.7, "Bo": 0.8, "Cy": 0.9}
    found = [{"target": t, "model": "m", "metric": "rouge_l_recall", "group": "boundary/cloze",
              "value": v} for t, v in values.items()]  # fmt: skip
    [mean] = means(found)
    # 0.8 -+ 4.3027 * 0.1 / sqrt(3)
    assert (mean["low"], mean["high"]) == pytest.approx((0.5516, 1.0484), abs=1e-4)
    assert mean["group"] == "boundary/by target:cloze"


def test_targets_that_agree_leave_the_interval_of_their_rows():
    found = [{"target": t, "model": "m", "metric": "refusal_rate", "group": "forget/question",
              "value": 1.0, "low": 0.7, "high": 1.0} for t in ("Ada", "Bo", "Cy")]  # fmt: skip
    [mean] = means(found)
    # 1 - sqrt(3 * 0.3^2) / 3; Student's has no width.
    assert (mean["low"], mean["high"]) == pytest.approx((0.8268, 1.0), abs=1e-4)


def test_one_target_is_not_told_apart(tmp_path):
    assert by_target([row for row in ROWS if row.subject in ("Ada", None)], "m", ["accuracy"]) == []
    assert len(totals(ROWS[:4], tmp_path, "m", ["refusal_rate"])) == 1
    assert not (tmp_path / "targets.jsonl").exists()


def test_pooled_groups_have_means_and_averages_and_whole_metrics_do_not():
    wanted = [
        Measure("refusal_rate", ("forget/*",), pooled="forget/all"),
        Measure(
            "leak_rate", ("forget/question", "forget/cloze"), pooled="forget/mean", average=True
        ),
        "model_utility",
    ]
    found = by_target(ROWS, "m", wanted)
    assert {r["group"] for r in found} == {"forget/all"}
    [mean] = means(found)
    assert (mean["group"], mean["n"]) == ("forget/by target:all", 3)
    assert mean["value"] == pytest.approx((1 + 0.5 + 1) / 3)


def test_a_metric_that_is_taken_later_joins_the_file(tmp_path):
    totals(ROWS, tmp_path, "m", ["refusal_rate"])
    totals(ROWS, tmp_path, "m", ["leak_rate"])
    totals(ROWS, tmp_path, "m", ["leak_rate"])
    lines = read_lines(tmp_path / "targets.jsonl")
    assert [line["metric"] for line in lines] == ["refusal_rate"] * 3 + ["leak_rate"] * 3
