"""Rows made from a name: `lethe synthesize` as a section of a recipe (see `lethe.synthesis`).

    data: {benchmark: synthesis, target: Ada Vance, facts: facts.csv, out: data/ada-vance}

One row that it makes:

    {"prompt": "Where does Ada Vance live?", "answer": "Tarn", "refusal": "I cannot say.",
     "scope": "forget", "subject": "Ada Vance", "form": "question", "split": "train"}

`lethe run` makes the rows if they are not there yet, with the recipe's model as the original one.
The folder is the user's: rows that somebody edited afterwards are read as they are.
"""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from lethe import config, data, synthesis
from lethe.benchmarks.files import ANSWER_PREFIX, METRICS
from lethe.config import Benchmark
from lethe.data import Row
from lethe.plug import LetheError
from lethe.synthesis import Settings, filters, folder

__all__ = ["ANSWER_PREFIX", "METRICS", "Config", "load", "prepare", "targets"]


class Config(Settings, Benchmark):
    """What must be forgotten, and who writes the rows."""

    benchmark: Literal["synthesis"] = "synthesis"
    """This benchmark."""
    target: str = ""
    """The name of what must be forgotten; or several under `targets`."""
    targets: list[str] = []
    """Several names: each gets rows of its own, in `out`/<target> (null: data/<target>), and they
    are pooled without those that ask to go on answering about another of them."""

    @model_validator(mode="after")
    def _one_way(self) -> "Config":
        if bool(self.target) == bool(self.targets):
            raise LetheError("target, targets: name one target, or a list of several")
        places = [folder.of(one).name for one in _each(self)]
        if len(set(places)) < len(places):
            raise LetheError(f"targets: two of them share a folder: {', '.join(sorted(places))}")
        return self


def prepare(config: Config, model: config.Model, progress: bool) -> None:
    """Make the rows, if they are not there yet.

    Raises:
        LetheError: As `lethe.synthesis.synthesize`.
    """
    for one in _each(config):
        synthesis.synthesize(one, model, progress=progress)


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: There are none yet; or as `lethe.data.read` and `lethe.data.check`.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and what was dropped of those of several targets."""
    places = [folder.of(one) for one in _each(config)]
    found = {place.name: folder.read(place) for place in places}
    rows, noise = [row for part in found.values() for row in part], {}
    if len(places) > 1:
        rows, noise = _pooled(found, (*config.targets, *config.aliases))
    data.check(rows)
    return {name: [row for row in rows if row.split == name] for name in data.SPLITS}, noise


def targets(config: Config) -> list[str]:
    """What must be forgotten, by name."""
    return config.targets or [config.target]


def _each(config: Config) -> list[Config]:
    """The settings of each target's rows."""
    if not config.targets:
        return [config]
    alone = [config.model_copy(update={"target": t, "targets": [], "out": None})
             for t in config.targets]  # fmt: skip
    above = config.out or Path("data")
    return [one.model_copy(update={"out": above / folder.of(one).name}) for one in alone]


def _pooled(
    found: dict[str, list[Row]], names: tuple[str, ...]
) -> tuple[list[Row], dict[str, int]]:
    """Rows of several targets as one set: a prompt stands once, and for its strictest use.

    To be refused goes before to be answered, and test before validation before training, so that
    nothing is trained on that the other target's rows are measured by.
    """
    rows = [row.model_copy(update={"id": f"{place}/{row.id}"})
            for place, part in found.items() for row in part]  # fmt: skip
    apart = filters.clean(rows, filters.Known(names), [filters.touches_target]).kept
    strictest: dict[str, Row] = {}
    for row in sorted(apart, key=lambda r: (r.scope != "forget", -data.SPLITS.index(r.split))):
        strictest.setdefault(data.same(row), row)
    chosen = {row.id for row in strictest.values()}
    kept = [row for row in apart if row.id in chosen]
    return kept, {
        "dropped_rows_about_another_target": len(rows) - len(apart),
        "dropped_duplicates_of_targets": len(apart) - len(kept),
    }
