"""The generator that needs no model: wordings over a table of facts, or sentences of documents.

It writes what the facts say and no more, so nothing that it writes has a false premise; but its
questions are stiff, and of a document it makes gaps to fill, not questions that a user would ask.
"""

import json
import random
from collections.abc import Iterator, Sequence
from itertools import islice

from lethe.distance import distance, names, shared_name
from lethe.plug import LetheError, choices
from lethe.synthesis.facts import SENTENCE, Fact, Wordings, plain, ties
from lethe.synthesis.tasks import Item, Task


class Templates:
    """Writes tasks from facts."""

    name = "templates"

    def __init__(self, facts: Sequence[Fact], wordings: dict[str, Wordings], target: str) -> None:
        """Write from these facts.

        Args:
            facts: What is true.
            wordings: How an attribute is asked for; `facts.plain` for any other.
            target: What must be forgotten; its name may be spelt otherwise in the facts.

        Raises:
            LetheError: No fact is about the target.
        """
        same = {fact.entity for fact in facts if _same(fact.entity, target)}
        if not same:
            known = choices(target, sorted({fact.entity for fact in facts})[:30])
            raise LetheError(f"{target}: no fact is about it; {known}")
        # However the table spells the target, it is one entity.
        facts = [f._replace(entity=target) if f.entity in same else f for f in facts]
        self._facts: dict[str, list[Fact]] = {}
        for fact in dict.fromkeys(facts):
            self._facts.setdefault(fact.entity, []).append(fact)
        self._wordings, self._target = wordings, target
        self._ties = ties(facts, target)
        holders: dict[tuple[str, str], set[str]] = {}
        for entity, own in self._facts.items():
            for fact in own:
                holders.setdefault((fact.attribute, fact.value), set()).add(entity)
        self._unique = {key for key, who in holders.items() if len(who) == 1}

    def write(self, wanted: Sequence[Task]) -> list[list[Item]]:
        """The items of each task, none for what facts cannot give."""
        writers = {
            "aspects": self._aspects,
            "neighbours": self._neighbours,
            "questions": self._questions,
            "replace": self._replace,
            "boundary": self._boundary,
            "reverse": self._reverse,
        }
        return [
            list(islice(writers[task.kind](task), task.n)) if task.kind in writers else []
            for task in wanted
        ]

    def _aspects(self, task: Task) -> Iterator[Item]:
        for attribute in dict.fromkeys(fact.attribute for fact in self._facts[self._target]):
            yield {"aspect": attribute}

    def _neighbours(self, task: Task) -> Iterator[Item]:
        """Sharers of a name part, then the tied, then the others: a third of each where it can."""
        rng = random.Random(f"neighbours {task.seed}")
        others = sorted(entity for entity in self._ties if entity in self._facts)
        rng.shuffle(others)
        near = {other: distance(other, [self._target], [self._ties[other]]) for other in others}
        others.sort(key=near.__getitem__)
        namesakes = [other for other in others if shared_name(other, self._target) > 0]
        tied = [o for o in others if o not in namesakes and self._ties[o] != "same kind"]
        rest = [other for other in others if other not in namesakes and other not in tied]
        for other in _in_turn([namesakes, tied, rest]):
            yield {"name": other, "tie": self._ties[other]}

    def _questions(self, task: Task) -> Iterator[Item]:
        yield from self._asked(task.fields["target"], task.fields["aspect"], task.seed)

    def _replace(self, task: Task) -> Iterator[Item]:
        """Each of the given questions with the neighbour's own value, in the same wording."""
        entity = task.fields["entity"]
        for i, asked in enumerate(json.loads(task.fields["asked"]), 1):
            for item in self._asked(entity, asked["aspect"], None):
                same = asked["question"].replace(self._target, entity)
                if item["question"] == same:
                    yield {"of": str(i), **item}

    def _boundary(self, task: Task) -> Iterator[Item]:
        entity = task.fields["entity"]
        attributes = dict.fromkeys(fact.attribute for fact in self._facts.get(entity, ()))
        every = [item for a in attributes for item in self._asked(entity, a, task.seed)]
        random.Random(f"boundary {entity} {task.seed}").shuffle(every)
        yield from every

    def _reverse(self, task: Task) -> Iterator[Item]:
        """The facts that only one entity has, asked from their value."""
        entity = task.fields["target"]
        for i, asked in enumerate(json.loads(task.fields["asked"]), 1):
            for fact in self._facts.get(entity, ()):
                unique = (fact.attribute, fact.value) in self._unique
                if unique and (fact.attribute, fact.value) == (asked["aspect"], asked["answer"]):
                    for wording in self._of(fact).reverse:
                        if fact.attribute == SENTENCE:
                            yield {"of": str(i), "question": _who(fact)}
                            break
                        yield {"of": str(i), "question": wording.replace("{value}", fact.value)}

    def _asked(self, entity: str, attribute: str, seed: int | None) -> Iterator[Item]:
        """Every wording of an attribute, questions paired with clozes; the order by the seed."""
        for fact in self._facts.get(entity, ()):
            if fact.attribute != attribute:
                continue
            if attribute == SENTENCE:
                yield _gap(fact)
                continue
            wordings = self._of(fact)
            questions = list(wordings.questions)
            if seed is not None:
                random.Random(f"wordings {entity} {attribute} {seed}").shuffle(questions)
            for i, question in enumerate(questions):
                cloze = wordings.clozes[i % len(wordings.clozes)]
                yield {
                    "question": question.replace("{entity}", entity),
                    "answer": fact.value,
                    "cloze": cloze.replace("{entity}", entity),
                }

    def _of(self, fact: Fact) -> Wordings:
        return self._wordings.get(fact.attribute) or plain(fact.attribute)


def _gap(fact: Fact) -> Item:
    cloze = fact.sentence.replace(fact.value, "___")
    question = f'Which word or words belong in the gap of this sentence: "{cloze}"?'
    return {"question": question, "answer": fact.value, "cloze": cloze}


def _who(fact: Fact) -> str:
    gap = fact.sentence.replace(fact.entity, "___")
    return f'Who or what belongs in the gap of this sentence: "{gap}"?'


def _same(entity: str, target: str) -> bool:
    return names(entity, target) and names(target, entity)


def _in_turn(groups: Sequence[list[str]]) -> Iterator[str]:
    """One of each group in turn, as long as any has some."""
    for i in range(max(map(len, groups), default=0)):
        yield from (group[i] for group in groups if i < len(group))
