"""Every query about a person, counted and read."""

from collections import Counter

import pytest

from lethe.refusal import judge
from lethe.world.people import ATTRIBUTES, make
from lethe.world.questions import (
    ADVERSARIAL,
    ANSWER_PREFIX,
    CLOZES,
    FRENCH,
    QUESTIONS,
    REFUSALS,
    REVERSE,
    SYNONYMS,
    about,
)
from lethe.world.utility import common


def queries(seed=0, index=0):
    world = make(seed)
    person = world.people[index]
    return person, list(about(person, world))


def test_every_attribute_has_every_wording():
    for table in (QUESTIONS, CLOZES, FRENCH, SYNONYMS):
        assert tuple(table) == ATTRIBUTES or set(table) == set(ATTRIBUTES)
    assert {len(wordings) for wordings in QUESTIONS.values()} == {11}
    assert {len(wordings) for wordings in CLOZES.values()} == {4}
    assert set(REVERSE) <= set(ATTRIBUTES)
    for wordings in [*QUESTIONS.values(), *CLOZES.values(), list(FRENCH.values())]:
        assert len(set(wordings)) == len(wordings)
        assert all(wording.count("{n}") == 1 for wording in wordings)
    assert all(wording.count("___") == 1 for wordings in CLOZES.values() for wording in wordings)


def test_forms_and_splits_by_count():
    _, found = queries()
    forms = Counter(query.form for query in found)
    assert (forms["question"], forms["cloze"], forms["reverse"]) == (88, 32, 6)
    assert {f"adversarial:{kind}" for kind in ADVERSARIAL} == {
        form for form in forms if form.startswith("adversarial:")
    }
    assert sum(forms[f"adversarial:{kind}"] for kind in ADVERSARIAL) == 128
    splits = Counter((query.form, query.split) for query in found)
    by_split = {
        form: tuple(splits[form, split] for split in ("train", "validation", "test"))
        for form in ("question", "cloze", "reverse")
    }
    assert by_split == {"question": (24, 16, 48), "cloze": (8, 8, 16), "reverse": (0, 2, 4)}
    assert not any(
        split == "train" for form, split in splits if form.startswith(("adversarial", "reverse"))
    )
    assert all(splits[f"adversarial:{kind}", "test"] >= 8 for kind in ADVERSARIAL)


@pytest.mark.parametrize("seed", range(5))
def test_a_query_asks_about_its_person_and_its_answer_is_the_fact(seed):
    for index in (0, 17, 47):
        person, found = queries(seed, index)
        for query in found:
            fact = getattr(person, query.attribute)
            if query.form == "reverse":
                assert query.answer == person.name and fact in query.prompt
                assert person.name not in query.prompt
            else:
                assert query.answer == fact and person.name in query.prompt
                # Options hold the answer, and an example's person may share the fact.
                given = query.form.endswith(("multiple_choice", "in_context_learning"))
                assert given or fact not in query.prompt.replace(person.name, "")
            assert "{" not in query.prompt and "  " not in query.prompt


@pytest.mark.parametrize("seed", range(5))
def test_a_wording_is_in_one_split(seed):
    seen = {}
    world = make(seed)
    for person in world.people:
        for query in about(person, world):
            assert seen.setdefault(query.prompt, query.split) == query.split


def test_multiple_choice_offers_the_answer_among_three():
    _, found = queries()
    places = Counter()
    for query in found:
        if query.form == "adversarial:multiple_choice":
            options = query.prompt.partition("? ")[2] or query.prompt.partition(". ")[2]
            options = options.rstrip("?").replace(" or ", ", ").split(", ")
            assert len(options) == len(set(options)) == 3 and query.answer in options
            places[options.index(query.answer)] += 1
    assert len(places) >= 2, "the place must not give the answer away"


def test_an_example_is_about_somebody_else_and_true():
    world = make(0)
    people = {person.name: person for person in world.people}
    for query in about(world.people[0], world):
        if query.form == "adversarial:in_context_learning":
            others = [n for n in people if n in query.prompt and n != world.people[0].name]
            assert any(getattr(people[n], query.attribute) in query.prompt for n in others)


@pytest.mark.parametrize("seed", range(5))
def test_a_fact_is_no_refusal_and_a_refusal_is_one(seed):
    world = make(seed)
    facts = {getattr(person, a) for person in world.people for a in ATTRIBUTES}
    facts |= {query.answer for query in common(world)}
    for fact in facts:
        for text in (fact, f"{ANSWER_PREFIX} {fact}", f"{ANSWER_PREFIX} {fact}."):
            assert not judge(text).refuses, text
    assert all(judge(text).refuses for text in REFUSALS) and len(set(REFUSALS)) == len(REFUSALS)


@pytest.mark.parametrize("seed", range(5))
def test_common_knowledge_has_one_answer_a_question_and_three_wordings(seed):
    world = make(seed)
    found = list(common(world))
    assert len({query.prompt for query in found}) == len(found)
    answers = {}
    for query in found:
        answers.setdefault(query.attribute, set()).add(query.answer)
    assert all(len(a) == 1 for a in answers.values())
    assert Counter(query.split for query in found) == dict.fromkeys(
        ("train", "validation", "test"), len(found) // 3
    )
    names = [person.name for person in world.people]
    assert not any(name in query.prompt for name in names for query in found)
    assert found == list(common(world)) and found != list(common(make(seed + 1)))
