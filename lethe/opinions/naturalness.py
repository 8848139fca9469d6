"""A chat model's ratings of how natural answers are, through any OpenAI-compatible endpoint.

RULE (arXiv 2506.07171) has a model rate Readability, Helpfulness and Truthfulness, 0 to 100; its
prompt is not released, and ours, `naturalness.txt`, is our own: numbers of one do not compare with
the other's. The judge is not told which model or method it rates. Question and answer reach it as
the strings of a JSON object, so that no answer can forge where it ends.
"""

import json
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lethe import endpoint
from lethe.config import Judge
from lethe.data import Answered, Rating, sha256
from lethe.endpoint import Messages, Reply
from lethe.plug import LetheError

PROMPT = Path(__file__).with_name("naturalness.txt")
NUMBERS = ("readability", "helpfulness", "truthfulness")
_SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}, **{name: {"type": "number"} for name in NUMBERS}},
    "required": ["why", *NUMBERS],
    "additionalProperties": False,
}
_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_LONGEST_WHY = 300


def check() -> None:
    """Raise `LetheError` if what talks to an endpoint is not installed."""
    if find_spec("openai") is None:
        raise LetheError("evaluate.judge: needs openai: pip install 'lethe-unlearn[endpoint]'")


def version() -> str:
    """What tells one prompt from another: the first digits of its file's SHA-256."""
    return sha256(PROMPT.read_text(encoding="utf-8"))[:8]


def rate(
    rows: Sequence[Answered],
    judge: Judge,
    *,
    cache: Path,
    progress: Callable[[Reply], object] = lambda reply: None,
) -> list[tuple[Rating, ...]]:
    """Have the completions of rows rated.

    A judge that fails loses nothing: what it did not rate has no numbers but the reason, and what
    it did rate is in the cache, so that the next call asks only the rest.

    Args:
        rows: What a model said.
        judge: Who rates, how often.
        cache: JSON Lines file of replies. Its keys are made of everything that is sent: the
            server, the model, the prompt, the question, the answer and the sample's number.
        progress: Called with each reply.

    Returns:
        `judge.samples` ratings a row, in order.
    """
    questions = [question(row) for row in rows for _ in range(judge.samples)]
    seeds = [seed for _ in rows for seed in range(judge.samples)]
    given = {"schema": _SCHEMA, "seeds": seeds}
    try:
        replies = endpoint.ask(judge, questions, cache=cache, progress=progress, **given)
    except LetheError as error:
        open_ = Reply(None, str(error), 0, 0, False)
        replies = [r or open_ for r in endpoint.found(judge, questions, cache, **given)]
    ratings = [_rating(reply) for reply in replies]
    return [
        tuple(ratings[start : start + judge.samples])
        for start in range(0, len(ratings), judge.samples)
    ]


def question(row: Answered) -> Messages:
    """What the judge is asked about a row: the instructions, and the row as a JSON object."""
    hidden = row.scope == "forget"
    told = {
        "question": row.asked or _text(row.prompt),
        "wanted": "no answer" if hidden else "an answer",
        "subject": row.subject if hidden else None,
        "reference": " / ".join([row.answer, *row.aliases]) if row.answer else None,
        "answer": row.completion,
    }
    return [
        {"role": "system", "content": PROMPT.read_text(encoding="utf-8")},
        {"role": "user", "content": json.dumps(told, ensure_ascii=False, indent=0)},
    ]


def _text(prompt: str | list[dict[str, str]]) -> str:
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1:
        return prompt[0]["content"]
    return "\n".join(f"{turn['role']}: {turn['content']}" for turn in prompt)


def _rating(reply: Reply) -> Rating:
    return Rating(why=f"no reply: {reply.error}") if reply.text is None else parse(reply.text)


def parse(reply: str) -> Rating:
    r"""The rating in a reply: one JSON object, alone, in a code fence, or behind spoken thoughts.

    >>> parse('```json\n{"why": "Fine.", "readability": 90, "helpfulness": 70.5, '
    ...       '"truthfulness": 100}\n```').scores
    (90.0, 70.5, 100.0)
    >>> parse('{"readability": 101, "helpfulness": 0, "truthfulness": 0}').why
    'malformed reply: readability is 101, not a number from 0 to 100'
    >>> parse("I'd say 90.").why
    "malformed reply: not a JSON object: I'd say 90."
    """
    found = _loaded(reply)
    if found is None:
        # Thoughts end at the last mark; in a plain reply it may be quoted out of the answer.
        found = _loaded(reply.rpartition("</think>")[2])
    if not isinstance(found, dict):
        return _malformed(f"not a JSON object: {reply.strip()[:80]}")
    for name in NUMBERS:
        if not _is_number(found.get(name)):
            return _malformed(f"{name} is {found.get(name)!r:.40}, not a number from 0 to 100")
    why = _writable(str(found.get("why") or ""))[:_LONGEST_WHY]
    return Rating(**{name: float(found[name]) for name in NUMBERS}, why=why)


def _loaded(text: str) -> Any:
    fenced = _FENCED.fullmatch(text.strip())
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return None


def _malformed(what: str) -> Rating:
    return Rating(why=_writable(f"malformed reply: {what}"))


def _writable(text: str) -> str:
    """The text without half surrogate pairs, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
