"""What every metric's file owes its readers, and how the report names it."""

import pytest

from lethe import plug
from lethe.data import Answered
from lethe.metrics import Total
from lethe.metrics._summary import scores, summarise
from lethe.report import words

NAMES = sorted(plug.names("metric"))
SCOPES = {"forget", "boundary", "retain", "utility"}
BARE = [
    Answered.model_validate(
        {"id": scope, "prompt": "?", "scope": scope, "completion": "I don't know."}
    )
    for scope in sorted(SCOPES)
]


@pytest.mark.parametrize("name", NAMES)
def test_it_states_what_a_report_needs(name):
    module = plug.resolve("metric", name)
    better = module.HIGHER_IS_BETTER
    assert module.KIND in {"rate", "mean", "whole"}
    assert isinstance(better, bool) or set(better) in (set(), SCOPES)
    if module.KIND != "whole":
        assert module.UNSCORED
    meaning = words.meaning(name)
    assert meaning.text and meaning.rate == (module.KIND == "rate")
    assert (
        "Auc" not in meaning.label and "Mia" not in meaning.label and "Rouge" not in meaning.label
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_which_nothing_was_recorded_is_no_zero_and_no_error(name):
    module, metric = plug.resolve("metric", name), plug.function("metric", name)
    if module.KIND == "whole":
        total = metric(BARE, None)
        assert isinstance(total, Total) and total.value is None and total.unscored
        assert metric([], None).value is None
    else:
        values = metric(BARE)
        assert metric([]) == [] and len(values) == len(BARE)
        for what in ("evidence", "extracted"):
            if hasattr(module, what):
                assert len(getattr(module, what)(BARE)) == len(BARE)
        of_the_text_alone = {"refusal_rate", "fault_rate", "clean_refusal_rate", "ngram_entropy"}
        assert name in of_the_text_alone or values == [None] * len(BARE)
    assert summarise(BARE, "original", [name])


def test_all_metrics_at_once():
    assert {record["metric"] for record in summarise(BARE, "m", NAMES)} == set(NAMES)
    assert {record["id"] for record in scores(BARE, NAMES)} == SCOPES


@pytest.mark.parametrize(
    ("name", "label", "rate", "all_rows"),
    [
        ("auc_min_k", "AUC: Min-K 40 %", False, None),
        ("priv_leak", "PrivLeak", False, None),
        ("model_utility", "Model utility", False, True),
        ("choice_accuracy", "Choice accuracy", True, None),
    ],
)
def test_how_the_report_names_it(name, label, rate, all_rows):
    meaning = words.meaning(name)
    assert (meaning.label, meaning.rate, meaning.higher("all")) == (label, rate, all_rows)
