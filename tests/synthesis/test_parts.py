from collections import Counter

import pytest

from lethe.plug import LetheError
from lethe.synthesis.parts import split


def rows_of(row, groups=10):
    found = []
    for g in range(groups):
        for form in ("question", "cloze", "adversarial:role_play"):
            found.append(row(f"The {form} about thing number {g}?", group=f"fact {g}", form=form))
        found.append(
            row(f"Where is Bo{g}?", scope="boundary", answer="x", group=f"Bo{g}", entity=f"Bo{g}")
        )
    return found


def test_groups_stay_together_and_shares_hold(row):
    rows = split(rows_of(row), validation=0.1, test=0.2, seed=0)
    assert [r.id for r in rows] == [r.id for r in rows_of(row)]
    parts = {}
    for each in rows:
        parts.setdefault((each.scope, each.made.group), set()).add(each.split)
    assert all(len(found) == 1 for found in parts.values())
    for scope in ("forget", "boundary"):
        counted = Counter(next(iter(v)) for (s, _), v in parts.items() if s == scope)
        assert counted == {"train": 7, "validation": 1, "test": 2}


def test_groups_with_near_prompts_are_one(row):
    rows = rows_of(row, 6)
    rows += [
        row("Please say which colour the big boat of Ann Lee has.", group="fact 0"),
        row("Say which colour the big boat of Ann Lee has.", group="fact 3"),
        row("Say which colour the very big boat of Ann Lee has.", group="fact 1"),
    ]
    for seed in range(20):
        dealt = split(rows, 0.25, 0.25, seed)
        found = {r.made.group: r.split for r in dealt if r.scope == "forget"}
        assert found["fact 0"] == found["fact 3"] == found["fact 1"]


def test_nothing_for_the_test_is_fine_and_too_few_groups_are_not(row):
    rows = rows_of(row, 3)
    assert {r.split for r in split(rows, 0.1, 0.0, 0)} == {"train", "validation"}
    with pytest.raises(LetheError, match="too few"):
        split(rows_of(row, 1), 0.1, 0.2, 0)
