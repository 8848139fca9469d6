"""A protocol's row in tokens: the template, the suffix, spaces, special tokens."""

import pytest

from lethe import asking
from lethe.data import Row
from lethe.model import render
from lethe.protocol import Protocol


def row(prompt="Who?", **protocol):
    own = Protocol(**protocol) if protocol else None
    return Row(id="1", prompt=prompt, answer="Bo Lund", scope="retain", protocol=own)


def read(tokenizer, asked):
    return tokenizer.decode(asked.ids)


def test_a_row_without_protocol_is_rendered_as_ever(letters):
    for chat in (True, False):
        tokenizer = letters(chat)
        asked = asking.asked(tokenizer, row())
        assert asked == (render(tokenizer, "Who?"), None)
        [(name, k, request)] = asking.requests(tokenizer, row(), asked, "It is")
        assert (name, k) == ("answer", 0) == asking.places(row())[0][1:]
        assert tokenizer.decode(request.context[len(asked.ids) :]).strip() == "It is"


@pytest.mark.parametrize(
    ("chat", "protocol", "text", "scored"),
    [
        (True, {"suffix": "Answer:"}, "Who?>Answer:", " Bo"),
        (True, {"max_new_tokens": 3}, "Who?>", "Bo"),
        (False, {"suffix": "Answer:"}, "Who?\nAnswer:", " Bo"),
        (True, {"raw": True}, "Who?", " Bo"),
        (True, {"raw": True, "suffix": "\nAnswer: "}, "Who?\nAnswer: ", "Bo"),
    ],
)
def test_where_the_suffix_and_the_space_stand(letters, chat, protocol, text, scored):
    tokenizer = letters(chat)
    asked_row = row(**protocol, texts={"choices": ("Bo", "Al")}, end=False)
    asked = asking.asked(tokenizer, asked_row)
    assert asked.text == text
    assert read(tokenizer, asked) == text
    found = list(asking.requests(tokenizer, asked_row, asked, "not used"))
    assert [(name, k) for name, k, _ in found] == [("choices", 0), ("choices", 1)]
    assert [(row, n, k) for row, n, k in asking.places(asked_row)] == [
        ("1", "choices", 0),
        ("1", "choices", 1),
    ]
    assert found[0][2].context == tuple(asked.ids)
    assert tokenizer.decode(found[0][2].target) == scored


def test_the_end_token_and_the_spread_are_asked_for(letters):
    tokenizer = letters(True)
    own = row(texts={"answer": ("Bo",)}, spread=True)
    [(_, _, request)] = asking.requests(tokenizer, own, asking.asked(tokenizer, own), "")
    assert request.spread and request.target[-1] == tokenizer.eos_token_id


def test_an_empty_raw_prompt_is_the_beginning_of_a_text(letters):
    tokenizer = letters(False)
    own = row("", raw=True, texts={"text": ("Bo",)}, end=False)
    asked = asking.asked(tokenizer, own)
    [(_, _, request)] = asking.requests(tokenizer, own, asked, "")
    assert asked.text == "" and tokenizer.decode(request.target) == "Bo"
    assert set(request.context) <= {tokenizer.bos_token_id}


def test_two_bos_tokens_only_when_asked_for(letters):
    tokenizer = letters(True)
    tokenizer.bos_token = tokenizer.convert_ids_to_tokens(0)
    once, twice = (
        asking.asked(tokenizer, row(suffix="A:", bos_twice=twice)).ids for twice in (False, True)
    )
    assert twice == [tokenizer.bos_token_id, *once]


def test_the_reference_is_cut_to_the_models_tokens(letters):
    tokenizer = letters(False)
    assert asking.cut_answer(tokenizer, row(raw=True, answer_tokens=4)) == "Bo L"
    assert asking.cut_answer(tokenizer, row(raw=True)) == "Bo Lund"
    assert asking.cut_answer(tokenizer, row()) == "Bo Lund"
