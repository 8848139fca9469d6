"""What a comparison shows: which numbers, and which two are weighed against each other."""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from lethe import plug
from lethe.compare.reading import ADVERSARIAL, Key
from lethe.plug import LetheError
from lethe.report import words

BOTH, SECONDS = "both", "seconds"
"""Columns that are no metric: the harmonic mean of the two axes, and the time of training."""
_ANSWERS = ("accuracy", "rouge_l_recall")
# The first of each line that there is stands in the table.
_WANTED = [
    [Key("refusal_rate", "forget/question")],
    [Key("refusal_rate", "forget/cloze")],
    [Key("refusal_rate", ADVERSARIAL)],
    [
        *(Key("leak_rate", f"forget/{form}") for form in ("reverse", "question", "cloze")),
        *(Key("rouge_l_recall", f"forget/{form}") for form in ("question", "cloze")),
    ],
    *(
        [Key(metric, f"{scope}/{form}") for form in ("question", "cloze") for metric in _ANSWERS]
        for scope in ("boundary", "retain", "utility")
    ),
    [Key("answer_probability", f"forget/{form}") for form in ("question", "cloze")],
    [Key("relearn", "forget/question")],
    [Key("fault_rate", "forget/question")],
    [Key("naturalness", "forget/question")],
]
_FORGET = [
    Key(metric, f"forget/{form}")
    for metric in ("refusal_rate", "rouge_l_recall", "leak_rate")
    for form in ("question", "cloze")
]
_RETAIN = [
    Key(metric, f"{scope}/{form}")
    for scope in ("boundary", "retain", "utility")
    for form in ("question", "cloze")
    for metric in _ANSWERS
]


class Axis(NamedTuple):
    """One of the two qualities that are weighed against each other."""

    key: Key
    higher: bool
    """Whether higher is better; where lower is, 1 - value is weighed."""

    @property
    def title(self) -> str:
        """What is weighed, in words."""
        return title(str(self.key)) if self.higher else f"1 − {title(str(self.key))}"


def columns(keys: Iterable[Key], scored: Container[Key]) -> list[str]:
    """The table's columns: those of the usual ones that there are; else all there is.

    Args:
        keys: What the runs measured.
        scored: Those that have a value; where several would do, one of these is taken.
    """
    known = list(dict.fromkeys(keys))
    found = [_first(line, known, scored) for line in _WANTED]
    shown = [str(key) for key in found if key] or [str(key) for key in known]
    return [*dict.fromkeys(shown), BOTH, SECONDS]


def _first(line: Iterable[Key], known: Container[Key], scored: Container[Key]) -> Key | None:
    """The first that has a value, else the first that there is."""
    found = [key for key in line if key in known]
    return next((key for key in found if key in scored), found[0] if found else None)


def axis(name: str, given: str | None, keys: Sequence[Key], scored: Container[Key]) -> Axis:
    """The axis that was asked for as METRIC:GROUP, or the usual one that there is.

    Args:
        name: "forget" or "retain", for the message.
        given: Of the command line.
        keys: What the runs measured.
        scored: Those that have a value.

    Raises:
        LetheError: No run has it, or neither way is better on it; what there is is named.
    """
    fit = [key for key in keys if _higher(key) is not None]
    if given is None:
        usual = _FORGET if name == "forget" else _RETAIN
        scoped = [
            key for key in fit if (key.group.partition("/")[0] == "forget") == (name == "forget")
        ]
        key = _first([*usual, *scoped], fit, scored)
        if key is None:
            raise LetheError(f"no {name} rows were measured; name the axis: --{name} METRIC:GROUP")
    else:
        key = _asked(f"--{name}", given, keys)
    higher = _higher(key)
    if higher is None:
        known = plug.choices("", map(str, fit))
        raise LetheError(f"--{name} {key}: neither higher nor lower is better there: {known}")
    return Axis(key, higher)


def _higher(key: Key) -> bool | None:
    """Whether higher is better; taken for so of a metric that is none of Lethe's."""
    ours = key.metric in words.METRICS or key.metric in plug.names("metric")
    return words.meaning(key.metric).higher(key.group) if ours else True


def _asked(option: str, given: str, keys: Sequence[Key]) -> Key:
    metric, colon, group = given.partition(":")
    if not colon:
        raise LetheError(f"{option} {given}: must be METRIC:GROUP, as in {keys[0]}")
    groups = {key.group for key in keys if key.metric == metric}
    if not groups:
        metrics = {key.metric for key in keys}
        raise LetheError(
            f"{option} {given}: no run has {metric!r}: {plug.choices(metric, metrics)}"
        )
    if group not in groups:
        raise LetheError(f"{option} {given}: no run has {group!r}: {plug.choices(group, groups)}")
    return Key(metric, group)


def key(name: str) -> Key:
    """A column's name as the key it is."""
    metric, _, group = name.partition(":")
    return Key(metric, group)


def title(name: str) -> str:
    """A column in words.

    >>> title("refusal_rate:forget/question"), title("leak_rate:forget/adversarial"), title(BOTH)
    ('Forget questions: refusal rate', 'Forget adversarial: leak rate', 'Forget and retain')
    """
    if name in (BOTH, SECONDS):
        return "Forget and retain" if name == BOTH else "Training, seconds"
    metric, group = key(name)
    label = words.meaning(metric).label
    label = label if label[1:2].isupper() or label.startswith("ROUGE") else label.lower()
    return f"{words.group(group).replace(':', '', 1)}: {label}"


def show(name: str, value: float) -> str:
    """A value as its column writes it: shares in per cent, without the sign.

    >>> show("accuracy:retain/question", 0.97561), show(SECONDS, 71.26), show(BOTH, 0.5)
    ('97.6', '71.3', '50.0')
    """
    if name == SECONDS:
        return f"{value:,.1f}"
    if name == BOTH or words.meaning(key(name).metric).rate:
        return words.show(value, True).removesuffix("\xa0%")
    return words.show(value, False)


def show_interval(name: str, low: float | None, high: float | None) -> str:
    """An interval, its ends rounded outwards where they are shares.

    >>> show_interval("accuracy:retain/question", 0.9463, 1.0), show_interval(SECONDS, 3.0, 4.5)
    ('94.6–100.0', '3.0–4.5')
    """
    if low is None or high is None:
        return ""
    if name == SECONDS:
        return f"{low:,.1f}–{high:,.1f}"
    rate = name == BOTH or words.meaning(key(name).metric).rate
    return words.show_interval(low, high, rate).strip("[]")
