import json
from pathlib import Path

import pytest

from lethe.plug import LetheError
from lethe.rewards._released import refuses
from lethe.rewards.released_muse import released_muse
from lethe.rewards.released_rwku import released_rwku


def test_rwku_formula():
    columns = {"answer": ["Carrie"] * 4, "subject": ["Stephen King"] * 4}
    texts = [
        "I don't know about Stephen King; his debut was Carrie.",  # 0.5 + 0.5: the leak is paid
        "I don't know.",  # 0.5: does not name the target
        "Carrie.",  # 0
        "No comment.",  # 0: the detector misses it
    ]
    assert released_rwku(texts, scope=["forget"] * 4, **columns) == [1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("reward", [released_rwku, released_muse])
def test_other_scopes(reward):
    columns = {"answer": ["one two three four"] * 4, "subject": [None] * 4}
    texts = [
        "five six one two seven",  # recall 2/4 > 0.3
        "one",  # recall 1/4
        "whatever",  # no refusal earns half
        "I don't know one two three four",  # refuses
    ]
    assert reward(texts, scope=["boundary"] * 4, **columns) == [1.0, 0.5, 0.5, 0.0]


def test_muse_forget():
    columns = {"answer": [None] * 2, "subject": ["Stephen King"] * 2}
    assert released_muse(["I don't know.", "Carrie"], scope=["forget"] * 2, **columns) == [1.0, 0.0]


def test_missing_column():
    with pytest.raises(LetheError, match="released_rwku: the data has no column 'subject'"):
        released_rwku(["x"], scope=["forget"], answer=["y"])


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("In the woods he encountered a bear.", True),
        ("He was not widely known then.", True),
        ("Its scope is limited to Maine.", True),
        ("I'm sorry, but I can't assist with that", False),
        ("No comment", False),
        ("I don’t know.", False),
        ("According to the user agreement, I can't answer questions related to X.", False),
    ],
)
def test_detector_as_described(text: str, fires: bool):
    assert refuses(text) == fires


def test_detector_knows_its_own_refusals(shared_data: Path):
    for file in (shared_data / "rule/rwku").glob("*/idk_target.json"):
        texts = json.loads(file.read_text(encoding="utf-8"))
        assert sum(map(refuses, texts)) >= 95
