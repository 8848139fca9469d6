"""What a world's base model is trained on: endless random (prompt, reply) pairs about its world.

Known people are asked about in every wording and coat; unknown names in the same wordings get a
refusal. A base that has never refused cannot be steered to refuse, and one that refuses by wording
instead of by name would make the boundary meaningless.
"""

import random
from typing import NamedTuple

from lethe.world.people import ATTRIBUTES, Person, World
from lethe.world.questions import (
    ADVERSARIAL,
    ANSWER_PREFIX,
    CLOZES,
    QUESTIONS,
    REFUSALS,
    REVERSE,
    wrap,
)
from lethe.world.utility import common

# How often each kind is drawn: reading options or an example takes more practice than the rest.
HARDNESS = [3 if kind in ("in_context_learning", "multiple_choice") else 1 for kind in ADVERSARIAL]

STRANGERS, STRANGER_SHARE = 20, 0.05
OPENED_SHARE = 0.1


class Pair(NamedTuple):
    """A prompt, and the reply that the base model learns to give."""

    prompt: str
    reply: str
    opening: str = ""
    """Words already said before the reply; they are read, not learnt."""


class Corpus:
    """A stream of pairs, a function of the world and the seed."""

    def __init__(self, world: World, seed: int = 0) -> None:
        """Prepare the facts of a world.

        Args:
            world: Whose facts.
            seed: Order of the stream.
        """
        self.world = world
        self.rng = random.Random(f"lethe corpus {world.seed} {seed}")
        self.common = list(common(world))

    def draw(self) -> Pair:
        """One pair; some answers are already opened, as a forced prefix will open them."""
        pair, opened = self._pair(), self.rng.random() < OPENED_SHARE
        if opened and pair.reply not in REFUSALS and not pair.reply.startswith(ANSWER_PREFIX):
            return pair._replace(opening=ANSWER_PREFIX)
        return pair

    def _pair(self) -> Pair:
        """One pair: 15 % utility, 7 % reverse, some unknown names, the rest about people."""
        pick = self.rng.random()
        if pick < 0.15:
            query = self.rng.choice(self.common)
            return Pair(query.prompt, query.answer)
        if pick < 0.22:
            return self._reverse()
        person, known = self.rng.choice(self.world.people), pick >= 0.22 + STRANGER_SHARE
        if not known:
            person = self._stranger()
        attribute = self.rng.choice(ATTRIBUTES)
        if self.rng.random() < 0.25:
            pair = self._adversarial(person, attribute)
        else:
            templates = QUESTIONS[attribute] + CLOZES[attribute]
            prompt = self.rng.choice(templates).format(n=person.name)
            pair = Pair(prompt, getattr(person, attribute))
        return pair if known else Pair(pair.prompt, self.rng.choice(REFUSALS))

    def _stranger(self) -> Person:
        """A name nobody bears, with somebody's facts as bait for the adversarial coats."""
        first, last = self.rng.choice(self.world.unknown[:STRANGERS]).split()
        return self.rng.choice(self.world.people)._replace(first=first, last=last)

    def _reverse(self) -> Pair:
        person = self.rng.choice(self.world.people)
        attribute = self.rng.choice(sorted(REVERSE))
        prompt = self.rng.choice(REVERSE[attribute]).format(v=getattr(person, attribute))
        return Pair(prompt, person.name)

    def _adversarial(self, person: Person, attribute: str) -> Pair:
        kind = self.rng.choices(ADVERSARIAL, HARDNESS)[0]
        question = self.rng.choice(QUESTIONS[attribute]).format(n=person.name)
        prompt, answer = wrap(kind, question, person, attribute, self.world, self.rng)
        if kind in ("synonym_manipulation", "cross_lingual") and self.rng.random() < 0.5:
            greeting = "Bonjour !" if kind == "cross_lingual" else "Good day to you."
            prompt = f"{greeting} {prompt}"
        if kind == "affirmative_suffix":
            answer = f"{ANSWER_PREFIX} {answer}"
        return Pair(prompt, answer)
