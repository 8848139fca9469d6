"""What a generator can be asked to write, and how a chat model's reply to it is read.

A task's instructions are `prompts/<kind>.txt`; its items are plain objects with the fields of
`FIELDS`. A reply is read leniently (JSON amid other words, a list cut short), an item strictly.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

FIELDS: dict[str, tuple[str, ...]] = {
    "aspects": ("aspect",),
    "neighbours": ("name", "tie"),
    "questions": ("question", "answer", "cloze"),
    "reverse": ("of", "question"),
    "rephrase": ("of", "kind", "question"),
    "replace": ("of", "question", "answer", "cloze"),
    "boundary": ("question", "answer", "cloze"),
    "refusals": ("refusal",),
}
"""Each kind of task with the fields of its items; all are texts."""
_PROMPTS = Path(__file__).with_name("prompts")


class Task(NamedTuple):
    """One thing to write."""

    kind: str
    """A key of `FIELDS`."""
    fields: dict[str, str]
    """What the instructions leave open: target, entity, aspect, facts, passage, ..."""
    n: int
    """How many items are wanted."""
    seed: int = 0
    """Equal tasks with other seeds may be answered otherwise."""


Item = dict[str, str]


@cache
def prompt_file(kind: str) -> str:
    """The instructions of a kind."""
    return (_PROMPTS / f"{kind}.txt").read_text(encoding="utf-8")


def prompt_name(kind: str) -> str:
    """A kind with the hash of its instructions, for a row's provenance."""
    return f"{kind}@{hashlib.sha256(prompt_file(kind).encode()).hexdigest()[:8]}"


def prompt(kind: str, fields: dict[str, str]) -> list[dict[str, str]]:
    """The instructions of a kind, filled in, as a chat of one message."""
    empty = dict.fromkeys(Template(prompt_file(kind)).get_identifiers(), "")
    text = Template(prompt_file(kind)).substitute(empty | fields)
    return [{"role": "user", "content": re.sub(r"\n{3,}", "\n\n", text).strip()}]


def schema(kind: str) -> dict[str, Any]:
    """The JSON schema of a reply to a task, as strict as endpoints take it."""
    text = {"type": "string"}
    item = {
        "type": "object",
        "properties": dict.fromkeys(FIELDS[kind], text),
        "required": list(FIELDS[kind]),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": item}},
        "required": ["items"],
        "additionalProperties": False,
    }


def items(kind: str, reply: str) -> list[Item]:
    r"""The items in a reply; those that lack a field are left out.

    >>> items("aspects", 'Sure!\n{"items": [{"aspect": "prizes"}, {"asp": 1}, {"aspect": "fam')
    [{'aspect': 'prizes'}]
    """
    found = []
    for item in _objects(reply):
        values = {field: item.get(field) for field in FIELDS[kind]}
        texts = {
            field: " ".join(str(value).split())
            for field, value in values.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        }
        if len(texts) == len(values) and all(texts.values()):
            found.append(texts)
    return found


def verdict(reply: str) -> bool | None:
    """What a reply to `premise.txt` says; None if it says nothing or both.

    >>> verdict('{"sound": false}'), verdict("I think so.")
    (False, None)
    """
    said = {value for value in (item.get("sound") for item in _objects(reply)) if value in (0, 1)}
    return bool(said.pop()) if len(said) == 1 else None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every innermost JSON object in a text, also where the whole of it is no JSON."""
    decoder, start = json.JSONDecoder(), 0
    while (start := text.find("{", start)) >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        inner = value.get("items") if isinstance(value, dict) else None
        if isinstance(inner, list):
            yield from (item for item in inner if isinstance(item, dict))
        elif isinstance(value, dict):
            yield value
        start = end
