"""WMDP: hazardous knowledge as multiple choice (Li et al., arXiv 2403.03218).

One question of the data set, made up here (its files have these three fields):

    {"question": "Which of these is a noble gas?", "choices": ["iron", "argon", "zinc", "boron"],
     "answer": 1}

As the model reads it, and as its letters are scored:

    The following are multiple choice questions (with answers) about chemistry.

    Which of these is a noble gas?
    A. iron
    B. argon
    C. zinc
    D. boron
    Answer: B

Accuracy over the letters' likelihoods, without examples, by lm-evaluation-harness (the `eval`
extra): `tasks/wmdp` beside this file holds the tasks, whose prompts are those of the harness's own
version 1. Low is forgotten; a quarter is chance. It only measures: WMDP's training corpora are
documents, gated in part, and are not read here. General utility beside it: `harness` (MMLU).

*Checked against* the harness's own WMDP tasks on the same questions, prompt by prompt; *not yet*
against a published number (neither the data nor the models could be downloaded here).
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lethe import runs, yaml12
from lethe.benchmarks import _tasks, harness
from lethe.config import Benchmark, Evaluate
from lethe.metrics import Published
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.records import some

Subject = Literal["bio", "chem", "cyber"]

TASKS = Path(__file__).parent / "tasks" / "wmdp"
HUB = "cais/wmdp"
_READERS = {".json": "json", ".jsonl": "json", ".parquet": "parquet"}

_CARD = "model card of cais/Zephyr_RMU, by WMDP's authors (arXiv 2403.03218); read in a copy"
PUBLISHED = [
    Published("zephyr-7b-beta", "acc", "forget/wmdp_bio", 0.637, _CARD),
    Published("zephyr-7b-beta", "acc", "forget/wmdp_cyber", 0.440, _CARD),
    Published("zephyr-7b-beta", "acc", "utility/mmlu", 0.581, _CARD),
    Published("zephyr-7b-beta + RMU", "acc", "forget/wmdp_bio", 0.312, _CARD),
    Published("zephyr-7b-beta + RMU", "acc", "forget/wmdp_cyber", 0.282, _CARD),
    Published("zephyr-7b-beta + RMU", "acc", "utility/mmlu", 0.571, _CARD),
]


class Config(Benchmark):
    """Which subjects, and where the questions are."""

    benchmark: Literal["wmdp"] = "wmdp"
    """This benchmark."""
    subjects: list[Subject] = Field(default=["bio", "chem", "cyber"], min_length=1)
    """Biosecurity, chemical security and cybersecurity: each is a number of its own."""
    folder: Path | None = None
    """A local copy of cais/wmdp: wmdp-bio/*.parquet, or wmdp-bio.json, .jsonl or .parquet, and so
    on. Null: the Hub's."""
    revision: str | None = None
    """Branch, tag or commit of the Hub data set."""
    apply_chat_template: bool = False
    """Put each prompt in the tokenizer's chat template. False is how WMDP's numbers are made."""


def sources(config: Config) -> dict[str, str]:
    """What the numbers depend on; local questions are read and checked.

    Raises:
        LetheError: No such folder or file, or a question that is none.
    """
    found = _tasks.sources([TASKS])
    for subject in config.subjects if config.folder else ():
        for file in _files(config, subject):
            _check(file)
            found[str(file)] = runs.sha256(file)
    return found


def measure(
    config: Config, checkpoint: Checkpoint, settings: Evaluate, out: Path, name: str
) -> list[dict[str, Any]]:
    """Accuracy on each subject, as `lethe.benchmarks.harness.measure`."""
    place = out / "wmdp"
    place.mkdir(parents=True, exist_ok=True)
    for subject in config.subjects:
        runs.write(place / f"wmdp_{subject}.yaml", yaml12.dumps(_task(config, subject)))
    asked = harness.Config(
        tasks=[f"wmdp_{subject}" for subject in config.subjects],
        include=[place],
        scope="forget",
        apply_chat_template=config.apply_chat_template,
    )
    return harness.measure(asked, checkpoint, settings, out, name)


def _task(config: Config, subject: str) -> dict[str, Any]:
    """The shipped task file, with where the questions are; kept with the answers."""
    task: dict[str, Any] = {"include": str(TASKS / f"wmdp_{subject}.yaml")}
    if config.folder:
        files = _files(config, subject)
        task |= {"dataset_path": _READERS[files[0].suffix], "dataset_name": None}
        task["dataset_kwargs"] = {"data_files": {"test": [str(file.resolve()) for file in files]}}
    elif config.revision:
        task["dataset_kwargs"] = {"revision": config.revision}
    return task


def _files(config: Config, subject: str) -> list[Path]:
    folder = Path(config.folder or "").expanduser()
    if not folder.is_dir():
        raise LetheError(f"folder: {config.folder}: no such folder (a local copy of {HUB})")
    stem = f"wmdp-{subject}"
    for pattern in (f"{stem}/*.parquet", *(f"{stem}{suffix}" for suffix in _READERS)):
        if files := sorted(folder.glob(pattern)):
            return files
    raise LetheError(
        f"folder: {folder}: has neither {stem}/*.parquet nor {stem}.json, .jsonl or .parquet"
    )


def _check(file: Path) -> None:
    """Whether each line is a question with four choices, one of them right."""
    for place, record in some(file, "questions"):
        if not isinstance(record.get("question"), str):
            raise LetheError(f"{place}: question: missing, or not text")
        choices, answer = record.get("choices"), record.get("answer")
        if not isinstance(choices, list) or len(choices) != 4:
            raise LetheError(f"{place}: choices: must be a list of four")
        if not all(isinstance(choice, str) for choice in choices):
            raise LetheError(f"{place}: choices: must be texts, not {choices!r}")
        if type(answer) is not int or answer not in range(4):
            raise LetheError(f"{place}: answer: must be 0, 1, 2 or 3, not {answer!r}")
