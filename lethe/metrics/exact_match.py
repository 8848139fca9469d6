"""Share of completions that are the answer or an alias, word for word once normalised.

SQuAD's and TriviaQA's exact match (arXiv 1705.03551; RWKU's utility test): lower case, without
punctuation and articles, the best of all references. The whole completion counts: where it goes on
behind the answer it is no match.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._squad import references, words

KIND = "rate"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def exact_match(rows: Sequence[Answered]) -> list[float | None]:
    """1.0 for each completion that matches a reference, else 0.0; None without a reference answer.

    >>> row = Answered(id="1", prompt="Ship?", scope="utility", answer="RMS Titanic",
    ...                aliases=("The Titanic",), completion="Titanic.")
    >>> exact_match([row])
    [1.0]
    """
    matched = zip(rows, extracted(rows), strict=True)
    return [float(found is not None) if row.answer else None for row, found in matched]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """Which reference each completion is."""
    return [
        f"is {_evidence.quoted(found)}"
        if found is not None
        else f"is none of {len(references(row))} references"
        for row, found in zip(rows, extracted(rows), strict=True)
    ]


def extracted(rows: Sequence[Answered]) -> list[str | None]:
    """The reference that each completion is."""
    return [_matched(row) for row in rows]


def _matched(row: Answered) -> str | None:
    said = words(row.completion)
    return next((text for text in references(row) if said == words(text)), None)
