"""Relearning: how much comes back after a little fine-tuning on some of the facts.

The facts of the forget rows (a fact is one subject's one answer) are cut in two by the seed. The
model is fine-tuned on the train rows of the one part, with their true answers, and then asked the
test questions about the other part; a question whose answer a lesson tells is not asked. What it
tells of them was hidden, not erased. Source: relearning on held-out facts, Deeb and Roger, arXiv
2410.08827; 20 steps as in Hu et al., arXiv 2406.13356. What it does not show: that nothing is left
where nothing comes back.
"""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from lethe.config import Attack, Evaluate
from lethe.data import Answered, Row, prompt_key
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.refusal import contains
from lethe.rewards._columns import as_text
from lethe.stages._method import Method
from lethe.stages._micro import spread

METRIC = "leak_rate"


class Config(Attack):
    """A little fine-tuning on a part of the facts."""

    attack: Literal["relearn"] = "relearn"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This attack."""
    share: float = Field(default=0.25, gt=0, lt=1)
    """Share of the facts that the attacker is given."""
    steps: int = Field(default=20, ge=1)
    """Optimiser steps."""
    batch_size: int = Field(default=8, ge=1)
    """Rows in a step."""
    learning_rate: float = Field(default=1e-5, gt=0)
    """AdamW's, constant."""


def validate(config: Config, rows: Sequence[Row], seed: int, where: str) -> None:
    """Raise LetheError when no facts can be given, or none would be left to ask for."""
    spread(config.batch_size, None, where)
    given, held_out = parts(config, rows, seed)
    if not given or not held_out:
        raise LetheError(
            f"{where}: {len(given)} train rows of the facts to give and {len(held_out)} test "
            f"questions about the rest; it needs forget rows of several facts with an `answer`, "
            "some to train and some to test"
        )


def parts(config: Config, rows: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """The train rows that the attacker is given, and the test questions about all other facts.

    Args:
        config: `share`.
        rows: Rows of all splits.
        seed: Of the cut; facts that no train row tells cannot be given.
    """
    known = [row for row in rows if row.scope == "forget" and row.answer]
    tellable = sorted({_fact(row) for row in known if row.split == "train"})
    count = max(1, round(config.share * len({_fact(row) for row in known})))
    given = set(random.Random(f"relearn {seed}").sample(tellable, min(count, len(tellable))))
    lessons = [row for row in known if row.split == "train" and _fact(row) in given]
    asked = [
        row
        for row in known
        if row.split == "test" and row.form == "question" and _fact(row) not in given
    ]
    told = [as_text(row.prompt) for row in lessons]
    given_texts = [text for row in lessons for text in _answers(row)]
    return lessons, [row for row in asked if not _told(row, told, given_texts)]


def method(config: Config, lessons: int) -> Method:
    """The fine-tuning, as an offline method on so many rows."""
    passes = -(-lessons // config.batch_size)
    return Method(
        stage="relearn",
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        epochs=-(-config.steps // passes),
        schedule="constant",
        warmup=0.0,
        select="last",
        eval_rows=0,
        trainer={"max_steps": config.steps},
    )


def _told(row: Row, prompts: Sequence[str], given: Sequence[str]) -> bool:
    """Whether a lesson tells the row's answer in any of its forms, or a part of it."""
    return any(
        any(contains(prompt, text) for prompt in prompts)
        or any(contains(one, text) or contains(text, one) for one in given)
        for text in _answers(row)
    )


def _answers(row: Row) -> list[str]:
    return [row.answer or "", *row.aliases]


def _fact(row: Row) -> tuple[str, str]:
    return row.subject or "", prompt_key(row.answer or "")


def run(
    config: Config,
    model: Checkpoint,
    rows: Sequence[Row],
    out: Path,
    seed: int,
    settings: Evaluate,
) -> list[Answered]:
    """Relearn, and ask.

    Args:
        config: Settings.
        model: The model to attack; its folder is not touched.
        rows: Rows of all splits.
        out: A folder to work in.
        seed: Of the cut of the facts and of the order of rows.
        settings: How the attacked model is asked.

    Returns:
        The test questions about the facts that were not given, answered.
    """
    from lethe import process, recorder
    from lethe.stages import _offline
    from lethe.stages.task_vector import loss

    lessons, asked = parts(config, rows, seed)
    start = Checkpoint(model.path, model.path, model.spec)
    _offline.fit(method(config, len(lessons)), start, {"train": lessons}, out, seed, loss)
    attacked = Checkpoint(str(out / "model"), model.original, model.spec)
    once = settings.model_copy(update={"samples": 0})  # nobody reads draws of the attacked model
    answered = recorder.record(attacked, asked, once, name="relearn", prefix="")
    process.barrier()  # all have read it
    if process.first():
        shutil.rmtree(out / "model")
    return answered
