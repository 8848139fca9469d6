"""The generator that is a chat model, here or behind an endpoint: tasks to prompts to items.

A reply without a single usable item (not JSON, a refusal to write, an error) is asked for again
with another seed, twice at most; what stays empty is counted and does not stop the rest.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from lethe import refusal
from lethe.synthesis import tasks
from lethe.synthesis.askers import Asker
from lethe.synthesis.tasks import Item, Task

TRIES = 3
_NEXT_SEED = 1_000_003


class Chat:
    """Writes tasks by asking a model."""

    def __init__(self, asker: Asker, *, temperature: float, max_tokens: int) -> None:
        """Ask this one.

        Args:
            asker: The model.
            temperature: Of its sampling.
            max_tokens: Longest reply.
        """
        self.name = asker.name
        self.met: Counter[str] = Counter()
        """What went wrong: replies without items that were malformed, refused or missing."""
        self._asker, self._how = asker, {"temperature": temperature, "max_tokens": max_tokens}

    def write(self, wanted: Sequence[Task]) -> list[list[Item]]:
        """The items of each task; none where every try failed.

        Args:
            wanted: Tasks of one kind.
        """
        found: list[list[Item]] = [[] for _ in wanted]
        turns = self._turns(wanted)
        empty = list(range(len(wanted)))
        while empty:
            replies = self._asker.ask(*self._sent(wanted, empty, turns), **self._schema(wanted))
            for i, reply in zip(empty, replies, strict=True):
                found[i] = tasks.items(wanted[i].kind, reply.text or "")[: wanted[i].n]
                turns[i] += 1
                if not found[i]:
                    self.met[_why(reply.text)] += 1
            self.met["given_up"] += sum(not found[i] and turns[i] == TRIES for i in empty)
            empty = [i for i in empty if not found[i] and turns[i] < TRIES]
        return found

    def _turns(self, wanted: Sequence[Task]) -> list[int]:
        """The try to begin with: one that was answered before is not asked around."""
        turns, every = [0] * len(wanted), list(range(len(wanted)))
        for turn in range(TRIES - 1, -1, -1):
            sent = self._sent(wanted, every, [turn] * len(wanted))
            there = self._asker.on_file(*sent, **self._schema(wanted)) if wanted else []
            turns = [turn if known else turns[i] for i, known in enumerate(there)]
        return turns

    def _sent(
        self, wanted: Sequence[Task], places: Sequence[int], turns: Sequence[int]
    ) -> tuple[list, list[int]]:
        chosen = [(wanted[i], turns[i]) for i in places]
        prompts = [tasks.prompt(task.kind, task.fields | _n(task)) for task, _ in chosen]
        return prompts, [task.seed + turn * _NEXT_SEED for task, turn in chosen]

    def _schema(self, wanted: Sequence[Task]) -> dict[str, Any]:
        schema = tasks.schema(wanted[0].kind) if wanted else None
        return {**self._how, "schema": schema}


def sound(asker: Asker, questions: Sequence[str], seed: int) -> list[bool | None]:
    """Whether a model finds the premise of each question sound; None where it does not say."""
    prompts = [tasks.prompt("premise", {"question": question}) for question in questions]
    seeds = [seed] * len(prompts)
    replies = asker.ask(prompts, seeds, temperature=0.0, max_tokens=64)
    return [tasks.verdict(reply.text or "") for reply in replies]


def _n(task: Task) -> dict[str, str]:
    return {"n": str(task.n)}


def _why(text: str | None) -> str:
    if text is None:
        return "no_reply"
    return "refused" if refusal.judge(text).refuses else "malformed"
