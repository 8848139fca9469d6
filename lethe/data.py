"""The row: one schema for every prompt that Lethe trains on, tests or reports.

Here it is read, written, checked, repaired and split. Two prompts are the same when `prompt_key`
says so: case and spaces do not count.
"""

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lethe.plug import LetheError, choices
from lethe.protocol import Protocol, Scored
from lethe.records import records

Scope = Literal["forget", "boundary", "retain", "utility"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


class Made(BaseModel):
    """Where a synthesised row comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    generator: str
    """Which writer: templates, or a model's name."""
    prompt: str
    """What it was asked to do: a task, and the hash of the task's prompt file."""
    seed: int
    """Seed of the request."""
    group: str
    """Rows of one group are forms of one question, or ask about one fact or entity; they stand in
    one split."""
    filters: tuple[str, ...] = ()
    """The filters that the row passed."""


class Row(BaseModel):
    """One query with what should happen to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """Unique within a run."""
    prompt: str | list[dict[str, str]]
    """The user's text, or chat messages."""
    scope: Scope
    """forget: to be refused. boundary: near it, to be answered. retain, utility: farther away."""
    answer: str | None = None
    """Reference answer. On a forget row: the fact that must not leak, if known."""
    aliases: tuple[str, ...] = ()
    """Other texts that count as the answer."""
    refusal: str | None = None
    """On a forget row: a natural refusal, what Rejection Steering imitates."""
    subject: str | None = None
    """What must be forgotten; required on forget rows."""
    entity: str | None = None
    """Whom or what the row is about, when that is not the subject (a neighbour)."""
    form: str = "question"
    """question | cloze | reverse | adversarial:<kind> | ..."""
    split: Split = "train"
    """train, validation or test; no prompt stands in two of them, but for a test that asks what was
    trained on by its protocol."""
    stages: tuple[str, ...] = ()
    """Names of the stages that may use the row in training or validation; empty = every stage. A
    stage that no row of the run names may use every row."""
    distance: float | None = Field(default=None, ge=0, le=1)
    """How far what the row asks about is from what must be forgotten: `lethe.distance`."""
    tie: str | None = None
    """What ties `entity` to what must be forgotten: a key of `lethe.distance.TIES`."""
    source: str = ""
    """Where it came from: a file and line, or a generator."""
    made: Made | None = None
    """How it was synthesised, if it was."""
    protocol: Protocol | None = None
    """How a benchmark puts it to the model. Null: plainly, and with the reference answer's
    likelihood behind a forced prefix recorded."""

    @property
    def generates(self) -> bool:
        """Whether a completion is asked for, and not only likelihoods."""
        return self.protocol is None or self.protocol.max_new_tokens != 0


class Rating(BaseModel):
    """One sample of a judge's rating of an answer: all three numbers, or none."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    readability: float | None = Field(default=None, ge=0, le=100)
    """Whether it reads like a person's answer, 0 to 100."""
    helpfulness: float | None = Field(default=None, ge=0, le=100)
    """Whether it does what is wanted of it, 0 to 100; of a forget row, not to tell."""
    truthfulness: float | None = Field(default=None, ge=0, le=100)
    """Whether it says nothing untrue, 0 to 100."""
    why: str = ""
    """The judge's reason; without numbers, why there are none."""

    @property
    def scores(self) -> tuple[float, float, float] | None:
        """The three numbers, if there are any."""
        found = (self.readability, self.helpfulness, self.truthfulness)
        return None if None in found else found  # pyright: ignore[reportReturnType]


class Answered(Row):
    """A row with what a model made of it; what every metric reads."""

    completion: str
    """The model's greedy answer."""
    samples: tuple[str, ...] = ()
    """Completions drawn at temperature 1."""
    scored: dict[str, tuple[Scored, ...]] = {}
    """What was recorded of the texts of the row's protocol, by name; without a protocol `answer`,
    the reference answer behind the forced prefix."""
    asked: str | None = None
    """The whole text that the model went on from, where a protocol made it."""
    ratings: tuple[Rating, ...] = ()
    """What a judge makes of the completion, one a sample; none where none was asked."""

    @property
    def logprobs(self) -> tuple[float, ...] | None:
        """Log-probabilities (nats) of the reference answer's tokens, if they were recorded."""
        return self.scored["answer"][0].logprobs if "answer" in self.scored else None


def prompt_key(prompt: str | list[dict[str, str]]) -> str:
    r"""What makes two prompts the same: NFKC, case folded, runs of white space made one.

    >>> prompt_key("  Who WAS\nBeyonce\u0301? ") == prompt_key("who was Beyonc\u00e9?")
    True
    >>> prompt_key([{"role": "user", "content": "Who?"}])
    'who?'
    """
    if isinstance(prompt, list):
        if len(prompt) != 1 or prompt[0].get("role") != "user":
            prompt = "\n".join(f"{m.get('role')}: {m.get('content')}" for m in prompt)
        else:
            prompt = prompt[0].get("content", "")
    return " ".join(unicodedata.normalize("NFKC", prompt).casefold().split())


# ------------------------------------------------------------------------------------- reading

_ALSO_PROMPT = ("question", "query")


def read(
    path: str | Path,
    *,
    scope: Scope | None = None,
    split: Split | None = None,
    subject: str | None = None,
) -> list[Row]:
    """Read rows from a file or a Hub data set: JSON Lines, JSON, CSV, Parquet, `hub:org/name`.

    Columns are the fields of `Row`; only the prompt is required, and `question` or `query` may
    stand for `prompt`. Empty and null cells count as absent. Numbers in `id`, `answer`, `aliases`
    become text. Row ids are made from scope, file name and place where the file has none. A row's
    `model_fields_set` has "split" only if it was given. File formats: `lethe.records`. The Hub
    was not reachable where this was written: that branch is marked *not run*.

    Args:
        path: The file, or `hub:...`.
        scope: Scope of all rows; a `scope` column that says otherwise is an error. None: the
            column is required.
        split: Split of the rows that name none.
        subject: Subject of the rows that name none.

    Raises:
        LetheError: Missing, empty, unreadable or malformed: with file, line and field.
    """
    defaults = {"scope": scope, "split": split, "subject": subject}
    defaults = {field: value for field, value in defaults.items() if value is not None}
    rows = [_row(record, place, defaults, n) for n, (place, record) in enumerate(records(path), 1)]
    if not rows:
        raise LetheError(f"{path}: holds no rows")
    return rows


def _row(record: dict[str, Any], place: str, defaults: Mapping[str, str], n: int) -> Row:
    given = {name: value for name, value in record.items() if not _absent(value)}
    for other in _ALSO_PROMPT:
        if other in given:
            if "prompt" in given:
                raise LetheError(f"{place}: {other}: the prompt is given twice")
            given["prompt"] = given.pop(other)
    for name in given:
        if name not in Row.model_fields:
            known = choices(name, (*Row.model_fields, *_ALSO_PROMPT))
            raise LetheError(f"{place}: {name}: unknown column; {known}")
    if given.get("scope", defaults.get("scope")) != defaults.get("scope", given.get("scope")):
        raise LetheError(f"{place}: scope: is {given['scope']!r}, expected {defaults['scope']!r}")
    given = {**defaults, **{name: _text(name, value) for name, value in given.items()}}
    stem = Path(place.rpartition(":")[0]).stem
    given.setdefault("id", f"{given.get('scope')}-{stem}-{n}")
    given.setdefault("source", place)
    try:
        return Row.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        missing = "missing (or question, query)" if problem["loc"][0] == "prompt" else "missing"
        message = missing if problem["type"] == "missing" else problem["msg"]
        raise LetheError(f"{place}: {problem['loc'][0]}: {message}") from error


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(name: str, value: Any) -> Any:
    if name == "aliases" and isinstance(value, list):
        return [_text("answer", alias) for alias in value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number and name in ("id", "answer") else value


# ------------------------------------------------------------------------------------- writing


def write(path: str | Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON Lines, at once or not at all; absent fields are left out.

    Raises:
        LetheError: The folder cannot be written to, or the disk is full.
    """
    file = Path(path)
    draft = file.with_name(file.name + ".tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(row.model_dump_json(exclude_none=True) + "\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise LetheError(f"{file}: cannot be written: {error.strerror or error}") from error


def content_hash(rows: Iterable[Row]) -> str:
    """SHA-256 of the rows in their order, without `source` and `made`: moving a file is nothing."""
    digest = hashlib.sha256()
    for row in rows:
        apart = {"source", "made"} if row.protocol else {"source", "made", "protocol"}
        fields = row.model_dump(mode="json", exclude=apart)
        digest.update(json.dumps(fields, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


# ------------------------------------------------------------------------------------ checking


def check(rows: Sequence[Row]) -> None:
    """Refuse rows on which training or evaluation would mean nothing.

    Where a benchmark's protocol says what is recorded, a row may lack what nothing is made of: an
    answer, and, for a text that is only scored, a prompt. Such rows may stand in two scopes, for an
    official evaluation asks whatever is in its files.

    Raises:
        LetheError: An id twice; an empty prompt; a chat message without role and content; a
            forget row without subject; any other row without answer; a prompt in two scopes or
            two splits (both places named). A prompt twice in one scope and split is no error:
            `drop_duplicates` takes care of it. A protocol may let a raw text begin from nothing,
            or a test ask what was trained on.
    """
    ids: dict[str, Row] = {}
    prompts: dict[tuple[str, str], Row] = {}
    for row in rows:
        _check_alone(row)
        if row.id in ids:
            raise LetheError(f"{_place(row)}: id: {row.id!r} is also at {_place(ids[row.id])}")
        ids[row.id] = row
        if _from_nothing(row):
            continue
        for field in ("scope",) if _asks_trained(row) else ("scope", "split"):
            other = prompts.setdefault((field, prompt_key(row.prompt)), row)
            here, there = getattr(row, field), getattr(other, field)
            official = field == "scope" and row.protocol is not None and other.protocol is not None
            if here != there and not official:
                raise LetheError(
                    f"{_place(row)}: prompt: {str(row.prompt)[:80]!r} has {field} {here} here "
                    f"and {there} at {_place(other)}"
                )


def _check_alone(row: Row) -> None:
    if isinstance(row.prompt, list):
        for message in row.prompt:
            if set(message) != {"role", "content"}:
                raise LetheError(f"{_place(row)}: prompt: a message needs role and content only")
    texts = [row.prompt] if isinstance(row.prompt, str) else [m["content"] for m in row.prompt]
    if not any(text.strip() for text in texts) and not _from_nothing(row):
        raise LetheError(f"{_place(row)}: prompt: is empty")
    if row.scope == "forget" and _absent(row.subject):
        raise LetheError(f"{_place(row)}: subject: missing; a forget row must say what to forget")
    if row.scope != "forget" and _absent(row.answer) and row.protocol is None:
        raise LetheError(f"{_place(row)}: answer: missing; a {row.scope} row must be answered")


def _from_nothing(row: Row) -> bool:
    """Whether only a text's likelihood is wanted, with nothing before it."""
    own = row.protocol
    return row.prompt == "" and own is not None and own.raw and bool(own.texts)


def _asks_trained(row: Row) -> bool:
    return row.split == "test" and row.protocol is not None and row.protocol.trained_on


def same(row: Row) -> str:
    """What makes two rows ask the same: their prompt; a text without prompt is like no other."""
    return f"row {row.id}" if _from_nothing(row) else prompt_key(row.prompt)


def _place(row: Row) -> str:
    return row.source or f"row {row.id}"


def seen_by(stage: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that a stage may use: those that name it or none; all, if no row names it.

    >>> a = Row(id="a", prompt="?", scope="retain", answer="x", stages=("rebo",))
    >>> b = Row(id="b", prompt="??", scope="retain", answer="x")
    >>> [len(seen_by(stage, [a, b])) for stage in ("rebo", "npo")]
    [2, 2]
    >>> [row.id for row in seen_by("npo", [a, b.model_copy(update={"stages": ("npo",)})])]
    ['b']
    """
    if not any(stage in row.stages for row in rows):
        return list(rows)
    return [row for row in rows if not row.stages or stage in row.stages]


# ------------------------------------------------------------------------ repairing, splitting


def drop_duplicates(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Keep the first row of each (prompt, scope, split); also give how many were dropped.

    The kept row takes what the others add: answers as aliases, a refusal, stages. A prompt in
    two splits is not a duplicate but a leak, which `check` reports.
    """
    kept: dict[tuple[str, str, str], Row] = {}
    total = 0
    for row in rows:
        total += 1
        key = (same(row), row.scope, row.split)
        kept[key] = _merge(kept[key], row) if key in kept else row
    return list(kept.values()), total - len(kept)


def _merge(first: Row, other: Row) -> Row:
    answers = dict.fromkeys(
        text for text in (first.answer, *first.aliases, other.answer, *other.aliases) if text
    )
    answer, *aliases = answers or [None]
    everywhere = not first.stages or not other.stages
    stages = () if everywhere else tuple(dict.fromkeys(first.stages + other.stages))
    refusal = first.refusal or other.refusal
    change = {"answer": answer, "aliases": tuple(aliases), "refusal": refusal, "stages": stages}
    return first.model_copy(update=change)


def drop_contradictions(rows: Iterable[Row]) -> tuple[list[Row], int]:
    """Drop every row whose prompt has two scopes; also give how many were dropped.

    Which label is right cannot be known from the file, so none is kept. Different answers in one
    scope are no contradiction: `drop_duplicates` keeps them as aliases.
    """
    rows = list(rows)
    scopes: dict[str, set[str]] = {}
    for row in rows:
        scopes.setdefault(same(row), set()).add(row.scope)
    kept = [row for row in rows if len(scopes[same(row)]) == 1]
    return kept, len(rows) - len(kept)


def split(
    rows: Sequence[Row],
    fractions: Mapping[Split, float],
    seed: int = 0,
    key: Callable[[Row], str] = lambda row: prompt_key(row.prompt),
) -> list[Row]:
    """Give every row a split, by the SHA-256 of (seed, key): order and repeats change nothing.

    The distinct keys, sorted by hash, are dealt out: first the test share, then the validation
    share (rounded, at least one key of a share above 0), the rest is train.

    Args:
        rows: The rows, whatever their split.
        fractions: Shares in [0, 1] of "validation" and "test"; what they leave is train.
        seed: Another seed is another split.
        key: Rows of one key never part. It must be a function of the prompt.

    Raises:
        LetheError: Shares outside [0, 1], above 1 in sum, or too few prompts for them.
    """
    shares = {name: fractions.get(name, 0.0) for name in ("test", "validation")}
    if not set(fractions) <= set(SPLITS) or min(shares.values()) < 0 or sum(shares.values()) > 1:
        raise LetheError(f"fractions: {dict(fractions)}: shares of train, validation, test, sum 1")
    keys = sorted({key(row) for row in rows}, key=lambda text: sha256(f"{seed}:{text}"))
    assigned: dict[str, Split] = dict.fromkeys(keys, "train")
    start = 0
    for name in ("test", "validation"):
        size = max(1, round(shares[name] * len(keys))) if shares[name] and keys else 0
        assigned.update(dict.fromkeys(keys[start : start + size], name))
        start += size
    left = len(keys) - start
    if keys and (left < 0 or (left == 0 and sum(shares.values()) < 1)):
        raise LetheError(f"fractions: {len(keys)} prompts are too few for {dict(fractions)}")
    return [row.model_copy(update={"split": assigned[key(row)]}) for row in rows]


def sha256(text: str) -> str:
    """The SHA-256 of a text in hex digits, half a surrogate pair allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
