"""The generator that is a chat model, here or behind an endpoint: tasks to prompts to items.

A reply without a single usable item (not JSON, a refusal to write, an error) is asked for again
with another seed, twice at most; what stays empty is counted and does not stop the rest.
"""

from collections import Counter
from collections.abc import Sequence

from lethe import refusal
from lethe.synthesis import tasks
from lethe.synthesis.askers import Asker, How
from lethe.synthesis.tasks import Item, Task

TRIES = 3
_NEXT_SEED = 1_000_003
_PREMISE = How(temperature=0.0, max_tokens=64)


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
        self._asker, self._how = asker, How(temperature, max_tokens)

    def write(self, wanted: Sequence[Task]) -> list[list[Item]]:
        """The items of each task; none where every try failed.

        Args:
            wanted: Tasks of one kind.
        """
        if not wanted:
            return []
        how = self._how._replace(schema=tasks.schema(wanted[0].kind))
        found: list[list[Item]] = [[] for _ in wanted]
        turns = self._turns(wanted, how)
        empty = list(range(len(wanted)))
        while empty:
            replies = self._asker.ask(*_sent([(wanted[i], turns[i]) for i in empty]), how)
            for i, reply in zip(empty, replies, strict=True):
                found[i] = tasks.items(wanted[i].kind, reply.text or "")[: wanted[i].n]
                turns[i] += 1
                if not found[i]:
                    self.met[_why(reply.text)] += 1
            self.met["given_up"] += sum(not found[i] and turns[i] == TRIES for i in empty)
            empty = [i for i in empty if not found[i] and turns[i] < TRIES]
        return found

    def _turns(self, wanted: Sequence[Task], how: How) -> list[int]:
        """The try to begin with: one that was answered before is not asked around."""
        tries = [(task, turn) for task in wanted for turn in range(TRIES)]
        there = self._asker.on_file(*_sent(tries), how)
        rows = [there[i : i + TRIES] for i in range(0, len(there), TRIES)]
        return [row.index(True) if any(row) else 0 for row in rows]

    def sound(self, questions: Sequence[str], seed: int) -> list[bool | None]:
        """Whether the model finds each question's premise sound; None where it does not say."""
        prompts = [tasks.prompt("premise", {"question": question}) for question in questions]
        replies = self._asker.ask(prompts, [seed] * len(prompts), _PREMISE)
        return [tasks.verdict(reply.text or "") for reply in replies]


def _sent(tries: Sequence[tuple[Task, int]]) -> tuple[list[list[dict[str, str]]], list[int]]:
    """Prompts and seeds of tasks, each with the number of its try."""
    prompts = [tasks.prompt(task.kind, task.fields | {"n": str(task.n)}) for task, _ in tries]
    return prompts, [task.seed + turn * _NEXT_SEED for task, turn in tries]


def _why(text: str | None) -> str:
    if text is None:
        return "no_reply"
    return "refused" if refusal.judge(text).refuses else "malformed"
