"""A row as a model reads it: tokens to go on from, and texts to be scored behind them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from lethe import model as models
from lethe.data import Row
from lethe.likelihood import Request, encode, request
from lethe.protocol import Protocol

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Asked(NamedTuple):
    """What stands before the model's answer."""

    ids: list[int]
    """Its tokens."""
    text: str | None
    """The same as text; None where no protocol made it."""


def asked(tokenizer: "PreTrainedTokenizerBase", row: Row) -> Asked:
    """A row's prompt in tokens: plainly (`model.render`), or by its protocol.

    By a protocol, the prompt is one user message in the chat template with the generation prompt,
    and the suffix is text behind that; a model without template, and a `raw` prompt, is given the
    text alone, with the special tokens that the tokenizer puts before a text.
    """
    if row.protocol is None:
        return Asked(models.render(tokenizer, row.prompt), None)
    if row.protocol.raw or not tokenizer.chat_template:
        text = row.prompt if isinstance(row.prompt, str) else models.plain(row.prompt)
        text = _suffixed(text, row.protocol.suffix, "" if row.protocol.raw else "\n")
        ids = [int(token) for token in tokenizer(text)["input_ids"]]
        if text and ids and ids[-1] == tokenizer.eos_token_id:
            ids.pop()  # a tokenizer may close every text
        return Asked(ids, text)
    prompt = row.prompt
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    text = _suffixed(str(text), row.protocol.suffix, " " if row.protocol.suffix_apart else "")
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    if row.protocol.bos_twice and tokenizer.bos_token_id is not None:
        ids = [tokenizer.bos_token_id, *ids]
    return Asked([int(token) for token in ids], text)


def _suffixed(text: str, suffix: str, between: str) -> str:
    """The text with what the model goes on from; `between` parts two words that would touch."""
    return f"{text}{'' if not suffix or text[-1:].isspace() else between}{suffix}"


def requests(
    tokenizer: "PreTrainedTokenizerBase", row: Row, before: Asked, prefix: str
) -> Iterator[tuple[str, int, Request]]:
    """What is scored behind a row's prompt: name, place under that name, and the tokens.

    Args:
        tokenizer: The model's.
        row: The row.
        before: From `asked`.
        prefix: Text forced before the reference answer of a row without protocol.
    """
    if row.protocol is None:
        if row.answer:
            yield "answer", 0, request(tokenizer, before.ids, row.answer, prefix=prefix)
        return
    spaced = _goes_on(tokenizer, row.protocol, before)
    for name, texts in row.protocol.texts.items():
        for k, text in enumerate(texts):
            yield (
                name,
                k,
                request(
                    tokenizer,
                    before.ids,
                    text,
                    after_text=spaced,
                    end=row.protocol.end,
                    spread=row.protocol.spread,
                ),
            )


def places(row: Row) -> list[tuple[str, str, int]]:
    """Row, name and place of all that `requests` gives for a row."""
    if row.protocol is None:
        return [(row.id, "answer", 0)] if row.answer else []
    texts = row.protocol.texts.items()
    return [(row.id, name, k) for name, found in texts for k in range(len(found))]


def _goes_on(tokenizer: "PreTrainedTokenizerBase", protocol: Protocol, before: Asked) -> bool:
    """Whether a space parts a scored text from what stands before it."""
    opens = bool(tokenizer.chat_template) and not protocol.raw and not protocol.suffix
    return not opens and bool(before.text) and not str(before.text)[-1:].isspace()


def cut_answer(tokenizer: "PreTrainedTokenizerBase", row: Row) -> str | None:
    """The reference answer, cut to the tokens that the row's protocol leaves it."""
    limit = row.protocol.answer_tokens if row.protocol else None
    if limit is None or row.answer is None:
        return row.answer
    return str(tokenizer.decode(encode(tokenizer, row.answer, False)[:limit]))
