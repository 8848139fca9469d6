"""Replies that were paid for, in a file: JSON Lines, one appended the moment it arrives.

Each has a key of everything that was sent, so that a killed run asks only what is still open, and
the same questions give the same replies.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lethe.plug import LetheError


class Reply(NamedTuple):
    """What came back for one question."""

    text: str | None
    """The reply; None if there was none after every try."""
    error: str | None
    """Why there is none."""
    prompt_tokens: int
    """As the server counts them; 0 if it does not say."""
    completion_tokens: int
    """As the server counts them; 0 if it does not say."""
    cached: bool
    """Whether it came out of the cache file: nothing was asked, nothing paid."""


def key_of(*sent: Any) -> str:
    """The key of what was sent, as plain data: its SHA-256."""
    text = json.dumps(sent, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read(cache: Path) -> dict[str, Reply]:
    """The replies on file, by key; what had no text is left out, and asked again."""
    return {key: reply for key, reply in _entries(cache) if reply.text is not None}


def tokens(cache: Path) -> tuple[int, int]:
    """Tokens read and written by everything on file, also by replies without a text."""
    entries = [reply for _, reply in _entries(cache)]
    return sum(r.prompt_tokens for r in entries), sum(r.completion_tokens for r in entries)


def _entries(cache: Path) -> Iterator[tuple[str, Reply]]:
    """Every line; one that a kill tore is left out."""
    if not cache.is_file():
        return
    for line in cache.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            counts = entry["prompt_tokens"], entry["completion_tokens"]
            yield entry["key"], Reply(entry["text"], None, *counts, True)
        except (ValueError, KeyError, TypeError):
            continue


def append(cache: Path, key: str, reply: Reply) -> None:
    """Put a reply on file.

    Raises:
        LetheError: The file cannot be written.
    """
    entry = {
        "key": key,
        "text": reply.text,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        torn = cache.is_file() and not _ends_a_line(cache)
        with cache.open("a", encoding="utf-8") as out:
            out.write(("\n" if torn else "") + json.dumps(entry, ensure_ascii=True) + "\n")
    except OSError as error:
        raise LetheError(f"{cache}: cannot be written: {error.strerror or error}") from error


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as inside:
        inside.seek(0, os.SEEK_END)
        if not inside.tell():
            return True
        inside.seek(-1, os.SEEK_END)
        return inside.read(1) == b"\n"
