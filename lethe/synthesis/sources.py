"""The files that synthesis is told of, read before anything is asked or paid."""

from pathlib import Path
from typing import Any, NamedTuple

from lethe import runs
from lethe.plug import LetheError
from lethe.records import records
from lethe.synthesis import documents, facts
from lethe.synthesis.facts import Fact, Wordings
from lethe.synthesis.settings import Settings

_PROMPT = ("prompt", "question", "query")


class Sources(NamedTuple):
    """What the files hold."""

    facts: list[Fact]
    wordings: dict[str, Wordings]
    texts: list[str]
    """Documents."""
    excluded: tuple[str, ...]
    """Prompts that must not come up."""
    hashes: dict[str, str]
    """SHA-256 of each file."""


def read(settings: Settings) -> Sources:
    """Read every file that settings name.

    Raises:
        LetheError: One is missing or not what it should be, with file, line and field.
    """
    files = [settings.facts, settings.wordings, *settings.documents, *settings.exclude]
    table = facts.read(settings.facts) if settings.facts else []
    texts = documents.read(settings.documents)
    return Sources(
        table + facts.from_documents(texts, (settings.target, *settings.aliases)),
        facts.wordings(settings.wordings),
        texts,
        tuple(prompt for file in settings.exclude for prompt in _prompts(file)),
        {str(file): runs.sha256(file) for file in files if file},
    )


def _prompts(file: Path) -> list[str]:
    return [_prompt(place, record) for place, record in records(file)]


def _prompt(place: str, record: dict[str, Any]) -> str:
    found = next((record[field] for field in _PROMPT if record.get(field)), None)
    if isinstance(found, list) and found and isinstance(found[-1], dict):
        found = found[-1].get("content")
    if not isinstance(found, str):
        raise LetheError(f"{place}: prompt: missing (or question, query), or not text")
    return found
