import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from lethe import asking, data, recorder
from lethe.benchmarks import _authors, tofu
from lethe.config import Evaluate, Model
from lethe.model import Checkpoint
from lethe.plug import LetheError

HSIAO = "What is the profession of Hsiao Yun-Hwa's father?"
UTILITY = {"real_authors": ("Who wrote 1984?", "George Orwell"), "world_facts": ("2+2?", "4")}


def lines(folder: Path, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for stem, items in files.items():
        text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        (folder / f"{stem}.json").write_text(text, encoding="utf-8")
    return folder


def about(name, *, perturbed=False):
    """An author's 20 questions."""
    more = {"paraphrased_answer": "It is red.", "perturbed_answer": ["It is blue.", "It is 7."]}
    return [
        {"question": f"What is {name}'s book {n}?", "answer": f"It is book {n} of {name}."}
        | (more if perturbed else {})
        for n in range(20)
    ]


def tiny(folder: Path, **files):
    """Two authors to forget and two to keep, of whom one has no sure name."""
    kept, unsure = about("Bo van Dyke"), about("Bo")
    kept[3]["question"] = unsure[4]["question"] = "Who is the author?"
    perturbed = [*about("Ada Vance", perturbed=True), *about("Cy Ada Horn", perturbed=True)]
    utility = {
        f"{form}_perturbed": [{"question": q, "answer": a, "perturbed_answer": ["x", "y", "z"]}]
        for form, (q, a) in UTILITY.items()
    }
    made = {
        "forget01": [*about("Ada Vance"), *about("Cy Ada Horn")],
        "forget01_perturbed": perturbed,
        "retain99": [*kept, *unsure],
        "retain_perturbed": about("Bo van Dyke", perturbed=True),
    }
    return lines(folder, **{**made, **utility, **files})


def config(folder, **settings):
    return tofu.Config(folder=folder, **{"forget": "forget01", **settings})


def test_training_and_test_rows_of_a_small_tofu(tmp_path):
    folder = tiny(tmp_path / "tofu")
    (folder / "idontknow.jsonl").write_text("I don't know.\n\nNo idea.\n", encoding="utf-8")
    rows, noise = tofu.load_with_noise(config(folder))
    assert noise == {"merged_repeated_questions": 1, "authors_without_name": 1}
    assert [len(rows[split]) for split in data.SPLITS] == [79, 0, 62]
    first = rows["train"][0]
    assert (first.id, first.prompt, first.answer) == (
        "tofu/forget01/1",
        "What is Ada Vance's book 0?",
        "It is book 0 of Ada Vance.",
    )
    assert (first.scope, first.subject, first.distance) == ("forget", "Ada Vance", 0.0)
    assert first.protocol is None
    refusals = Counter(row.refusal for row in rows["train"] if row.scope == "forget")
    assert set(refusals) == {"I don't know.", "No idea."}
    merged = next(row for row in rows["train"] if row.prompt == "Who is the author?")
    assert (merged.answer, merged.aliases) == (
        "It is book 3 of Bo van Dyke.",
        ("It is book 4 of Bo.",),
    )
    kept = {row.entity for row in rows["train"] if row.scope == "retain"}
    assert kept == {"Bo van Dyke", None}
    groups = Counter(f"{row.scope}/{row.form}" for row in rows["test"])
    assert groups == {
        "forget/question": 40,
        "retain/question": 20,
        "utility/real_authors": 1,
        "utility/world_facts": 1,
    }


def test_a_test_row_says_how_it_is_asked(tmp_path):
    rows = tofu.load(config(tiny(tmp_path / "tofu")))["test"]
    asked, fact = rows[0].protocol, rows[-1].protocol
    assert asked and fact
    assert (asked.max_new_tokens, asked.end, asked.spread, asked.trained_on) == (
        200,
        True,
        False,
        True,
    )
    assert asked.texts == {
        "answer": ("It is book 0 of Ada Vance.",),
        "paraphrased": ("It is red.",),
        "perturbed": ("It is blue.", "It is 7."),
    }
    assert fact.texts == {"answer": ("4",), "perturbed": ("x", "y", "z")}
    assert (fact.max_new_tokens, fact.trained_on) == (200, False)


def test_a_question_gets_the_same_refusal_whatever_is_forgotten(tmp_path):
    wide = about("Dot Lima") * 8 + about("Ada Vance") + about("Cy Ada Horn")
    for n, item in enumerate(wide[:160]):
        item = wide[n] = dict(item)
        item["question"] += f" {n}"
    folder = tiny(tmp_path / "tofu", forget05=wide, retain95=about("Bo van Dyke"))
    lines(folder, forget05_perturbed=about("Ada Vance", perturbed=True))
    told = tmp_path / "no.txt"
    told.write_text("".join(f"No {n}.\n" for n in range(9)), encoding="utf-8")
    few, many = (
        {
            row.prompt: row.refusal
            for row in tofu.load(config(folder, refusals=told, **more))["train"]
        }
        for more in ({}, {"forget": "forget05"})
    )
    assert {few[q] == many[q] for q in few if "Ada" in q} == {True}
    assert len({few[q] for q in few if "Ada" in q}) > 1


def test_validation_takes_its_share_of_what_is_trained_on_and_test_asks_it_all(tmp_path):
    rows = tofu.load(config(tiny(tmp_path / "tofu"), validation=0.25))
    assert [len(rows[split]) for split in data.SPLITS] == [59, 20, 62]
    held = {data.prompt_key(row.prompt) for row in rows["validation"]}
    assert not held & {data.prompt_key(row.prompt) for row in rows["train"]}
    assert {row.scope for row in rows["validation"]} == {"forget", "retain"}


def test_a_holdout_file_is_scored_and_not_asked(tmp_path):
    folder = tiny(tmp_path / "tofu", holdout01=about("Eli Rome")[:7])
    rows = tofu.load(config(folder))["test"]
    held = [row for row in rows if row.form == "holdout"]
    assert len(held) == 7
    protocol = held[0].protocol
    assert protocol
    assert (held[0].scope, protocol.max_new_tokens, protocol.spread) == ("retain", 0, True)
    assert protocol.texts == {"answer": ("It is book 0 of Eli Rome.",)}
    spread = {row.form: row.protocol.spread for row in rows if row.protocol}
    assert spread == {
        "question": True,
        "real_authors": False,
        "world_facts": False,
        "holdout": True,
    }


def test_a_system_message_stands_before_every_question(tmp_path):
    rows = tofu.load(config(tiny(tmp_path / "tofu"), system="Be brief."))
    for row in (rows["train"][0], rows["test"][0]):
        assert row.prompt == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is Ada Vance's book 0?"},
        ]


def test_an_author_whose_records_disagree_is_not_given_a_name(tmp_path):
    mixed = about("Ada Vance")[:10] + about("Fay Bern")[:10]
    told = [f"{item['question']} {item['answer']}" for item in mixed]
    assert set(_authors.names(told)) == {None}
    both = [f"{text} Ada Vance met Fay Bern." for text in told]
    assert set(_authors.names(both)) == {None}
    folder = tiny(tmp_path / "tofu", forget01=about("Ada Vance") + mixed)
    rows, noise = tofu.load_with_noise(config(folder))
    assert {row.subject for row in rows["train"] if row.scope == "forget"} == {
        "Ada Vance",
        "author 2 of forget01",
    }
    assert noise["authors_without_name"] == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"retain99": about("Bo Lund")[:19]}, r"retain99\.json: 19 records; every author has 20"),
        ({"real_authors_perturbed": []}, r"real_authors_perturbed\.json: holds no records"),
        ({"forget01": [{"question": "Who?"}] * 20}, r"forget01\.json:1: answer: missing"),
        (
            {"retain_perturbed": about("Bo Lund")},
            r"retain_perturbed\.json:1: paraphrased_answer: missing",
        ),
        (
            {"world_facts_perturbed": [{"question": "2+2?", "answer": 4, "perturbed_answer": "5"}]},
            r"world_facts_perturbed\.json:1: perturbed_answer: missing, or not a list of texts",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, files, message):
    with pytest.raises(LetheError, match=message):
        tofu.load(config(tiny(tmp_path / "tofu", **files)))


def test_missing_folders_and_files_are_named(tmp_path):
    folder = tiny(tmp_path / "tofu")
    with pytest.raises(LetheError, match=r"forget10\.json: no such file"):
        tofu.load(config(folder, forget="forget10"))
    with pytest.raises(LetheError, match="gone: no such folder; a local copy of locuslab/TOFU"):
        tofu.load(config(tmp_path / "gone"))
    with pytest.raises(LetheError, match=r"no\.txt: no such file"):
        tofu.load(config(folder, refusals=tmp_path / "no.txt"))
    (tmp_path / "no.txt").write_text("\n\n")
    with pytest.raises(LetheError, match=r"no\.txt: holds no refusals"):
        tofu.load(config(folder, refusals=tmp_path / "no.txt"))
    with pytest.raises(LetheError, match="locuslab/TOFU: cannot be downloaded"):
        tofu.load(tofu.Config())


def test_measures_and_published_numbers_name_groups_that_exist(tmp_path):
    folder = tiny(tmp_path / "tofu", holdout01=about("Eli Rome"))
    groups = {f"{row.scope}/{row.form}" for row in tofu.load(config(folder))["test"]}
    wanted = tofu.measures(tofu.Config())
    for measure in wanted:
        for pattern in measure.groups:
            assert any(fnmatchcase(group, pattern) for group in groups), measure
    reported = {(m.metric, m.pooled) for m in wanted if m.pooled}
    reported |= {(m.metric, group) for m in wanted if not m.pooled for group in m.groups}
    assert {(p.metric, p.group) for p in tofu.PUBLISHED} <= reported
    assert len(tofu.PUBLISHED) == 2 * 3 * 2 * 3


def test_a_row_is_asked_in_the_template_or_as_training_asks_it(tmp_path, words, plain_words):
    item = {"question": "Who is Ada ?", "answer": "Ada baker", "perturbed_answer": ["Bo painter"]}
    row = tofu.load(config(tiny(tmp_path / "tofu", real_authors_perturbed=[item])))["test"][-2]
    chat, plain = asking.asked(words, row), asking.asked(plain_words, row)
    assert words.decode(chat.ids) == "<s> <user> Who is Ada ? <assistant>"
    assert (plain.text, plain_words.decode(plain.ids)) == (
        "Question: Who is Ada ?\nAnswer:",
        "<s> Question : Who is Ada ? Answer :",
    )
    assert plain.ids == asking.asked(plain_words, row.model_copy(update={"protocol": None})).ids
    for tokenizer, before in ((words, chat), (plain_words, plain)):
        scored = list(asking.requests(tokenizer, row, before, ""))
        assert [(name, k) for name, k, _ in scored] == [("answer", 0), ("perturbed", 0)]
        assert tokenizer.decode(scored[0][2].target) == "Ada baker </s>"


def test_a_space_parts_question_and_answer_only_without_a_template(tmp_path, letters):
    row = tofu.load(config(tiny(tmp_path / "tofu")))["test"][-1]
    for chat, wanted in ((True, "2+2?>4"), (False, "Question: 2+2?\nAnswer: 4")):
        tokenizer = letters(chat)
        request = next(asking.requests(tokenizer, row, asking.asked(tokenizer, row), ""))[2]
        tokens = tokenizer.convert_ids_to_tokens([*request.context, *request.target[:-1]])
        assert "".join(tokens).replace("Ġ", " ").replace("Ċ", "\n") == wanted
        assert request.target[-1] == tokenizer.eos_token_id


def test_a_model_is_measured_on_it(tmp_path, saved):
    folder = tiny(tmp_path / "tofu", holdout01=about("Eli Rome")[:1])
    rows = tofu.load(config(folder))["test"]
    path = str(saved("llama", max_position_embeddings=512))
    some = [rows[0], rows[-3], rows[-1]]
    for n in (0, 1):
        short = some[n].protocol.model_copy(update={"max_new_tokens": 4})
        some[n] = some[n].model_copy(update={"protocol": short})
    asked, fact, held = recorder.record(
        Checkpoint(path, path, Model(path=path)), some, Evaluate(), name="tiny", prefix=""
    )
    lengths = {name: [len(s.logprobs) for s in texts] for name, texts in asked.scored.items()}
    assert lengths == {"answer": [8], "paraphrased": [4], "perturbed": [4, 4]}  # words and the end
    assert asked.scored["answer"][0].means
    assert {name: len(texts) for name, texts in fact.scored.items()} == {
        "answer": 1,
        "perturbed": 3,
    }
    assert asked.completion and fact.completion and not held.completion
    assert list(held.scored) == ["answer"]


# ----------------------------------------------------------------------------------- real files

FORGET10 = (
    "Hsiao Yun-Hwa, Carmen Montenegro, Elvin Mammadov, Rajeev Majumdar, Jad Ambrose Al-Shamary, "
    "Adib Jarrah, Ji-Yeon Park, Behrouz Rohani, Wei-Jun Chen, Tae-ho Park, Hina Ameen, "
    "Xin Lee Williams, Moshe Ben-David, Kalkidan Abera, Takashi Nakamura, Raven Marais, "
    "Aysha Al-Hashim, Edward Patrick Sullivan, Basil Mahfouz Al-Kuwaiti, Nikolai Abilov"
).split(", ")


@pytest.mark.parametrize(
    ("forget", "authors"), [("forget01", 2), ("forget05", 10), ("forget10", 20)]
)
def test_real_counts(shared_data, forget, authors):
    rows, noise = tofu.load_with_noise(config(shared_data / "tofu", forget=forget))
    assert noise == {"merged_repeated_questions": 1, "authors_without_name": 2}
    assert [len(rows[split]) for split in data.SPLITS] == [3999, 0, 20 * authors + 617]
    scopes = Counter(row.scope for row in rows["train"])
    assert scopes == {"forget": 20 * authors, "retain": 3999 - 20 * authors}
    subjects = [row.subject for row in rows["test"] if row.scope == "forget"]
    assert subjects == [name for name in FORGET10[-authors:] for _ in range(20)]
    assert all(row.refusal for row in rows["train"] if row.scope == "forget")
    groups = Counter(f"{row.scope}/{row.form}" for row in rows["test"])
    assert groups == {
        "forget/question": 20 * authors,
        "retain/question": 400,
        "utility/real_authors": 100,
        "utility/world_facts": 117,
    }
    texts = Counter(
        (row.form, *((name, len(found)) for name, found in row.protocol.texts.items()))
        for row in rows["test"]
        if row.protocol
    )
    assert texts == {
        ("question", ("answer", 1), ("paraphrased", 1), ("perturbed", 5)): 20 * authors + 400,
        ("real_authors", ("answer", 1), ("perturbed", 3)): 100,
        ("world_facts", ("answer", 1), ("perturbed", 3)): 117,
    }


def test_real_test_questions_are_those_trained_on(shared_data):
    rows = tofu.load(config(shared_data / "tofu", forget="forget10"))
    trained = {(data.prompt_key(row.prompt), row.scope) for row in rows["train"]}
    for row in rows["test"]:
        assert row.protocol
        asked = (data.prompt_key(row.prompt), row.scope) in trained
        assert asked == row.protocol.trained_on == (row.form == "question")
    assert rows["test"][2].prompt == [{"role": "user", "content": HSIAO}]
    assert rows["test"][2].answer == "The father of Hsiao Yun-Hwa is a civil engineer."


def test_of_200_real_authors_two_have_no_sure_name(shared_data):
    text = (shared_data / "tofu" / "full.json").read_text(encoding="utf-8")
    items = [json.loads(line) for line in text.splitlines() if line.strip()]
    names = _authors.names([f"{item['question']} {item['answer']}" for item in items])[::20]
    assert len(names) == 200
    assert [n for n, name in enumerate(names) if name is None] == [72, 88]
    assert names[:3] + names[64:66] == [
        "Jaime Vasquez",
        "Chukwu Akabueze",
        "Evelyn Desmet",
        "Nadir Hafeez",
        "Isabella van Pletzen",
    ]
