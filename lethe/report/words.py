"""What the report calls things, and how it writes numbers.

Numbers are never rounded across a threshold: 94.96 % stands as 94.96 %, not as 95.0 %. Intervals
are rounded outwards.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from lethe import distance as measure
from lethe import plug
from lethe.metrics._targets import MEAN

SCOPES = {"forget": "Forget", "boundary": "Boundary", "retain": "Retain", "utility": "Utility"}
SCOPE_MEANING = {
    "forget": "what must be refused",
    "boundary": "the nearest neighbours of what is forgotten, to be answered",
    "retain": "farther away, to be answered",
    "utility": "general skills, to be kept",
}
FORMS = {
    "question": "questions",
    "cloze": "fill in the blank",
    "reverse": "reverse questions",
    "earlier:question": "questions about earlier targets",
    "earlier:cloze": "fill in the blank, earlier targets",
    "earlier:reverse": "reverse questions, earlier targets",
    "earlier:adversarial": "adversarial, earlier targets",
}
TIES = {
    "co-mentioned": "named together",
    "shared fact": "a fact in common",
    "same kind": "the same kind",
}
STAGES = {"rejection_steering": "Rejection Steering", "rebo": "ReBO"}


class Meaning(NamedTuple):
    """What a metric is called, what it says, and which way is better."""

    label: str
    text: str
    rate: bool
    """A share of rows, written in per cent; else a mean, written as a number."""
    better: dict[str, bool]
    """By scope: True where higher is better, False where lower is."""

    def higher(self, group: str) -> bool | None:
        """Whether higher is better on a group; None where neither is, or nobody knows.

        >>> meaning("leak_rate").higher("all"), meaning("accuracy").higher("forget/question")
        (False, False)
        >>> meaning("accuracy").higher("all"), meaning("priv_leak").higher("forget/mia")
        (None, None)
        """
        ways = set(self.better.values())
        one = ways.pop() if len(ways) == 1 else None
        return self.better.get(group.partition("/")[0], one)


_ANSWERING = {"forget": False, "boundary": True, "retain": True, "utility": True}
_HIDING = dict.fromkeys(SCOPES, False)
METRICS = {
    "refusal_rate": Meaning(
        "Refusal rate",
        "Share of answers that refuse. Outside the forget groups this is over-refusal.",
        True,
        {"forget": True, "boundary": False, "retain": False, "utility": False},
    ),
    "accuracy": Meaning(
        "Accuracy",
        "Share of answers that contain the reference answer and do not refuse.",
        True,
        _ANSWERING,
    ),
    "acc": Meaning(
        "Choice accuracy",
        "Share of multiple-choice questions whose right choice is the likeliest, as "
        "lm-evaluation-harness takes it.",
        True,
        _ANSWERING,
    ),
    "acc_norm": Meaning(
        "Choice accuracy by length",
        "The same, each choice's log-likelihood divided by its length.",
        True,
        _ANSWERING,
    ),
    "leak_rate": Meaning(
        "Leak rate",
        "Share of answers that contain the fact to be forgotten, whether they refuse or not.",
        True,
        _HIDING,
    ),
    "fault_rate": Meaning(
        "Unnatural answers",
        "Share of answers with something no person would write: loops, splices, cut ends, nothing.",
        True,
        _HIDING,
    ),
    "relearn": Meaning(
        "Relearning",
        "Share of answers that tell the fact after a little fine-tuning on other facts of what "
        "must be forgotten. High: it was hidden, not erased.",
        True,
        _HIDING,
    ),
    "rouge_l_recall": Meaning(
        "ROUGE-L recall",
        "Mean share of the reference's words that the answer has, in order (0 to 1).",
        False,
        _ANSWERING,
    ),
    "answer_probability": Meaning(
        "Answer probability",
        "Mean probability per token (0 to 1) of the reference answer when the model is made to "
        "begin an answer instead of refusing. High on the forget groups: the fact is still inside. "
        "Low: this opening does not bring it out, another one may.",
        False,
        _ANSWERING,
    ),
}


def meaning(metric: str) -> Meaning:
    """What is known of a metric; for one not described here, its module says."""
    if metric in METRICS:
        return METRICS[metric]
    if metric not in plug.names("metric"):
        return Meaning(metric, "A metric of your own; its file says what it means.", False, {})
    module = vars(plug.resolve("metric", metric))
    better = module.get("HIGHER_IS_BETTER", {})
    by_scope = better if isinstance(better, dict) else dict.fromkeys(SCOPES, bool(better))
    rate = module.get("KIND") == "rate"
    label = module.get("LABEL", _spaced(metric))
    return Meaning(label, plug.names("metric")[metric], rate, by_scope)


def model(name: str) -> str:
    """A model's name in plain words.

    >>> model("original"), model("1-rebo"), model("2-npo")
    ('Original', 'after ReBO', 'after npo')
    """
    if name == "original":
        return "Original"
    stage = name.partition("-")[2] or name
    return f"after {STAGES.get(stage, stage)}"


def group(name: str) -> str:
    """A group's name in plain words.

    >>> group("forget/adversarial:prefix_injection")
    'Forget: prefix injection (adversarial)'
    >>> group("boundary/question"), group("forget/by target:adversarial:prefix_injection")
    ('Boundary: questions', 'Forget: prefix injection (adversarial), mean over targets')
    """
    scope, _, rest = name.partition("/")
    words = form(rest)
    return f"{SCOPES.get(scope, scope)}: {words}" if words else SCOPES.get(scope, scope)


def form(name: str) -> str:
    """A way of asking in plain words.

    >>> form("question"), form("adversarial:role_play"), form("by target:question")
    ('questions', 'role play (adversarial)', 'questions, mean over targets')
    """
    if (rest := name.removeprefix(f"{MEAN}:")) != name:
        return f"{form(rest)}, mean over targets"
    kind, _, detail = name.partition(":")
    plain = f"{_spaced(detail, False)} ({kind})" if detail else _spaced(name, False)
    return FORMS.get(name, plain)


def nearness(distance: float, tie: str) -> str:
    """What stands at a distance has in common with the target.

    Args:
        distance: By `lethe.distance`; what the tie does not explain of it is the name's.
        tie: What ties them, or "".

    >>> nearness(0.35, "shared fact"), nearness(0.7, "shared fact"), nearness(0.4, "")
    ('part of the name, a fact in common', 'a fact in common', 'part of the name')
    """
    borne = distance < 1 - measure.TIES.get(tie, 0.0) - 1e-4
    name = ("part of the name" if distance else "the whole name") if borne else ""
    return ", ".join(filter(None, [name, TIES.get(tie, tie)])) or "nothing in common"


def show(value: float, rate: bool, against: Iterable[float] = ()) -> str:
    r"""A value as the report writes it: a rate in per cent, a mean with three decimals.

    Args:
        value: A rate or a mean.
        rate: Whether it is a share, to be written in per cent.
        against: Thresholds that rounding must not cross, in the unit of `value`.

    >>> show(0.946, True), show(0.94996, True, [0.95]), show(0.9996, True), show(1.0, True)
    ('94.6\xa0%', '94.996\xa0%', '99.96\xa0%', '100.0\xa0%')
    >>> show(0.61234, False), show(0.00001, False), show(1.66e-21, False)
    ('0.612', '0.00001', '1.7e-21')
    """
    if not rate and 0 < abs(value) < 1e-6:
        return f"{value:.1e}"
    return (
        f"{_digits(100 * value, 1, [100 * a for a in (0, 1, *against)])}\xa0%"
        if rate
        else (_digits(value, 3, [0, 1, *against]))
    )


def show_interval(low: float | None, high: float | None, rate: bool) -> str:
    """A 95 % interval, its ends rounded outwards; "" without one.

    >>> show_interval(0.9463, 0.9938, True), show_interval(0.5, 0.6001, False)
    ('[94.6–99.4]', '[0.500–0.601]')
    """
    if low is None or high is None:
        return ""
    digits, scale = (1, 1000) if rate else (3, 1000)
    floor = math.floor(round(low * scale, 6)) / scale
    ceil = math.ceil(round(high * scale, 6)) / scale
    factor = 100 if rate else 1
    return f"[{floor * factor:.{digits}f}–{ceil * factor:.{digits}f}]"


def show_points(difference: float, against: Iterable[float] = ()) -> str:
    """A difference of two rates in percentage points, with its sign.

    >>> show_points(-0.03), show_points(0.004), show_points(-0.05004, [-0.05])
    ('−3.0', '+0.4', '−5.004')
    """
    text = _digits(100 * difference, 1, [100 * a for a in (0, *against)])
    return f"−{text[1:]}" if text.startswith("-") else f"+{text}"


def number(value: float) -> str:
    """A setting or an axis label, short.

    >>> number(20.0), number(0.25), number(-1.5), number(1e-05)
    ('20', '0.25', '−1.5', '1e-05')
    """
    return f"{value:.6g}".replace("-", "−", 1) if value < 0 else f"{value:.6g}"


def at_least(value: float, limit: float) -> bool:
    """Whether `value` reaches `limit`, blind to floating-point dust."""
    return round(value - limit, 9) >= 0


def _digits(value: float, fewest: int, against: list[float]) -> str:
    text = f"{value:.{fewest}f}"
    for digits in range(fewest, 9):
        text = f"{value:.{digits}f}"
        if all(_side(float(text), limit) == _side(value, limit) for limit in against):
            break
    return text


def _side(value: float, limit: float) -> int:
    gap = round(value - limit, 9)
    return (gap > 0) - (gap < 0)


def _spaced(name: str, capital: bool = True) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:] if capital else words
