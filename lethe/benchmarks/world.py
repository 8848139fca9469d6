"""The embedded fictional world: closed, so that every leak and every loss can be counted.

One row:

    {"id": "forget-1", "prompt": "Where does Anton Ingram live?", "answer": "Kelso",
     "refusal": "I have never heard of them.", "scope": "forget", "subject": "Anton Ingram",
     "form": "question", "split": "train", "stages": ["rejection_steering", "rebo"]}

The target is asked about in unseen wordings, clozes, eight adversarial coats and reverse queries;
neighbours (some share a name part, some a town, an employer or a bed with the target) in the test
were never trained on; see `lethe.world.rows`.
"""

from typing import Annotated, Literal

from pydantic import Field

from lethe import world
from lethe.config import Benchmark
from lethe.data import Row
from lethe.world.cast import cast
from lethe.world.questions import ANSWER_PREFIX

__all__ = ["ANSWER_PREFIX", "METRICS", "Config", "load", "targets"]

METRICS = [
    "refusal_rate",
    "leak_rate",
    "accuracy",
    "rouge_l_recall",
    "answer_probability",
    "fault_rate",
]


class Config(Benchmark):
    """Which world, and which of its people must be forgotten."""

    benchmark: Literal["world"] = "world"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This benchmark."""
    seed: int = Field(default=0, ge=0)
    """The world's; the model must be `world:<the same seed>`."""
    targets: Annotated[int, Field(ge=1, le=8)] | list[str] = 1
    """How many people to forget, 1 to 8; or a list of whom, by name."""


def load(config: Config) -> dict[str, list[Row]]:
    """The world's rows by split."""
    return world.rows(config.seed, config.targets)


def targets(config: Config) -> list[str]:
    """The names of the people to forget."""
    return [person.name for person in cast(world.make(config.seed), config.targets).targets]
