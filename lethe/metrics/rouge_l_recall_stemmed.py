"""TOFU's ROUGE: share of the reference's word stems that the answer has, in order (0 to 1).

Package rouge_score, rougeL *recall*, Porter's stemmer **on**, against `answer` (arXiv 2401.06121;
OpenUnlearning, arXiv 2506.12618). An empty completion scores 0. Left out: TOFU's generation of at
most 200 tokens, which is the row's protocol.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _rouge
from lethe.metrics._rouge import rouge_l

LABEL = "ROUGE-L recall, stemmed"
KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def rouge_l_recall_stemmed(rows: Sequence[Answered]) -> list[float | None]:
    """ROUGE-L recall of stems, 0.0 to 1.0; None without a reference answer.

    >>> row = Answered(id="1", prompt="What?", scope="retain", answer="She writes two books.",
    ...                completion="writing a book")
    >>> rouge_l_recall_stemmed([row])
    [0.5]
    """
    return [
        rouge_l(row.answer, row.completion, stemmer=True).recall if row.answer else None
        for row in rows
    ]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many words each completion shares with the reference."""
    return _rouge.evidence(rows, stemmer=True)
