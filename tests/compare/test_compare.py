"""From run folders to a comparison: what is grouped, what is averaged, what is refused."""

import json

import pytest

from lethe import runs
from lethe.compare import compare
from lethe.compare.reading import Key
from lethe.plug import LetheError

REFUSED, KEPT = "refusal_rate:forget/question", "accuracy:boundary/question"


def both(refused, kept):
    return {REFUSED: refused, KEPT: kept}


def npo(rate, **others):
    return [{"stage": "npo", "seed": None, "learning_rate": rate, **others}]


def test_settings_methods_cases_and_seeds(folders):
    for world in (1, 2):
        for seed in (0, 1):
            at = {"world": world, "seed": seed}
            folders(f"a/{world}{seed}", both(0.8, 0.6), stages=npo(1e-5), **at)
            folders(f"b/{world}{seed}", both(0.4, 0.9), stages=npo(3e-6), **at)
    folders("c", both(0.5, 0.5), stages=[{"stage": "rejection_steering"}, {"stage": "./m/rebo.py"}])
    found = compare([folders.place])
    assert [row.label for row in found.rows] == [
        "original",
        "npo learning_rate=3e-06",  # in the order of the setting, not of the folders
        "npo learning_rate=1e-05",
        "rejection_steering > rebo",
    ]
    assert [row.number for row in found.rows] == [0, 1, 2, 3]
    assert [(len(row.folders), row.cases) for row in found.rows] == [(2, 2), (4, 2), (4, 2), (1, 1)]
    assert [row.front for row in found.rows] == [False, True, True, False]
    assert found.rows[2].details == {"learning_rate": 1e-5}
    assert found.rows[3].cells[REFUSED].over == "items"
    assert found.columns == [REFUSED, KEPT, "both", "seconds"]
    assert found.warnings == [
        "not every setting was run on all 2 cases, so differences may be the cases': "
        "rejection_steering > rebo"
    ]


def test_what_a_setting_is_called_when_stages_share_a_key(folders):
    for i, (one, other) in enumerate([(1e-3, 1e-4), (1e-3, 2e-4), (2e-3, 1e-4)]):
        stages = [{"stage": "npo", "learning_rate": one}, {"stage": "rebo", "learning_rate": other}]
        folders(str(i), both(0.5, 0.5), stages=stages)
    assert [row.label for row in compare([folders.place]).rows[1:]] == [
        "npo > rebo 0.learning_rate=0.001 1.learning_rate=0.0001",
        "npo > rebo 0.learning_rate=0.001 1.learning_rate=0.0002",
        "npo > rebo 0.learning_rate=0.002 1.learning_rate=0.0001",
    ]


def test_a_stages_own_seed_is_a_seed_and_batch_size_no_setting(folders):
    folders("a", both(0.4, 1.0), stages=npo(1e-5))
    folders("b", both(0.6, 1.0), stages=[{"stage": "npo", "seed": 7, "learning_rate": 1e-5}],
            evaluate={"max_new_tokens": 16, "batch_size": 3})  # fmt: skip
    row = compare([folders.place]).rows[1]
    assert (len(row.folders), row.cells[REFUSED].over) == (2, "seeds")
    assert row.cells[REFUSED].value == pytest.approx(0.5)


def test_the_same_run_twice_counts_once(folders):
    folders("a", both(0.4, 1.0))
    folders("b", both(0.4, 1.0))
    found = compare([folders.place, folders.place / "a"])
    assert len(found.rows[1].folders) == 1
    [warning] = found.warnings
    assert warning.startswith(f"{folders.place / 'b'}: the same recipe and seed as ")


def test_the_original_counts_once_a_case(folders):
    for seed in (0, 1, 2):
        folders(str(seed), both(0.5 + 0.1 * seed, 0.5), seed=seed, before=both(0.0, 1.0))
    row = compare([folders.place]).rows[0]
    cell = row.cells[REFUSED]
    assert (cell.value, cell.over, cell.runs) == (0.0, "items", 1)
    assert row.cells["seconds"].unscored == "no training"
    assert row.original and not row.front


def test_runs_without_stages(folders):
    folders("a", both(0.5, 0.5), before=both(0.0, 1.0))
    folders("same", both(0.0, 1.0), stages=[])  # the original of a: part of its row
    folders("other", both(0.3, 0.7), stages=[], model={"path": "./other", "revision": None})
    found = compare([folders.place])
    assert [row.label for row in found.rows] == ["original", "npo", "no training: ./other"]
    assert found.warnings == []
    alone = compare([folders.place / "same", folders.place / "other"])
    assert [(row.number, row.label) for row in alone.rows] == [
        (1, "no training: world:1"),
        (2, "no training: ./other"),
    ]


def test_adversarial_kinds_are_one_group_weighted_by_rows(folders):
    keys = {"refusal_rate:forget/adversarial:a": 0.5, "refusal_rate:forget/adversarial:b": 1.0}
    folder = folders("a", both(1.0, 1.0) | keys)
    file = runs.Run(folder).summary
    records = json.loads(file.read_text())
    for record in records:
        record["n"] = 30 if record["group"].endswith(":a") else 10
    file.write_text(json.dumps(records))
    found = compare([folder])
    cell = found.rows[1].cells["refusal_rate:forget/adversarial"]
    assert (cell.value, cell.items) == (0.625, 40)  # (15 + 10) / 40
    assert cell.low == pytest.approx(0.470, abs=1e-3)  # Wilson's, of 25 in 40
    assert "refusal_rate:forget/adversarial" in found.columns
    assert "refusal_rate:forget/adversarial:a" not in found.columns


def test_unscored_is_said_and_not_zero(folders):
    folders("a", both(0.5, 0.5) | {"leak_rate:forget/reverse": None})
    cell = compare([folders.place]).rows[1].cells["leak_rate:forget/reverse"]
    assert (cell.value, cell.unscored) == (None, "no answers")


def test_seconds_of_a_stage_done_again_are_the_last(folders):
    two = [{"stage": "npo"}, {"stage": "rebo"}]
    folders("a", both(0.5, 0.5), stages=two, seconds=(99.0, 7.0))
    assert compare([folders.place]).rows[1].cells["seconds"].value == 14.0
    (folders.place / "a" / "log.jsonl").unlink()
    assert compare([folders.place]).rows[1].cells["seconds"].unscored == "log.jsonl does not say"


def test_harmonic_mean_is_taken_run_by_run(folders):
    folders("a", both(1.0, 0.5), seed=0)
    folders("b", both(0.0, 1.0), seed=1)
    row = compare([folders.place]).rows[1]
    assert row.cells["both"].value == pytest.approx((2 / 3 + 0) / 2)


def test_lower_is_better_is_turned_round(folders):
    rouge, kept = "rouge_l_recall:forget/question", "rouge_l_recall:retain/question"
    folders("a", {rouge: 0.2, kept: 0.9})
    found = compare([folders.place])
    assert (str(found.forget.key), str(found.retain.key)) == (rouge, kept)
    assert found.forget.title == "1 − Forget questions: ROUGE-L recall"
    assert found.rows[1].point == pytest.approx((0.9, 0.8))
    assert found.columns == [rouge, kept, "both", "seconds"]
    assert found.areas[0].floors[0.4].value == pytest.approx(0.5 * 0.8)


def test_areas_are_taken_case_by_case(folders):
    # Case 1: 0.4 * 1.0 above 0.5; case 2: 0.2 * 0.5.
    folders("1", both(1.0, 0.9), world=1)
    folders("2", both(0.5, 0.7), world=2)
    [area] = compare([folders.place], floors=[0.5]).areas
    one = area.floors[0.5]
    assert (one.value, one.over, one.cases) == (pytest.approx(0.25), "cases", 2)
    assert (one.low, one.high) == (0.0, 0.5)  # 12.7 * 0.15 each way, cut off at what there can be


def test_areas_of_one_case_are_taken_seed_by_seed(folders):
    for seed, kept in ((0, 0.9), (1, 0.7)):
        folders(f"a{seed}", both(0.5, kept), stages=npo(1e-5), seed=seed)
        folders(f"b{seed}", both(1.0, 0.6), stages=npo(1e-4), seed=seed)
    folders("b2", both(1.0, 0.6), stages=npo(1e-4), seed=2)  # the other setting lacks this seed
    [area] = compare([folders.place], floors=[0.5]).areas
    # 0.1 * 1.0 + 0.3 * 0.5 and 0.1 * 1.0 + 0.1 * 0.5
    assert area.floors[0.5].value == pytest.approx((0.25 + 0.15) / 2)
    assert (area.floors[0.5].over, area.floors[0.5].runs) == ("seeds", 2)


def test_unfinished_runs(folders):
    folders("good", both(0.5, 0.5))
    bad = folders("bad", both(0.5, 0.5), seed=1)
    runs.Run(bad).summary.unlink()
    found = compare([folders.place])
    assert found.warnings == [f"{bad}: not finished: there is no eval/summary.json; left out"]
    with pytest.raises(LetheError, match=r"no eval/summary\.json; `lethe run"):
        compare([bad])
    half = folders("half", both(0.5, 0.5), seed=2)
    records = json.loads(runs.Run(half).summary.read_text())
    runs.Run(half).summary.write_text(json.dumps([r for r in records if r["model"] == "original"]))
    with pytest.raises(LetheError, match="has nothing of 0-npo"):
        compare([half])


def test_a_run_that_measured_its_last_model_alone_is_finished(folders):
    """The original's row comes from the runs that measured it."""
    last = {"evaluate": {"metrics": [], "prefix": None, "max_new_tokens": 16, "limit": None,
                         "models": "last"}}  # fmt: skip
    folders("a", both(0.5, 0.9), before={}, **last)
    found = compare([folders.place])
    assert [row.original for row in found.rows] == [False]
    folders("b", both(0.5, 0.9), seed=1)
    found = compare([folders.place])
    assert [row.original for row in found.rows] == [True, False]
    assert found.rows[1].cells[REFUSED].runs == 2


def test_attacks_are_no_settings_and_must_be_alike(folders):
    folders("a", both(0.5, 0.9), attacks=[{"attack": "relearn", "steps": 20}])
    folders("b", both(0.5, 0.9), seed=1)
    (row,) = [row for row in compare([folders.place]).rows if not row.original]
    assert row.cases == 1 and len(row.folders) == 2
    folders("c", both(0.5, 0.9), seed=2, attacks=[{"attack": "relearn", "steps": 50}])
    with pytest.raises(LetheError, match=r"^attacks: relearn differs: .*20.*50"):
        compare([folders.place])


def test_a_recipe_that_is_no_run_is_passed_over(folders):
    folders("good", both(0.5, 0.5))
    (folders.place / "mine").mkdir()
    (folders.place / "mine" / "recipe.yaml").write_text("eggs: 3\n")
    assert compare([folders.place]).warnings == []


@pytest.mark.parametrize("key", ["prefix", "max_new_tokens", "limit"])
def test_what_was_measured_in_other_ways_is_refused(folders, key):
    folders("a", both(0.5, 0.5))
    folders("b", both(0.5, 0.5), seed=1, evaluate={"max_new_tokens": 16} | {key: 5})
    with pytest.raises(LetheError, match=rf"evaluate\.{key} differs: .* in .*a, 5 in .*b"):
        compare([folders.place])


def test_other_metrics_are_a_warning(folders):
    folders("a", both(0.5, 0.5))
    folders("b", both(0.5, 0.5) | {"leak_rate:forget/question": 0.1}, seed=1)
    assert compare([folders.place]).warnings == [
        "evaluate.metrics differs: not every run has leak_rate"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"forget": "refusal:forget/question"},
            "--forget refusal:forget/question: no run has 'ref",
        ),
        ({"retain": "accuracy:retain/question"}, "'retain/question': did you mean boundary/ques"),
        ({"forget": "accuracy"}, "--forget accuracy: must be METRIC:GROUP, as in refusal_rate:"),
        ({"floors": [1.0]}, "--floor 1: must be at least 0 and below 1"),
    ],
)
def test_wrong_options(folders, options, message):
    folders("a", both(0.5, 0.5))
    with pytest.raises(LetheError) as error:
        compare([folders.place], **options)
    assert message in str(error.value)


def test_an_axis_has_a_direction(folders):
    """An AUC is best at .5, PrivLeak at 0; leaking is bad on any group, be it no scope."""
    kept, leaked, area = "accuracy:retain/question", "leak_rate:all", "auc_loss:forget against kept"
    folders("a", {kept: 0.9, leaked: 0.2, area: 0.7, "priv_leak:all": 0.1, "mine:all": 0.3})
    found = compare([folders.place], forget=leaked)
    assert (found.forget.higher, found.retain.key) == (False, Key("accuracy", "retain/question"))
    assert found.rows[1].forget.value == pytest.approx(0.8)
    assert compare([folders.place], forget="mine:all").forget.higher  # nobody knows; as it stands
    for none in (area, "priv_leak:all"):
        with pytest.raises(LetheError) as error:
            compare([folders.place], forget=none)
        told = f"--forget {none}: neither higher nor lower is better there: choices: "
        assert str(error.value) == told + f"{kept}, {leaked}, mine:all"


def test_what_has_no_value_stands_back(folders):
    """A group without rows is told, but takes no column or axis from one that has some."""
    reverse, asked = "leak_rate:forget/reverse", "leak_rate:forget/question"
    fluency, recall = "ngram_entropy:utility/fluency", "rouge_l_recall:forget/question"
    values = {reverse: None, asked: 0.2, fluency: None, recall: 0.1, **both(None, 0.5)}
    folders("a", values, before=values)
    found = compare([folders.place])
    assert str(found.forget.key) == recall
    assert asked in found.columns and reverse not in found.columns
    assert REFUSED in found.columns  # nothing of its line has a value: the reason is told
    assert found.rows[1].cells[fluency].unscored == "no answers"


def test_wrong_places(folders, tmp_path):
    with pytest.raises(LetheError, match="nowhere: no such folder"):
        compare([tmp_path / "nowhere"])
    with pytest.raises(LetheError, match="no finished run folder there"):
        compare([tmp_path])
    folder = folders("a", both(0.5, 0.5))
    with pytest.raises(LetheError, match=r"recipe\.yaml: is a file, not a run folder"):
        compare([folder / "recipe.yaml"])
    runs.Run(folder).summary.write_text("[{}]")
    with pytest.raises(LetheError, match=r"summary\.json: not a summary of Lethe's"):
        compare([folder])
    (folder / "recipe.yaml").write_text("name: x\n")
    with pytest.raises(LetheError, match="stages: must be a list"):
        compare([folder])
