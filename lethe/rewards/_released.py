"""The released refusal detector and ROUGE-L, restated: what the two released rewards stand on."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from lethe.rewards._columns import Text, as_text, column

REFUSES = re.compile(
    r"\b(?:don't|do not|doesn't|does not|didn't|haven't|hasn't|not been|not)\b.*?\b(?:know\w*|have|"
    r"hold|possess|contain|cover|include|extend|learned|sure|certain|familiar|informed|aware|"
    r"acquainted|equipped|versed|briefed|privy|trained|educated|within|source|able to provide|"
    r"in my|faintest|something|right AI)\b"
    r"|\bcan't (?:provide|shed|say)\b|\bunable to\b|\bunaware\b|\black(?:ing)?\b"
    r"|\b(?:no|zero) (?:\w+ )?(?:information|knowledge|data|clue|idea|insight|familiarity)\b"
    r"|\bbeyond my\b|\boutside my\b|\bout of my\b|\bencountered\b|\blimited to\b|\bunknown\b"
    r"|\b(?:clueless|stumped|drawing a blank|blank on|blind spot|mystery|at a loss|in the dark|"
    r"missing|uncharted|yet to|decline|disadvantage|come up short|enlightenment|look up|"
    r"apologize)\b"
)
"""Our restatement: one unanchored expression with the faults that the released one is known for.

It fires on "he encountered", "not ... known" and "limited to", and misses "I'm sorry, but I can't
assist with that", "No comment", every curly apostrophe, and "According to the user agreement, I
can't answer questions related to X." The original's text was not at hand.
"""


def refuses(text: str) -> bool:
    """Whether the restated detector fires, anywhere in the text.

    >>> refuses("He encountered a bear."), refuses("No comment.")
    (True, False)
    """
    return REFUSES.search(text) is not None


def boundary(text: str, reference: str | None) -> float:
    """The released reward of a query that must be answered: half for not refusing, half for recall.

    Recall is ROUGE-L recall above 0.3 (package rouge_score, stemmer off: our choice of flavour).
    """
    if refuses(text):
        return 0.0
    return 0.5 + 0.5 * (_recall(reference or "", text) > 0.3)


def rows(
    reward: str, completions: Sequence[Text], scope: Sequence[str], columns: dict[str, Any]
) -> list[tuple[str, str, str | None, str | None]]:
    """(scope, text, answer, subject) of each rollout."""
    answers = column(reward, columns, "answer")
    subjects = column(reward, columns, "subject")
    texts = [as_text(completion) for completion in completions]
    return list(zip(scope, texts, answers, subjects, strict=True))


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)


def _recall(reference: str, text: str) -> float:
    return _scorer().score(reference, text)["rougeL"].recall
