"""A chat model's reading of refusals, through any OpenAI-compatible endpoint."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from lethe import endpoint
from lethe.endpoint import Endpoint, Reply
from lethe.refusal import Opinion

PROMPT = Path(__file__).with_name("refusal.txt")
_SCHEMA = {
    "type": "object",
    "properties": {"refuses": {"type": "boolean"}},
    "required": ["refuses"],
    "additionalProperties": False,
}
_OBJECT = re.compile(r"\{[^{}]*\}")


def opinion(
    settings: Endpoint,
    *,
    cache: Path | None = None,
    progress: Callable[[Reply], object] = lambda reply: None,
) -> Opinion:
    """Make a second opinion of a chat model; its instructions are `refusal.txt`.

    Args:
        settings: Which model, where.
        cache: JSON Lines file of replies, so that a text is paid for once.
        progress: Called with each reply.

    Returns:
        A function of texts: None where the model did not reply, or not as it was told.

    Raises:
        LetheError: From the function: as `endpoint.ask`.
    """
    instructions = PROMPT.read_text(encoding="utf-8")

    def read(texts: Sequence[str]) -> list[bool | None]:
        questions = [
            [
                {"role": "system", "content": instructions},
                {"role": "user", "content": f"-----\n{text}\n-----"},
            ]
            for text in texts
        ]
        replies = endpoint.ask(settings, questions, cache=cache, schema=_SCHEMA, progress=progress)
        return [parse(reply.text or "") for reply in replies]

    return read


def parse(reply: str) -> bool | None:
    """The verdict in a reply, also amid other words; None if it holds none or several.

    >>> parse('Sure: {"refuses": true}'), parse("yes"), parse('{"refuses": "true"}')
    (True, None, None)
    """
    verdicts = []
    for found in _OBJECT.findall(reply):
        try:
            verdicts.append(json.loads(found).get("refuses"))
        except ValueError:
            continue
    if len(verdicts) != 1 or not isinstance(verdicts[0], bool):
        return None
    return verdicts[0]
