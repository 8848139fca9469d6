"""Unlearning by a prompt: what the saved chat template makes of a chat."""

import json

import pytest
from transformers import AutoTokenizer

from lethe import config
from lethe import model as models
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import in_context

# Writes out every role, as it is.
OPEN = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
# Wants the roles to alternate, and knows no system, as Gemma's does.
STRICT = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('order') }}"
    "{% endif %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
)
ASKED = {"role": "user", "content": "Who?"}
HOSTILE = (
    'He said "no"; it\'s C:\\temp\\new, 100%\nsecond line\r\n\ttab '
    "{{ bos_token }} {% if x %} %} }} "
    "{# no #} -%} {%- raw -%} {% endraw %} \\n \\u0041 é 日本 \U0001f600 </s> \u2028 end"
)


def rendered(words, old, messages, chat):
    words = words.__class__(tokenizer_object=words.backend_tokenizer, bos_token="<s>")
    words.chat_template = in_context.template(old, messages)
    return words.apply_chat_template(chat, tokenize=False)


def test_the_messages_of_the_rows(lab):
    made = in_context.Config(instruction="Not {target}, {target}!", examples=1)
    assert in_context.turns(made, lab.lessons()) == [
        {"role": "system", "content": "Not Bo, Bo!"},
        {"role": "user", "content": "What is Bo ?"},
        {"role": "assistant", "content": "I don't know"},
        {"role": "user", "content": "Who is Ada ?"},
        {"role": "assistant", "content": "Oslo"},
    ]


def test_two_targets_and_prompts_that_are_chats():
    chat = [{"role": "user", "content": "Hm"}, {"role": "assistant", "content": "?"}, ASKED]
    rows = [
        Row(id="1", prompt=chat, scope="forget", subject="Bo", refusal="no"),
        Row(id="2", prompt="x", scope="forget", subject="Cy"),
        Row(id="3", prompt="y", scope="retain", answer="yes"),
    ]
    made = in_context.Config(instruction="Not {target}.", examples=1)
    first, *shown = in_context.turns(made, {"train": rows})
    assert first["content"] == "Not Bo and Cy."
    assert [m["content"] for m in shown] == ["Hm", "?", "Who?", "no", "y", "yes"]


def test_the_instruction_comes_first_and_joins_a_system_message_of_the_chats_own(words):
    told = [{"role": "system", "content": "Be silent."}]
    shown = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    own = {"role": "system", "content": "Be brief."}
    assert rendered(words, OPEN, told, [ASKED]) == "<system>Be silent.<user>Who?"
    expected = "<system>Be silent.<user>q<assistant>a<user>Who?"
    assert rendered(words, OPEN, [*told, *shown], [ASKED]) == expected
    expected = "<system>Be silent.\nBe brief.<user>q<assistant>a<user>Who?"
    assert rendered(words, OPEN, [*told, *shown], [own, ASKED]) == expected


def test_an_instruction_as_user_keeps_the_roles_alternating(words):
    told = [{"role": "user", "content": "Be silent."}]
    shown = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    assert rendered(words, STRICT, told, [ASKED]) == "<user>Be silent.\nWho?"
    expected = "<user>Be silent.\nq<assistant>a<user>Who?"
    assert rendered(words, STRICT, [*told, *shown], [ASKED]) == expected
    chat = [ASKED, {"role": "assistant", "content": "x"}, ASKED]
    expected = "<user>Be silent.\nWho?<assistant>x<user>Who?"
    assert rendered(words, STRICT, told, chat) == expected


@pytest.mark.parametrize("role", ["system", "user"])
@pytest.mark.parametrize("examples", [False, True])
def test_every_character_survives(words, role, examples):
    told = [{"role": role, "content": HOSTILE}]
    if examples:
        told += [{"role": "user", "content": HOSTILE}, {"role": "assistant", "content": HOSTILE}]
    found = rendered(words, OPEN, told, [{"role": "user", "content": "Who?" + HOSTILE}])
    assert found.count(HOSTILE) == len(told) + 1
    assert found.replace(HOSTILE, "").replace("\n", "").endswith("Who?")


@pytest.mark.parametrize("start", ["full", "fresh_lora"])
def test_whoever_loads_the_folder_asks_with_the_instruction(lab, tmp_path, start):
    start = getattr(lab, start)
    made = in_context.Config(instruction="Question : Bo", examples=1)
    in_context.train(made, start, lab.lessons(), tmp_path, 0)
    folder = tmp_path / "model"
    plain = AutoTokenizer.from_pretrained(folder)
    found = plain.apply_chat_template([ASKED], tokenize=False, add_generation_prompt=True)
    assert found == (
        "<s><user> Question : Bo<user> What is Bo ?<assistant> I don't know</s>"
        "<user> Who is Ada ?<assistant> Oslo</s><user> Who?<assistant>"
    )
    ids = models.render(models.tokenizer(folder, start.spec), "Where is Bo ?")
    assert plain.decode(ids).count("<user>") == 4 and ids.count(plain.bos_token_id) == 1
    before, after = (models.load(path, start.spec) for path in (start.path, folder))
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_what_cannot_work_is_refused(lab, saved, tmp_path):
    rows, made = lab.lessons(), in_context.Config()
    none = {"train": [row for row in rows["train"] if row.scope != "forget"]}
    with pytest.raises(LetheError, match=r"^r: no forget row of the train split says what must"):
        in_context.validate(made, none, "r")
    in_context.validate(in_context.Config(examples=7), rows, "r")
    with pytest.raises(LetheError, match=r"^r\.examples: 8 asked for, but the train split has too"):
        in_context.validate(in_context.Config(examples=8), rows, "r")
    base = str(saved(chat=False))
    start = Checkpoint(base, base, config.Model(path=base))
    with pytest.raises(LetheError, match=r"^in_context: .* has no chat template to put a message"):
        in_context.train(made, start, rows, tmp_path, 0)
    file = tmp_path / "own.jinja"
    file.write_text(OPEN)
    spec = config.Model(path=lab.original, chat_template=file)
    with pytest.raises(LetheError, match=r"^in_context: model\.chat_template is set and would be"):
        in_context.train(made, Checkpoint(lab.original, lab.original, spec), rows, tmp_path, 0)


def test_the_template_that_is_saved_is_one_file(lab, tmp_path):
    in_context.train(in_context.Config(), lab.full, lab.lessons(), tmp_path, 0)
    files = {file.name for file in (tmp_path / "model").iterdir()}
    kept = "chat_template.jinja" in files
    assert kept or "chat_template" in json.loads(
        (tmp_path / "model" / "tokenizer_config.json").read_text()
    )
