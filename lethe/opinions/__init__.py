"""What other models say of a text, one file each: second opinions on refusals, and ratings.

Second opinions are asked beside the rules, never instead.

A second opinion is a function of texts: `opinion(texts) -> list[bool | None]`, True where it reads
a refusal, None where it gives no opinion. `judge(text, second=opinion)` and `judge_all` take one.
`classifier.opinion` makes one of a text classifier, `llm.opinion` of a chat model behind an
endpoint. How far they agree with the rules is `agreement`. `naturalness` rates answers 0 to 100.
"""

from collections.abc import Iterable
from typing import NamedTuple

from lethe.refusal import Judgement


class Agreement(NamedTuple):
    """How often a second opinion reads a text as the rules do."""

    n: int
    """Texts on which the second opinion had one."""
    unscored: int
    """Texts on which it had none."""
    share: float | None
    """Share of the `n` on which both agree; None without any."""
    kappa: float | None
    """Cohen's kappa: agreement beyond chance (doi 10.1177/001316446002000104). None where both
    are constant, so that chance alone agrees always."""
    only_rules: int
    """Texts that only the rules read as a refusal."""
    only_second: int
    """Texts that only the second opinion reads as a refusal."""


def agreement(judgements: Iterable[Judgement]) -> Agreement:
    """Compare the rules with the second opinion that stands beside them.

    >>> from lethe.refusal import judge_all
    >>> told = judge_all(["No comment.", "Paris"], second=lambda texts: [True, True])
    >>> agreement(told)
    Agreement(n=2, unscored=0, share=0.5, kappa=0.0, only_rules=0, only_second=1)
    """
    pairs = [(judgement.refuses, judgement.second) for judgement in judgements]
    both = [(rules, second) for rules, second in pairs if second is not None]
    n = len(both)
    only_rules = sum(rules and not second for rules, second in both)
    only_second = sum(second and not rules for rules, second in both)
    if not n:
        return Agreement(0, len(pairs), None, None, 0, 0)
    share = 1 - (only_rules + only_second) / n
    first, other = (sum(said[i] for said in both) / n for i in (0, 1))
    chance = first * other + (1 - first) * (1 - other)
    kappa = None if chance == 1 else (share - chance) / (1 - chance)
    return Agreement(n, len(pairs) - n, share, kappa, only_rules, only_second)
