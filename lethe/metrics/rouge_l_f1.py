"""MUSE's ROUGE: harmonic mean of the words in order that answer and reference share (0 to 1).

Package rouge_score, rougeL **F1**, stemmer **off**, against `answer` (arXiv 2407.06460, KnowMem
and VerbMem). MUSE publishes it times 100. Where the completion and the reference are cut
is the row's protocol.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _rouge
from lethe.metrics._rouge import rouge_l

LABEL = "ROUGE-L F1"
KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def rouge_l_f1(rows: Sequence[Answered]) -> list[float | None]:
    """ROUGE-L F1, 0.0 to 1.0; None without a reference answer.

    Precision 1/5 and recall 1/2:

    >>> row = Answered(id="1", prompt="Where?", scope="retain", answer="Portland, Maine",
    ...                completion="He was born in Portland.")
    >>> round(rouge_l_f1([row])[0], 4)
    0.2857
    """
    return [
        rouge_l(row.answer, row.completion, stemmer=False).f1 if row.answer else None
        for row in rows
    ]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many words each completion shares with the reference."""
    return _rouge.evidence(rows, stemmer=False)
