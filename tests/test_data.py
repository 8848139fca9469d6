import json

import pytest

from lethe import data
from lethe.data import Answered, Row
from lethe.plug import LetheError
from lethe.protocol import Protocol, Scored


def row(prompt="Who?", scope="retain", **fields):
    fields.setdefault("id", f"{scope}-{prompt}")
    if scope == "forget":
        fields.setdefault("subject", "Ada Vance")
    else:
        fields.setdefault("answer", "Bo")
    return Row(prompt=prompt, scope=scope, **fields)


def lines(folder, *objects, name="mine.jsonl"):
    file = folder / name
    file.write_text("".join(json.dumps(item) + "\n" for item in objects), encoding="utf-8")
    return file


# ------------------------------------------------------------------------------------- reading


def test_read_fills_in_what_the_file_does_not_say(tmp_path):
    file = lines(tmp_path, {"question": "Where?", "answer": 1974}, {"query": "When?", "answer": ""})
    first, second = data.read(file, scope="forget", subject="Ada Vance")
    assert first == Row(
        id="forget-mine-1",
        prompt="Where?",
        scope="forget",
        answer="1974",
        subject="Ada Vance",
        source=f"{file}:1",
    )
    assert (second.prompt, second.answer) == ("When?", None)
    assert "split" not in first.model_fields_set


def test_what_a_row_says_wins_over_the_defaults(tmp_path):
    item = {"id": 7, "prompt": "Who?", "subject": "Bo", "split": "test", "source": "me"}
    item |= {"aliases": ["a", 3], "stages": ["rebo"], "scope": "forget"}
    (read,) = data.read(lines(tmp_path, item), scope="forget", split="train", subject="Ada")
    expected = item | {"id": "7", "aliases": ("a", "3"), "stages": ("rebo",)}
    assert read.model_dump(include=set(item)) == expected
    assert data.read(lines(tmp_path, item)) == [read]


def test_a_chat_prompt_is_read_as_messages(tmp_path):
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}]
    (read,) = data.read(lines(tmp_path, {"prompt": chat, "answer": "Bo"}), scope="retain")
    assert read.prompt == chat


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"answer": "x"}, "prompt: missing (or question, query)"),
        ({"prompt": "  "}, "prompt: missing (or question, query)"),
        ({"prompt": "a", "question": "b"}, "question: the prompt is given twice"),
        ({"prompt": "a", "anser": "b"}, "anser: unknown column; did you mean answer?"),
        ({"prompt": "a", "scope": "forget"}, "scope: is 'forget', expected 'retain'"),
        ({"prompt": "a", "split": "dev"}, "split: Input should be 'train', 'validation' or 'test'"),
        ({"prompt": "a", "answer": True}, "answer: Input should be a valid string"),
        ({"prompt": "a", "aliases": "b"}, "aliases: Input should be a valid tuple"),
    ],
)
def test_a_bad_field_names_file_line_and_field(tmp_path, item, message):
    file = lines(tmp_path, {"prompt": "fine"}, item)
    with pytest.raises(LetheError) as error:
        data.read(file, scope="retain")
    assert str(error.value).startswith(f"{file}:2: {message}")


def test_no_rows_or_no_scope_is_an_error(tmp_path):
    with pytest.raises(LetheError, match=r"empty\.jsonl: holds no rows"):
        data.read(lines(tmp_path, name="empty.jsonl"), scope="forget")
    with pytest.raises(LetheError, match=r"mine\.jsonl:1: scope: missing"):
        data.read(lines(tmp_path, {"prompt": "a"}))


@pytest.mark.parametrize("name", ["tofu/forget01.json", "muse/news/knowmem/forget_qa.json"])
def test_other_benchmarks_files_are_read_as_they_are(shared_data, name):
    rows = data.read(shared_data / name, scope="retain")
    data.check(data.drop_duplicates(rows)[0])
    assert len(rows) == {"tofu": 40, "muse": 100}[name[:4]]


# ------------------------------------------------------------------------------------- writing


def test_write_then_read_gives_the_same_rows(tmp_path):
    rows = [row("Où?\u2028", aliases=("a", "b"), stages=("rebo",), source="made")]
    rows += [row("Q", "forget", source="made")]
    data.write(tmp_path / "new" / "rows.jsonl", rows)
    assert data.read(tmp_path / "new" / "rows.jsonl") == rows
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["rows.jsonl"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "rows.jsonl"
    data.write(file, [row()])
    before = file.read_bytes()

    def breaks():
        yield row()
        raise OSError(28, "No space left on device")

    with pytest.raises(LetheError, match="cannot be written: No space left on device"):
        data.write(file, breaks())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_answered_rows_are_written_whole(tmp_path):
    answered = Answered(
        **row().model_dump(), completion="Bo.", scored={"answer": (Scored(logprobs=(-0.5,)),)}
    )
    data.write(tmp_path / "a.jsonl", [answered])
    assert Answered.model_validate_json((tmp_path / "a.jsonl").read_text()) == answered


def test_content_hash_counts_a_protocol_but_not_its_absence():
    assert data.content_hash([row()]) == data.content_hash([row(protocol=None)])
    assert data.content_hash([row()]) != data.content_hash([row(protocol=Protocol(raw=True))])


def test_content_hash_is_of_content_and_order_not_of_place():
    a, b = row("a"), row("b")
    moved = a.model_copy(update={"source": "elsewhere:1"})
    assert data.content_hash([a, b]) == data.content_hash([moved, b])
    assert data.content_hash([a, b]) != data.content_hash([b, a])
    assert data.content_hash([a]) != data.content_hash([a.model_copy(update={"answer": "Cy"})])


# ------------------------------------------------------------------------------------ checking


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("a", id="1", source="f:1"), row("b", id="1", source="f:2")], "f:2: id: '1' is also"),
        ([row("  ", id="1")], "row 1: prompt: is empty"),
        ([row([{"role": "user", "content": ""}], id="1")], "row 1: prompt: is empty"),
        ([row([{"role": "user"}], id="1")], "row 1: prompt: a message needs role and content"),
        ([row("a", "forget", id="1", subject=None)], "row 1: subject: missing"),
        ([row("a", "boundary", id="1", answer=None)], "row 1: answer: missing; a boundary row"),
        ([row("a", "utility", id="1", answer=" ")], "row 1: answer: missing; a utility row"),
        (
            [row("Who is it?", source="f:1"), row("who  IS it?", "boundary", source="g:9")],
            "g:9: prompt: 'who  IS it?' has scope boundary here and retain at f:1",
        ),
        (
            [row("a", id="1", source="f:1"), row("a", id="2", split="test", source="f:2")],
            "f:2: prompt: 'a' has split test here and train at f:1",
        ),
    ],
)
def test_check_refuses(rows, message):
    with pytest.raises(LetheError) as error:
        data.check(rows)
    assert str(error.value).startswith(message)


def test_check_accepts_distinct_prompts_and_plain_repeats():
    data.check([row("a", id="1"), row("A", id="2"), row("b", "forget"), row("c", "boundary")])


def test_check_lets_a_protocol_ask_what_was_trained_on():
    asked = Protocol(trained_on=True)
    test = row("a", id="t", split="test", protocol=asked, source="t:1")
    data.check([row("a", id="1"), test, row("b", id="2", split="validation")])
    data.check([test, row("A", id="1")])
    for others, message in (
        ([row("a", "boundary", id="1", source="f:1")], "f:1: prompt: 'a' has scope boundary"),
        (
            [row("a", id="1"), row("a", id="2", split="validation", source="f:2")],
            "f:2: prompt: 'a' has split validation here and train",
        ),
        (
            [row("a", id="1"), row("a", id="2", split="validation", protocol=asked, source="f:2")],
            "f:2: prompt: 'a' has split validation here and train",
        ),
    ):
        with pytest.raises(LetheError, match=message):
            data.check([test, *others])


def test_check_lets_a_scored_text_begin_from_nothing():
    alone = Protocol(raw=True, texts={"text": ("Once upon",)})
    data.check([row("", "forget", id="1", protocol=alone), row("", id="2", protocol=alone)])
    for protocol in (Protocol(raw=True), Protocol(texts={"text": ("Once",)})):
        with pytest.raises(LetheError, match="prompt: is empty"):
            data.check([row("", id="1", protocol=protocol)])


def text_row(n, scope="forget", **protocol):
    asked = Protocol(**{"raw": True, "texts": {"text": (f"Text {n}.",)}, **protocol})
    return row("", scope, id=f"text {n}", answer=None, split="test", protocol=asked)


def test_texts_that_are_only_scored_have_no_prompt_and_are_not_each_other():
    texts = [text_row(1), text_row(2), text_row(3, "retain")]
    data.check(texts)
    assert data.drop_duplicates(texts) == (texts, 0)
    assert data.drop_contradictions(texts) == (texts, 0)
    with pytest.raises(LetheError, match="row text 1: prompt: is empty"):
        data.check([text_row(1, texts={})])
    with pytest.raises(LetheError, match="row text 1: prompt: is empty"):
        data.check([text_row(1, raw=False)])


def test_an_official_evaluation_may_ask_a_prompt_in_two_scopes_but_not_in_two_splits():
    asked = {"split": "test", "protocol": Protocol()}
    data.check([row("a", "forget", **asked), row("a", "boundary", answer=None, **asked)])
    with pytest.raises(LetheError, match="has scope boundary here and forget"):
        data.check([row("a", "forget", **asked), row("a", "boundary", split="test")])
    with pytest.raises(LetheError, match="has split train here and test"):
        data.check([row("a", id="1", **asked), row("a", id="2", protocol=Protocol())])


# ------------------------------------------------------------------------ repairing, splitting


def test_duplicates_leave_their_answers_and_stages_to_the_first():
    rows = [
        row("a", id="1", answer="x", aliases=("y",), stages=("rejection_steering",)),
        row("A ", id="2", answer="z", stages=("rebo",)),
        row("a", id="3", answer="y", stages=("rebo",)),
        row("b", id="4", stages=("rebo",)),
        row("b", id="5"),
        row("a", id="6", split="test"),
    ]
    kept, dropped = data.drop_duplicates(rows)
    assert dropped == 3
    assert [(r.id, r.answer, r.aliases, r.stages) for r in kept] == [
        ("1", "x", ("y", "z"), ("rejection_steering", "rebo")),
        ("4", "Bo", (), ()),
        ("6", "Bo", (), ()),
    ]


def test_a_duplicate_may_bring_the_answer_and_never_the_answer_as_alias():
    rows = [row("a", "forget", id="1"), row("a", "forget", id="2", answer="x", aliases=("x",))]
    ((kept,), dropped) = data.drop_duplicates(rows)
    assert (kept.answer, kept.aliases, dropped) == ("x", (), 1)


def test_contradictions_go_altogether():
    rows = [row("a"), row("A", "forget"), row("b", id="1"), row("b", id="2", answer="other")]
    kept, dropped = data.drop_contradictions(rows)
    assert ([r.id for r in kept], dropped) == (["1", "2"], 2)


def test_split_has_the_shares_is_stable_and_never_parts_a_prompt():
    rows = [row(f"q{i}") for i in range(20)] + [row(f" Q{i}", id=f"again {i}") for i in range(20)]
    dealt = data.split(rows, {"validation": 0.1, "test": 0.25}, seed=3)
    assert [sum(r.split == name for r in dealt) for name in data.SPLITS] == [26, 4, 10]
    assert [r.split for r in dealt[:20]] == [r.split for r in dealt[20:]]
    reverse = data.split(rows[::-1], {"validation": 0.1, "test": 0.25}, seed=3)
    assert reverse == dealt[::-1]
    assert data.split(rows, {"validation": 0.1, "test": 0.25}, seed=4) != dealt


def test_split_keeps_rows_of_one_key_together():
    rows = [row(f"{group}{form}") for group in "abcdef" for form in ("?", "___")]
    dealt = data.split(rows, {"validation": 0.5}, key=lambda r: str(r.prompt)[0])
    assert [r.split for r in dealt[::2]] == [r.split for r in dealt[1::2]]
    assert sum(r.split == "validation" for r in dealt) == 6


def test_a_small_share_gets_one_prompt_and_too_few_prompts_are_an_error():
    three = [row(p) for p in "abc"]
    splits = {r.split for r in data.split(three, {"validation": 0.1, "test": 0.1})}
    assert splits == set(data.SPLITS)
    with pytest.raises(LetheError, match="2 prompts are too few"):
        data.split(three[:2], {"validation": 0.1, "test": 0.1})
    assert data.split([], {"test": 0.5}) == []
    assert {r.split for r in data.split(three, {"test": 1.0})} == {"test"}


@pytest.mark.parametrize("fractions", [{"test": -0.1}, {"test": 0.6, "validation": 0.5}, {"t": 0}])
def test_split_refuses_shares_that_make_no_sense(fractions):
    with pytest.raises(LetheError, match="fractions"):
        data.split([row()], fractions)
