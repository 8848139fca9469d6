"""What every reward needs of TRL's columns: completions as text, a missing column as an error."""

from collections.abc import Mapping, Sequence
from typing import Any

from lethe.plug import LetheError

Text = str | Sequence[Mapping[str, Any]]
"""A completion or a prompt as TRL hands it over: text, or the messages of a chat."""


def as_text(value: Text) -> str:
    r"""The text of a completion or prompt; a chat's messages are joined by newlines.

    >>> as_text([{"role": "user", "content": "Who?"}, {"role": "user", "content": "He?"}])
    'Who?\nHe?'
    """
    if isinstance(value, str):
        return value
    return "\n".join(str(message["content"] or "") for message in value)


def column(reward: str, columns: Mapping[str, Any], name: str) -> list[Any]:
    """The column `name`, one entry for each completion; TRL hands `prompt` over as `prompts`.

    Raises:
        LetheError: The data has no such column.
    """
    if name == "prompt" and "prompts" in columns:
        name = "prompts"
    if name not in columns:
        have = ", ".join(sorted(key for key in columns if isinstance(columns[key], list)))
        raise LetheError(
            f"reward {reward}: the data has no column {name!r}; it has: {have or 'none'}"
        )
    return columns[name]


def aliases(columns: Mapping[str, Any], count: int) -> list[Sequence[str]]:
    """The column of other texts that count as the answer; empty where the data has none."""
    given = columns.get("aliases") or [()] * count
    return [[name for name in names or () if name] for names in given]
