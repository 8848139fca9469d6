"""How many words completion and answer share, order aside: F1 (0 to 1), the best of all references.

SQuAD's and TriviaQA's F1 (arXiv 1705.03551; RWKU's utility test) over words normalised as in
`exact_match`, each as often as it stands. Of two empty texts it is 1, of one 0.
"""

from collections import Counter
from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics._squad import references, words

LABEL = "Token F1"
KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def token_f1(rows: Sequence[Answered]) -> list[float | None]:
    """F1 of each completion, 0.0 to 1.0; None without a reference answer.

    Precision 1/2, recall 1/1:

    >>> row = Answered(id="1", prompt="Ship?", scope="utility", answer="the Titanic",
    ...                completion="RMS Titanic")
    >>> round(token_f1([row])[0], 4)
    0.6667
    """
    return [
        max(_f1(words(row.completion), words(text)) for text in references(row))
        if row.answer
        else None
        for row in rows
    ]


def _f1(said: list[str], wanted: list[str]) -> float:
    if not said or not wanted:
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))
