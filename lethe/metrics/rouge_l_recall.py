"""Share of the reference's words that the completion has in the same order: ROUGE-L recall.

Package rouge_score, rougeL *recall*, stemmer **off**, against `answer` (aliases are not used); an
empty completion scores 0. Of the flavours in use it is none to the letter: TOFU's is
`rouge_l_recall_stemmed`, MUSE's `rouge_l_f1`, RWKU's `rouge_l_recall_rwku`; do not compare this one
with published numbers. rouge_score reads a-z and 0-9 only: accents split words, other scripts
score 0.
"""

from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _rouge
from lethe.metrics._rouge import rouge_l

KIND = "mean"
HIGHER_IS_BETTER = {"forget": False, "boundary": True, "retain": True, "utility": True}
UNSCORED = "no row has a reference answer"


def rouge_l_recall(rows: Sequence[Answered]) -> list[float | None]:
    """ROUGE-L recall of each completion, 0.0 to 1.0; None without a reference answer.

    >>> row = Answered(id="1", prompt="Where?", scope="retain", answer="Portland, Maine",
    ...                completion="He was born in Portland.")
    >>> rouge_l_recall([row])
    [0.5]
    """
    return [
        rouge_l(row.answer, row.completion, stemmer=False).recall if row.answer else None
        for row in rows
    ]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How many words each completion shares with the reference."""
    return _rouge.evidence(rows, stemmer=False)
