"""Plain documents: sentences, the names in them, and passages about somebody.

Rules for scripts with capital letters; other scripts give sentences but no names. Documents are
read as UTF-8 text (.txt, .md), or as rows with a `text` field (see `lethe.records`).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from pathlib import Path

from lethe import records
from lethe.plug import LetheError

PASSAGE = 1200


def read(paths: Sequence[Path]) -> list[str]:
    """The texts of files.

    Raises:
        LetheError: A file is missing, no UTF-8, empty, or a row has no `text`.
    """
    return [text for path in paths for text in _texts(path)]


def _texts(path: Path) -> Iterator[str]:
    if path.suffix.lower() not in (".txt", ".md"):
        for place, record in records.records(path):
            if not isinstance(record.get("text"), str) or not record["text"].strip():
                raise LetheError(f"{place}: text: missing, or not text")
            yield record["text"]
        return
    text = records.text(path)
    if not text.strip():
        raise LetheError(f"{path}: is empty")
    yield text


def sentences(text: str) -> list[str]:
    r"""The sentences of a text; a line break inside a paragraph is a space.

    >>> sentences("J. R. King was born in St. Ives. He wrote\nCarrie! And more")
    ['J. R. King was born in St. Ives.', 'He wrote Carrie!', 'And more']
    """
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        start, flat = 0, " ".join(paragraph.split())
        for end in _END.finditer(flat):
            if not _ABBREVIATION.search(flat[start : end.start() + 1]):
                found.append(flat[start : end.end()].strip())
                start = end.end()
        found.append(flat[start:].strip())
    return [sentence for sentence in found if sentence]


def capitalised(text: str) -> list[str]:
    """The names in a text: runs of capitalised words, but not a plain word that opens a sentence.

    >>> capitalised("In 1974 Stephen King wrote Carrie. He met Tabitha Spruce in Orono, Maine.")
    ['Stephen King', 'Carrie', 'Tabitha Spruce', 'Orono', 'Maine']
    """
    found = []
    for run in _RUN.finditer(text):
        words = run.group().split()
        if _opens(text, run):
            words = list(dropwhile(lambda word: re.split("['’]", word)[0].lower() in PLAIN, words))
        if words:
            found.append(re.sub(r"['’]s?$", "", " ".join(words)))
    return list(dict.fromkeys(found))


def passages(texts: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Stretches of about `PASSAGE` characters, whole sentences, those that hold a name first.

    Args:
        texts: The documents.
        wanted: Names; a passage with more of them comes earlier.
    """
    found, here = [], ""
    for text in texts:
        for sentence in sentences(text):
            if here and len(here) + len(sentence) > PASSAGE:
                found.append(here)
                here = ""
            here = f"{here} {sentence}".strip()[: 2 * PASSAGE]
        if here:
            found.append(here)
            here = ""
    found.sort(key=lambda passage: -sum(passage.count(name) for name in wanted))
    return found


_CAPITAL = r"(?:(?:[A-Z]\.)+|[A-ZÀ-ÖØ-ÞĀ-Ž\u0370-\u03ab\u0400-\u042f][\w'’-]*)"
_RUN = re.compile(rf"(?<![\w'’]){_CAPITAL}(?:\s(?:(?:of|de|von|van|der|da|al|the)\s)?{_CAPITAL})*")
_END = re.compile(r"[.!?。！？]+[\"')”’]*(?=\s+[^a-z\s]|\s*$)")
_ABBREVIATION = re.compile(
    r"(?:\b[A-Z]|\b[a-zA-Z]\.[a-zA-Z]|\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|Inc|Ltd|Co|e\.g|i\.e|etc))\.$"
)
PLAIN = frozenset(
    "a an the in on at by of to from for with as after before when while where who what which "
    "whose whom how why he she it i we you they his her its our your this that these those there "
    "and but or if is was are were did does do has had have can could will would should name tell "
    "give during since one two many most some all both no not yes although though because however "
    "please say state mention identify explain find choose complete fill guess think let "
    "describe list according under over about into".split()
)
"""Words whose capital at the opening of a sentence says nothing of a name."""


def _opens(text: str, run: re.Match[str]) -> bool:
    before = text[: run.start()].rstrip(" \"'“‘(_*")
    return not before or before[-1] in ".!?:;\n"
