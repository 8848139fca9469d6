"""In-context unlearning: an instruction before every chat, and no training at all.

The instruction, and example turns if asked for, go into the chat template that is saved with the
model, so that whoever loads the folder asks with them. What it costs is a longer prompt; what it
hides is all still there. Source: guardrail prompting, Thaker et al., arXiv 2403.03329; examples in
the context: Pawelczyk et al., arXiv 2310.07579. Needs a model that follows instructions.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from lethe import process
from lethe.config import Model, Stage
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.plug import LetheError

WHY = "tell the model what it must not talk about; its weights stay as they are"


class Config(Stage):
    """Unlearning by a prompt."""

    stage: Literal["in_context"] = "in_context"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    instruction: str = Field(
        default="You know nothing about {target}. If a question is about {target} or can only be "
        "answered by naming {target}, say politely that you cannot help with it. Answer every "
        "other question as usual.",
        min_length=1,
    )
    """What the model is told; {target} stands for what must be forgotten."""
    role: Literal["system", "user"] = "system"
    """Whose message it is; some chat templates know no system. A user's is put before the first
    question, in one message with it: the same templates want the roles to alternate."""
    examples: int = Field(default=0, ge=0)
    """Example turns after it: so many forget rows with their refusals, and so many others with
    their answers, the first of the train split."""


def validate(config: Config, data: dict[str, list[Row]], where: str) -> None:
    """Raise LetheError when the rows do not say what must be forgotten."""
    if not any(row.scope == "forget" for row in data["train"]):
        raise LetheError(f"{where}: no forget row of the train split says what must be forgotten")
    if len(_shown(config, data)) < 2 * config.examples:
        raise LetheError(
            f"{where}.examples: {config.examples} asked for, but the train split has too few "
            "forget rows with a refusal, or other rows with an answer"
        )


def check_model(config: Config, model: Model, first: bool, where: str) -> None:
    """Refuse a recipe's own template, which would be used in place of the one made here."""
    if model.chat_template:
        raise LetheError(
            f"{where}: model.chat_template is set and would be used in place of the template with "
            "the instruction; save it with the model instead"
        )


def turns(config: Config, data: dict[str, list[Row]]) -> list[dict[str, str]]:
    """The messages that go before every chat.

    Args:
        config: Instruction and number of examples.
        data: Rows by split.

    Returns:
        Chat messages: the instruction, then user and assistant in turn.
    """
    forget = [row for row in data["train"] if row.scope == "forget"]
    names = " and ".join(dict.fromkeys(row.subject for row in forget if row.subject))
    told = config.instruction.replace("{target}", names)
    messages: list[dict[str, Any]] = [{"role": config.role, "content": told}]
    for prompt, reply in _shown(config, data):
        asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        messages += [*asked, {"role": "assistant", "content": reply}]
    return messages


def _shown(config: Config, data: dict[str, list[Row]]) -> list[tuple[Any, str]]:
    refused = [(r.prompt, r.refusal) for r in data["train"] if r.scope == "forget" and r.refusal]
    answered = [(r.prompt, r.answer) for r in data["train"] if r.scope != "forget" and r.answer]
    return refused[: config.examples] + answered[: config.examples]


def template(old: str, messages: list[dict[str, str]]) -> str:
    """A chat template that puts messages before every chat, and then does as the old one.

    What the first of them says is joined to what follows it in the same role: a system message of
    the chat's own, the first question.
    """
    first, *shown = messages
    if shown and shown[0]["role"] == first["role"]:
        shown[0] = {**shown[0], "content": f"{first['content']}\n{shown[0]['content']}"}
        return f"{{%- set messages = {_literal(shown)} + messages -%}}{old}"
    joined = f"{_literal(first['content'])} + '\\n' + messages[0]['content']"
    return (
        f"{{%- set before = {_literal(messages)} -%}}"
        f"{{%- if messages and messages[0]['role'] == '{first['role']}' -%}}"
        f"{{%- set joined = [{{'role': '{first['role']}', 'content': {joined}}}] -%}}"
        "{%- set messages = joined + before[1:] + messages[1:] -%}"
        "{%- else -%}{%- set messages = before + messages -%}{%- endif -%}"
        f"{old}"
    )


def _literal(value: Any) -> str:
    """A value as Jinja reads it back: its strings know the escapes of JSON."""
    return json.dumps(value, ensure_ascii=False)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Leave the same weights with another chat template in `out/model`.

    Raises:
        LetheError: The model has no chat template, or the recipe sets one, which would win.
    """
    validate(config, data, "in_context")
    check_model(config, model.spec, True, "in_context")
    from lethe import model as models

    tokenizer = models.tokenizer(model.path, model.spec)
    if not isinstance(tokenizer.chat_template, str):
        raise LetheError(f"in_context: {model.path} has no chat template to put a message into")
    tokenizer.chat_template = template(tokenizer.chat_template, turns(config, data))
    if process.first():
        weights = models.load(model.path, model.spec, trainable=True)
        models.save(weights, tokenizer, out / "model")
