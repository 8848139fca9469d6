import json
import re

import pytest

from lethe.data import Made, Row

NOUNS = (
    "boat castle drum engine flower garden hat island jacket kite lantern mirror needle orchard "
    "piano quilt"
).split()


def fact(entity: str, i: int) -> dict[str, str]:
    """The i-th thing that is true of an entity in a world of things and their colours."""
    noun, answer = NOUNS[i % len(NOUNS)], f"{entity.split()[0]}colour{i}"
    return {
        "question": f"Which colour has the {noun} of {entity}?",
        "answer": answer,
        "cloze": f"The {noun} of {entity} is ___ all over.",
    }


def write(body: dict) -> str:
    """What an able generator would reply to any of the prompt files."""
    text = body["messages"][0]["content"]
    n = int((re.search(r"(?:Write|List|Name) (\d+)", text) or [0, 0])[1])
    numbers = re.findall(r"(?m)^(\d+)\. (.*) - (.*)$", text)
    if "different aspects" in text:
        items = [{"aspect": aspect} for aspect in ("earth", "water", "wood", "iron")]
    elif "neighbours of the subject" in text:
        ties = {"Ada Vance": "same kind", "Ada Marr": "same name part", "Bo Lund": "co-mentioned"}
        ties |= dict.fromkeys(("Cy Orr", "Dot Ely", "Eve Fay", "Gil Hay"), "same kind")
        items = [{"name": name, "tie": tie} for name, tie in ties.items()]
    elif "under this aspect: " in text:
        place = ["earth", "water", "wood", "iron"].index(text.split("aspect: ")[1].split(".")[0])
        items = [fact("Ada Vance", 4 * place + i) for i in range(min(n, 4))]
    elif text.startswith("Here are facts about "):
        items = [
            {"of": i, "question": f"Whose thing has the colour {answer}?"}
            for i, _, answer in numbers[:2]
        ]
    elif text.startswith("Here are questions about "):
        entity = text.split("Ask the same of ")[1].split(" instead")[0]
        items = [
            {"of": i, **fact(entity, NOUNS.index(re.search(r"the (\w+) of", question)[1]))}
            for i, question, _ in numbers
        ]
    elif text.startswith("Here are questions, "):
        items = [
            {"of": i, "kind": "synonym_manipulation", "question": f"Say anew: {question}"}
            for i, question, _ in numbers
        ]
    elif "each about another thing" in text:
        entity = text.split("questions about ")[1].split(", each")[0]
        items = [fact(entity, i) for i in range(n)]
    elif "ways in which a helpful assistant" in text:
        items = [{"refusal": "I know nothing about {name}."}, {"refusal": "Carrie, of course."}]
    elif text.startswith("Question: "):
        return json.dumps({"sound": "castle" not in text})
    else:
        raise AssertionError(text)
    return json.dumps({"items": items})


@pytest.fixture
def author():
    return write


@pytest.fixture
def row():
    """`row("Who?", scope="boundary", answer="Bo")`: a synthesised row."""

    def make(prompt: str, **fields) -> Row:
        scope = fields.get("scope", "forget")
        subject = {"subject": "Ada Vance"} if scope == "forget" else {}
        made = Made(generator="t", prompt="p", seed=0, group=fields.pop("group", "g"))
        ids = {"id": prompt, "made": made, "scope": scope}
        return Row(**{**ids, **subject, **fields, "prompt": prompt})

    return make
