import pytest

from lethe.plug import LetheError
from lethe.synthesis import facts as tables
from lethe.world import facts, rows


def test_what_is_written_is_what_synthesis_reads(tmp_path):
    table, wordings = facts.write(3, tmp_path / "new")
    assert [(f.entity, f.attribute, f.value) for f in tables.read(table)] == facts.table(3)
    assert tables.wordings(wordings)["book"].reverse == ("Who wrote {value}?",)
    with pytest.raises(LetheError, match=r"facts\.csv: exists already"):
        facts.write(3, tmp_path / "new")


def test_no_test_wording_leaves_the_world():
    tested = {row.prompt for row in rows(3)["test"]}
    for entity, attribute, value in facts.table(3):
        for texts in facts.wordings()[attribute].values():
            for text in texts:
                assert text.format(entity=entity, value=value) not in tested
