"""What each split of a world holds, and what it must not."""

from collections import Counter

import pytest

from lethe import data
from lethe.benchmarks import world as benchmark
from lethe.refusal import judge, leaks
from lethe.world.cast import cast
from lethe.world.people import make
from lethe.world.questions import ADVERSARIAL, REFUSALS, about
from lethe.world.rows import REBO_SHARE, STEERING_SHARE, rows

WORLDS = [(seed, 1) for seed in range(8)] + [(seed, k) for k in (2, 4, 8) for seed in range(3)]


@pytest.fixture(scope="module", params=WORLDS, ids=lambda w: f"world {w[0]} targets {w[1]}")
def case(request):
    seed, targets = request.param
    world = make(seed)
    return world, cast(world, targets), rows(seed, targets)


def every(splits):
    return [row for split in splits.values() for row in split]


def text(row):
    return row.prompt


def test_rows_are_whole_and_no_prompt_is_in_two_scopes_or_splits(case):
    _, _, splits = case
    found = every(splits)
    data.check(found)
    assert all(row.split == name for name, split in splits.items() for row in split)
    for value in ("scope", "split"):
        where = {}
        for row in found:
            key = data.prompt_key(row.prompt)
            assert where.setdefault(key, getattr(row, value)) == getattr(row, value)
    assert len({data.prompt_key(row.prompt) for row in found}) == len(found)


def test_few_rows_teach(case):
    """About 6 % of the forget queries for steering; for ReBO 12 % of them and of neighbours'."""
    world, chosen, splits = case
    per_person = sum(1 for _ in about(world.people[0], world))
    forget = len(chosen.targets) * per_person
    boundary = len(chosen.boundary_train) * per_person
    teach = {
        stage: [row for row in splits["train"] if stage in row.stages]
        for stage in ("rejection_steering", "rebo")
    }
    steering = teach["rejection_steering"]
    assert all(row.scope == "forget" and row.form == "question" for row in steering)
    assert 0.05 <= len(steering) / forget <= 0.07
    assert len(steering) == pytest.approx(STEERING_SHARE * forget, rel=0.1)
    by_scope = Counter(row.scope for row in teach["rebo"])
    assert set(by_scope) == {"forget", "boundary"}
    assert by_scope["forget"] == pytest.approx(REBO_SHARE * forget, rel=0.1)
    assert 0.11 <= by_scope["forget"] / forget <= 0.13
    assert by_scope["boundary"] == pytest.approx(REBO_SHARE * boundary, rel=0.1)
    assert all(row.stages for row in splits["train"])
    assert {row.form for row in splits["train"]} <= {"question", "cloze"}


def test_never_trained_people_are_in_no_row_of_train_or_validation(case):
    _, chosen, splits = case
    never = {person.name for person in chosen.boundary_test + chosen.retain_test}
    asked = {row.entity for name in ("train", "validation") for row in splits[name]}
    asked |= {row.subject for name in ("train", "validation") for row in splits[name]}
    assert not asked & never
    assert {row.entity for row in splits["test"] if row.scope == "boundary"} == {
        person.name for person in chosen.boundary_test
    }
    assert not any(name in text(row) for name in never for row in splits["train"])
    trained = {row.entity for row in splits["train"] if row.scope == "boundary"}
    assert trained <= {person.name for person in chosen.boundary_train}
    assert len(trained) == len(chosen.boundary_train)


def test_test_wordings_about_the_target_are_never_trained(case):
    """A wording is masked to its template: names out."""
    world, _, splits = case
    names = [person.name for person in world.people]

    def template(row):
        out = text(row)
        for name in names:
            out = out.replace(name, "{n}")
        return out

    plain = [
        row for row in every(splits) if row.form in ("question", "cloze") and row.scope != "utility"
    ]
    seen = {template(row) for row in plain if row.split == "train"}
    tested = {template(row) for row in plain if row.split == "test"}
    assert tested and not seen & tested


def test_nothing_but_the_forget_scope_touches_a_target(case):
    _, chosen, splits = case
    targets = {person.name for person in chosen.targets}
    for row in every(splits):
        if row.scope == "forget":
            assert row.subject in targets and row.entity is None
        else:
            assert row.subject is None and row.refusal is None and row.entity not in targets
            assert not any(name in text(row) or name == row.answer for name in targets)


def test_every_target_is_tested_in_every_form(case):
    _, chosen, splits = case
    wanted = {"question", "cloze", "reverse", *(f"adversarial:{kind}" for kind in ADVERSARIAL)}
    for person in chosen.targets:
        forms = {row.form for row in splits["test"] if row.subject == person.name}
        assert forms == wanted
    groups = Counter((row.scope, row.form) for row in splits["test"])
    for scope, forms in {
        "boundary": ("question", "cloze", "reverse", "adversarial"),
        "retain": ("question", "cloze", "reverse"),
        "utility": ("question",),
    }.items():
        assert all(groups[scope, form] >= 10 for form in forms), groups
    looked = {row.scope for row in splits["validation"]}
    assert looked >= {"forget", "boundary", "retain"}


def test_refusals_refuse_and_tell_nothing_and_answers_are_no_refusals(case):
    _, _, splits = case
    used = Counter()
    for row in every(splits):
        assert not judge(row.answer).refuses
        if row.scope == "forget":
            used[row.refusal] += 1
            assert judge(row.refusal).refuses
            leak = leaks(row.refusal, prompt=text(row), answer=row.answer, subject=row.subject)
            assert not leak.found
            told = leaks(row.answer, prompt=text(row), answer=row.answer, subject=row.subject)
            # What the prompt offers, or the subject's own name, need not count as told.
            assert told.found or row.answer in text(row) or row.answer == row.subject
    assert set(used) == set(REFUSALS), "refusals must be varied"


def test_a_reverse_query_asks_for_the_target(case):
    _, chosen, splits = case
    targets = {person.name: person for person in chosen.targets}
    reverse = [row for row in every(splits) if row.form == "reverse" and row.scope == "forget"]
    for row in reverse:
        assert row.answer == row.subject in targets
        target = targets[row.subject]
        assert target.spouse in text(row) or target.book in text(row)
        assert row.split != "train"


def test_facts_are_right(case):
    world, _, splits = case
    people = {person.name: person for person in world.people}
    for row in every(splits):
        about_whom = row.entity or row.subject
        if about_whom and row.form in ("question", "cloze"):
            assert about_whom in text(row)
            assert row.answer in people[about_whom]


def test_equal_seeds_are_equal_rows_and_the_benchmark_gives_them():
    assert rows(3, 2) == rows(3, 2) != rows(4, 2)
    assert benchmark.load(benchmark.Config(seed=3, targets=2)) == rows(3, 2)
    assert {row.source for row in every(rows(3))} == {"world 3"}
