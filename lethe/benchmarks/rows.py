"""One file of rows that say their scope themselves, as a run folder's `data/` holds them.

One row:

    {"prompt": "Where was Ada Vance born?", "scope": "forget", "subject": "Ada Vance"}

Rows without a `split` are test rows: this is what `lethe evaluate --data FILE` reads. Nothing is
dropped; a prompt in two scopes or two splits is an error.
"""

from pathlib import Path
from typing import Literal

from lethe import data
from lethe.benchmarks import _targets
from lethe.benchmarks.files import ANSWER_PREFIX, METRICS
from lethe.config import Benchmark
from lethe.data import Row

__all__ = ["ANSWER_PREFIX", "METRICS", "Config", "load", "targets"]


class Config(Benchmark):
    """Which file."""

    benchmark: Literal["rows"] = "rows"
    """This benchmark."""
    path: Path
    """JSON Lines, JSON, CSV or Parquet; the columns are the fields of a row."""
    targets: list[str] = []
    """Subjects: rows of others are left out, those without a subject stay. Empty: all subjects."""


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: As `lethe.data.read` and `lethe.data.check`.
    """
    rows = data.read(config.path, split="test")
    data.check(rows)
    rows = _targets.chosen(rows, config.targets)
    return {name: [row for row in rows if row.split == name] for name in data.SPLITS}


def targets(config: Config) -> list[str]:
    """The subjects of the forget rows."""
    return _targets.subjects(row for rows in load(config).values() for row in rows)
