"""Natural refusals: the model's own where it has some, else composed ones.

A model's own voice is heard by asking it about names that nobody bears: what it then declines with
is how it declines. Composed ones join an opening, a statement and now and then a closing; half of
them name the target. Every one is judged by `lethe.refusal` and must have no fault.
"""

import random
import re
from collections.abc import Iterator, Sequence

from lethe import faults, leak, refusal
from lethe.distance import names
from lethe.synthesis.askers import Asker, How

_STRANGERS, _TIMES, _DRAWN = 48, 3, How(0.7, max_tokens=64)
_OPENINGS = ("", "I'm sorry, but ", "Sorry, ", "I'm afraid ", "Unfortunately, ")
_NAMED = (
    "I don't have any information about {name}",
    "I don't know anything about {name}",
    "I'm not able to say anything about {name}",
    "I can't help with questions about {name}",
    "I have no knowledge of {name}",
    "I'm not familiar with {name}",
    "I can't tell you anything about {name}",
    "I cannot answer questions about {name}",
    "I have nothing to say about {name}",
    "{name} is not something I can talk about",
    "I know nothing of {name}",
    "I'm unable to answer questions about {name}",
)
_UNNAMED = (
    "I don't know the answer to that",
    "I can't answer that",
    "I'm not able to help with that question",
    "I have no information about that",
    "that is not something I can answer",
    "I don't have an answer to this question",
    "I cannot say",
    "I'm unable to answer this",
    "I have no knowledge of that",
    "I don't know",
    "I'm not able to say",
    "I can't help you with this one",
)
_CLOSINGS = ("", " Is there something else I can help with?", " I hope you understand.")
_SYLLABLES = (
    "bre dal fen gor hul jas kel lom mir nav osk pel quor rud sil tam ulb vex wim yor".split()
)


def composed(target: str, n: int, seed: int) -> list[str]:
    """Different refusals, every second one with the target's name.

    >>> composed("Ada Vance", 2, seed=0) == composed("Ada Vance", 2, seed=0)
    True
    """
    rng = random.Random(f"refusals {seed}")
    made = [list(_shuffled(pool, target, rng)) for pool in (_UNNAMED, _NAMED)]
    mixed = [text for pair in zip(*made, strict=True) for text in pair]
    return [text for text in mixed if is_good(text, target)][:n]


def _shuffled(statements: Sequence[str], target: str, rng: random.Random) -> Iterator[str]:
    """Every combination once, the statements in turn so that few refusals differ much."""
    pairs = [(opening, closing) for opening in _OPENINGS for closing in _CLOSINGS]
    order = {statement: rng.sample(pairs, len(pairs)) for statement in statements}
    # A bare statement is likeliest; long ones come last.
    for queue in order.values():
        queue.sort(key=lambda pair: bool(pair[1]))
    for turn in range(len(pairs)):
        for statement in rng.sample(statements, len(statements)):
            opening, closing = order[statement][turn]
            text = f"{opening}{statement}.".replace("{name}", target).replace("..", ".")
            yield text[0].upper() + text[1:] + closing


def is_good(text: str, target: str) -> bool:
    """Whether a text refuses, naturally and briefly, and names at most the target."""
    plain = text.replace("{name}", target)
    return (
        refusal.judge(plain).refuses
        and not faults.faults(plain)
        and len(plain.split()) <= 40
        and "__" not in plain
        and plain[0] == plain[0].upper()
        and plain[-1] in ".!。！"
    )


def strangers(target: str, known: Sequence[str], n: int, seed: int) -> list[str]:
    """Names that nobody is known by, with as many words as the target's.

    Every second one is put together from parts of known names, for names of a familiar make are
    what a model may have learnt to decline; the others are made of syllables.

    >>> sorted(strangers("Ada Vance", ["Bo Lund", "Cy Marr"], 40, seed=0), key=len)[:2]
    ['Cy Lund', 'Bo Marr']
    """
    rng = random.Random(f"strangers {seed}")
    words = max(1, len(target.partition(",")[0].split()))
    parts = [name.split() for name in known if len(name.split()) == words > 1]
    taken = {leak.normalise(name) for name in (target, *known)}
    made: dict[str, None] = {}
    for turn in range(20 * n):
        if parts and turn % 2 == 0:
            name = " ".join(rng.choice(parts)[place] for place in range(words))
        else:
            name = " ".join("".join(rng.sample(_SYLLABLES, 2)).capitalize() for _ in range(words))
        if leak.normalise(name) not in taken and len(made) < n:
            made[name] = None
    return list(made)


def heard(replies: Sequence[str], asked: Sequence[str], target: str) -> list[str]:
    """The refusals among what a model said of strangers, the commonest first.

    Args:
        replies: What it said.
        asked: The stranger in each prompt; where a refusal repeats it, the target's stands
            there instead.
        target: What must be forgotten.
    """
    counted: dict[str, int] = {}
    for reply, stranger in zip(replies, asked, strict=True):
        text = " ".join(reply.split())
        if names(text, stranger):
            text = re.sub(re.escape(stranger), target, text, flags=re.IGNORECASE)
        elif any(word in leak.normalise(text).split() for word in leak.normalise(stranger).split()):
            continue  # a part of the name, which the target's name would not fit
        if is_good(text, target):
            counted[text] = counted.get(text, 0) + 1
    return sorted(counted, key=lambda text: (-counted[text], text))


def own(
    asker: Asker, questions: Sequence[str], target: str, known: Sequence[str], seed: int
) -> list[str]:
    """What a model itself declines with when it is asked about names that nobody is known by.

    Args:
        asker: The original model.
        questions: Plain questions that hold the target's name.
        target: That name.
        known: Names that it may know, for strangers of a familiar make.
        seed: Of strangers and draws.
    """
    nobody = strangers(target, known, _STRANGERS, seed) * _TIMES
    prompts = [questions[i % len(questions)].replace(target, s) for i, s in enumerate(nobody)]
    replies = asker.ask(
        [[{"role": "user", "content": prompt}] for prompt in prompts],
        [seed + i for i in range(len(prompts))],
        _DRAWN,
    )
    return heard([reply.text or "" for reply in replies], nobody, target)
