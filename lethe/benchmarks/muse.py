r"""MUSE: forget news articles or novels (Shi et al., arXiv 2407.06460).

One question of `knowmem/retain_qa.json` of News, what is asked with it, and the continuation of
`verbmem.json` of a folder of one's own:

    {"question": "What year was The Satanic Verses released, according to the excerpt?",
     "answer": "1988"}
    Question: Who apologized to Mr. Farage for ...\nAnswer: Dame Alison Rose\n\n
    ... Question: What year was The Satanic Verses released, ...?\nAnswer:
    {"prompt": "... `Well!  I've often seen a cat without", "gt": "a grin,' thought Alice; ..."}

Everything is asked as raw text, for MUSE's models are base models: questions behind the ten that
come with them (KnowMem), a passage to go on with (VerbMem), and texts whose likelihood tells
whether they were trained on (PrivLeak, forget against holdout). Questions that the files hold twice
are kept and counted, as MUSE's numbers have them.

There is nothing to train on here: MUSE's methods train on the raw documents, and a stage of Lethe
on questions with answers. So a recipe with stages is refused, and `lethe evaluate` measures a model
that was trained elsewhere.

Left out: the retain texts of PrivLeak, which its number does not use, scalability and
sustainability. *Not yet* checked against a published number (`PUBLISHED`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from lethe import data, records
from lethe.benchmarks import _hub
from lethe.benchmarks._rule import text
from lethe.config import Benchmark
from lethe.data import Row, Scope, prompt_key
from lethe.metrics import Measure, Published
from lethe.plug import LetheError
from lethe.protocol import Protocol

ANSWER_PREFIX = ""
"""Every row has a protocol: nothing is forced before an answer."""

HUB = {"news": "muse-bench/MUSE-News", "books": "muse-bench/MUSE-Books"}
SUBJECTS = {"news": "the BBC news articles", "books": "the Harry Potter novels"}

KNOWMEM = Protocol(raw=True, max_new_tokens=32, stop=("\n\n", "\nQuestion", "Question:"))
VERBMEM = Protocol(raw=True, max_new_tokens=128, answer_tokens=128)
PRIVLEAK = Protocol(raw=True, max_new_tokens=0, end=False, spread=True)

ASKED = ("forget/knowmem", "retain/knowmem", "forget/verbmem")
MEMBERS = ("forget/privleak", "retain/holdout")
POOLED = "forget against holdout"


class Config(Benchmark):
    """Which corpus, and where its files are. Relative paths start at the working directory."""

    benchmark: Literal["muse"] = "muse"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This benchmark."""
    corpus: Literal["news", "books", "own"] = "news"
    """MUSE's News or Books, or a corpus of one's own in files like theirs: that one needs a folder,
    and has no published AUC of a retrained model."""
    folder: Path | None = None
    """A folder with the files of the Hub data set (Parquet) or of MUSE's repository (JSON), as far
    as they are there. Null: muse-bench/MUSE-News or -Books."""
    revision: str | None = None
    """Branch, tag or commit of the Hub data set."""
    subject: str | None = None
    """What must be forgotten. Null: the corpus's own, or the folder's name."""

    @model_validator(mode="after")
    def _has_a_place(self) -> "Config":
        if self.corpus == "own" and self.folder is None:
            raise ValueError("folder: missing; a corpus of one's own is nowhere on the Hub")
        return self


def measures(config: Config) -> list[Measure]:
    """KnowMem, VerbMem and PrivLeak, and how often is refused."""
    return [
        Measure("rouge_l_f1", ASKED),
        Measure("priv_leak_muse", MEMBERS, POOLED),
        Measure("refusal_rate", ASKED),
    ]


METRICS = [wanted.metric for wanted in measures(Config())]

_MUSE = ("MUSE's table, as arXiv 2410.16454 gives it", "priv_leak_muse")
_OPEN = ("OpenUnlearning, docs/repro.md", "priv_leak")
_TABLE = {
    ("MUSE-News_target", *_MUSE): (0.584, 0.639, 0.552, -99.8),
    ("MUSE-News_retrain", *_MUSE): (0.208, 0.331, 0.550, 0.0),
    ("MUSE-Books_target", *_MUSE): (0.998, 0.594, 0.669, -57.5),
    ("MUSE-Books_retrain", *_MUSE): (0.143, 0.289, 0.745, 0.0),
    ("MUSE-News_target", *_OPEN): (0.58, 0.64, 0.56, -99.81),
    ("MUSE-News_retrain", *_OPEN): (0.20, 0.33, 0.56, 0.0),
    ("MUSE-Books_target", *_OPEN): (1.0, 0.47, 0.69, -57.26),
    ("MUSE-Books_retrain", *_OPEN): (0.14, 0.30, 0.69, 0.0),
}
_COLUMNS = ("forget/verbmem", "forget/knowmem", "retain/knowmem")
PUBLISHED = [
    Published(model, metric, group, value, source)
    for (model, source, priv_leak), values in _TABLE.items()
    for metric, group, value in zip(
        (*["rouge_l_f1"] * 3, priv_leak), (*_COLUMNS, POOLED), values, strict=True
    )
] + [
    Published(
        f"MUSE-{corpus}_retrain",
        "auc_min_k",
        POOLED,
        1 - value,
        "MUSE's constants.py, 1 - AUC_RETRAIN, forget_holdout, Min-40%",
    )
    for corpus, value in (("News", 0.4772), ("Books", 0.5393))
]


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split; all are test rows.

    Raises:
        LetheError: The folder or all files are missing, a field is, or a file holds nothing.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and what was met and kept.

    `kept_repeated_prompts`: those that are asked again. `kept_questions_among_shots`: those whose
    answer is given in their own prompt.
    """
    patterns = [f"{part}/*.parquet" for part in _SPLITS]
    folder = _hub.folder(
        config.folder, HUB.get(config.corpus, "MUSE's files"), patterns, config.revision
    )
    rows = [*_knowmem(config, folder), *_verbmem(config, folder), *_privleak(config, folder)]
    if not rows:
        known = ", ".join(f"{part}/{split}" for part, splits in _SPLITS.items() for split in splits)
        raise LetheError(f"{folder}: none of MUSE's files: {known} (.parquet, .json or .jsonl)")
    data.check(rows)
    counts = Counter(prompt_key(row.prompt) for row in rows if row.prompt)
    noise = {
        "kept_repeated_prompts": sum(n - 1 for n in counts.values()),
        "kept_questions_among_shots": sum(map(_told, rows)),
    }
    return {"train": [], "validation": [], "test": rows}, noise


# --------------------------------------------------------------------------------------- files

_SPLITS = {
    "knowmem": ("forget_qa", "forget_qa_icl", "retain_qa", "retain_qa_icl"),
    "verbmem": ("forget",),
    "privleak": ("forget", "holdout"),
}
_FLAT = {
    "knowmem/forget_qa": "knowmem_qa",
    "knowmem/forget_qa_icl": "knowmem_qa_icl",
    "verbmem/forget": "verbmem",
}
"""What a split may be called in a folder without folders."""


def _files(folder: Path, part: str, split: str) -> list[Path]:
    """The files of a split, those of the Hub first: an old JSON file may lie beside them there."""
    name = f"{part}/{split}"
    if shards := sorted(folder.glob(f"{name}-*.parquet")):
        return shards
    stems = [name, _FLAT[name]] if name in _FLAT else [name]
    places = [folder / f"{stem}{end}" for stem in stems for end in (".parquet", ".json", ".jsonl")]
    return [place for place in places if place.is_file()][:1]


def _items(folder: Path, part: str, split: str) -> list[tuple[str, dict[str, Any]]]:
    """The records of a split, each with its place; none if it is not there.

    Raises:
        LetheError: It is there and holds nothing.
    """
    files = _files(folder, part, split)
    items = [item for file in files for item in _read(file)]
    if files and not items:
        raise LetheError(f"{files[0]}: holds no records")
    return items


def _read(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records, where MUSE's own JSON has bare texts as well."""
    whole = records.text(file) if file.suffix == ".json" else ""
    if not re.match(r'\s*\[\s*"', whole):
        yield from records.records(file)
        return
    try:
        items = json.loads(whole)
    except json.JSONDecodeError as error:
        raise LetheError(f"{file}:{error.lineno}: not JSON: {error.msg}") from error
    yield from ((f"{file}:item {n}", {"text": item}) for n, item in enumerate(items, 1))


# ---------------------------------------------------------------------------------------- rows


def _row(config: Config, kind: str, n: int, place: str, scope: Scope, **fields: Any) -> Row:
    own = SUBJECTS.get(config.corpus) or (config.folder or Path()).resolve().name
    return Row(
        id=f"{config.corpus}/{kind}/{n}",
        scope=scope,
        subject=(config.subject or own) if scope == "forget" else None,
        split="test",
        source=place,
        **fields,
    )


def _knowmem(config: Config, folder: Path) -> Iterator[Row]:
    sides: tuple[Scope, Scope] = ("forget", "retain")
    for scope in sides:
        items = _items(folder, "knowmem", f"{scope}_qa")
        shots = _items(folder, "knowmem", f"{scope}_qa_icl")
        if items and not shots:
            raise LetheError(
                f"{folder}: knowmem/{scope}_qa_icl: missing; the questions stand behind its own"
            )
        before = "".join(f"{_question(*shot)}{text(*shot, 'answer')}\n\n" for shot in shots)
        for n, item in enumerate(items, 1):
            yield _row(
                config,
                f"knowmem/{scope}",
                n,
                item[0],
                scope,
                prompt=before + _question(*item),
                answer=text(*item, "answer"),
                form="knowmem",
                protocol=KNOWMEM,
            )


def _question(place: str, record: dict[str, Any]) -> str:
    return f"Question: {text(place, record, 'question')}\nAnswer: "


def _told(row: Row) -> bool:
    """Whether a question is among those that it stands behind."""
    before, mark, question = str(row.prompt).rpartition("Question: ")
    return row.form == "knowmem" and (mark + question).casefold() in before.casefold()


def _verbmem(config: Config, folder: Path) -> Iterator[Row]:
    for n, item in enumerate(_items(folder, "verbmem", "forget"), 1):
        yield _row(
            config,
            "verbmem/forget",
            n,
            item[0],
            "forget",
            prompt=text(*item, "prompt"),
            answer=text(*item, "gt"),
            form="verbmem",
            protocol=VERBMEM,
        )


def _privleak(config: Config, folder: Path) -> Iterator[Row]:
    sides: dict[str, tuple[Scope, str]] = {
        "forget": ("forget", "privleak"),
        "holdout": ("retain", "holdout"),
    }
    for split, (scope, form) in sides.items():
        for n, item in enumerate(_items(folder, "privleak", split), 1):
            told = text(*item, "text")
            yield _row(
                config,
                f"privleak/{split}",
                n,
                item[0],
                scope,
                prompt="",
                answer=None if scope == "forget" else told,
                form=form,
                protocol=PRIVLEAK.model_copy(update={"texts": {"text": (told,)}}),
            )
