"""What holds of every offline method: it runs, is checked before anything is loaded, is listed."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from lethe import cli, config, plug
from lethe import model as models
from lethe.locate import is_adapter
from lethe.plug import LetheError
from lethe.stages import (
    ceu,
    dpo,
    gradient_ascent,
    idk,
    in_context,
    kto,
    max_entropy,
    npo,
    rmu,
    satimp,
    simnpo,
    task_vector,
    undial,
    wga,
)

METHODS = [
    *(ceu, dpo, gradient_ascent, idk, max_entropy, npo, rmu, satimp, simnpo),
    *(task_vector, undial, wga),
]
TEACHES_REFUSING = [dpo, idk]
SMALL = {"batch_size": 4, "epochs": 1, "learning_rate": 3e-3, "eval_rows": 0}


def name(method):
    return method.__name__.rpartition(".")[2]


def small(method, **more):
    more = {"scales": [1.0], **more} if method is task_vector else more
    return method.Config(**{**SMALL, **more})


@pytest.mark.parametrize("start", ["full", "fresh_lora"])
@pytest.mark.parametrize("method", METHODS, ids=name)
def test_every_method_trains_all_weights_or_an_adapter(lab, tmp_path, method, start):
    start = getattr(lab, start)
    (tmp_path / "stage").mkdir()
    more = {} if method in (rmu, task_vector) else {"gdr": 1.0, "klr": 1.0}
    method.train(small(method, **more), start, lab.lessons(), tmp_path / "stage", 0)
    folder = tmp_path / "stage" / "model"
    assert is_adapter(folder) == bool(start.spec.lora)
    before, after = (models.load(path, start.spec) for path in (start.path, folder))
    pairs = list(zip(before.named_parameters(), after.parameters(), strict=True))
    assert any((a - b).abs().max() > 1e-4 for (_, a), b in pairs)
    if method is rmu:
        above = [(n, a, b) for (n, a), b in pairs if "layers.1" in n or "lm_head" in n]
        assert above and all((a == b).all() for _, a, b in above), "nothing above the layer learns"
    lines = (tmp_path / "stage" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_what_counts_as_forgotten(method):
    expected = "refused" if method in TEACHES_REFUSING else "withheld"
    assert small(method).forgotten == expected
    assert small(method, forgotten="refused").forgotten == "refused"


# ----------------------------------------------------------------------------------------- checks


def changed(lab, **fields):
    """The rows, those to forget with other fields."""
    rows = lab.lessons()
    return {
        split: [r.model_copy(update=fields) if r.scope == "forget" else r for r in found]
        for split, found in rows.items()
    }


@pytest.mark.parametrize("method", METHODS, ids=name)
def test_without_the_texts_it_learns_by_a_method_is_refused(lab, method):
    wanted = sorted(method.Config.NEEDS & {"answer", "refusal"})
    for field in wanted:
        with pytest.raises(LetheError) as error:
            method.validate(small(method), changed(lab, **{field: None}), "r: stages.0")
        assert str(error.value) == (
            "r: stages.0: no forget row of the train split has the "
            f"{' and '.join(wanted)} it learns by"
        )
    method.validate(small(method), lab.lessons(), "r: stages.0")


def test_retain_rows_are_wanted_by_gdr_klr_and_rmu(lab):
    rows = {"train": [row for row in lab.lessons()["train"] if row.scope == "forget"]}
    npo.validate(npo.Config(), rows, "r")
    for own in ({"gdr": 1.0}, {"klr": 0.5}):
        with pytest.raises(LetheError, match=r"^r: gdr .* \(0 turns them off\) learn of retain ro"):
            npo.validate(npo.Config(**own), rows, "r")
    with pytest.raises(LetheError, match="^r: the method learns of retain rows, but every row"):
        rmu.validate(rmu.Config(), rows, "r")


@pytest.mark.parametrize("method", [*METHODS, kto], ids=name)
def test_what_is_passed_to_the_trainer_is_known(lab, method):
    def message(**trainer):
        with pytest.raises(LetheError) as error:
            method.validate(small(method, trainer=trainer), lab.lessons(), "r: stages.0")
        return str(error.value)

    unknown = message(max_grad_nrom=1.0)
    assert unknown.startswith("r: stages.0.trainer.max_grad_nrom: unknown; did you mean max_grad_n")
    theirs = "trl.KTOConfig's" if method is kto else "transformers.TrainingArguments's"
    assert unknown.endswith(theirs)
    assert "r: stages.0.trainer: learning_rate: set it in the stage itself" in message(
        learning_rate=1.0
    )
    method.validate(small(method, trainer={"max_grad_norm": 0.5}), lab.lessons(), "r")


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"stage": "npo", "micro_batch": 5}, "micro_batch 5 does not divide batch_size 16"),
        ({"stage": "npo", "beta": 0}, "stages.0.beta: should be"),
        ({"stage": "kto", "batch_size": 1}, "stages.0.batch_size: should be"),
        ({"stage": "task_vector", "scales": []}, "stages.0.scales: "),
        ({"stage": "task_vector", "select": "best"}, "stages.0.select: "),
        ({"stage": "simnpo", "delta": 1}, "stages.0.delta: unknown key; "),
    ],
)
def test_a_recipe_names_the_place_of_a_wrong_setting(stage, message):
    raw = {"name": "r", "model": {"path": "world:0"}, "data": {"benchmark": "world"}}
    with pytest.raises(LetheError) as error:
        config.from_dict({**raw, "stages": [stage]})
    assert message in str(error.value) and str(error.value).startswith("recipe: stages.0")


def test_settings_in_python_are_checked_too():
    with pytest.raises(ValidationError, match="micro_batch 3 does not divide batch_size 16"):
        npo.Config(micro_batch=3)


def test_interpolation_wants_validation_rows(lab):
    with pytest.raises(LetheError, match=r"^r\.interpolate: chooses by validation rows"):
        npo.validate(npo.Config(interpolate=[0.5]), {"train": lab.lessons()["train"]}, "r")


# ------------------------------------------------------------------------------------ being listed


def test_every_method_is_listed_with_what_it_is(capsys):
    assert cli.main(["list", "stage"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = dict(line.strip().split("  ", 1) for line in lines[1:])
    for method in (*METHODS, kto, in_context):
        assert len(listed[name(method)].strip()) > 20
        assert listed[name(method)].strip() == method.__doc__.splitlines()[0]
        assert method.WHY
    folder = Path(npo.__file__).parent
    files = {file.stem for file in folder.glob("[!_]*.py")}
    assert files == set(plug.names("stage")) == set(listed)
    assert files >= {name(method) for method in (*METHODS, kto, in_context)}
