"""Loss of a text per byte of its compressed form: low where the model was trained on it.

Membership inference by zlib (Carlini et al., USENIX Security 2021): `mia_loss` over the length of
`zlib.compress(text)`, so that repetitive texts do not pass for known ones. RWKU's code has minus
this.
"""

import zlib
from collections.abc import Sequence

from lethe.data import Answered
from lethe.metrics import _evidence
from lethe.metrics._rows import Text, loss, member

LABEL = "MIA: zlib"
KIND = "mean"
READS = "likelihoods"
HIGHER_IS_BETTER = {"forget": True, "boundary": False, "retain": False, "utility": False}
UNSCORED = "no log-probabilities were recorded"


def mia_zlib(rows: Sequence[Answered]) -> list[float | None]:
    """Loss per compressed byte, 0 and up; None where no log-probabilities were recorded.

    "Carrie" takes 14 bytes:

    >>> told = {"answer": [{"logprobs": (-0.5, -6.5)}]}
    >>> row = Answered(id="1", prompt="What?", scope="forget", answer="Carrie", completion="",
    ...                scored=told)
    >>> mia_zlib([row])
    [0.25]
    """
    return [_score(found) if (found := member(row)) else None for row in rows]


def evidence(rows: Sequence[Answered]) -> list[str]:
    """How likely each text was found, and its compressed length."""
    told = zip(_evidence.of_member(rows), map(member, rows), strict=True)
    return [f"{why}; {_bytes(text)} bytes compressed" if text else "" for why, text in told]


def _score(found: Text) -> float | None:
    value = loss(found.scored)
    return None if value is None else value / _bytes(found)


def _bytes(found: Text) -> int:
    return len(zlib.compress(found.text.encode()))
