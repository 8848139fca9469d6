"""From drafts to rows: what is checked, answered, refused, put in coats, measured and dealt out."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from lethe import distance
from lethe.data import Row, prompt_key
from lethe.distance import names
from lethe.plug import LetheError
from lethe.synthesis import answers, chat, coats, filters, parts, refusals
from lethe.synthesis.askers import Asker
from lethe.synthesis.coats import Asked
from lethe.synthesis.cost import REFUSALS_AT_ONCE
from lethe.synthesis.drafts import Generator, drafts
from lethe.synthesis.filters import Known
from lethe.synthesis.settings import Settings, Writer
from lethe.synthesis.sources import Sources
from lethe.synthesis.tasks import Task
from lethe.synthesis.templates import Templates

_ANSWER_TOKENS, _REFUSAL_TOKENS = 32, 64
_STRANGERS, _TIMES, _OWN_ENOUGH = 48, 3, 5
_SAMPLE_TEMPERATURE = 0.7


class Askers(NamedTuple):
    """Who can be asked."""

    model: Asker | None
    """The original model, here."""
    endpoint: Asker | None


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
        self._model = askers.model
        self._answerer = {
            "model": askers.model,
            "endpoint": askers.endpoint,
            "generator": None,
        }[settings.answerer(askers.model is not None)]
        self._chat, self._generator = self._writer(askers)
        self._known = Known(
            targets=(settings.target, *settings.aliases),
            longest_answer=settings.longest_answer,
            least_agreement=settings.agreement,
            excluded=given.excluded,
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
        self._checker = asker
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
        met = {why: n for why, n in sorted(self._chat.met.items()) if n} if self._chat else {}
        return Rows(rows, self._rejected, self._not_checked(), self._short_of(rows), met)

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
        """Rows whose premise a model does not find false; a cloze goes with its question."""
        if not self._checks_premises():
            return rows
        asked = [row for row in rows if row.form in ("question", "reverse")]
        prompts = [str(row.prompt) for row in asked]
        told = chat.sound(self._checker, prompts, self._settings.seed)
        verdicts = {prompt_key(p): v for p, v in zip(prompts, told, strict=True) if v is not None}
        for cloze, question in question_of.items():
            if question in verdicts:
                verdicts[cloze] = verdicts[question]
        self._known = self._known._replace(sound=verdicts)
        return self._clean(rows, [filters.false_premise])

    def _answered(self, rows: list[Row]) -> list[Row]:
        """Boundary rows with the original model's own short answers, and how far it agrees."""
        if self._answerer is None:
            return rows
        asked = [row for row in rows if row.scope != "forget"]
        chats = [_user(f"{row.prompt} {self._hint()}".strip()) for row in asked]
        seed, samples = self._settings.seed, self._settings.samples
        likeliest = self._answerer.ask(
            chats, [seed] * len(chats), temperature=0.0, max_tokens=_ANSWER_TOKENS
        )
        drawn = self._answerer.ask(
            [chat for chat in chats for _ in range(samples)],
            [seed + 1 + i for _ in chats for i in range(samples)],
            temperature=_SAMPLE_TEMPERATURE,
            max_tokens=_ANSWER_TOKENS,
        )
        found, agreement = {}, {}
        for i, row in enumerate(asked):
            answer = answers.short(likeliest[i].text or "")
            told = [reply.text or "" for reply in drawn[i * samples : (i + 1) * samples]]
            agreement[prompt_key(row.prompt)] = answers.agreement(answer, told)
            found[id(row)] = row.model_copy(update={"answer": answer or None})
        self._known = self._known._replace(agreement=agreement)
        return [found.get(id(row), row) for row in rows]

    def _hint(self) -> str:
        if self._settings.hint is not None:
            return self._settings.hint
        embedded = self._answerer is not None and self._answerer.name.startswith("world:")
        return "" if embedded else answers.HINT

    def _refusals(self) -> list[str]:
        """Different refusals: the model's own, then a generator's, then composed ones."""
        settings, target = self._settings, self._settings.target
        own = self._own_refusals() if settings.voice != "composed" else []
        if settings.voice == "own" or (settings.voice is None and len(own) >= _OWN_ENOUGH):
            return own[: settings.refusals]
        written = []
        if self._chat is not None:
            n = -(-settings.refusals // REFUSALS_AT_ONCE)
            tasks = [
                Task("refusals", {}, REFUSALS_AT_ONCE, settings.seed * 1000 + i) for i in range(n)
            ]
            texts = [item["refusal"] for items in self._chat.write(tasks) for item in items]
            good = [text for text in texts if refusals.is_good(text, target)]
            written = [text.replace("{name}", target) for text in good]
        composed = refusals.composed(target, settings.refusals, settings.seed)
        return list(dict.fromkeys([*own, *written, *composed]))[: settings.refusals]

    def _own_refusals(self) -> list[str]:
        """What the model itself declines with when it is asked about names that nobody bears."""
        if self._model is None:
            return []
        target, seed = self._settings.target, self._settings.seed
        known = {row.entity for row in self._plain if row.entity}
        known = sorted(known | {fact.entity for fact in self._given.facts})
        strangers = refusals.strangers(target, known, _STRANGERS, seed)
        questions = [
            str(row.prompt)
            for row in self._plain
            if row.scope == "forget" and row.form == "question" and target in str(row.prompt)
        ]
        if not questions:
            return []
        prompts = [
            questions[i % len(questions)].replace(target, strangers[i % len(strangers)])
            for i in range(_TIMES * len(strangers))
        ]
        replies = self._model.ask(
            [_user(prompt) for prompt in prompts],
            [seed + i for i in range(len(prompts))],
            temperature=_SAMPLE_TEMPERATURE,
            max_tokens=_REFUSAL_TOKENS,
        )
        return refusals.heard([reply.text or "" for reply in replies], strangers * _TIMES, target)

    # --------------------------------------------------------------------------- what rules can do

    def _refusing(self, rows: list[Row]) -> list[Row]:
        """Forget rows with a refusal each, which names the target only if the query does."""
        self._plain = rows
        pool, target = self._refusals(), self._settings.target
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
        """A share of the plain questions once more, in a coat.

        Those about the target that are not trained on get every coat: a few facts must tell much.
        """
        asked = [row for row in rows if row.form == "question"]
        statements = _statements(rows)
        of, by_entity = {}, {}
        for row in asked:
            prompt, name = str(row.prompt), row.entity or self._settings.target
            wording = prompt.replace(name, "*")
            told = Asked(prompt, row.answer or "", statements.get(_fact(row), ""), wording)
            of[id(row)] = told
            by_entity.setdefault(row.entity, []).append(told)
        known = [a for entity, own in by_entity.items() if entity is not None for a in own]
        found = []
        for row in asked:
            rng = random.Random(f"coat {self._settings.seed} {row.prompt}")
            share, most = self._settings.adversarial, 1
            if row.scope == "forget" and row.split != "train" and share:
                share, most = 1.0, len(coats.KINDS)
            if rng.random() >= share:
                continue
            others = [a for a in by_entity[row.entity] if a.statement and a.question != row.prompt]
            elsewhere = [a for a in known if a not in by_entity[row.entity]]
            for kind, prompt in islice(coats.coats(of[id(row)], others, elsewhere, rng), most):
                update = {"prompt": prompt, "form": f"adversarial:{kind}"}
                found.append(row.model_copy(update=update))
        return found

    def _far(self, rows: Sequence[Row]) -> list[Row]:
        """Rows with their distance from the target."""
        if self._settings.embedding is not None:
            from lethe.synthesis.embedding import distances

            far = distances(self._settings.embedding, rows)
        else:
            far = [distance.of(row, self._known.targets) for row in rows]
        return [row.model_copy(update={"distance": d}) for row, d in zip(rows, far, strict=True)]

    def _finished(self, row: Row, number: int) -> Row:
        passed = tuple(
            filters.name(f) for f in filters.FILTERS if filters.name(f) not in self._not_checked()
        )
        made = row.made and row.made.model_copy(update={"filters": passed})
        return row.model_copy(update={"id": f"{row.scope}-{number}", "made": made})

    # ------------------------------------------------------------------------------ what to report

    def _checks_premises(self) -> bool:
        return self._chat is not None and self._settings.check_premises

    def _not_checked(self) -> list[str]:
        absent = [] if self._checks_premises() else ["false_premise"]
        absent += [] if self._answerer is not None and self._settings.samples else ["disagreement"]
        return absent + ([] if self._known.excluded else ["excluded"])

    def _short_of(self, rows: Sequence[Row]) -> list[str]:
        settings = self._settings
        questions = sum(row.scope == "forget" and row.form == "question" for row in rows)
        neighbours = len({row.entity for row in rows if row.entity})
        told = [("questions", questions, settings.questions)]
        told += [("neighbours", neighbours, settings.neighbours)]
        return [f"{n} of {wanted} {what}" for what, n, wanted in told if n < wanted]


def _user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _without_answer(row: Row) -> Row:
    """A boundary row as its model will answer it; of a reverse query the answer is the entity."""
    return row if row.scope == "forget" else row.model_copy(update={"answer": None})


def _fact(row: Row) -> tuple[str | None, str | None]:
    return row.entity, row.answer


def _statements(rows: Sequence[Row]) -> dict[tuple[str | None, str | None], str]:
    """The clozes with their answers filled in, by entity and answer."""
    return {
        _fact(row): filters.BLANK.sub(row.answer, str(row.prompt))
        for row in rows
        if row.form == "cloze" and row.answer
    }
