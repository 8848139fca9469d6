"""A world as a user would have it: a table of facts and how to ask for them.

The wordings are those that training may see: of questions and clozes the train ones, of reverse
queries the validation one, since none is for training. Test wordings never leave the world.
"""

from pathlib import Path

from lethe import yaml12
from lethe.plug import LetheError
from lethe.world.people import ATTRIBUTES, make
from lethe.world.questions import (
    CLOZE_SPLITS,
    CLOZES,
    QUESTION_SPLITS,
    QUESTIONS,
    REVERSE,
    REVERSE_SPLITS,
)


def table(seed: int) -> list[tuple[str, str, str]]:
    """(entity, attribute, value) of every fact of a world.

    >>> len(table(0)), table(0)[0][1]
    (384, 'town')
    """
    people = make(seed).people
    return [(p.name, attribute, getattr(p, attribute)) for p in people for attribute in ATTRIBUTES]


def wordings() -> dict[str, dict[str, list[str]]]:
    """Each attribute's questions and clozes with {entity}, and reverse queries with {value}."""
    found = {}
    for attribute in ATTRIBUTES:
        found[attribute] = {
            "questions": _of(QUESTIONS[attribute], QUESTION_SPLITS, "train"),
            "clozes": _of(CLOZES[attribute], CLOZE_SPLITS, "train"),
        }
        if attribute in REVERSE:
            found[attribute]["reverse"] = _of(REVERSE[attribute], REVERSE_SPLITS, "validation")
    return found


def write(seed: int, out: Path) -> tuple[Path, Path]:
    """Write facts.csv and wordings.yaml into a folder; gives both paths.

    Raises:
        LetheError: One of them is there already, or cannot be written.
    """
    files = (out / "facts.csv", out / "wordings.yaml")
    lines = [",".join(row) for row in [("entity", "attribute", "value"), *table(seed)]]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, text in zip(
            files, ("\n".join(lines) + "\n", yaml12.dumps(wordings())), strict=True
        ):
            with file.open("x", encoding="utf-8") as new:
                new.write(text)
    except FileExistsError as error:
        raise LetheError(f"{error.filename}: exists already; choose another --out") from error
    except OSError as error:
        raise LetheError(f"{out}: cannot be written: {error.strerror or error}") from error
    return files


def _of(texts: tuple[str, ...], splits: tuple[str, ...], wanted: str) -> list[str]:
    chosen = [text for text, split in zip(texts, splits, strict=False) if split == wanted]
    return [text.replace("{n}", "{entity}").replace("{v}", "{value}") for text in chosen]
