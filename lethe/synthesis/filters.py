"""What is wrong with a row: one pure function for each fault, in the order they are looked for.

A filter says of every row whether it has the fault. It sees rows and `Known`, never a model: what a
model was asked (is the premise sound? does it agree with itself?) is among what is known. Rules
read English best; a fault that only meaning shows goes unseen.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lethe import leak, refusal
from lethe.data import Row, prompt_key
from lethe.distance import name_words, names
from lethe.synthesis import near
from lethe.synthesis.documents import PLAIN


class Known(NamedTuple):
    """What is known besides the rows."""

    targets: tuple[str, ...] = ()
    """What must be forgotten: its name and its other names."""
    longest_answer: int = 12
    """Words of the longest reference that is still a short answer."""
    sound: Mapping[str, bool] = {}
    """By prompt key: whether a model found the premise sound."""
    agreement: Mapping[str, float] = {}
    """By prompt key: the share of a model's samples that say what its likeliest answer says."""
    least_agreement: float = 0.6
    """Below this a model disagrees with itself."""
    excluded: tuple[str, ...] = ()
    """Prompts that must not be trained on, such as a benchmark's probes."""


Filter = Callable[[Sequence[Row], Known], list[bool]]
BLANK = re.compile(r"_+(?:[ ]_+)*|\.{4,}|…{2,}")
"""The blank of a cloze."""


class Cleaned(NamedTuple):
    """The rows that are left, and those that are not, each with its fault."""

    kept: list[Row]
    rejected: list[tuple[str, Row]]

    def counts(self) -> dict[str, int]:
        """How many rows each fault cost, by name."""
        return dict(Counter(fault for fault, _ in self.rejected))


def clean(rows: Iterable[Row], known: Known, filters: Sequence[Filter] | None = None) -> Cleaned:
    """Apply filters one after the other; a row is counted under the first fault it has.

    Args:
        rows: In order; of duplicates the first is kept.
        known: What the filters need to know.
        filters: Some of `FILTERS`; None takes all.
    """
    left, rejected = list(rows), []
    for faulty in FILTERS if filters is None else filters:
        verdicts = faulty(left, known)
        rejected += [(name(faulty), row) for row, bad in zip(left, verdicts, strict=True) if bad]
        left = [row for row, bad in zip(left, verdicts, strict=True) if not bad]
    return Cleaned(left, rejected)


def name(faulty: Filter) -> str:
    """What a filter is called in logs and files.

    >>> name(FILTERS[0])
    'placeholder'
    """
    return faulty.__name__  # pyright: ignore[reportAttributeAccessIssue]


# ------------------------------------------------------------------------------ a row by itself


def placeholder(rows: Sequence[Row], known: Known) -> list[bool]:
    """Something stands there in place of a text: ACCURATE_ANSWER_HERE, [name], {entity}."""
    return [any(map(_PLACEHOLDER.search, _texts(row))) for row in rows]


def cloze_without_blank(rows: Sequence[Row], known: Known) -> list[bool]:
    """A cloze has no blank to fill."""
    return [row.form == "cloze" and not BLANK.search(_prompt(row)) for row in rows]


def several_blanks(rows: Sequence[Row], known: Known) -> list[bool]:
    """A cloze has more than one blank, so that one answer does not fill it."""
    return [row.form == "cloze" and len(BLANK.findall(_prompt(row))) > 1 for row in rows]


def cut_off(rows: Sequence[Row], known: Known) -> list[bool]:
    """A question, cloze, refusal or answer stops in mid-sentence."""
    return [
        (row.form in ("question", "cloze", "reverse") and not _ENDS.search(_prompt(row)))
        or any(_HANGS.search(text) for text in (row.refusal, row.answer) if text)
        for row in rows
    ]


def missing_answer(rows: Sequence[Row], known: Known) -> list[bool]:
    """A row that must be answered has no reference."""
    return [row.scope != "forget" and not (row.answer or "").strip() for row in rows]


def long_reference(rows: Sequence[Row], known: Known) -> list[bool]:
    """A reference that must be told is longer than a short answer."""
    return [
        row.scope != "forget" and len((row.answer or "").split()) > known.longest_answer
        for row in rows
    ]


def answer_in_question(rows: Sequence[Row], known: Known) -> list[bool]:
    """The prompt tells the answer; in a multiple choice, or a yes or no, that is no fault."""
    return [row.form in ("question", "cloze", "reverse") and _tells_answer(row) for row in rows]


def touches_target(rows: Sequence[Row], known: Known) -> list[bool]:
    """A row that must be answered names what must be forgotten, or its answer does."""
    return [row.scope != "forget" and _touches(row, known.targets) for row in rows]


def bad_refusal(rows: Sequence[Row], known: Known) -> list[bool]:
    """A refusal is none, or tells the answer, or names a target that the query does not name."""
    return [row.refusal is not None and _bad_refusal(row, known.targets) for row in rows]


def refused_reference(rows: Sequence[Row], known: Known) -> list[bool]:
    """The reference of a row that must be answered is itself a refusal."""
    return [
        row.scope != "forget" and bool(row.answer) and refusal.judge(row.answer or "").refuses
        for row in rows
    ]


def false_premise(rows: Sequence[Row], known: Known) -> list[bool]:
    """A model found that the question assumes something false."""
    return [known.sound.get(prompt_key(row.prompt)) is False for row in rows]


def disagreement(rows: Sequence[Row], known: Known) -> list[bool]:
    """The model that answered gives other answers when asked again."""
    return [
        known.agreement.get(prompt_key(row.prompt), 1.0) < known.least_agreement for row in rows
    ]


# --------------------------------------------------------------------------------- rows together


def excluded(rows: Sequence[Row], known: Known) -> list[bool]:
    """The prompt is, or is nearly, one that must not be trained on."""
    found = near.Index(near.mark(text) for text in known.excluded)
    return [found.has(near.mark(_prompt(row))) for row in rows]


def contradictory_label(rows: Sequence[Row], known: Known) -> list[bool]:
    """One prompt must be refused here and answered there; which is right nobody can tell."""
    scopes: dict[str, set[bool]] = {}
    for row in rows:
        scopes.setdefault(_key(row), set()).add(row.scope == "forget")
    return [len(scopes[_key(row)]) > 1 for row in rows]


def exact_duplicate(rows: Sequence[Row], known: Known) -> list[bool]:
    """An earlier row has the prompt, case, punctuation and articles aside."""
    seen: set[str] = set()
    return [_seen(_key(row), seen) for row in rows]


def near_duplicate(rows: Sequence[Row], known: Known) -> list[bool]:
    """An earlier row of the same scope and form has nearly the prompt: see `near`."""
    indexes: dict[tuple[str, str], near.Index] = {}
    verdicts = []
    for row in rows:
        if row.form.startswith("adversarial"):  # prompts in one coat are near whatever they ask
            verdicts.append(False)
            continue
        index = indexes.setdefault((row.scope, row.form), near.Index())
        mark = near.mark(_prompt(row))
        verdicts.append(index.has(mark))
        index.add(mark)
    return verdicts


FILTERS: tuple[Filter, ...] = (
    placeholder,
    cloze_without_blank,
    several_blanks,
    answer_in_question,
    cut_off,
    missing_answer,
    long_reference,
    touches_target,
    bad_refusal,
    refused_reference,
    false_premise,
    disagreement,
    excluded,
    contradictory_label,
    exact_duplicate,
    near_duplicate,
)

_SLOT = "name|answer|entity|target|person|subject|blank|placeholder"
_PLACEHOLDER = re.compile(
    # ACCURATE_ANSWER_HERE, in capitals; other names of constants are words of their own
    rf"(?-i:\b(?:[A-Z]+_)+(?:{_SLOT.upper()}|HERE)\b|\b(?:{_SLOT.upper()})_[A-Z_]+\b|\bTODO\b)"
    rf"|\[(?:[a-z]+[ _])?(?:{_SLOT}|insert[^\]]*)\]|<(?:[a-z]+[ _])?(?:{_SLOT})>"
    rf"|\{{(?:{_SLOT})\}}|\blorem ipsum\b|\b(?:insert|your) answer here\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:[?.!。？！؟…_][\"')”’»\]]*|[\"”’»'])\s*$")
_HANGS = re.compile(r"(?:\b(?:the|an|and|or|of|because)|[,;:–—])\s*$")
_HAS = re.compile(r"(?<![\w'’-])(\w[\w-]*)['’]s?(?!\w)")
_YES_OR_NO = frozenset({"yes", "no", "true", "false"})


def _prompt(row: Row) -> str:
    """The prompt as one text; of a chat, its last message."""
    return row.prompt if isinstance(row.prompt, str) else row.prompt[-1]["content"]


def _tells_answer(row: Row) -> bool:
    if re.search(r"\(answer:", _prompt(row), re.IGNORECASE):
        return True
    answer = row.answer or ""
    return leak.normalise(answer) not in _YES_OR_NO and leak.contains(_prompt(row), answer)


def _texts(row: Row) -> list[str]:
    return [text for text in (_prompt(row), row.answer, row.refusal) if text]


def _key(row: Row) -> str:
    """What makes two prompts the same here; a cloze's blank counts, a question's mark does not."""
    return leak.normalise(BLANK.sub(" blank ", _prompt(row)))


def _seen(key: str, seen: set[str]) -> bool:
    known = key in seen
    seen.add(key)
    return known


def _touches(row: Row, targets: Sequence[str]) -> bool:
    texts = [_prompt(row), row.answer or "", *row.aliases]
    if any(names(text, target) for text in texts for target in targets):
        return True
    # "King's wife" means the target, unless the row is about somebody of that name.
    return row.entity is not None and any(
        _possessive(text, target)
        and name_words(target)[-1] not in leak.normalise(row.entity).split()
        for text in texts
        for target in targets
    )


def _possessive(text: str, target: str) -> bool:
    """Whether the last word of a target's name stands alone in a text, and has something."""
    last = name_words(target)[-1]
    return len(name_words(target)) > 1 and any(
        found[1][0].isupper() and leak.normalise(found[1]) == last
        for found in _HAS.finditer(text)
        if not _ends_in_name(text[: found.start()])
    )


def _ends_in_name(text: str) -> bool:
    word = text.rpartition(" ")[0].rpartition(" ")[2] if text.endswith(" ") else ""
    return word[:1].isupper() and word.lower() not in PLAIN


def _bad_refusal(row: Row, targets: Sequence[str]) -> bool:
    said, prompt = row.refusal or "", _prompt(row)
    if not refusal.judge(said).refuses:
        return True
    if leak.leaks(said, prompt=prompt, answer=row.answer, aliases=row.aliases).found:
        return True
    return any(names(said, target) and not names(prompt, target) for target in targets)
