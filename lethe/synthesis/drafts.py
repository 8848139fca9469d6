"""From a name to drafts: what is asked about the target and about its neighbours, in every form.

A draft is a row that no filter has seen. All forms of a question about the target share a group, or
all questions about one fact do (`hold_out`), and so do all rows about one neighbour; the split
never parts a group.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from lethe import leak
from lethe.data import Made, Row, prompt_key
from lethe.distance import TIES, names
from lethe.synthesis import near
from lethe.synthesis.cost import CHUNK, OVER, number_of_aspects
from lethe.synthesis.documents import passages
from lethe.synthesis.settings import Settings
from lethe.synthesis.tasks import Item, Task, prompt_name
from lethe.synthesis.templates import Templates

REPHRASED = ("synonym_manipulation", "cross_lingual")


class Generator(Protocol):
    """Writes the items of tasks; knows nothing of rows, filters or files."""

    name: str
    """For a row's provenance."""

    def write(self, wanted: Sequence[Task]) -> list[list[Item]]:
        """The items of each task, all tasks being of one kind; see `tasks.FIELDS`."""
        ...


class About(NamedTuple):
    """Whom a question is about."""

    name: str
    tie: str | None
    """A neighbour's tie; None for the target itself."""


class Fact(NamedTuple):
    """A question with its answer and its cloze, and the task that they come from."""

    about: About
    aspect: str
    question: str
    answer: str
    cloze: str
    task: Task


class Drafts(NamedTuple):
    """What was written."""

    rows: list[Row]
    question_of: dict[str, str]
    """By the key of a cloze or of a rephrased question: the key of its plain question."""
    dropped: Counter[str]
    """Items that did not become drafts, by why."""


def drafts(settings: Settings, generator: Generator, texts: Sequence[str] = ()) -> Drafts:
    """Have everything written, in a fixed order.

    Args:
        settings: How many of what.
        generator: Who writes.
        texts: Documents, of which passages go with the questions.
    """
    return _Story(settings, generator, texts).drafts()


class _Story:
    def __init__(self, settings: Settings, generator: Generator, texts: Sequence[str]) -> None:
        self._settings, self._generator = settings, generator
        self._targets = (settings.target, *settings.aliases)
        self._passages = passages(texts, self._targets) if texts else []
        self._by_fact = settings.hold_out == "facts" or (
            settings.hold_out is None and generator.name != Templates.name
        )
        self._question_of: dict[str, str] = {}
        self._dropped: Counter[str] = Counter()

    def drafts(self) -> Drafts:
        facts = self._facts()
        neighbours = self._neighbours()
        boundary = self._replaced(neighbours, facts)
        boundary = self._completed(neighbours, boundary)
        every = [*facts, *boundary]
        rows = list(self._plain(every))
        rows += self._reversed(facts, boundary)
        rows += self._rephrased(facts, boundary)
        return Drafts(rows, self._question_of, self._dropped)

    # -------------------------------------------------------------------------------- the target

    def _facts(self) -> list[Fact]:
        """Questions about the target, no two near, at most as many as wanted."""
        n, target = number_of_aspects(self._settings), About(self._settings.target, None)
        aspects = [item["aspect"] for item in self._write([self._task("aspects", n)])[0]]
        each = math.ceil(OVER * self._settings.questions / max(1, len(aspects)))
        tasks = [self._task("questions", each, i, aspect=a) for i, a in enumerate(aspects)]
        written = self._write(tasks)
        # In turn over the aspects, so that the limit cuts none of them off.
        found = [
            _fact(target, tasks[i].fields["aspect"], written[i][turn], tasks[i])
            for turn in range(each)
            for i in range(len(tasks))
            if turn < len(written[i])
        ]
        return self._different(found, self._settings.questions)

    # ---------------------------------------------------------------------------- its neighbours

    def _neighbours(self) -> list[About]:
        """Names with ties: none twice, none the target's."""
        task = self._task("neighbours", math.ceil(OVER * self._settings.neighbours))
        found: dict[str, About] = {}
        for item in self._write([task])[0]:
            name = item["name"]
            target = any(names(name, t) or names(t, name) for t in self._targets)
            self._dropped["neighbour_that_is_the_target"] += target
            if not target and leak.normalise(name):
                tie = item["tie"] if item["tie"] in TIES else "same kind"
                found.setdefault(leak.normalise(name), About(name, tie))
        return list(found.values())[: self._settings.neighbours]

    def _replaced(self, neighbours: Sequence[About], facts: Sequence[Fact]) -> list[Fact]:
        """The target's questions, asked of each neighbour: half of what is wanted of it."""
        wanted = self._settings.per_neighbour
        asked = {
            about: random.Random(f"replace {about.name} {self._settings.seed}").sample(
                list(facts), min(len(facts), wanted)
            )
            for about in neighbours
        }
        tasks = [
            self._task("replace", wanted, i, entity=about.name, **_told(asked[about]))
            for i, about in enumerate(neighbours)
        ]
        found = []
        for about, task, items in zip(neighbours, tasks, self._write(tasks), strict=True):
            own = [_fact(about, fact.aspect, item, task) for fact, item in _of(items, asked[about])]
            found += self._different(own, math.ceil(wanted / 2))
        return found

    def _completed(self, neighbours: Sequence[About], replaced: Sequence[Fact]) -> list[Fact]:
        """What is left to ask about each neighbour, freely written."""
        wanted = self._settings.per_neighbour
        tasks = [
            self._task("boundary", wanted, i, entity=about.name)
            for i, about in enumerate(neighbours)
        ]
        found = []
        for about, task, items in zip(neighbours, tasks, self._write(tasks), strict=True):
            own = [fact for fact in replaced if fact.about == about]
            own += [_fact(about, item.get("aspect", ""), item, task) for item in items]
            found += self._different(own, wanted)
        return found

    # ------------------------------------------------------------------------------- other forms

    def _plain(self, facts: Sequence[Fact]) -> Iterator[Row]:
        """Each fact as question and as cloze; several questions may have one cloze."""
        clozes = set()
        for fact in facts:
            yield self._row(fact, "question", fact.question, fact.answer)
            if fact.cloze not in clozes:
                yield self._row(fact, "cloze", fact.cloze, fact.answer)
                self._question_of[prompt_key(fact.cloze)] = prompt_key(fact.question)
            clozes.add(fact.cloze)

    def _reversed(self, facts: Sequence[Fact], boundary: Sequence[Fact]) -> list[Row]:
        """Queries whose answer is the name, as many in proportion about neighbours as about it."""
        by_name: dict[About, list[Fact]] = {}
        for fact in (*facts, *boundary):
            by_name.setdefault(fact.about, []).append(fact)
        chunks = [own[i : i + CHUNK] for own in by_name.values() for i in range(0, len(own), CHUNK)]
        tasks = [
            self._task("reverse", 2 * len(chunk), i, target=chunk[0].about.name, **_told(chunk))
            for i, chunk in enumerate(chunks)
        ]
        rows = []
        for chunk, task, items in zip(chunks, tasks, self._write(tasks), strict=True):
            name = chunk[0].about.name
            for fact, item in _of(items, chunk):
                if any(names(item["question"], other) for other in (name, *self._targets)):
                    self._dropped["reverse_that_names"] += 1
                    continue
                told = fact._replace(task=task)
                rows.append(self._row(told, "reverse", item["question"], name))
        return rows

    def _rephrased(self, facts: Sequence[Fact], boundary: Sequence[Fact]) -> list[Row]:
        """Some questions in other words and languages, as many about neighbours as about it."""
        share = round(self._settings.adversarial * len(facts))
        drawn = list(boundary)
        random.Random(f"rephrase {self._settings.seed}").shuffle(drawn)
        picked = [*facts[:share], *drawn[:share]]
        chunks = [picked[i : i + CHUNK] for i in range(0, len(picked), CHUNK)]
        spoken = self._settings.languages
        language = [spoken[i % len(spoken)] if spoken else "English" for i in range(len(chunks))]
        tasks = [
            self._task("rephrase", 2 * CHUNK, i, language=language[i], **_told(chunk))
            for i, chunk in enumerate(chunks)
        ]
        rows = []
        for chunk, task, items in zip(chunks, tasks, self._write(tasks), strict=True):
            for fact, item in _of(items, chunk):
                kind, question = item["kind"], item["question"]
                if kind not in REPHRASED or (kind == "cross_lingual" and not spoken):
                    self._dropped["not_rephrased"] += 1
                    continue
                self._question_of[prompt_key(question)] = prompt_key(fact.question)
                told = fact._replace(task=task)
                rows.append(self._row(told, f"adversarial:{kind}", question, fact.answer))
        return rows

    # ------------------------------------------------------------------------------------- tools

    def _different(self, facts: Iterable[Fact], most: int) -> list[Fact]:
        """The first ones whose question is not nearly one before it."""
        seen, kept = near.Index(), []
        for fact in facts:
            mark = near.mark(fact.question)
            if seen.has(mark):
                self._dropped["asked_before"] += 1
            elif len(kept) < most:
                kept.append(fact)
            seen.add(mark)
        return kept

    def _task(self, kind: str, n: int, place: int = 0, **fields: str) -> Task:
        settings = self._settings
        about = {"target": settings.target, "kind": f" ({settings.kind})" if settings.kind else ""}
        if self._passages and kind in ("aspects", "neighbours", "questions", "boundary"):
            passage = self._passages[place % len(self._passages)]
            about["passage"] = f"\nTake the facts from this text:\n-----\n{passage}\n-----\n"
        return Task(kind, about | fields, n, settings.seed * 1000 + place)

    def _write(self, tasks: Sequence[Task]) -> list[list[Item]]:
        return self._generator.write(tasks) if tasks else []

    def _row(self, fact: Fact, form: str, prompt: str, answer: str) -> Row:
        about, target = fact.about, self._settings.target
        forget = about.tie is None
        group = leak.normalise(fact.answer if self._by_fact else fact.question) or fact.question
        task = fact.task
        made = Made(
            generator=self._generator.name,
            prompt=prompt_name(task.kind),
            seed=task.seed,
            group=group if forget else about.name,
        )
        return Row(
            id="draft",
            prompt=prompt,
            answer=answer,
            scope="forget" if forget else "boundary",
            subject=target if forget else None,
            entity=None if forget else about.name,
            tie=about.tie,
            form=form,
            source=f"synthesis of {target}",
            made=made,
        )


def _fact(about: About, aspect: str, item: Item, task: Task) -> Fact:
    return Fact(about, aspect, item["question"], item["answer"], item["cloze"], task)


def _told(facts: Sequence[Fact]) -> dict[str, str]:
    """Facts for a task: numbered lines for a model, JSON for templates."""
    lines = [f"{i}. {fact.question} - {fact.answer}" for i, fact in enumerate(facts, 1)]
    asked = [{"aspect": f.aspect, "question": f.question, "answer": f.answer} for f in facts]
    return {"facts": "\n".join(lines), "asked": json.dumps(asked, ensure_ascii=False)}


def _of(items: Iterable[Item], facts: Sequence[Fact]) -> Iterator[tuple[Fact, Item]]:
    """Each item with the fact whose number it gives; none for a number that there is not."""
    for item in items:
        number = item["of"].strip(" .#")
        if number.isdecimal() and 1 <= int(number) <= len(facts):
            yield facts[int(number) - 1], item


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows of each scope and form.

    >>> counts([Row(id="a", prompt="Who?", scope="forget", subject="Ann")])
    {'forget/question': 1}
    """
    return dict(sorted(Counter(f"{row.scope}/{row.form}" for row in rows).items()))
