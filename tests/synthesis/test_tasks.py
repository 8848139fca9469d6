import json
import re

import pytest

from lethe.synthesis import tasks
from lethe.synthesis.tasks import FIELDS, items, prompt, prompt_name, schema, verdict

FIELD_VALUES = {
    "target": "TARGET", "kind": " (a KIND)", "aspect": "ASPECT", "entity": "ENTITY", "n": "7",
    "facts": "FACTS", "language": "LANGUAGE", "passage": "PASSAGE", "question": "QUESTION",
}  # fmt: skip


@pytest.mark.parametrize("kind", [*FIELDS, "premise"])
def test_every_kind_has_instructions_that_say_what_to_reply(kind):
    (message,) = prompt(kind, FIELD_VALUES)
    text = message["content"]
    assert message["role"] == "user" and "$" not in text and "\n\n\n" not in text
    assert text.endswith("}") and "nothing else" in text
    for field in FIELDS.get(kind, ("sound",)):
        assert f'"{field}"' in text
    assert "Reply with a JSON object" in prompt(kind, {})[0]["content"]


def test_a_dollar_in_a_field_is_no_placeholder():
    assert "Ke$ha" in prompt("aspects", {"target": "Ke$ha"})[0]["content"]


def test_the_name_changes_with_the_words():
    assert re.fullmatch(r"boundary@[0-9a-f]{8}", prompt_name("boundary"))
    assert len({prompt_name(kind).split("@")[1] for kind in FIELDS}) == len(FIELDS)


def test_the_schema_is_closed():
    inner = schema("reverse")["properties"]["items"]["items"]
    assert inner["required"] == ["of", "question"] and inner["additionalProperties"] is False


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ('{"items": [{"aspect": "a"}, {"aspect": "b"}]}', ["a", "b"]),
        ('[{"aspect": "a"}, {"aspect": "b"}]', ["a", "b"]),
        ('```json\n{"items": [{"aspect": "a"}]}\n```\nDone!', ["a"]),
        ('{"items": [{"aspect": "a"}, {"aspect": "b', ["a"]),
        ('{"items": [{"aspect": 7}, {"aspect": true}, {"aspect": " "}, {"aspect": null}]}', ["7"]),
        ('{"items": [{"aspect": "  a \\n b "}, "c", {"x": "d"}]}', ["a b"]),
        ('{"items": {"aspect": "a"}}', []),
        ("I'm sorry, but I can't do that.", []),
        ("", []),
        ("{" * 5000, []),
        ('{"a":' * 3000 + "1", []),
    ],
)
def test_items(reply, found):
    assert [item["aspect"] for item in items("aspects", reply)] == found


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ('{"sound": true}', True),
        ('Well. {"sound": false} indeed', False),
        ('{"sound": true} or {"sound": false}', None),
        ('{"sound": "yes"}', None),
        ("true", None),
    ],
)
def test_verdict(reply, said):
    assert verdict(reply) is said


def test_no_two_instructions_share_a_sentence_with_a_field_that_is_not_theirs():
    for kind in FIELDS:
        used = set(re.findall(r"\$(\w+)", tasks.prompt_file(kind)))
        assert used <= set(FIELD_VALUES), kind
    assert json.dumps(schema("rephrase"))
