import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lethe import asking, data, planning, recorder
from lethe import config as recipes
from lethe.benchmarks import muse
from lethe.data import Answered
from lethe.metrics._summary import summarise
from lethe.model import Checkpoint
from lethe.plug import LetheError

SHOTS = [{"question": "Who is Bo ?", "answer": "a baker"}, {"question": "Who?", "answer": "Ada"}]
QUESTIONS = [
    {"question": "Where does Ada live ?", "answer": "Oslo"},
    {"question": "who IS Bo ?", "answer": "a baker"},
    {"question": "Where does Ada live ?", "answer": "Rome"},
]
BEFORE = "Question: Who is Bo ?\nAnswer: a baker\n\nQuestion: Who?\nAnswer: Ada\n\n"


def dump(folder: Path, files):
    for name, items in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(items), path)
        else:
            path.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    return folder


def tiny(folder: Path, **files):
    """All of MUSE in the files of its repository."""
    made = {
        "knowmem/forget_qa.json": QUESTIONS,
        "knowmem/forget_qa_icl.json": SHOTS,
        "knowmem/retain_qa.json": QUESTIONS[:1],
        "knowmem/retain_qa_icl.json": SHOTS[1:],
        "verbmem/forget.json": [{"prompt": "Once upon", "gt": "a time\nthere was"}],
        "privleak/forget.json": ["[Old news]\nA fire.", "Rain."],
        "privleak/retain.json": ["Read by nobody."],
        "privleak/holdout.json": ["New news."],
    }
    return dump(folder, {**made, **files})


def settings(folder, **more):
    return muse.Config(**{"corpus": "own", "folder": folder, **more})


def by_group(rows):
    groups: dict[str, list] = {}
    for row in rows:
        groups.setdefault(f"{row.scope}/{row.form}", []).append(row)
    return groups


def test_all_of_a_small_muse(tmp_path):
    rows, noise = muse.load_with_noise(settings(tiny(tmp_path / "mine"), corpus="news"))
    assert noise == {"kept_repeated_prompts": 1, "kept_questions_among_shots": 1}
    assert (rows["train"], rows["validation"]) == ([], [])
    groups = by_group(rows["test"])
    assert {name: len(found) for name, found in groups.items()} == {
        "forget/knowmem": 3,
        "retain/knowmem": 1,
        "forget/verbmem": 1,
        "forget/privleak": 2,
        "retain/holdout": 1,
    }
    asked = groups["forget/knowmem"][0]
    assert asked.id == "news/knowmem/forget/1"
    assert asked.prompt == BEFORE + "Question: Where does Ada live ?\nAnswer: "
    assert (asked.answer, asked.subject) == ("Oslo", "the BBC news articles")
    assert asked.protocol.stop == ("\n\n", "\nQuestion", "Question:")
    assert (asked.protocol.max_new_tokens, asked.protocol.raw) == (32, True)
    assert groups["retain/knowmem"][0].prompt.startswith("Question: Who?\nAnswer: Ada\n\n")
    passage = groups["forget/verbmem"][0]
    assert (passage.prompt, passage.answer) == ("Once upon", "a time\nthere was")
    assert (passage.protocol.max_new_tokens, passage.protocol.answer_tokens) == (128, 128)
    text = groups["forget/privleak"][0]
    assert (text.id, text.prompt, text.answer) == ("news/privleak/forget/1", "", None)
    assert text.protocol.texts == {"text": ("[Old news]\nA fire.",)}
    assert (text.protocol.max_new_tokens, text.protocol.end, text.protocol.spread) == (
        0,
        False,
        True,
    )
    assert groups["retain/holdout"][0].protocol.texts == {"text": ("New news.",)}


def test_the_hubs_parquet_files_are_read_before_old_json_files(tmp_path):
    folder = dump(
        tmp_path / "hub",
        {
            "verbmem/forget.json": [{"prompt": "old", "gt": "old"}],
            "verbmem/forget-00000-of-00002.parquet": [{"prompt": "a", "gt": "b"}],
            "verbmem/forget-00001-of-00002.parquet": [{"prompt": "c", "gt": "d"}],
            "privleak/forget-00000-of-00001.parquet": [{"text": "e"}],
            "knowmem/forget_qa-00000-of-00001.parquet": QUESTIONS[:1],
            "knowmem/forget_qa_icl-00000-of-00001.parquet": SHOTS,
        },
    )
    rows = muse.load(settings(folder, corpus="books"))["test"]
    assert [(row.id, row.answer) for row in rows] == [
        ("books/knowmem/forget/1", "Oslo"),
        ("books/verbmem/forget/1", "b"),
        ("books/verbmem/forget/2", "d"),
        ("books/privleak/forget/1", None),
    ]


def test_a_folder_without_folders(tmp_path):
    files = {"knowmem_qa.json": QUESTIONS, "knowmem_qa_icl.json": SHOTS}
    folder = dump(tmp_path / "alice", {**files, "verbmem.json": [{"prompt": "a", "gt": "b"}]})
    rows = muse.load(settings(folder))["test"]
    assert [row.form for row in rows] == ["knowmem"] * 3 + ["verbmem"]
    assert {row.subject for row in rows} == {"alice"}
    assert rows[0].id == "own/knowmem/forget/1"
    named = muse.load(settings(folder, subject="Alice in Wonderland"))["test"]
    assert {row.subject for row in named} == {"Alice in Wonderland"}


def test_wrong_folders_and_files_are_short_errors(tmp_path):
    def fails(message, folder, **more):
        with pytest.raises(LetheError, match=message):
            muse.load(settings(folder, **more))

    fails("gone: no such folder; a local copy of MUSE's files", tmp_path / "gone")
    fails(
        "gone: no such folder; a local copy of muse-bench/MUSE-News",
        tmp_path / "gone",
        corpus="news",
    )
    (tmp_path / "empty").mkdir()
    fails(
        r"empty: none of MUSE's files: knowmem/forget_qa, .*privleak/holdout "
        r"\(\.parquet, \.json or \.jsonl\)",
        tmp_path / "empty",
    )
    fails("muse-bench/MUSE-Books: cannot be downloaded", None, corpus="books")

    def broken(name, items):
        return tiny(tmp_path / name.replace("/", "-"), **{name: items})

    fails(r"verbmem/forget\.json: holds no records", broken("verbmem/forget.json", []))
    fails(
        r"verbmem/forget\.json:item 1: gt: missing",
        broken("verbmem/forget.json", [{"prompt": "a"}]),
    )
    fails(r"item 2: text: missing, or not text", broken("privleak/holdout.json", ["a", {"b": 1}]))
    lone = dump(tmp_path / "lone", {"knowmem/retain_qa.json": QUESTIONS})
    fails("lone: knowmem/retain_qa_icl: missing; the questions stand behind its own", lone)
    (tmp_path / "bad" / "privleak").mkdir(parents=True)
    (tmp_path / "bad" / "privleak" / "forget.json").write_text('["a",\n"b"')
    fails(r"forget\.json:2: not JSON", tmp_path / "bad")
    with pytest.raises(ValueError, match="folder: missing; a corpus of one's own"):
        muse.Config(corpus="own")


def test_measures_and_published_numbers_name_groups_that_exist(tmp_path):
    groups = by_group(muse.load(settings(tiny(tmp_path / "mine")))["test"])
    wanted = muse.measures(muse.Config())
    for measure in wanted:
        for pattern in measure.groups:
            assert any(fnmatchcase(group, pattern) for group in groups), measure
    assert muse.METRICS == ["rouge_l_f1", "priv_leak_muse", "refusal_rate"]
    ours = [p for p in muse.PUBLISHED if p.metric in muse.METRICS]
    reported = {m.pooled for m in wanted} | {group for m in wanted for group in m.groups}
    assert {p.group for p in ours} <= reported
    assert [p.value for p in muse.PUBLISHED if p.metric == "auc_min_k"] == pytest.approx(
        [0.5228, 0.4607]
    )


def test_a_stage_finds_nothing_to_train_on(tmp_path):
    recipe = recipes.from_dict(
        {
            "name": "muse",
            "model": {"path": "world:0"},
            "data": {"benchmark": "muse", "corpus": "own", "folder": str(tiny(tmp_path / "mine"))},
            "stages": [{"stage": "npo"}],
            "evaluate": {"metrics": ["refusal_rate"]},
        },
        "muse",
    )
    with pytest.raises(LetheError, match=r"muse: stages\.0: "):
        planning.plan(recipe)
    assert len(planning.plan(recipe.model_copy(update={"stages": []})).rows) == 8


def test_rows_are_raw_text_with_and_without_a_chat_template(tmp_path, words, plain_words, letters):
    groups = by_group(muse.load(settings(tiny(tmp_path / "mine")))["test"])
    row = groups["retain/knowmem"][0]
    for tokenizer in (words, plain_words):
        asked = asking.asked(tokenizer, row)
        assert asked.text == row.prompt
        assert tokenizer.decode(asked.ids).endswith("Question : Where does Ada live ? Answer :")
    told = groups["forget/privleak"][1]
    for chat in (True, False):
        tokenizer = letters(chat)
        before = asking.asked(tokenizer, told)
        request = next(asking.requests(tokenizer, told, before, ""))[2]
        assert before.ids == []
        assert "".join(tokenizer.convert_ids_to_tokens(request.target)) == "Rain."


def test_a_model_is_measured_on_all_of_it(tmp_path, saved):
    mine = tiny(tmp_path / "mine", **{"privleak/forget.json": ["Ada is Bo"]})
    rows = muse.load(settings(mine))["test"]
    path = str(saved("llama", max_position_embeddings=256))
    answered = recorder.record(
        Checkpoint(path, path, recipes.Model(path=path)),
        rows,
        recipes.Evaluate(batch_size=4),
        name="tiny",
        prefix="",
    )
    groups = by_group(answered)
    assert all(row.completion for row in groups["forget/verbmem"])
    assert not any("\n\n" in row.completion for row in groups["forget/knowmem"])
    told = groups["forget/privleak"][0]
    scored = told.scored["text"][0]
    assert (told.completion, len(scored.logprobs)) == ("", 3)
    assert len(scored.means) == len(scored.variances) == 3
    assert set(groups["forget/knowmem"][0].scored) == set()


# ----------------------------------------------------------------------------------- real files


@pytest.mark.parametrize(
    ("name", "corpus", "groups", "repeated", "among"),
    [
        ("news", "news", {"forget/knowmem": 100, "retain/knowmem": 100}, 0, 0),
        ("books", "books", {"forget/knowmem": 100, "retain/knowmem": 100}, 9, 2),
        ("alice", "own", {"forget/knowmem": 55, "forget/verbmem": 100}, 6, 0),
    ],
)
def test_real_counts(shared_data, name, corpus, groups, repeated, among):
    given = settings(shared_data / "muse" / name, corpus=corpus)
    rows, noise = muse.load_with_noise(given)
    assert Counter(f"{row.scope}/{row.form}" for row in rows["test"]) == groups
    assert noise == {"kept_repeated_prompts": repeated, "kept_questions_among_shots": among}
    data.check(rows["test"])


def test_real_prompts_to_the_letter(shared_data):
    rows = muse.load(settings(shared_data / "muse" / "news", corpus="news"))["test"]
    prompt = str(rows[100].prompt)
    assert prompt.startswith(
        "Question: Who apologized to Mr. Farage for 'deeply inappropriate' comments after his "
        "account was closed?\nAnswer: Dame Alison Rose\n\nQuestion: What is the main feeling"
    )
    assert prompt.endswith(
        "\n\nQuestion: How many women and men are in New Zealand's cabinet after the promotion of "
        "Willow-Jean Prime?\nAnswer: "
    )
    assert (prompt.count("Question: "), rows[100].answer) == (11, "10 women and 10 men")
    alice = muse.load(settings(shared_data / "muse" / "alice"))["test"]
    assert str(alice[0].prompt).count("Question: ") == 6
    assert str(alice[55].prompt).endswith("`Well!  I've often seen a cat without")
    assert str(alice[55].answer).startswith("a grin,' thought Alice;\n`but a grin without a cat!")


def test_what_a_corpus_lacks_is_unscored_not_absent(tmp_path):
    folder = tiny(tmp_path)
    (folder / "verbmem/forget.json").unlink()
    rows = muse.load(settings(folder))["test"]
    told = [Answered(**row.model_dump(), completion="a fire") for row in rows]
    found = {
        (r["metric"], r["group"]): r for r in summarise(told, "m", muse.measures(muse.Config()))
    }
    for metric in ("rouge_l_f1", "refusal_rate"):
        assert found[metric, "forget/verbmem"]["unscored"] == "no rows of this group"
        assert found[metric, "forget/knowmem"]["n"] == 3
