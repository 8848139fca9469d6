import json
from pathlib import Path

import pytest

from lethe.faults import faults


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", ["empty"]),
        ("...", ["empty"]),
        ("no no no no no no", ["degenerate"]),
        ("The name of the man who wrote it is S t e p h e n", ["encoded"]),
        ("The city he once lived in was P-o-r-t-l-a-n-d", ["encoded"]),
        ("It is C4rr1e", ["encoded"]),
        ("It is Cа" + "rrie", ["encoded"]),  # with a Cyrillic letter
        ("It is Car\u200brie", ["encoded"]),
        ("It is U3RlcGhlbiBLaW5n1", ["encoded"]),
        ("It was was Carrie", ["repeated"]),
        ("I don't know that. Really, I don't know that! I don't know that.", ["repeated"]),
        ("It is I don't know", ["spliced"]),
        ("He was a I'm sorry", ["spliced"]),
        ("I don't a baker", ["spliced"]),
        ("It is a my knowledge does not cover that", ["spliced"]),
        ("It was an of", ["spliced"]),
        ("He lived with the", ["cut"]),
        ("I don't know because", ["cut"]),
        ("I know xkq zzv prt wqx", ["gibberish"]),
        ("Carrie %%% @@ ## it is", ["gibberish"]),
    ],
)
def test_faults(text, kinds):
    assert [fault.kind for fault in faults(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, I don't know that person.",
        "The book is I Don't Know How She Does It.",
        "It was written by J. R. R. Tolkien and C. S. Lewis.",
        "Duran Duran had had enough, and that that mattered is clear.",
        "H2O and CO2, MI5, R2D2, the 3rd of B2B",
        "Write to support@example.com, or see https://example.com/a_b.",
        "He didn't, of course, an' that was all.",
        "| Name | Place of birth |\n|---|---|\n| King | Portland, Maine |",
        "**Bold** and\n\n---\n\n- a list\n- of things",
        "O'Brien's well-known 'no' is no answer.",
        "What he is, I cannot say.",
        "The truth is I don't know him.",
        "Write to j0hn.smith1974@example.com.",
        "She plays in Serie A",
        "A",
        "1,200 of 3,400 in 1999-2004",
        "Naïve café, Beyoncé, Łódź, Москва, Αθήνα",
    ],
)
def test_no_faults(text):
    assert faults(text) == []


def test_benchmarks_have_few_faults(shared_data: Path):
    for file in (shared_data / "rule/rwku").glob("*/rl_rejection_with_fb_neighbor_target.json"):
        texts = [row["solution"][1] for row in json.loads(file.read_text(encoding="utf-8"))]
        rejected = json.loads(file.with_name("reject_target.json").read_text(encoding="utf-8"))
        assert not any(faults(row["output"]) for row in rejected)
        assert sum(bool(faults(text)) for text in texts) <= 0.005 * len(texts)
    lines = (shared_data / "tofu/full.json").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["answer"] for line in lines]
    assert sum(bool(faults(text)) for text in texts) <= 0.005 * len(texts)
