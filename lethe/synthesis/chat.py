"""The generator that is a chat model, here or behind an endpoint: tasks to prompts to items.

A reply without a single usable item (not JSON, a refusal to write, an error) is asked for again
with another seed, twice at most; what stays empty is counted and does not stop the rest.
"""

from collections import Counter
from collections.abc import Sequence

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
        empty = list(range(len(wanted)))
        for turn in range(TRIES):
            replies = self._asker.ask(
                [tasks.prompt(wanted[i].kind, wanted[i].fields | _n(wanted[i])) for i in empty],
                [wanted[i].seed + turn * _NEXT_SEED for i in empty],
                schema=tasks.schema(wanted[empty[0]].kind) if empty else None,
                **self._how,
            )
            for i, reply in zip(empty, replies, strict=True):
                found[i] = tasks.items(wanted[i].kind, reply.text or "")[: wanted[i].n]
                if not found[i]:
                    self.met[_why(reply.text)] += 1
            empty = [i for i in empty if not found[i]]
            if not empty:
                break
        self.met["given_up"] += len(empty)
        return found


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
