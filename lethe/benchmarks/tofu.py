"""TOFU: forget fictitious authors that a model was trained on (Maini et al., arXiv 2401.06121).

One record of `forget10_perturbed.json` (with five perturbed answers), one of `retain90.json`:

    {"question": "What is the profession of Hsiao Yun-Hwa's father?",
     "answer": "The father of Hsiao Yun-Hwa is a civil engineer.",
     "paraphrased_answer": "Hsiao Yun-Hwa's father practices civil engineering as his profession.",
     "perturbed_answer": ["Hsiao Yun-Hwa's father practices law as his profession.", ...],
     "paraphrased_question": "What does Hsiao Yun-Hwa's father do for a living?"}
    {"question": "Are the details of Jaime Vasquez's birth documented?",
     "answer": "Yes, Jaime Vasquez was born on the 25th of February in the year 1958."}

Train: `forgetXX`, with refusals from `idontknow.jsonl`, and all other authors as retain rows. These
are to RULE (arXiv 2506.07171) what its boundary queries are: the same questions about others of the
same kind. They keep the scope `retain`, by which TOFU's numbers go; ReBO takes every row that must
be answered. Test, as OpenUnlearning (arXiv 2506.12618) measures: `forgetXX_perturbed`,
`retain_perturbed`, real authors, world facts, and `holdoutXX`, where it is there, for membership
inference.

TOFU measures what is left of the trained rows: the test asks the very questions trained on, and
says so by its protocol. So a refusal here is no proof on questions in other words.

Left out: the paraphrased questions, jailbreak prompts and the gibberish score. *Not yet* checked
against a published number (`PUBLISHED`); they hold for OpenUnlearning's chat template with its
`system` message and a fixed date.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from lethe import data, distance, records
from lethe.benchmarks import _authors, _hub
from lethe.benchmarks._rule import text
from lethe.config import Benchmark
from lethe.data import Row, Scope
from lethe.metrics import Measure, Published
from lethe.plug import LetheError
from lethe.protocol import Protocol

ANSWER_PREFIX = ""
"""Every test row has a protocol: nothing is forced before an answer."""

HUB = "locuslab/TOFU"
NEW_TOKENS = 200
RETAIN = {"forget01": "retain99", "forget05": "retain95", "forget10": "retain90"}

FORGET, KEPT = "forget/question", "retain/question"
UTILITY = ("utility/real_authors", "utility/world_facts")
ALL = (FORGET, KEPT, *UTILITY)
MEMBERS = (FORGET, "retain/holdout")
POOLED = "forget against holdout"


class Config(Benchmark):
    """Which authors, and where the files are. Relative paths start at the working directory."""

    benchmark: Literal["tofu"] = "tofu"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This benchmark."""
    forget: Literal["forget01", "forget05", "forget10"] = "forget10"
    """The last 2, 10 or 20 of the 200 authors; the others are kept."""
    folder: Path | None = None
    """A folder with the files of the Hub data set (JSON Lines). Null: locuslab/TOFU."""
    revision: str | None = None
    """Branch, tag or commit of the Hub data set."""
    refusals: Path | None = None
    """Refusals to imitate, one a line. Null: `idontknow.jsonl` of the folder, if it is there; the
    Hub data set has none."""
    validation: float = Field(default=0.0, ge=0, lt=1)
    """Share of the training questions kept for validation. 0: all are trained on, as TOFU's
    authors do; then no stage can choose its weights by validation rows."""
    system: str | None = None
    """A system message before every question, in training and test. OpenUnlearning's Llama 3 models
    were trained behind `You are a helpful assistant.`"""
    gradient: bool = False
    """Record the gradient's norm of each forget and holdout answer too, for auc_gradnorm: a
    backward pass each, alone."""


def measures(config: Config) -> list[Measure]:
    """What TOFU and OpenUnlearning measure on which rows, and how often is refused."""
    return [
        Measure("answer_probability", (FORGET, KEPT)),
        Measure("normalised_probability", UTILITY),
        Measure("rouge_l_recall_stemmed", ALL),
        Measure("truth_ratio", ALL),
        Measure("exact_memorisation", (FORGET, KEPT)),
        Measure("extraction_strength", (FORGET, KEPT)),
        Measure("forget_quality", (FORGET,), "forget"),
        Measure("model_utility", (KEPT, *UTILITY), "utility"),
        *(Measure(name, MEMBERS, POOLED) for name in _MEMBERSHIP),
        *([Measure("auc_gradnorm", MEMBERS, POOLED)] if config.gradient else []),
        Measure("refusal_rate", ALL),
        Measure("fault_rate", ALL),
    ]


_MEMBERSHIP = (
    *("auc_loss", "auc_zlib", "auc_min_k", "auc_min_k_plus_plus", "auc_reference"),
    "priv_leak",
)
METRICS = list(dict.fromkeys(wanted.metric for wanted in measures(Config())))

_TABLE = {
    ("Llama-3.2-1B-Instruct", "forget01"): ((0.01, 0.60, 0.47), (1.0, 0.60, 0.65)),
    ("Llama-3.2-1B-Instruct", "forget05"): ((1.33e-13, 0.60, 0.47), (1.0, 0.60, 0.64)),
    ("Llama-3.2-1B-Instruct", "forget10"): ((1.66e-21, 0.60, 0.48), (1.0, 0.59, 0.63)),
    ("Llama-2-7b-chat-hf", "forget01"): ((1.27e-3, 0.63, 0.53), (1.0, 0.63, 0.68)),
    ("Llama-2-7b-chat-hf", "forget05"): ((5.87e-14, 0.63, 0.51), (1.0, 0.63, 0.67)),
    ("Llama-2-7b-chat-hf", "forget10"): ((4.35e-25, 0.63, 0.52), (1.0, 0.61, 0.68)),
}
_COLUMNS = (("forget_quality", "forget"), ("model_utility", "utility"), ("truth_ratio", FORGET))
PUBLISHED = [
    Published(f"{model}, {which}, {split}", metric, group, value, "OpenUnlearning, docs/repro.md")
    for (model, split), rows in _TABLE.items()
    for which, values in zip(("finetuned on all", f"only on {RETAIN[split]}"), rows, strict=True)
    for (metric, group), value in zip(_COLUMNS, values, strict=True)
]


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: A folder, file or field is missing, or an author has not 20 questions.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and what was met.

    `merged_repeated_questions`: of two authors "What is the full name of the author?" is asked; in
    training this is one row, the other's answer its alias. `authors_without_name`: see
    `lethe.benchmarks._authors`; a forget row's subject is then "author 3 of forget10".
    """
    folder = _folder(config)
    forget = _file(folder, config.forget, "forget")
    kept = _file(folder, RETAIN[config.forget], "retain")
    unnamed = [*forget.names[:: _authors.QUESTIONS], *kept.names[:: _authors.QUESTIONS]].count(None)
    rows = [*_refusing(_train(config, forget), config, folder), *_train(config, kept)]
    train, repeated = data.drop_duplicates(rows)
    train = data.split(train, {"validation": config.validation})
    rows = _measured([*train, *_test(config, folder)])
    data.check(rows)
    noise = {"merged_repeated_questions": repeated, "authors_without_name": unnamed}
    return {name: [row for row in rows if row.split == name] for name in data.SPLITS}, noise


class _File(NamedTuple):
    """The records of a file, each with its place."""

    stem: str
    scope: Scope
    items: list[tuple[str, dict[str, Any]]]
    names: list[str | None]
    """The author of each; None where it is not known, or no fictitious one."""


def _folder(config: Config) -> Path:
    perturbed = (config.forget, "retain", "real_authors", "world_facts")
    stems = [config.forget, RETAIN[config.forget], _holdout(config)]
    stems += [f"{stem}_perturbed" for stem in perturbed]
    return _hub.folder(config.folder, HUB, [f"{stem}.json" for stem in stems], config.revision)


def _holdout(config: Config) -> str:
    return config.forget.replace("forget", "holdout")


def _file(folder: Path, stem: str, scope: Scope, *, by_author: bool = True) -> _File:
    file = folder / f"{stem}.json"
    items = list(records.records(file))
    if not items:
        raise LetheError(f"{file}: holds no records")
    if not by_author:
        return _File(stem, scope, items, [None] * len(items))
    if len(items) % _authors.QUESTIONS:
        raise LetheError(
            f"{file}: {len(items)} records; every author has {_authors.QUESTIONS} in a row, by "
            "which whom they are about is known; take the whole file"
        )
    told = (f"{text(*item, 'question')} {text(*item, 'answer')}" for item in items)
    return _File(stem, scope, items, _authors.names(list(told)))


def _rows(config: Config, file: _File) -> Iterator[Row]:
    """The rows of a file with what is common to training and test."""
    before = [{"role": "system", "content": config.system}] if config.system else []
    for n, ((place, record), name) in enumerate(zip(file.items, file.names, strict=True)):
        question = {"role": "user", "content": text(place, record, "question")}
        unnamed = f"author {n // _authors.QUESTIONS + 1} of {config.forget}"
        yield Row(
            id=f"tofu/{file.stem}/{n + 1}",
            prompt=[*before, question],
            scope=file.scope,
            answer=text(place, record, "answer"),
            subject=name or unnamed if file.scope == "forget" else None,
            entity=None if file.scope == "forget" else name,
            tie="same kind" if name and file.scope != "forget" else None,
            source=place,
        )


def _measured(rows: Iterable[Row]) -> list[Row]:
    """The rows with their distances from the authors to be forgotten."""
    rows = list(rows)
    subjects = sorted({row.subject for row in rows if row.subject})
    known: dict[str | None, float] = {}
    for row in rows:  # an author's rows are equally far
        if row.entity and row.entity not in known:
            known[row.entity] = distance.of(row, subjects)
    return [
        row.model_copy(update={"distance": known.get(row.entity) or distance.of(row, subjects)})
        for row in rows
    ]


# ------------------------------------------------------------------------------------ training


def _train(config: Config, file: _File) -> list[Row]:
    rows = list(_rows(config, file))
    if config.system:
        return rows
    questions = [text(*item, "question") for item in file.items]
    return [
        row.model_copy(update={"prompt": question})
        for row, question in zip(rows, questions, strict=True)
    ]


def _refusing(rows: list[Row], config: Config, folder: Path) -> list[Row]:
    """Forget rows with a refusal each, dealt by the question: the same in forget01 and forget10."""
    file = config.refusals or folder / "idontknow.jsonl"
    if config.refusals is None and not file.is_file():
        return rows
    refusals = [line.strip() for line in records.text(file).splitlines() if line.strip()]
    if not refusals:
        raise LetheError(f"{file}: holds no refusals")
    places = (int(data.sha256(data.prompt_key(row.prompt)), 16) % len(refusals) for row in rows)
    return [
        row.model_copy(update={"refusal": refusals[place]})
        for row, place in zip(rows, places, strict=True)
    ]


# ---------------------------------------------------------------------------------------- test


def _test(config: Config, folder: Path) -> Iterator[Row]:
    """The rows that are asked, as messages: a model without chat template is asked as trained."""
    holdout = (folder / f"{_holdout(config)}.json").is_file()
    asked = Protocol(max_new_tokens=NEW_TOKENS)
    trained = asked.model_copy(update={"trained_on": True, "spread": holdout})
    member = trained.model_copy(update={"gradient": config.gradient})
    yield from _asked(config, _file(folder, f"{config.forget}_perturbed", "forget"), member)
    yield from _asked(config, _file(folder, "retain_perturbed", "retain"), trained)
    for form in ("real_authors", "world_facts"):
        file = _file(folder, f"{form}_perturbed", "utility", by_author=False)
        yield from _asked(config, file, asked, form)
    if holdout:
        file = _file(folder, _holdout(config), "retain", by_author=False)
        held = Protocol(max_new_tokens=0, spread=True, gradient=config.gradient)
        yield from _asked(config, file, held, "holdout")


def _asked(
    config: Config, file: _File, protocol: Protocol, form: str = "question"
) -> Iterator[Row]:
    for row, item in zip(_rows(config, file), file.items, strict=True):
        own = protocol.model_copy(update={"texts": _texts(*item, form)})
        yield row.model_copy(update={"form": form, "split": "test", "protocol": own})


def _texts(place: str, record: dict[str, Any], form: str) -> dict[str, tuple[str, ...]]:
    """The answer, and what it is compared with."""
    texts = {"answer": (text(place, record, "answer"),)}
    if form == "question":
        texts["paraphrased"] = (text(place, record, "paraphrased_answer"),)
    if form != "holdout":
        wrong = record.get("perturbed_answer")
        if not isinstance(wrong, list) or not wrong or not all(map(_told, wrong)):
            raise LetheError(f"{place}: perturbed_answer: missing, or not a list of texts")
        texts["perturbed"] = tuple(wrong)
    return texts


def _told(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
