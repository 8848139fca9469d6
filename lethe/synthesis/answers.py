"""Short reference answers of the original model itself, and whether it agrees with itself.

Its likeliest answer is kept; further answers are drawn, and the share of them that say the same is
its agreement. What a model says only now and then is a guess, and no behaviour to retain.
"""

import re
from collections.abc import Sequence

from lethe import leak
from lethe.data import Row, prompt_key
from lethe.synthesis.askers import Asker, How

_LIKELIEST, _DRAWN = How(0.0, max_tokens=32), How(0.7, max_tokens=32)
HINT = "Answer in as few words as possible, without a sentence."


def short(reply: str) -> str:
    r"""The answer in a reply: its first line without quotes, markup and a closing full stop.

    >>> short('**Portland, Maine.**\nHe was born there.'), short("J. R."), short(" ")
    ('Portland, Maine', 'J. R.', '')
    """
    line = next((line for line in reply.strip().splitlines() if line.strip()), "")
    line = re.sub(r"^(?:answer|a)\s*:\s*", "", line.strip().strip("*_`"), flags=re.IGNORECASE)
    line = line.strip().strip("*_`\"“”'").strip()
    # A full stop behind a single letter belongs to an abbreviation.
    return line[:-1].rstrip() if re.search(r"\w\w[.]$", line) else line


def agree(one: str, other: str) -> bool:
    """Whether two short answers say the same: either holds the other as whole words.

    >>> agree("Portland", "in Portland, Maine"), agree("Portland", "Bangor"), agree("", "x")
    (True, False, False)
    """
    return leak.contains(one, other) or leak.contains(other, one)


def agreement(answer: str, samples: Sequence[str]) -> float:
    """The share of samples that agree with an answer; 1 where nothing was drawn.

    >>> agreement("Tarn", ["Tarn", "In Tarn", "Ostby", ""])
    0.5
    """
    if not samples:
        return 1.0
    return sum(agree(answer, short(sample)) for sample in samples) / len(samples)


def asked(
    asker: Asker, rows: Sequence[Row], hint: str, samples: int, seed: int
) -> tuple[list[Row], dict[str, float]]:
    """Rows with a model's own short answers, and how far it agrees with itself on each.

    Args:
        asker: The original model.
        rows: What to answer.
        hint: Put behind each prompt.
        samples: Further answers drawn of each, at temperature 0.7.
        seed: Of the draws.

    Returns:
        The rows, their `answer` the model's or None; and the agreement by prompt key.
    """
    chats = [[{"role": "user", "content": f"{row.prompt} {hint}".strip()}] for row in rows]
    likeliest = asker.ask(chats, [seed] * len(chats), _LIKELIEST)
    drawn = asker.ask(
        [chat for chat in chats for _ in range(samples)],
        [seed + 1 + i for _ in chats for i in range(samples)],
        _DRAWN,
    )
    answered, found = [], {}
    for i, (row, reply) in enumerate(zip(rows, likeliest, strict=True)):
        answer = short(reply.text or "")
        told = [sample.text or "" for sample in drawn[i * samples : (i + 1) * samples]]
        found[prompt_key(row.prompt)] = agreement(answer, told)
        answered.append(row.model_copy(update={"answer": answer or None}))
    return answered, found
