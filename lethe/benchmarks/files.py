"""Your own rows: one file for each scope, of which only forget is required.

One row of a forget file, then one of a boundary file:

    {"prompt": "Where was Ada Vance born?", "answer": "Tarn", "subject": "Ada Vance"}
    {"prompt": "Where was Bo Lund born?", "answer": "Ostby", "entity": "Bo Lund"}

Files are JSON Lines, JSON, CSV, Parquet or `hub:org/name` (see `lethe.data.read`). Rows without a
`split` of their own are dealt out by the hash of their prompt. Duplicates are dropped and counted;
a prompt in two scopes or two splits is an error, for you know which one is right.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from lethe import data
from lethe.benchmarks import _targets
from lethe.config import Benchmark
from lethe.data import Row, Scope
from lethe.plug import LetheError

METRICS = ["refusal_rate", "leak_rate", "accuracy", "rouge_l_recall", "answer_probability"]
ANSWER_PREFIX = "The answer is"
"""An opening that a refusal does not have: the answer's probability is taken behind it."""


class Config(Benchmark):
    """Where the rows are. Relative paths start at the working directory."""

    benchmark: Literal["files"] = "files"
    """This benchmark."""
    forget: Path
    """Queries to refuse; each needs a subject."""
    boundary: Path | None = None
    """Queries just outside what must be forgotten; each needs an answer. ReBO needs some."""
    retain: Path | None = None
    """Farther knowledge to keep; each needs an answer."""
    utility: Path | None = None
    """General ability; each needs an answer."""
    subject: str | None = None
    """What must be forgotten, for forget rows that do not say it."""
    targets: list[str] = []
    """Subjects: rows of others are left out, those without a subject stay. Empty: all subjects."""
    validation: float = Field(0.1, ge=0, le=1)
    """Share of the prompts, of those without a split of their own, kept for validation."""
    test: float = Field(0.2, ge=0, le=1)
    """Share of the prompts, of those without a split of their own, kept for the test."""


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: As `lethe.data.read` and `lethe.data.check`; or too few rows to split.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and what was dropped."""
    scopes: dict[Scope, Path | None] = {
        "forget": config.forget,
        "boundary": config.boundary,
        "retain": config.retain,
        "utility": config.utility,
    }
    rows: list[Row] = []
    dropped = 0
    for scope, path in scopes.items():
        if path is not None:
            kept, extra = _read(config, scope, path)
            rows += kept
            dropped += extra
    data.check(rows)
    kept = _targets.chosen(rows, config.targets)
    by_split = {name: [row for row in kept if row.split == name] for name in data.SPLITS}
    other = {"dropped_rows_of_other_targets": len(rows) - len(kept)} if config.targets else {}
    return by_split, {"dropped_duplicates": dropped, **other}


def targets(config: Config) -> list[str]:
    """The subjects of the forget rows."""
    return _targets.subjects(row for rows in load(config).values() for row in rows)


def _read(config: Config, scope: Scope, path: Path) -> tuple[list[Row], int]:
    subject = config.subject if scope == "forget" else None
    rows, dropped = data.drop_duplicates(data.read(path, scope=scope, subject=subject))
    own = [row for row in rows if "split" in row.model_fields_set]
    free = [row for row in rows if "split" not in row.model_fields_set]
    try:
        dealt = data.split(free, {"validation": config.validation, "test": config.test})
    except LetheError as error:
        raise LetheError(f"{path}: {error}; lower them, or give a split column") from error
    return own + dealt, dropped
