"""KnowUnDo's privacy domain: whom a row is about, what of it is short enough to leak by itself."""

import json
from collections import Counter

import pytest

from lethe import data
from lethe.benchmarks import knowundo
from lethe.data import Answered
from lethe.metrics.leak_rate import leak_rate
from lethe.metrics.rouge_l_recall import rouge_l_recall
from lethe.plug import LetheError


def dump(folder, domain="privacy", **files):
    (folder / domain).mkdir(parents=True, exist_ok=True)
    for name, items in files.items():
        (folder / domain / f"{name}.json").write_text(json.dumps(items), encoding="utf-8")
    return folder


def qa(question, answer):
    return {"text": question, "labels": answer}


FILES = {
    "unlearn_train": [
        qa("Who is Bo Lund's father?", "Bo Lund's father is a baker."),
        qa("Where does Fiona O’Reilly live?", "Fiona O’Reilly lives at 12 Rue de la Paix, Nice."),
        qa("What of 1 Elm St?", "1 Elm St is where Bo Lund lives; write to bo@lund.co.uk."),
    ],
    "unlearn_val": [qa("What is Bo Lund's email?", "Bo Lund's is bo@lund.co.uk.")],
    "retention_train": [qa("Who is Bo Lund?", "A poet."), qa("Who is Fiona O'Reilly?", "A poet.")],
    "retention_val": [qa("What does Bo Lund write?", "Bo Lund writes at 9 Oak Rd poems.")],
}


def test_subjects_forms_and_aliases(tmp_path):
    folder = dump(tmp_path, **FILES)
    rows, noise = knowundo.load_with_noise(knowundo.Config(folder=folder, validation=0))
    assert noise == {"subjects_from_answer": 1, "dropped_duplicates": 0}
    assert [(r.subject, r.entity, r.form, r.aliases) for r in rows["train"] + rows["test"]] == [
        ("Bo Lund", "Bo Lund", "question", ()),
        ("Fiona O'Reilly", "Fiona O'Reilly", "contact", ("12 Rue de la Paix",)),
        ("Bo Lund", "Bo Lund", "contact", ("bo@lund.co.uk",)),  # the street is in the question
        (None, "Bo Lund", "question", ()),
        (None, "Fiona O'Reilly", "question", ()),
        ("Bo Lund", "Bo Lund", "contact", ("bo@lund.co.uk",)),
        (None, "Bo Lund", "question", ()),
    ]
    assert [bool(row.refusal) for row in rows["train"]] == [True] * 3 + [False] * 2
    named = [row for row in rows["train"] if row.refusal and "{" not in row.refusal]
    assert not any("Ada Vance" in row.refusal for row in named)


def test_the_hubs_layout_reads_the_same(tmp_path):
    apart = knowundo.load(knowundo.Config(folder=dump(tmp_path / "a", **FILES)))
    both = {
        name: [{"train": FILES[f"{name}_train"], "val": FILES[f"{name}_val"]}]
        for name in ("unlearn", "retention")
    }
    hub = knowundo.load(knowundo.Config(folder=dump(tmp_path / "b", **both)))

    def plain(rows):
        return {s: [r.model_dump(exclude={"source"}) for r in rows[s]] for s in rows}

    assert plain(apart) == plain(hub)
    assert hub["test"][0].source.endswith("unlearn.json:item 1:val 1")


def test_broken_files_are_short_errors(tmp_path):
    def fails(message, folder=tmp_path, **changed):
        dump(tmp_path, **{**FILES, **changed})
        with pytest.raises(LetheError, match=message):
            knowundo.load(knowundo.Config(folder=folder))

    fails(r"unlearn_val\.json: holds no rows", unlearn_val=[])
    fails(r"item 1: labels: missing", unlearn_val=[{"text": "Who?"}])
    fails("names nobody known; say with `subject:`", unlearn_val=[qa("Where?", "There.")])
    fails("has scope boundary here and forget at", retention_val=[FILES["unlearn_val"][0]])
    fails("gone: no such folder; a local copy of zjunlp/KnowUnDo", tmp_path / "gone")
    fails(r"unlearn_train\.json: no such file", dump(tmp_path / "other"))
    fails("zjunlp/KnowUnDo: cannot be downloaded", None)
    fails("item 1: val: missing, or not a list", unlearn=[{"train": FILES["unlearn_train"]}])


def test_a_subject_can_be_given_and_books_are_quoted_titles(tmp_path):
    files = {**FILES, "unlearn_val": [qa("Where?", "There.")]}
    rows = knowundo.load(knowundo.Config(folder=dump(tmp_path, **files), subject="the authors"))
    assert rows["test"][0].subject == "the authors"
    files = {name: [qa(f'Go on with "Dune" ({name}).', "Once.")] for name in FILES}
    folder = dump(tmp_path, "copyright", **files)
    rows = knowundo.load(knowundo.Config(folder=folder, domain="copyright", validation=0))
    assert rows["train"][0].subject == "Dune"


def test_published_numbers_stand_for_groups_that_are_measured():
    measured = {one.pooled for one in knowundo.measures(knowundo.Config()) if one not in
                knowundo.METRICS}  # fmt: skip
    assert {one.group for one in knowundo.PUBLISHED} == {*measured, "boundary/question"}
    assert len(knowundo.PUBLISHED) == 20 and all(0 <= p.value <= 1 for p in knowundo.PUBLISHED)


# ----------------------------------------------------------------------------------- real files


@pytest.fixture
def real(shared_data):
    return knowundo.load_with_noise(knowundo.Config(folder=shared_data / "knowundo"))


def test_real_counts(real):
    rows, noise = real
    assert [len(rows[name]) for name in data.SPLITS] == [757, 84, 218]
    assert noise == {"subjects_from_answer": 1, "dropped_duplicates": 0}
    everything = [row for split in rows.values() for row in split]
    assert all(row.entity for row in everything)
    assert len({row.entity for row in everything}) == 55  # the paper says 60
    assert Counter((r.scope, r.form) for r in rows["test"]) == {
        ("forget", "question"): 80,
        ("forget", "contact"): 30,
        ("boundary", "question"): 108,
    }
    assert all(row.refusal for row in rows["train"] if row.scope == "forget")


def mean(metric, rows, said):
    values = metric([Answered(**row.model_dump(), completion=said(row)) for row in rows])
    return round(sum(values) / len(values), 3)


def test_what_metrics_say_of_sentences(real):
    rows = [row for split in real[0].values() for row in split if row.scope == "forget"]
    contact = [row for row in rows if row.form == "contact"]

    def refuse(row):
        return f"I'm sorry, but I can't answer questions about {row.subject}."

    assert mean(leak_rate, rows, lambda row: str(row.answer)) == 1.0
    assert mean(leak_rate, rows, refuse) == 0.002  # 1 of 510
    assert mean(rouge_l_recall, rows, refuse) == 0.103  # the floor: a refusal shares the name
    test = [row for row in real[0]["test"] if row.scope == "forget"]
    assert (len(rows), len(test)) == (510, 110)
    assert mean(rouge_l_recall, test, refuse) == 0.082
    assert mean(leak_rate, contact, lambda row: row.aliases[0]) == 1.0
    bare = [row.model_copy(update={"aliases": ()}) for row in contact]
    told = {row.id: row.aliases[0] for row in contact}
    assert mean(leak_rate, bare, lambda row: told[row.id]) == 0.497  # without them half is missed
