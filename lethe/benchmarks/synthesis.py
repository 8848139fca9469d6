"""Rows made from a name: `lethe synthesize` as a section of a recipe (see `lethe.synthesis`).

    data: {benchmark: synthesis, target: Ada Vance, facts: facts.csv, out: data/ada-vance}

One row that it makes:

    {"prompt": "Where does Ada Vance live?", "answer": "Tarn", "refusal": "I cannot say.",
     "scope": "forget", "subject": "Ada Vance", "form": "question", "split": "train"}

`lethe run` makes the rows if they are not there yet, with the recipe's model as the original one.
The folder is the user's: rows that somebody edited afterwards are read as they are.
"""

from typing import Literal

from lethe import config, data, synthesis
from lethe.benchmarks.files import ANSWER_PREFIX, METRICS
from lethe.config import Benchmark
from lethe.data import Row
from lethe.synthesis import Settings, folder

__all__ = ["ANSWER_PREFIX", "METRICS", "Config", "load", "prepare"]


class Config(Settings, Benchmark):
    """What must be forgotten, and who writes the rows."""

    benchmark: Literal["synthesis"] = "synthesis"
    """This benchmark."""


def prepare(config: Config, model: config.Model, progress: bool) -> None:
    """Make the rows, if they are not there yet.

    Raises:
        LetheError: As `lethe.synthesis.synthesize`.
    """
    synthesis.synthesize(config, model, progress=progress)


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: There are none yet; or as `lethe.data.read` and `lethe.data.check`.
    """
    rows = folder.read(folder.of(config))
    data.check(rows)
    return {name: [row for row in rows if row.split == name] for name in data.SPLITS}
