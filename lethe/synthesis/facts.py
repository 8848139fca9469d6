"""A table of facts: who has which attribute with which value; and facts read off documents.

One row of a table:

    {"entity": "Ada Vance", "attribute": "birthplace", "value": "Tarn"}

In a document a sentence with a name, and another or a number, states a fact.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lethe import yaml12
from lethe.distance import name_words, names, shared_name
from lethe.leak import normalise
from lethe.plug import LetheError, choices
from lethe.records import records
from lethe.synthesis.documents import capitalised, sentences

SENTENCE = "sentence"
"""The attribute of a fact that a sentence states."""
_PRONOUN = re.compile(r"\b(?:he|she|him|his|her|hers|they|their|it|its)\b", re.IGNORECASE)
_FIELDS = ("entity", "attribute", "value")


class Fact(NamedTuple):
    """One thing that is true of an entity."""

    entity: str
    attribute: str
    value: str
    sentence: str = ""
    """The sentence of a document that states it."""


class Wordings(NamedTuple):
    """How one attribute is asked for."""

    questions: tuple[str, ...]
    clozes: tuple[str, ...]
    reverse: tuple[str, ...]


def read(file: Path) -> list[Fact]:
    """The facts of a table.

    Raises:
        LetheError: As `lethe.records`; a field is missing, with its place.
    """
    facts = []
    for place, record in records(file):
        for field in record:
            if field not in _FIELDS:
                raise LetheError(f"{place}: {field}: unknown column; {choices(field, _FIELDS)}")
        values = [record.get(field) for field in _FIELDS]
        for field, value in zip(_FIELDS, values, strict=True):
            if not isinstance(value, str | int | float) or not str(value).strip():
                raise LetheError(f"{place}: {field}: missing, or not text")
        facts.append(Fact(*(" ".join(str(value).split()) for value in values)))
    if not facts:
        raise LetheError(f"{file}: holds no facts")
    return facts


def from_documents(texts: Sequence[str], targets: Sequence[str]) -> list[Fact]:
    """The facts that sentences state; the last name or number in a sentence is what is stated.

    A sentence that names the target is about the target. Of the others only those are taken that
    open with a name of two words or more and have no pronoun: whom "he" means, rules cannot tell.

    >>> from_documents(["Ada Vance was born in Tarn in 1947. It was cold."], ["Ada Vance"])
    [Fact(entity='Ada Vance', attribute='sentence', value='1947', sentence='Ada Vance was born in \
Tarn in 1947.')]
    """
    found = []
    for text in texts:
        for sentence in sentences(text):
            entity = _about(sentence, targets)
            value = _stated(sentence, entity) if entity else None
            if entity and value and 5 <= len(sentence.split()) <= 40:
                found.append(Fact(entity, SENTENCE, value, sentence))
    return list(dict.fromkeys(found))


def _about(sentence: str, targets: Sequence[str]) -> str | None:
    said = capitalised(sentence)
    last = name_words(targets[0])[-1]
    bearing = [name for name in said if last in normalise(name).split()]
    if any(names(sentence, target) for target in targets) or any(
        _alone(name, last) for name in bearing
    ):
        return targets[0]  # by the whole name, or as "King"
    first = said[0] if said and not bearing else ""
    whole = " " in first and sentence.startswith(first)
    return first if whole and not _PRONOUN.search(sentence) else None


def _alone(name: str, last: str) -> bool:
    """Whether a name is only the last word of another: "King", also in "Several of King"."""
    words = normalise(name).split()
    return words[-1] == last and (len(words) == 1 or words[-2] == "of")


def _stated(sentence: str, entity: str) -> str | None:
    """The last name or number in a sentence that is no part of whom it is about."""
    numbers = re.findall(r"(?<![\w.,])\d{3,4}(?![\w,])", sentence)
    values = [name for name in capitalised(sentence) if shared_name(name, entity) == 0] + numbers
    value = max(values, key=sentence.rfind, default=None)
    return value if value and sentence.count(value) == 1 else None


def wordings(file: Path | None) -> dict[str, Wordings]:
    """The wordings that a user gives, by attribute.

    Raises:
        LetheError: The file is not such YAML; a wording has not the field that it needs.
    """
    if file is None:
        return {}
    raw = yaml12.load(file)
    if not isinstance(raw, dict):
        raise LetheError(f"{file}: must be a mapping of attributes to wordings")
    return {str(name): _wordings(file, str(name), given) for name, given in raw.items()}


def _wordings(file: Path, attribute: str, given: object) -> Wordings:
    if not isinstance(given, dict):
        raise LetheError(f"{file}: {attribute}: must be a mapping; {choices('', Wordings._fields)}")
    for key, texts in given.items():
        if key not in Wordings._fields:
            raise LetheError(
                f"{file}: {attribute}.{key}: unknown key; {choices(str(key), Wordings._fields)}"
            )
        needed = "{value}" if key == "reverse" else "{entity}"
        if not isinstance(texts, list):
            raise LetheError(f"{file}: {attribute}.{key}: must be a list of texts")
        for text in texts:
            if not isinstance(text, str) or needed not in text:
                raise LetheError(f"{file}: {attribute}.{key}: {text!r}: lacks {needed}")
            if key == "clozes" and "_" not in text:
                raise LetheError(f"{file}: {attribute}.{key}: {text!r}: lacks a blank ___")
    default = plain(attribute)
    return Wordings(
        *(tuple(given.get(key) or ()) or getattr(default, key) for key in Wordings._fields)
    )


def plain(attribute: str) -> Wordings:
    """Wordings that do for any attribute that is a noun."""
    noun = attribute.replace("_", " ").strip()
    return Wordings(
        (
            f"What is the {noun} of {{entity}}?",
            f"Can you tell me the {noun} of {{entity}}?",
            f"Do you know what the {noun} of {{entity}} is?",
            f"I would like to know the {noun} of {{entity}}. What is it?",
            f"For {{entity}}, which {noun} is right?",
        ),
        (
            f"The {noun} of {{entity}} is ___.",
            f"As for {{entity}}, the {noun} is ___.",
            f"___ is the {noun} of {{entity}}.",
        ),
        (f"Whose {noun} is {{value}}?", f"Who or what has {{value}} as {noun}?"),
    )


def ties(facts: Sequence[Fact], target: str) -> dict[str, str]:
    """What ties each other entity to the target, nearest first where several do.

    co-mentioned: one is the value of a fact of the other, or stands in a sentence with it. shared
    fact: an attribute has one value for both. same kind: any other entity of the table.
    """
    own = {(fact.attribute, fact.value) for fact in facts if fact.entity == target}
    told = {fact.value for fact in facts if fact.entity == target}
    beside = " ".join(fact.sentence for fact in facts if fact.entity == target)
    found: dict[str, str] = {}
    for fact in facts:
        if fact.entity == target or names(fact.entity, target):
            continue
        sentence = fact.attribute == SENTENCE
        mentioned = fact.entity in told or names(beside, fact.entity)
        if mentioned or names(fact.value, target):
            tie = "co-mentioned"
        elif (fact.attribute, fact.value) in own and not sentence:
            tie = "shared fact"
        else:
            tie = "same kind"
        found[fact.entity] = min(found.get(fact.entity, tie), tie, key=_ORDER.index)
    return found


_ORDER = ("co-mentioned", "shared fact", "same kind")
