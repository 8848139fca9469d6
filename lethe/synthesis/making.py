"""From drafts to rows: what is checked, answered, refused, put in coats, measured and dealt out."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lethe import distance
from lethe.data import Row, prompt_key
from lethe.distance import names
from lethe.plug import LetheError
from lethe.synthesis import answers, chat, coats, filters, parts, refusals
from lethe.synthesis.askers import Asker
from lethe.synthesis.cost import REFUSALS_AT_ONCE
from lethe.synthesis.drafts import Generator, drafts
from lethe.synthesis.filters import Known
from lethe.synthesis.settings import Settings, Writer
from lethe.synthesis.sources import Sources
from lethe.synthesis.tasks import Task
from lethe.synthesis.templates import Templates

_OWN_ENOUGH = 5
_NAMES = tuple(map(filters.name, filters.FILTERS))


class Askers(NamedTuple):
    """Who can be asked."""

    model: Asker | None
    """The original model, here."""
    endpoint: Asker | None
    embed: Callable[[Sequence[Row]], list[float]] | None = None
    """Gives rows their distances; None measures by names and ties."""


class Rows(NamedTuple):
    """What was made."""

    rows: list[Row]
    rejected: list[tuple[str, Row]]
    """Each draft that was thrown out, with its fault."""
    not_checked: list[str]
    """Filters that had nothing to go by."""
    short_of: list[str]
    """What there is less of than was wanted, in words."""
    met: dict[str, int]
    """Replies of the generator that held nothing, by why."""
    dropped: dict[str, int]
    """Items of its replies that did not become drafts, by why."""


def make(
    settings: Settings, given: Sources, askers: Askers, seen: Callable[[int, int], object]
) -> Rows:
    """Make the rows.

    Args:
        settings: How many of what.
        given: The files' contents.
        askers: Who can be asked.
        seen: Told the number of rows and of rejected ones, now and then.

    Raises:
        LetheError: As the askers; or too few rows to split.
    """
    return _Making(settings, given, askers, seen).rows()


class _Making:
    def __init__(
        self, settings: Settings, given: Sources, askers: Askers, seen: Callable[[int, int], object]
    ) -> None:
        self._settings, self._given, self._seen = settings, given, seen
        self._model, self._embed = askers.model, askers.embed
        self._answerer = {
            "model": askers.model,
            "endpoint": askers.endpoint,
            "generator": None,
        }[settings.answerer(askers.model is not None)]
        self._chat, self._generator = self._writer(askers)
        self._sound_of: dict[str, bool] = {}
        self._agreement_of: dict[str, float] = {}
        self._known = Known(
            targets=(settings.target, *settings.aliases),
            longest_answer=settings.longest_answer,
            least_agreement=settings.agreement,
            excluded=given.excluded,
            sound=self._sound_of,
            agreement=self._agreement_of,
        )
        self._rejected: list[tuple[str, Row]] = []

    def _writer(self, askers: Askers) -> tuple[chat.Chat | None, Generator]:
        """The generator, and the same as a chat model if it is one."""
        settings = self._settings
        who = settings.writer(askers.model is not None)
        asker = {"model": askers.model, "endpoint": askers.endpoint, "templates": None}[who]
        if asker is None:
            made = Templates(self._given.facts, self._given.wordings, settings.target)
            return None, made
        how = settings.endpoint if who == "endpoint" and settings.endpoint else Writer(model="")
        writing = chat.Chat(asker, temperature=how.temperature, max_tokens=how.max_tokens)
        return writing, writing

    def rows(self) -> Rows:
        settings = self._settings
        made = drafts(settings, self._generator, self._given.texts)
        rows = made.rows
        if self._answerer is not None:  # whose answers the boundary rows do not have yet
            rows = [_without_answer(row) for row in rows]
        rows = self._clean(rows, [f for f in filters.FILTERS if f is not filters.missing_answer])
        rows = self._sound(rows, made.question_of)
        rows = self._answered(rows)
        rows = self._clean(rows)
        self._check_some(rows)
        rows = self._far(self._clean(self._refusing(rows)))
        rows = parts.split(rows, settings.validation, settings.test, settings.seed)
        rows = self._clean([*rows, *self._coated(rows)])
        rows = [self._finished(row, i) for i, row in enumerate(rows, 1)]
        met = dict(sorted((+self._chat.met).items())) if self._chat else {}
        short = self._short_of(rows)
        return Rows(rows, self._rejected, self._not_checked(), short, met, dict(+made.dropped))

    def _clean(self, rows: Sequence[Row], chosen: Sequence[filters.Filter] | None = None):
        kept, rejected = filters.clean(rows, self._known, chosen)
        self._rejected += rejected
        self._seen(len(kept), len(self._rejected))
        return kept

    def _check_some(self, rows: Sequence[Row]) -> None:
        """Refuse to go on without anything to refuse, or anything to answer."""
        for scope in ("forget", "boundary"):
            if not any(row.scope == scope for row in rows):
                faults = Counter(fault for fault, row in self._rejected if row.scope == scope)
                met = self._chat.met if self._chat else Counter()
                empty = Counter({f"replies {why}": n for why, n in met.items()})
                told = ", ".join(f"{n} {fault}" for fault, n in (faults or +empty).most_common(4))
                raise LetheError(
                    f"{self._settings.target}: no {scope} rows passed the filters "
                    f"({told or 'none were written'})"
                )

    # ----------------------------------------------------------------------- what a model is asked

    def _sound(self, rows: list[Row], question_of: dict[str, str]) -> list[Row]:
        """Rows whose premise a model does not find false; other forms go with their question."""
        if self._chat is None or not self._settings.check_premises:
            return rows
        asked = [row for row in rows if row.form in ("question", "reverse")]
        prompts = [str(row.prompt) for row in asked]
        told = self._chat.sound(prompts, self._settings.seed)
        for prompt, verdict in zip(prompts, told, strict=True):
            if verdict is not None:
                self._sound_of[prompt_key(prompt)] = verdict
        for derived, question in question_of.items():
            if question in self._sound_of:
                self._sound_of[derived] = self._sound_of[question]
        return self._clean(rows, [filters.false_premise])

    def _answered(self, rows: list[Row]) -> list[Row]:
        """Boundary rows with the original model's own answers, and how far it agrees."""
        if self._answerer is None:
            return rows
        settings = self._settings
        boundary = [row for row in rows if row.scope != "forget"]
        answered, agreement = answers.asked(
            self._answerer, boundary, self._hint(), settings.samples, settings.seed
        )
        self._agreement_of.update(agreement if settings.samples else {})
        return [row for row in rows if row.scope == "forget"] + answered

    def _hint(self) -> str:
        if self._settings.hint is not None:
            return self._settings.hint
        embedded = self._answerer is not None and self._answerer.name.startswith("world:")
        return "" if embedded else answers.HINT

    def _refusals(self, rows: Sequence[Row]) -> list[str]:
        """Different refusals: the model's own, then a generator's, then composed ones."""
        settings, target = self._settings, self._settings.target
        own = self._own_refusals(rows) if settings.voice != "composed" else []
        if settings.voice == "own" and not own:
            raise LetheError(f"{target}: voice: own: but no model declined to speak of a stranger")
        if settings.voice == "own" or (settings.voice is None and len(own) >= _OWN_ENOUGH):
            return own[: settings.refusals]
        written = []
        if self._chat is not None:
            n, first = -(-settings.refusals // REFUSALS_AT_ONCE), settings.seed * 1000
            tasks = [Task("refusals", {}, REFUSALS_AT_ONCE, first + i) for i in range(n)]
            texts = [item["refusal"] for items in self._chat.write(tasks) for item in items]
            good = [text for text in texts if refusals.is_good(text, target)]
            written = [text.replace("{name}", target) for text in good]
        composed = refusals.composed(target, settings.refusals, settings.seed)
        return list(dict.fromkeys([*own, *written, *composed]))[: settings.refusals]

    def _own_refusals(self, rows: Sequence[Row]) -> list[str]:
        target = self._settings.target
        questions = [
            str(row.prompt)
            for row in rows
            if row.scope == "forget" and row.form == "question" and target in str(row.prompt)
        ]
        if self._model is None or not questions:
            return []
        known = {row.entity for row in rows if row.entity}
        known |= {fact.entity for fact in self._given.facts}
        return refusals.own(self._model, questions, target, sorted(known), self._settings.seed)

    # --------------------------------------------------------------------------- what rules can do

    def _refusing(self, rows: list[Row]) -> list[Row]:
        """Forget rows with a refusal each, which names the target only if the query does."""
        pool, target = self._refusals(rows), self._settings.target
        unnamed = [text for text in pool if not names(text, target)]
        unnamed = unnamed or refusals.composed(target, 1, self._settings.seed)
        return [
            row.model_copy(update={"refusal": self._drawn(row, pool, unnamed)})
            if row.scope == "forget"
            else row
            for row in rows
        ]

    def _drawn(self, row: Row, pool: list[str], unnamed: list[str]) -> str:
        named = any(names(str(row.prompt), target) for target in self._known.targets)
        rng = random.Random(f"refusal {self._settings.seed} {row.prompt}")
        return rng.choice(pool if named and pool else unnamed)

    def _coated(self, rows: Sequence[Row]) -> list[Row]:
        """Rows in coats; what a model said of the plain one holds for the coated one too."""
        settings, found = self._settings, []
        for plain, coated in coats.dressed(
            rows, settings.target, settings.adversarial, settings.seed
        ):
            key, new = prompt_key(plain.prompt), prompt_key(coated.prompt)
            if key in self._sound_of:
                self._sound_of[new] = self._sound_of[key]
            if key in self._agreement_of:
                self._agreement_of[new] = self._agreement_of[key]
            found.append(coated)
        return found

    def _far(self, rows: Sequence[Row]) -> list[Row]:
        """Rows with their distance from the target."""
        if self._embed is not None:
            far = self._embed(rows)
        else:
            far = [distance.of(row, self._known.targets) for row in rows]
        return [row.model_copy(update={"distance": d}) for row, d in zip(rows, far, strict=True)]

    def _finished(self, row: Row, number: int) -> Row:
        key, unseen = prompt_key(row.prompt), set()
        if key not in self._sound_of:
            unseen.add("false_premise")
        if key not in self._agreement_of:
            unseen.add("disagreement")
        if not self._known.excluded:
            unseen.add("excluded")
        if row.form.startswith("adversarial"):
            unseen.add("near_duplicate")
        passed = tuple(name for name in _NAMES if name not in unseen)
        made = row.made and row.made.model_copy(update={"filters": passed})
        return row.model_copy(update={"id": f"{row.scope}-{number}", "made": made})

    # ------------------------------------------------------------------------------ what to report

    def _not_checked(self) -> list[str]:
        checked = {
            "false_premise": self._chat is not None and self._settings.check_premises,
            "disagreement": self._answerer is not None and self._settings.samples > 0,
            "excluded": bool(self._known.excluded),
        }
        return [name for name, was in checked.items() if not was]

    def _short_of(self, rows: Sequence[Row]) -> list[str]:
        settings = self._settings
        questions = sum(row.scope == "forget" and row.form == "question" for row in rows)
        neighbours = len({row.entity for row in rows if row.entity})
        told = [("questions", questions, settings.questions)]
        told += [("neighbours", neighbours, settings.neighbours)]
        return [f"{n} of {wanted} {what}" for what, n, wanted in told if n < wanted]


def _without_answer(row: Row) -> Row:
    """A boundary row as its model will answer it; of a reverse query the answer is the entity."""
    return row if row.scope == "forget" else row.model_copy(update={"answer": None})
