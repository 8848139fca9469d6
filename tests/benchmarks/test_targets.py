"""Targets as a list, in every benchmark that knows them; one run each."""

import json
from pathlib import Path

import pytest

from lethe import config, data, planning
from lethe.benchmarks import files, rows, rwku, synthesis, world
from lethe.plug import LetheError
from lethe.world import make
from lethe.world.cast import NAME_TIES, cast, ties


def jsonl(folder: Path, name: str, *objects: dict) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(item) + "\n" for item in objects), encoding="utf-8")
    return file


def three(scope: str, **fields: str) -> list[dict]:
    own = {"scope": scope, "answer": "x", **fields}
    return [{"prompt": f"{fields} {split}?", "split": split, **own} for split in data.SPLITS]


MIXED = [
    *three("forget", subject="Ada"), *three("forget", subject="Bo"),
    *three("boundary", subject="Bo", entity="Cy"), *three("boundary", entity="Dot"),
]  # fmt: skip


def recipe(**settings) -> config.Recipe:
    return config.from_dict({"name": "r", "model": {"path": "m"}, "stages": [], "data": settings})


def test_rows_of_some_subjects_with_those_of_none(tmp_path):
    path = jsonl(tmp_path, "mixed.jsonl", *MIXED)
    assert rows.targets(rows.Config(path=path)) == ["Ada", "Bo"]
    kept = rows.load(rows.Config(path=path, targets=["Ada"]))["train"]
    assert [(row.scope, row.subject) for row in kept] == [("forget", "Ada"), ("boundary", None)]
    with pytest.raises(LetheError, match=r"data\.targets: 'Aba': .* did you mean Ada\? choices: A"):
        rows.load(rows.Config(path=path, targets=["Aba"]))


def test_files_of_some_subjects(tmp_path):
    forget = jsonl(tmp_path, "f.jsonl", *(row for row in MIXED if row["scope"] == "forget"))
    near = jsonl(tmp_path, "b.jsonl", *(row for row in MIXED if row["scope"] == "boundary"))
    made = files.Config(forget=forget, boundary=near, targets=["Bo"])
    assert files.targets(made.model_copy(update={"targets": []})) == ["Ada", "Bo"]
    splits, noise = files.load_with_noise(made)
    assert {row.subject for row in splits["test"]} == {"Bo", None}
    assert noise == {"dropped_duplicates": 0, "dropped_rows_of_other_targets": 3}


def test_people_of_a_world_by_name():
    people = {person.name: person for person in make(3).people}
    drawn = world.targets(world.Config(seed=3, targets=2))
    assert drawn == [person.name for person in cast(make(3), 2).targets]
    named = world.load(world.Config(seed=3, targets=drawn))
    subjects = {row.subject for split in named.values() for row in split if row.scope == "forget"}
    assert subjects == set(drawn)
    alone = cast(make(3), drawn[:1])
    trained = set().union(*(ties(one, people[drawn[0]]) for one in alone.boundary_train))
    assert trained >= NAME_TIES
    for wrong, message in (
        (["Nobody"], "world 3: 'Nobody': choices: "),
        (drawn[:1] * 2, "stands there twice"),
        ([], "targets: 0: 1 to 8 people"),
    ):
        with pytest.raises(LetheError, match=message):
            world.load(world.Config(seed=3, targets=wrong))


def test_targets_of_a_world_on_the_command_line():
    from lethe import overrides

    base = recipe(benchmark="world", seed=3)
    made = overrides.override(base, ["--data.targets", "Ada Vance", "Bo Lund"])
    assert made.data == world.Config(seed=3, targets=["Ada Vance", "Bo Lund"])
    assert overrides.override(base, ["--data.targets", "2"]).data == world.Config(seed=3, targets=2)
    with pytest.raises(LetheError, match=r"data\.targets"):
        overrides.override(base, ["--data.targets", "9"])


def test_rwku_takes_a_list_a_text_and_the_old_key():
    several = ["10_Prince_Harry,_Duke_of_Sussex", "1_Stephen_King"]
    for given in (several, ", ".join(several), [", ".join(several)]):
        assert rwku.Config(targets=given).targets == several  # type: ignore[call-arg]
    assert recipe(benchmark="rwku", target="1_Stephen_King").data == rwku.Config(
        targets=["1_Stephen_King"]  # type: ignore[call-arg]
    )
    with pytest.raises(LetheError, match=r"data\.targets: "):
        recipe(benchmark="rwku", targets=[])


def test_synthesis_names_one_or_several():
    several = synthesis.Config(targets=["Ada Vance", "Bo Lund"], out=Path("mine"))
    places = [synthesis.folder.of(one) for one in synthesis._each(several)]
    assert places == [Path("mine/ada-vance"), Path("mine/bo-lund")]
    one = synthesis.Config(target="Ada Vance")
    assert synthesis.targets(one) == ["Ada Vance"]
    # A folder made for one target alone is the same folder as one of several.
    alone = synthesis._each(synthesis.Config(targets=["Ada Vance"]))[0]
    assert synthesis.folder.inputs(alone, None, None) == synthesis.folder.inputs(one, None, None)
    for wrong in ({}, {"target": "Ada", "targets": ["Bo"]}):
        with pytest.raises(LetheError, match="name one target, or a list"):
            recipe(benchmark="synthesis", **wrong)
    with pytest.raises(LetheError, match="two of them share a folder"):
        recipe(benchmark="synthesis", targets=["Ada Vance", "ada  vance"])


def test_synthesised_rows_of_several_targets_are_one_set():
    def row(name: str, prompt: str, scope: str, split: str) -> data.Row:
        own = {"subject": "Bo Lund"} if scope == "forget" else {"answer": "x"}
        return data.Row(id=name, prompt=prompt, scope=scope, split=split, **own)  # type: ignore[arg-type]

    found = {
        "ada": [row("1", "Where is Cy?", "boundary", "train"),
                row("2", "Where is Bo Lund?", "boundary", "train"),  # another target's question
                row("3", "Who is tall?", "boundary", "test")],
        "bo": [row("1", "where is cy?", "boundary", "test"),
               row("2", "Who is TALL?", "forget", "train")],
    }  # fmt: skip
    kept, noise = synthesis._pooled(found, ("Ada Vance", "Bo Lund"))
    assert [one.id for one in kept] == ["bo/1", "bo/2"]
    assert noise == {"dropped_rows_about_another_target": 1, "dropped_duplicates_of_targets": 2}
    data.check(kept)


def test_a_recipe_for_each_target(tmp_path):
    path = jsonl(tmp_path, "mixed.jsonl", *MIXED)
    made = planning.each(recipe(benchmark="rows", path=str(path)))
    assert {label: one.data.targets for label, one in made.items()} == {  # type: ignore[attr-defined]
        "Ada": ["Ada"], "Bo": ["Bo"],
    }  # fmt: skip
    two = planning.each(recipe(benchmark="world", seed=3, targets=2))
    names = [person.name for person in cast(make(3), 2).targets]
    assert list(two) == [name.replace(" ", "-") for name in names]
    with pytest.raises(
        LetheError, match="--each: tofu has no targets; those that have: files, rows"
    ):
        planning.each(recipe(benchmark="tofu", folder="data/tofu"))
    clash = jsonl(
        tmp_path, "c.jsonl", *three("forget", subject="A B"), *three("forget", subject="A-B")
    )
    with pytest.raises(LetheError, match="two targets share the folder A-B"):
        planning.each(recipe(benchmark="rows", path=str(clash)))
