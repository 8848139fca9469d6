"""A model asked, its answers on file, and the numbers made of them."""

import json

import pytest

from lethe import asking, config
from lethe.data import Row
from lethe.evaluate import evaluate, limited
from lethe.generate import complete
from lethe.likelihood import request, score
from lethe.model import Checkpoint, load, render, tokenizer
from lethe.plug import LetheError
from lethe.recorder import record

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
    pooled = [r for r in found if "by target:" not in r["group"]]  # the rows are of two targets
    assert {(r["metric"], r["group"]) for r in pooled} == {(m, g) for m in METRICS for g in groups}
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


def by_protocol():
    """Rows of a benchmark: stops, no completion, choices, several texts; two lengths of answer."""
    from lethe.protocol import Protocol

    towns = {"choices": ("Oslo", "Rome", "Lima")}
    kinds = [
        Protocol(suffix="?", max_new_tokens=5, stop=("Bo",), texts={"answer": ("Oslo",)}),
        Protocol(max_new_tokens=0, texts=towns, end=False),
        Protocol(raw=True, max_new_tokens=7, texts={"text": ("Who is Bo ?",)}, spread=True),
    ]
    return [
        row.model_copy(update={"answer": "Oslo", "protocol": kinds[i % 3]})
        for i, row in enumerate(rows())
    ]


def test_rows_with_protocols_together_are_the_same_as_one_at_a_time(checkpoint):
    """Exactly for text, to 1e-5 for likelihoods: every batch size, in any company."""

    def recorded_with(asked, size):
        settings = config.Evaluate(batch_size=size, max_new_tokens=6)
        return record(checkpoint, asked, settings, name="m", prefix="It is")

    mixed = [*by_protocol(), *(r.model_copy(update={"id": f"plain {r.id}"}) for r in rows())]
    alone = [found for row in mixed for found in recorded_with([row], 1)]
    assert len({row.completion for row in alone}) > 5
    assert sum(row.completion == "" for row in alone) >= 5
    for size in (1, 3, 64, "auto"):
        together = recorded_with(mixed, size)
        for one, other in zip(alone, together, strict=True):
            assert one.completion == other.completion and one.asked == other.asked
            assert list(one.scored) == list(other.scored)
            for name, texts in one.scored.items():
                for a, b in zip(texts, other.scored[name], strict=True):
                    assert a.logprobs == pytest.approx(b.logprobs, abs=1e-5)
                    assert a.hits == b.hits
                    for spread in ("means", "variances"):
                        first, second = getattr(a, spread), getattr(b, spread)
                        assert first == (second and pytest.approx(second, abs=1e-5))


def test_an_evaluation_that_was_killed_goes_on_behind_the_last_batch(
    checkpoint, tmp_path, monkeypatch
):
    """Killed after four batches, with half a line on file: the same bytes, and no batch twice."""
    from lethe import generate, likelihood

    settings = config.Evaluate(batch_size=3, max_new_tokens=6)
    given = {"name": "m", "metrics": METRICS, "prefix": "It is"}
    whole = evaluate(checkpoint, by_protocol(), tmp_path / "whole", settings, **given)
    decoded = []
    sample, logits = generate.sample, likelihood._logits

    def counted(plain, stop_at=None):
        def work(*args, **kwargs):
            if len(decoded) == stop_at:
                raise KeyboardInterrupt
            decoded.append(plain.__name__)
            return plain(*args, **kwargs)

        return work

    for stop_at in (2, 6):
        monkeypatch.setattr(generate, "sample", counted(sample, stop_at))
        monkeypatch.setattr(likelihood, "_logits", counted(logits, stop_at))
        with pytest.raises(KeyboardInterrupt):
            evaluate(checkpoint, by_protocol(), tmp_path / "killed", settings, **given)
        with (tmp_path / "killed" / "recorded-0.jsonl").open("a") as file:
            file.write('{"id": "half a li')
    monkeypatch.setattr(generate, "sample", counted(sample))
    monkeypatch.setattr(likelihood, "_logits", counted(logits))
    assert evaluate(checkpoint, by_protocol(), tmp_path / "killed", settings, **given) == whole
    assert decoded.count("sample") == 4 and decoded.count("_logits") >= 4
    once = len(decoded)
    evaluate(checkpoint, by_protocol(), tmp_path / "again", settings, **given)
    assert len(decoded) == 2 * once
    for name in ("answers.jsonl", "likelihoods.jsonl", "scores.jsonl", "items.parquet"):
        files = [(tmp_path / folder / name).read_bytes() for folder in ("whole", "killed")]
        assert files[0] == files[1], name
    assert not list((tmp_path / "killed").glob("recorded-*"))


def test_what_was_recorded_can_be_read_again(checkpoint, tmp_path):
    from lethe.evaluate import recorded

    settings = config.Evaluate(batch_size=3, max_new_tokens=6)
    given = {"name": "m", "metrics": METRICS, "prefix": "It is"}
    folder = tmp_path / "eval" / "original"
    evaluate(checkpoint, by_protocol(), folder, settings, **given)
    expected = record(checkpoint, by_protocol(), settings, name="m", prefix="It is")
    (tmp_path / "recipe.yaml").write_text("stages: [npo]\n")
    assert recorded(folder) == recorded(tmp_path) == expected
    last = tmp_path / "eval" / "0-npo"
    evaluate(checkpoint, by_protocol()[:3], last, settings, **given)
    found = [row.id for row in recorded(tmp_path)]
    assert found == [row.id for row in expected[:3]]  # of the last model, whichever file is newer
    with pytest.raises(LetheError, match="no finished evaluation"):
        recorded(tmp_path / "nothing")


def test_gradients_and_draws_are_recorded_where_they_are_asked_for(checkpoint, tmp_path):
    """The norms are `gradient_norms`'; each draw is another one, the same again, forget rows'."""
    from lethe.evaluate import recorded
    from lethe.gradient import gradient_norms

    asked = [
        row.model_copy(update={"protocol": row.protocol.model_copy(update={"gradient": i < 4})})
        for i, row in enumerate(by_protocol())
    ]
    settings = config.Evaluate(batch_size=3, max_new_tokens=6, samples=3)
    given = {"name": "m", "metrics": ["leak_at_1", "leak_at_k"], "prefix": ""}
    records = evaluate(checkpoint, asked, tmp_path / "a", settings, **given)
    found = recorded(tmp_path / "a")
    model, words = (f(checkpoint.path, checkpoint.spec) for f in (load, tokenizer))
    for i, row in enumerate(found):
        drawn = row.scope == "forget" and row.protocol.max_new_tokens != 0
        assert len(row.samples) == (3 if drawn else 0)
        for name, [one, *_] in row.scored.items():
            assert (one.gradient is not None) == (i < 4 and name in ("answer", "text"))
    text = found[2].scored["text"][0]
    ids = words.encode("Who is Bo ?", add_special_tokens=False)
    before = asking.asked(words, found[2]).ids
    [(_, _, wanted)] = asking.requests(words, found[2], asking.Asked(before, found[2].asked), "")
    assert wanted.target[: len(ids)] == tuple(ids)
    assert text.gradient == pytest.approx(gradient_norms(model, [wanted], 0)[0], abs=1e-6)
    other = record(checkpoint, asked, settings, name="m", prefix="", seed=1)
    assert [row.completion for row in other] == [row.completion for row in found]
    assert [row.samples for row in other] != [row.samples for row in found]
    several = [row for row in found if len(set(row.samples)) > 1]
    assert several and record(checkpoint, asked, settings, name="m", prefix="") == found
    leaks = {r["metric"]: r["n"] for r in records if r["group"] == "forget/question"}
    assert leaks["leak_at_1"] == leaks["leak_at_k"] > 0


def test_the_table_file_has_a_line_for_each_row_and_metric(checkpoint, tmp_path):
    import pyarrow.parquet

    run(checkpoint, tmp_path)
    found = pyarrow.parquet.read_table(tmp_path / "items.parquet").to_pylist()
    scored = lines(tmp_path / "scores.jsonl")
    assert [(f["id"], f["metric"], f["value"], f["why"]) for f in found] == [
        (s["id"], s["metric"], s["value"], s["why"]) for s in scored
    ]
    answers = {line["id"]: line for line in lines(tmp_path / "answers.jsonl")}
    assert all(f["completion"] == answers[f["id"]]["completion"] for f in found)
    assert all(f["prompt"] == answers[f["id"]]["prompt"] for f in found)


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
    merged = load(with_adapter.path, spec)
    assert all(weight.requires_grad for weight in merged.parameters())  # GradNorm wants them
    settings = config.Evaluate(max_new_tokens=6)
    said, before = (
        [row.completion for row in record(c, rows(), settings, name="m", prefix="")]
        for c in (with_adapter, Checkpoint(checkpoint.path, checkpoint.path, spec))
    )
    words = tokenizer(checkpoint.path, spec)
    ids = [render(words, row.prompt) for row in rows()]
    assert said == complete(trained, words, ids, max_new_tokens=6) != before


def test_a_row_that_a_model_has_no_places_for_is_named_before_anything_is_asked(saved):
    """Learnt positions end; rotary ones do not."""
    long = rows()[0].model_copy(update={"prompt": "Who is " + "? " * 1100})
    for kind in ("gpt2", "llama"):
        folder = str(saved(kind))
        model = Checkpoint(folder, folder, config.Model(path=folder))
        asked = [*rows()[1:], long]
        settings = config.Evaluate(max_new_tokens=3)
        if kind == "llama":
            assert len(record(model, asked, settings, name="m", prefix="")) == len(asked)
            continue
        with pytest.raises(LetheError, match=f"row {long.id}: .* tokens with its answer, but"):
            record(model, asked, settings, name="m", prefix="")


def test_limited_takes_the_first_rows_of_each_group():
    assert limited(rows(), None) == rows()
    kept = limited(rows(), 2)
    assert len(kept) == 8
    for scope in ("forget", "boundary"):
        for form in ("question", "cloze"):
            group = [row for row in rows() if (row.scope, row.form) == (scope, form)]
            assert [row for row in kept if row in group] == group[:2]
