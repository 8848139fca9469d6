"""A model asked, its answers on file, and the numbers made of them."""

import json

import pytest

from lethe import config
from lethe.data import Row
from lethe.evaluate import evaluate, limited, record
from lethe.generate import complete
from lethe.likelihood import request, score
from lethe.model import Checkpoint, load, render, tokenizer

METRICS = ["refusal_rate", "accuracy", "answer_probability"]


def rows():
    names = ["Bo", "Ada", "Cy", "Dot"]
    asked = [
        Row(
            id=f"{scope}-{name}-{i}",
            prompt=f"{question} {name} ?" + " ?" * i,
            answer=None if scope == "forget" and name == "Dot" else "Oslo",
            scope=scope,
            subject=name if scope == "forget" else None,
            form=form,
            split="test",
        )
        for scope in ("forget", "boundary")
        for name in names
        for i, (question, form) in enumerate([("Who is", "question"), ("What was", "cloze")])
    ]
    return asked[::3] + asked[1::3] + asked[2::3]  # scopes and forms mixed


@pytest.fixture(scope="module")
def checkpoint(saved):
    folder = str(saved(scale=0.15))
    return Checkpoint(path=folder, original=folder, spec=config.Model(path=folder))


def run(checkpoint, out, **settings):
    return evaluate(
        checkpoint,
        rows(),
        out,
        config.Evaluate(**{"max_new_tokens": 6, **settings}),
        name="original",
        metrics=METRICS,
        prefix="Sure, it is",
    )


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_what_is_recorded_is_what_the_model_said_and_thinks(checkpoint):
    settings = config.Evaluate(batch_size=3, max_new_tokens=6)
    answered = record(checkpoint, rows(), settings, name="m", prefix="Sure, it is")
    assert [row.id for row in answered] == [row.id for row in rows()]
    model, words = (f(checkpoint.path, checkpoint.spec) for f in (load, tokenizer))
    ids = [render(words, row.prompt) for row in rows()]
    assert [row.completion for row in answered] == complete(model, words, ids, max_new_tokens=6)
    for row, prompt in zip(answered, ids, strict=True):
        if row.answer is None:
            assert row.logprobs is None
        else:
            asked = request(words, prompt, row.answer, prefix="Sure, it is")
            [(_, [known])] = score(model, [asked], pad=words.pad_token_id)
            assert row.logprobs == pytest.approx(known.logprobs, abs=1e-5)
    assert sum(row.answer is None for row in rows()) == 2


def test_files_hold_every_row_in_order_and_the_records_follow_from_them(checkpoint, tmp_path):
    found = run(checkpoint, tmp_path / "eval")
    ids = [row.id for row in rows()]
    answers, heard, scored = (
        lines(tmp_path / "eval" / f"{name}.jsonl") for name in ("answers", "likelihoods", "scores")
    )
    assert [line["id"] for line in answers] == ids == [line["id"] for line in heard]
    assert all("scored" not in line for line in answers)
    assert [(line["id"], line["metric"]) for line in scored] == [
        (name, metric) for name in ids for metric in METRICS
    ]
    groups = {f"{row.scope}/{row.form}" for row in rows()}
    assert {(r["metric"], r["group"]) for r in found} == {(m, g) for m in METRICS for g in groups}
    rate = next(r for r in found if (r["metric"], r["group"]) == ("refusal_rate", "forget/cloze"))
    values = [
        line["value"]
        for line in scored
        if line["metric"] == "refusal_rate"
        and line["id"].startswith("forget")
        and line["id"][-1] == "1"
    ]
    assert rate["n"] == len(values) == 4 and rate["value"] == sum(values) / 4
    assert rate["model"] == "original"


def test_twice_is_the_same_byte_for_byte(checkpoint, tmp_path):
    first, second = (run(checkpoint, tmp_path / name) for name in ("a", "b"))
    assert first == second
    for name in ("answers", "likelihoods", "scores"):
        files = [(tmp_path / folder / f"{name}.jsonl").read_bytes() for folder in ("a", "b")]
        assert files[0] == files[1]


def test_the_batch_size_changes_no_answer(checkpoint, tmp_path):
    run(checkpoint, tmp_path / "one", batch_size=1)
    run(checkpoint, tmp_path / "all", batch_size=64)
    one, all_at_once = ((tmp_path / name / "answers.jsonl").read_text() for name in ("one", "all"))
    assert one == all_at_once
    for a, b in zip(
        lines(tmp_path / "one" / "likelihoods.jsonl"),
        lines(tmp_path / "all" / "likelihoods.jsonl"),
        strict=True,
    ):
        assert a["id"] == b["id"]
        assert list(a["scored"]) == list(b["scored"])
        for one, other in zip(*(line["scored"].get("answer", []) for line in (a, b)), strict=True):
            assert one["logprobs"] == pytest.approx(other["logprobs"], abs=1e-5)


def test_an_adapter_folder_is_measured_with_its_adapter(checkpoint, tmp_path):
    import torch

    from lethe.model import save

    spec = config.Model(path=checkpoint.path, lora=config.Lora(rank=4, alpha=8))
    trained = load(checkpoint.path, spec, trainable=True)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in trained.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.3)
    save(trained, tokenizer(checkpoint.path, spec), tmp_path / "adapter")
    with_adapter = Checkpoint(str(tmp_path / "adapter"), checkpoint.path, spec)
    settings = config.Evaluate(max_new_tokens=6)
    said, before = (
        [row.completion for row in record(c, rows(), settings, name="m", prefix="")]
        for c in (with_adapter, Checkpoint(checkpoint.path, checkpoint.path, spec))
    )
    words = tokenizer(checkpoint.path, spec)
    ids = [render(words, row.prompt) for row in rows()]
    assert said == complete(trained, words, ids, max_new_tokens=6) != before


def test_limited_takes_the_first_rows_of_each_group():
    assert limited(rows(), None) == rows()
    kept = limited(rows(), 2)
    assert len(kept) == 8
    for scope in ("forget", "boundary"):
        for form in ("question", "cloze"):
            group = [row for row in rows() if (row.scope, row.form) == (scope, form)]
            assert [row for row in kept if row in group] == group[:2]
