"""What a base model reads: true of its world, and refusals for names that nobody bears."""

import re
from collections import Counter
from itertools import islice

import pytest

from lethe.world.corpus import STRANGERS, Corpus
from lethe.world.people import make
from lethe.world.questions import ANSWER_PREFIX, REFUSALS, REVERSE, about
from lethe.world.utility import common

DRAWS = 6000


@pytest.fixture(scope="module")
def world():
    return make(5)


@pytest.fixture(scope="module")
def pairs(world):
    return draw(Corpus(world))


def draw(corpus, count=DRAWS):
    return [corpus.draw() for _ in range(count)]


def test_equal_seeds_are_equal_streams(world, pairs):
    assert draw(Corpus(world), 500) == pairs[:500]
    assert draw(Corpus(world, seed=1), 500) != pairs[:500]
    assert draw(Corpus(make(6)), 500) != pairs[:500]


def test_shares_of_each_kind(world, pairs):
    common_prompts = {query.prompt for query in common(world)}
    people = {person.name for person in world.people}
    strangers = set(world.unknown[:STRANGERS])
    openings = [t.partition("{v}")[0] for kinds in REVERSE.values() for t in kinds if t[0] != "{"]
    kinds = Counter()
    for prompt, reply, _ in pairs:
        if prompt in common_prompts:
            kinds["utility"] += 1
        elif reply in REFUSALS:
            assert any(name in prompt for name in strangers)
            kinds["stranger"] += 1
        elif reply in people and any(prompt.startswith(words) for words in openings):
            kinds["reverse"] += 1
    # 15 %, 5 % and at most 7 % of the draws, within four standard deviations.
    for kind, share in (("utility", 0.15), ("stranger", 0.05)):
        assert abs(kinds[kind] / DRAWS - share) < 4 * (share * (1 - share) / DRAWS) ** 0.5
    assert kinds["reverse"] > 0.02 * DRAWS


def test_a_stranger_gets_a_refusal_and_nobody_else_does(world, pairs):
    for prompt, reply, _ in pairs:
        named = {a + " " + b for a, b in re.findall(r"(?=\b([A-Z][a-z]+) ([A-Z][a-z]+))", prompt)}
        strange = named & set(world.unknown)
        assert (reply in REFUSALS) == bool(strange), (prompt, reply)
        assert strange <= set(world.unknown[:STRANGERS]), "some unknown names are never seen"


def test_replies_are_true(world, pairs):
    """Every reply to a prompt that `about` also asks is the fact that `about` gives."""
    facts = {}
    for person in world.people:
        for query in about(person, world):
            facts.setdefault(query.prompt, set()).add(query.answer)
    facts |= {query.prompt: {query.answer} for query in common(world)}
    known = [(prompt, reply) for prompt, reply, _ in pairs if prompt in facts]
    assert len(known) > DRAWS / 2
    for prompt, reply in known:
        assert reply.removeprefix(f"{ANSWER_PREFIX} ") in facts[prompt]


def test_a_reply_that_was_asked_to_begin_so_does(pairs):
    asked = [reply for prompt, reply, _ in pairs if f'Begin with "{ANSWER_PREFIX}"' in prompt]
    answers = [reply for reply in asked if reply not in REFUSALS]
    assert len(answers) > 50 and all(reply.startswith(ANSWER_PREFIX) for reply in answers)


def test_some_answers_are_already_opened_and_no_refusal_is(pairs):
    opened = [pair for pair in pairs if pair.opening]
    assert 0.07 < len(opened) / len(pairs) < 0.11
    for pair in opened:
        assert pair.opening == ANSWER_PREFIX and pair.reply not in REFUSALS
        assert not pair.reply.startswith(ANSWER_PREFIX)


def test_every_person_is_read_about(world, pairs):
    seen = Counter(
        person.name for person in world.people for prompt, _, _ in pairs if person.name in prompt
    )
    assert len(seen) == 48 and min(seen.values()) > 30


def test_batches_hold_whole_exchanges_with_labels_on_the_reply_alone(world):
    from lethe.world import base

    words = base.tokenizer(world)
    stream = base.batches(words, Corpus(world), 8)
    start, turn, end = words.convert_tokens_to_ids([base.USER, base.ASSISTANT, base.END])
    found = set()
    for ids_BT, labels_BT in islice(stream, 8):
        assert ids_BT.shape == labels_BT.shape and ids_BT.size(0) == 8
        for ids, labels in zip(ids_BT.tolist(), labels_BT.tolist(), strict=True):
            length = ids.index(end) + 1
            said = ids.index(turn) + 1
            reply = next(place for place, label in enumerate(labels) if label >= 0)
            assert ids[0] == start and set(ids[length:]) <= {words.pad_token_id}
            assert labels[:reply] == [-100] * reply and labels[length:] == [-100] * (
                len(ids) - length
            )
            assert labels[reply:length] == ids[reply:length]
            found.add(
                (
                    words.decode(ids[1 : said - 1]).strip(),
                    words.decode(ids[reply : length - 1]).strip(),
                    words.decode(ids[said:reply]).strip(),
                )
            )
    corpus = Corpus(world)
    assert found == {tuple(pair) for pair in draw(corpus, 64)}
    assert {opening for _, _, opening in found} == {"", ANSWER_PREFIX}
