import json

import pytest

from lethe.benchmarks import files
from lethe.plug import LetheError


def jsonl(folder, name, *objects):
    file = folder / name
    file.write_text("".join(json.dumps(item) + "\n" for item in objects), encoding="utf-8")
    return file


def queries(n, **fields):
    return [{"prompt": f"{fields} {i}?", **fields} for i in range(n)]


def test_four_files_are_split_by_prompt_and_get_their_scopes(tmp_path):
    config = files.Config(
        forget=jsonl(tmp_path, "mine.jsonl", *queries(20, answer="x")),
        boundary=jsonl(tmp_path, "near.jsonl", *queries(10, answer="y")),
        retain=jsonl(tmp_path, "far.jsonl", *queries(10, answer="z")),
        utility=jsonl(tmp_path, "all.jsonl", *queries(5, answer="w")),
        subject="Ada Vance",
    )
    rows = files.load(config)
    counts = {
        split: [
            sum(r.scope == s for r in some) for s in ("forget", "boundary", "retain", "utility")
        ]
        for split, some in rows.items()
    }
    # 10 % and 20 % of 20, 10, 10, 5; at least one each; a half rounds to even (0.5 -> 0 -> 1).
    assert counts == {
        "train": [14, 7, 7, 3],
        "validation": [2, 1, 1, 1],
        "test": [4, 2, 2, 1],
    }
    assert {r.subject for some in rows.values() for r in some} == {"Ada Vance", None}
    assert files.load(config) == rows


def test_csv_with_a_split_column_is_taken_as_it_is(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(
        "question,answer,subject,split,aliases\n"
        '"Born in Tarn, or where?",Tarn,Ada Vance,train,\n'
        "Her job?,baker,Ada Vance,test,cook|chef\n",
        encoding="utf-8",
    )
    rows = files.load(files.Config(forget=file))
    assert [r.prompt for r in rows["train"]] == ["Born in Tarn, or where?"]
    assert [(r.prompt, r.aliases) for r in rows["test"]] == [("Her job?", ("cook", "chef"))]
    assert rows["validation"] == []


def test_duplicates_are_dropped_with_a_count(tmp_path):
    items = [*queries(10, subject="Ada"), *queries(3, subject="Ada")]
    rows, noise = files.load_with_noise(files.Config(forget=jsonl(tmp_path, "a.jsonl", *items)))
    assert noise == {"dropped_duplicates": 3}
    assert sum(map(len, rows.values())) == 10


@pytest.mark.parametrize(
    ("forget", "boundary", "message"),
    [
        (queries(9), None, r"a\.jsonl:\d: subject: missing"),
        (queries(9, subject="A"), queries(9), r"b\.jsonl:\d: answer: missing; a boundary row"),
        (queries(9, subject="A"), queries(9, subject="A"), "answer: missing"),
        (queries(2, subject="A"), None, r"a\.jsonl: fractions: 2 prompts are too few.*split col"),
        (queries(1, subject="A", scope="retain"), None, r"a\.jsonl:1: scope: is 'retain'"),
        (
            [{"prompt": "Who?", "subject": "A", "split": "test"}],
            [{"prompt": " who? ", "answer": "B", "split": "test"}],
            r"b\.jsonl:1: prompt: ' who\? ' has scope boundary here and forget at .*a\.jsonl:1",
        ),
        (
            [{"prompt": "Who?", "subject": "A", "split": s} for s in ("test", "train")],
            None,
            r"a\.jsonl:2: prompt: 'Who\?' has split train here and test at .*a\.jsonl:1",
        ),
    ],
)
def test_bad_rows_are_refused(tmp_path, forget, boundary, message):
    config = files.Config(
        forget=jsonl(tmp_path, "a.jsonl", *forget),
        boundary=jsonl(tmp_path, "b.jsonl", *boundary) if boundary else None,
    )
    with pytest.raises(LetheError, match=message):
        files.load(config)


def test_a_real_boundary_set_about_one_person(shared_data, tmp_path):
    def convert(name):
        source = shared_data / "knowundo" / "privacy" / f"{name}.json"
        items = json.loads(source.read_text(encoding="utf-8"))
        return [{"prompt": item["text"], "answer": item["labels"]} for item in items]

    forget, boundary = convert("unlearn_val"), convert("retention_val")
    config = files.Config(
        forget=jsonl(tmp_path, "forget.jsonl", *forget),
        boundary=jsonl(tmp_path, "boundary.jsonl", *boundary),
        subject="private facts",
        test=1.0,
        validation=0.0,
    )
    rows, noise = files.load_with_noise(config)
    assert len(rows["test"]) == len(forget) + len(boundary) - noise["dropped_duplicates"]
    assert rows["train"] == rows["validation"] == []
