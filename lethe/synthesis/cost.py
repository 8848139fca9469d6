"""What a synthesis will cost, what it has cost, and a progress bar that says so."""

import math
from typing import Any, NamedTuple

from lethe import endpoint
from lethe.endpoint import Budget
from lethe.plug import LetheError
from lethe.replies import Reply
from lethe.synthesis import tasks
from lethe.synthesis.settings import Settings

CHARS_PER_TOKEN = 4
_WRITTEN = {
    "aspects": 12,
    "neighbours": 20,
    "questions": 70,
    "reverse": 45,
    "rephrase": 45,
    "replace": 75,
    "boundary": 70,
    "refusals": 25,
    "premise": 8,
    "answer": 8,
}
"""Tokens that an item of each kind takes, about, as JSON."""
_ASKED_LINE = 30


class Line(NamedTuple):
    """What one kind of request comes to, about."""

    kind: str
    requests: int
    read: int
    """Tokens of all prompts."""
    written: int
    """Tokens of all replies."""
    paid: bool = True
    """Whether they go to the endpoint; a model here costs nothing."""


def estimate(settings: Settings, writer: str, answerer: str) -> list[Line]:
    """The requests, before any is made; the true numbers depend on the replies.

    Args:
        settings: How many of what.
        writer: As `Settings.writer`.
        answerer: As `Settings.answerer`.
    """
    writes, answers = writer != "templates", answerer != "generator"
    neighbours, each = settings.neighbours, settings.per_neighbour
    boundary = neighbours * each
    plan: list[tuple[str, int, int, int]] = []  # kind, requests, items in each, lines in each
    if writes:
        aspects = number_of_aspects(settings)
        asked = math.ceil(settings.questions / CHUNK)
        per_aspect = math.ceil(OVER * settings.questions / aspects)
        plan += [
            ("aspects", 1, aspects, 0),
            ("questions", aspects, per_aspect, 0),
            ("reverse", asked + neighbours, CHUNK // 2, CHUNK // 2),
            ("rephrase", math.ceil(settings.adversarial * asked) * 2, 2 * CHUNK, CHUNK),
            ("neighbours", 1, math.ceil(OVER * neighbours), 0),
            ("replace", neighbours, math.ceil(each / 2), each),
            ("boundary", neighbours, math.ceil(each / 2), 0),
            ("refusals", math.ceil(settings.refusals / REFUSALS_AT_ONCE), REFUSALS_AT_ONCE, 0),
        ]
        if settings.check_premises:
            plan.append(("premise", settings.questions + boundary, 1, 1))
    if answers:
        plan.append(("answer", 2 * boundary * (1 + settings.samples), 1, 1))
    return [
        Line(
            kind,
            n,
            n * (_length(kind) + lines * _ASKED_LINE),
            n * items * _WRITTEN[kind],
            (answerer if kind == "answer" else writer) == "endpoint",
        )
        for kind, n, items, lines in plan
        if n
    ]


def _length(kind: str) -> int:
    return 0 if kind == "answer" else len(tasks.prompt_file(kind)) // CHARS_PER_TOKEN


CHUNK = 10
"""Facts in one request to turn around or rephrase."""
OVER = 1.3
"""How many more are asked for than wanted: some will not pass the filters."""
REFUSALS_AT_ONCE = 20


def number_of_aspects(settings: Settings) -> int:
    """Aspects to ask under: about five questions each, 4 to 20."""
    return min(20, max(4, math.ceil(settings.questions / 5)))


def price(settings: Settings, read: int, written: int) -> float | None:
    """What tokens cost; None without a price."""
    if settings.price is None:
        return None
    return endpoint.cost(settings.price, read, written)


def told(settings: Settings, lines: list[Line]) -> str:
    """An estimate in words."""
    requests = sum(line.requests for line in lines)
    read, written = sum(line.read for line in lines), sum(line.written for line in lines)
    text = f"about {requests:,} requests, {read:,} tokens read and {written:,} written"
    cost = _cost(settings, lines)
    return text if cost is None else f"{text}, which cost {cost:.2f}"


def _cost(settings: Settings, lines: list[Line]) -> float | None:
    paid = [line for line in lines if line.paid]
    return price(settings, sum(line.read for line in paid), sum(line.written for line in paid))


def budget(settings: Settings, paid: float) -> Budget | None:
    """What may be spent at the endpoint; None where nothing is said of it."""
    if settings.budget is None or settings.price is None:
        return None
    return Budget(settings.budget, settings.price, paid)


def check(settings: Settings, lines: list[Line]) -> None:
    """Refuse to start what the budget cannot pay for.

    Raises:
        LetheError: The estimate is above the budget, with both numbers.
    """
    cost = _cost(settings, lines)
    if settings.budget is not None and cost is not None and cost > settings.budget:
        raise LetheError(
            f"budget: {settings.budget:g}, but {told(settings, lines)}; raise it, or lower "
            "questions, neighbours, per_neighbour or samples"
        )


class Meter:
    """Counts replies and shows them."""

    def __init__(self, settings: Settings, total: int, show: bool) -> None:
        """Count towards an estimated total; `show` draws a bar on stderr."""
        self.requests = self.rows = self.rejected = 0
        self.paid, self.own = [0, 0], [0, 0]
        """Tokens read and written by the endpoint, and by the model here, which costs nothing."""
        self._settings, self._total, self._show = settings, total, show
        self._bar: Any = None

    def remote(self, reply: Reply) -> None:
        """Count one of the endpoint, also one that was paid for in an earlier try."""
        self._count(self.paid, reply)

    def local(self, reply: Reply) -> None:
        """Count one of the model here."""
        self._count(self.own, reply)

    def _count(self, tokens: list[int], reply: Reply) -> None:
        self.requests += 1
        tokens[0] += reply.prompt_tokens
        tokens[1] += reply.completion_tokens
        self._drawn()

    def seen(self, rows: int, rejected: int) -> None:
        """How the rows stand."""
        self.rows, self.rejected = rows, rejected
        if self.requests:
            self._drawn()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def cost(self) -> float | None:
        """Of all that was counted, also what was paid in an earlier try."""
        return price(self._settings, *self.paid)

    def _drawn(self) -> None:
        if not self._show:
            return
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=self._total, desc="synthesis", unit="reply", disable=False)
        cost = self.cost()
        tokens = f"{(sum(self.paid) + sum(self.own)) / 1000:.0f}k tokens"
        money = "" if cost is None else f", {cost:.2f} spent"
        text = f"{self.rows} rows, {self.rejected} rejects, {tokens}{money}"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.total = max(self._total, self.requests) or None
        self._bar.update(self.requests - self._bar.n)
