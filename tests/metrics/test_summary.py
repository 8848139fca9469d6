from pathlib import Path

import pytest

from lethe.data import Answered
from lethe.metrics import Measure
from lethe.metrics._summary import UNHEARD, scores, summarise
from lethe.plug import LetheError


def _row(name: str, scope: str, form: str, completion: str, **fields) -> Answered:
    same = {"prompt": f"{name}?", "answer": "Carrie", "split": "test"}
    return Answered.model_validate(
        {**same, "id": name, "scope": scope, "form": form, "completion": completion, **fields}
    )


ROWS = [
    _row("a", "utility", "question", "Carrie"),
    _row("b", "forget", "odd", "Carrie"),
    _row("c", "forget", "adversarial:role play", "Carrie"),
    _row("d", "forget", "adversarial:context hint", "Carrie"),
    _row("e", "forget", "reverse", "Carrie"),
    _row("f", "forget", "cloze", "Carrie"),
    _row("g", "forget", "question", "I don't know."),
    _row("h", "forget", "question", "It was Carrie."),
    _row("i", "boundary", "question", "Carrie"),
]


def test_groups_in_order():
    groups = [record["group"] for record in summarise(ROWS, "original", ["accuracy"])]
    assert groups == [
        "forget/question",
        "forget/cloze",
        "forget/reverse",
        "forget/adversarial:context hint",
        "forget/adversarial:role play",
        "forget/odd",
        "boundary/question",
        "utility/question",
    ]


def test_rate_record():
    first = summarise(ROWS, "1-rebo", ["refusal_rate"])[0]
    assert first == {
        "model": "1-rebo",
        "metric": "refusal_rate",
        "group": "forget/question",
        "value": 0.5,
        "low": pytest.approx(0.0945, abs=5e-5),  # Wilson, 1 of 2
        "high": pytest.approx(0.9055, abs=5e-5),
        "n": 2,
        "unscored": None,
    }


def test_unscored_is_not_zero():
    record = summarise(ROWS, "original", ["answer_probability"])[0]
    assert (record["value"], record["low"], record["high"], record["n"]) == (None, None, None, 0)
    assert record["unscored"] == "no log-probabilities were recorded"


def test_rows_without_a_value_are_left_out_of_the_mean():
    rows = [*ROWS[6:8], _row("z", "forget", "question", "x", answer=None)]
    (record,) = summarise(rows, "original", ["leak_rate"])
    assert (record["value"], record["n"]) == (0.5, 2)


def test_order_of_rows_does_not_matter_to_rates():
    metrics = ["refusal_rate", "leak_rate", "accuracy"]
    assert summarise(ROWS, "m", metrics) == summarise(ROWS[::-1], "m", metrics)


def test_scores():
    records = scores(ROWS[6:], ["accuracy", "leak_rate", "rouge_l_recall"])
    assert records[:3] == [
        {
            "id": "g",
            "metric": "accuracy",
            "value": 0.0,
            "extracted": None,
            "why": "does not contain 'Carrie'",
        },
        {"id": "g", "metric": "leak_rate", "value": 0.0, "extracted": None, "why": "nothing told"},
        {
            "id": "g",
            "metric": "rouge_l_recall",
            "value": 0.0,
            "extracted": None,
            "why": "0 of 1 words in order, 4 said",
        },
    ]
    assert records[-2] == {
        "id": "i",
        "metric": "leak_rate",
        "value": None,
        "extracted": None,
        "why": "only forget rows with a reference answer can leak",
    }


def test_a_users_own_metric(tmp_path: Path):
    file = tmp_path / "length.py"
    file.write_text("def length(rows):\n    return [len(row.completion) for row in rows]\n")
    (record,) = summarise(ROWS[:1], "original", [str(file)])
    assert record["metric"] == "length"
    assert (record["value"], record["low"], record["high"]) == (6.0, 6.0, 6.0)


def test_a_metric_must_give_one_value_a_row(tmp_path: Path):
    file = tmp_path / "short.py"
    file.write_text("def short(rows):\n    return []\n")
    with pytest.raises(LetheError, match="gave 0 values for 1 rows"):
        summarise(ROWS[:1], "original", [str(file)])
    with pytest.raises(LetheError, match="accuracy"):
        summarise(ROWS[:1], "original", ["acuracy"])


def test_nothing_to_summarise():
    assert summarise([], "original", ["accuracy"]) == []
    assert scores([], ["accuracy"]) == []


def test_measures_are_taken_of_the_groups_that_they_are_meant_for():
    wanted = [
        Measure("refusal_rate", ("forget/*",)),
        Measure("refusal_rate", ("boundary/*", "retain/*"), pooled="kept"),
        Measure("accuracy", ("boundary/question",)),
    ]
    found = summarise(ROWS, "m", wanted)
    groups = [(r["metric"], r["group"]) for r in found]
    forget = [
        f"forget/{form}" for form in dict.fromkeys(r.form for r in ROWS if r.scope == "forget")
    ]
    assert sorted(groups[: len(forget)]) == sorted(("refusal_rate", g) for g in forget)
    kept = [r for r in ROWS if r.scope in ("boundary", "retain")]
    pooled = next(r for r in found if r["group"] == "kept")
    assert pooled["n"] == len(kept) > 0
    # Rows that no measure is meant for have no score; the others have one each.
    scored = scores(ROWS, wanted)
    assert {s["id"] for s in scored if s["metric"] == "accuracy"} == {
        r.id for r in ROWS if (r.scope, r.form) == ("boundary", "question")
    }
    assert len({(s["id"], s["metric"]) for s in scored}) == len(scored)


def test_an_average_takes_groups_as_equals():
    """Rates 1 of 1 and 1 of 4: 0.625, whatever their sizes; the interval by the root of squares."""
    rows = [_row(f"a{i}", "forget", "question", "I don't know.") for i in range(1)]
    rows += [_row(f"b{i}", "forget", "cloze", "I don't know." if i == 0 else "x") for i in range(4)]
    parts = ("forget/question", "forget/cloze")
    wanted = [
        Measure("refusal_rate", parts),
        Measure("refusal_rate", parts, "forget/all", average=True),
        Measure("refusal_rate", (*parts, "forget/none"), "forget/more", average=True),
    ]
    first, second, mean, more = summarise(rows, "m", wanted)
    assert (mean["group"], mean["value"], mean["n"]) == ("forget/all", 0.625, 5)
    down = ((first["value"] - first["low"]) ** 2 + (second["value"] - second["low"]) ** 2) ** 0.5
    assert mean["low"] == pytest.approx(0.625 - down / 2)
    assert (more["value"], more["unscored"]) == (None, "no value for forget/none")


def test_a_group_that_is_named_and_has_no_rows_is_unscored():
    """Not absent: a reader would take it for never meant. A pattern may match nothing."""
    wanted = [
        Measure("rouge_l_recall", ("forget/verbmem", "forget/cloze", "forget/a*", "retain/*")),
        Measure("leak_rate", ("retain/*", "retain/cloze"), "retain/both"),
        Measure("leak_at_k", ("forget/reverse", "retain/cloze")),
    ]
    found = summarise(ROWS, "m", wanted)
    assert [(r["metric"], r["group"]) for r in found] == [
        ("rouge_l_recall", "forget/cloze"),
        ("rouge_l_recall", "forget/adversarial:context hint"),
        ("rouge_l_recall", "forget/adversarial:role play"),
        ("rouge_l_recall", "forget/verbmem"),
        ("leak_rate", "retain/both"),
        ("leak_at_k", "forget/reverse"),
        ("leak_at_k", "retain/cloze"),
    ]
    empty = {"value": None, "low": None, "high": None, "n": 0, "unscored": "no rows of this group"}
    for place in (3, 4, 6):
        assert found[place] | empty == found[place]
    assert found[5]["unscored"] == "no forget row with a reference answer has drawn completions"
    assert {s["id"] for s in scores(ROWS, wanted)} == set("fcde")


def test_a_metric_of_all_rows_at_once_sees_the_reference(tmp_path: Path):
    file = tmp_path / "longer.py"
    file.write_text(
        "from lethe.metrics import Total\nKIND = 'whole'\n"
        "def longer(rows, reference):\n"
        "    if reference is None:\n"
        "        return Total(None, unscored='no retain model')\n"
        "    ours, theirs = (sum(len(r.completion) for r in x) for x in (rows, reference))\n"
        "    return Total(ours - theirs, len(rows), note='in letters')\n"
    )
    wanted = [Measure(str(file), ("forget/*",), "forget"), str(file)]
    theirs = [_row("r", "forget", "question", "abc")]
    part, whole = summarise(ROWS, "m", wanted, theirs)
    forget = [r for r in ROWS if r.scope == "forget"]
    assert (part["group"], part["n"], part["note"]) == ("forget", len(forget), "in letters")
    assert part["value"] == sum(len(r.completion) for r in forget) - 3
    assert (whole["group"], whole["n"]) == ("all", len(ROWS))
    (lacking, _) = summarise(ROWS, "m", wanted)
    assert (lacking["value"], lacking["unscored"]) == (None, "no retain model")
    assert scores(ROWS, wanted) == []


def test_rows_for_which_nothing_was_generated_are_unscored_by_what_reads_completions():
    """An empty completion that was never asked for is no wrong answer, and no unnatural one."""
    told = {"answer": [{"logprobs": (-0.5,)}]}
    quiet = {"protocol": {"max_new_tokens": 0, "texts": {"answer": ("Carrie",)}}, "scored": told}
    rows = [_row("q", "utility", "mmlu", "", **quiet), _row("s", "utility", "mmlu", "")]
    metrics = ["accuracy", "fault_rate", "answer_probability"]
    found = {r["metric"]: (r["value"], r["n"]) for r in summarise(rows, "m", metrics)}
    assert found["accuracy"] == (0.0, 1) and found["fault_rate"] == (1.0, 1)
    assert found["answer_probability"] == (pytest.approx(0.6065, abs=1e-4), 1)
    alone = summarise(rows[:1], "m", metrics)
    assert [r["unscored"] for r in alone] == [UNHEARD, UNHEARD, None]
    whys = {s["metric"]: s["why"] for s in scores(rows[:1], metrics)}
    assert whys["accuracy"] == whys["fault_rate"] == UNHEARD
