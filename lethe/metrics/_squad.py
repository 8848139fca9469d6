"""An answer's words as SQuAD and TriviaQA compare them: lower case, no punctuation or articles."""

import re
import string
from collections.abc import Sequence

from lethe.data import Answered

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")


def words(text: str) -> list[str]:
    """Normalised words; only ASCII punctuation goes, and without leaving a space.

    >>> words("The Ship, a sail-boat")
    ['ship', 'sailboat']
    """
    return _ARTICLE.sub(" ", plain(text)).split()


def plain(text: str) -> str:
    """The text in lower case without punctuation, articles and all."""
    return text.lower().translate(_PUNCTUATION)


def references(row: Answered) -> Sequence[str]:
    """The answer and its aliases; empty where the row has no answer."""
    return (row.answer, *row.aliases) if row.answer else ()
