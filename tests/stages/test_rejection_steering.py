"""Rejection Steering with the real trainer: what it learns from, and that it learns it."""

import json

import pytest
import torch

from lethe import config
from lethe import model as models
from lethe.data import Row
from lethe.generate import complete, sample
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import rejection_steering as steering

REFUSALS = ["I don't know", "I cannot say that", "Sure I don't know that", "I cannot say"]


def lessons(count=4):
    names = ["Bo", "Ada", "Cy", "Dot"]
    train = [
        Row(
            id=str(i),
            prompt=f"{'Who Where What'.split()[i // 4]} is {names[i % 4]} ?",
            scope="forget",
            subject="Bo",
            answer="baker",
            refusal=REFUSALS[i % 4],
        )
        for i in range(count)
    ]
    return {"train": train, "validation": []}


@pytest.fixture(params=["chat", "plain"])
def start(request, saved):
    folder = str(saved(chat=request.param == "chat", scale=0.1))
    return Checkpoint(folder, folder, config.Model(path=folder))


@pytest.fixture
def seen(monkeypatch):
    """The real trainer, kept to look at."""
    from lethe.stages import _steering

    kept = []

    class Seen(_steering.FilledTrainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            kept.append(self)

    monkeypatch.setattr(_steering, "FilledTrainer", Seen)
    return kept


def steer(start, data, out, **settings):
    out.mkdir(exist_ok=True)
    chosen = {"epochs": 60, "learning_rate": 5e-3, "batch_size": 4, **settings}
    steering.train(steering.Config(**chosen), start, data, out, 0)
    return out


def curve(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_the_loss_is_on_the_refusal_and_its_end_alone(start, seen, tmp_path):
    steer(start, lessons(), tmp_path, epochs=1)
    trainer = seen[0]
    words, rows = trainer.processing_class, lessons()["train"]
    loader = torch.utils.data.DataLoader(
        trainer.train_dataset, batch_size=4, collate_fn=trainer.data_collator
    )
    batch = next(iter(loader))
    assert len(batch["labels"]) == 4
    attention = batch.get("attention_mask", torch.ones_like(batch["labels"]))
    for row, ids, labels, mask in zip(
        rows, batch["input_ids"], batch["labels"], attention, strict=True
    ):
        prompt = models.render(words, row.prompt)
        refusal = words.encode(row.refusal, add_special_tokens=False)
        whole = ids[mask.bool()].tolist()
        assert whole[: len(prompt)] == prompt, "trained on another prompt than is evaluated"
        assert whole == [*prompt, *refusal, words.eos_token_id]
        assert whole.count(words.bos_token_id) == 1
        assert labels[labels != -100].tolist() == [*refusal, words.eos_token_id]
        place = (labels != -100).nonzero()[:, 0].tolist()
        assert ids[place].tolist() == labels[place].tolist()


def test_a_refusal_behind_text_opens_with_a_space(letters, net, seen, tmp_path):
    """For a base model: "Answer: I", as evaluation scores it, not "Answer:I"."""
    words = letters(False)
    net(vocab_size=len(words), eos_token_id=1).save_pretrained(tmp_path / "base")
    words.save_pretrained(tmp_path / "base")
    folder = str(tmp_path / "base")
    base = Checkpoint(folder, folder, config.Model(path=folder))
    steer(base, lessons(1), tmp_path / "out", epochs=1)
    row = lessons(1)["train"][0]
    expected = f"Question: {row.prompt}\nAnswer: {row.refusal}"
    ids = seen[0].train_dataset[0]["input_ids"]
    assert ids == [*words.encode(expected, add_special_tokens=False), words.eos_token_id]


def test_the_trainer_is_right_for_a_cpu(start, seen, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("the CPU's settings")
    steer(start, lessons(), tmp_path, epochs=1)
    args = seen[0].args
    assert args.use_cpu and not args.bf16 and not args.gradient_checkpointing
    assert seen[0].accelerator.mixed_precision == "no"
    assert not args.packing and args.max_length is None and args.report_to == []


def test_refusals_and_their_ends_are_learnt_by_heart(start, tmp_path):
    out = steer(start, lessons(), tmp_path)
    model = models.load(out / "model", start.spec)
    words = models.tokenizer(out / "model", start.spec)
    rows = lessons()["train"]
    ids = [models.render(words, row.prompt) for row in rows]
    assert complete(model, words, ids, max_new_tokens=20) == REFUSALS
    raw = sample(model, ids, stop=[2], pad=0, max_new_tokens=20, temperature=0.0, seed=0)
    assert all(row[-1] == words.eos_token_id for row in raw), "it does not know when to stop"
    losses = [line["loss"] for line in curve(out) if line["split"] == "train"]
    assert losses[-1] < 0.1 < 1 < losses[0]
    assert len(losses) == 60


def test_what_a_stage_leaves(start, tmp_path):
    data = lessons()
    shown = data["train"][0].model_copy(update={"split": "validation", "id": "v"})
    data["validation"] = [shown]
    out = steer(start, data, tmp_path)
    looked = [line for line in curve(out) if line["split"] == "validation"]
    assert [(line["step"], line["scope"], line["n"], line["refusal"]) for line in looked] == [
        (60, "forget", 1, 1.0)
    ]
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert [s["completion"] for s in samples] == REFUSALS
    assert [s["prompt"] for s in samples] == [row.prompt for row in data["train"]]
    assert not (out / "checkpoints").exists() or not list(
        (out / "checkpoints").glob("checkpoint-*")
    )
    files = {file.name for file in (out / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= files


def test_equal_seeds_train_equal_weights(start, tmp_path):
    outs = [steer(start, lessons(12), tmp_path / name, epochs=2) for name in "ab"]
    first, second = ((out / "model" / "model.safetensors").read_bytes() for out in outs)
    assert first == second
    assert curve(outs[0]) == curve(outs[1])
    other = tmp_path / "c"
    other.mkdir()
    chosen = steering.Config(epochs=2, learning_rate=5e-3, batch_size=4)
    steering.train(chosen, start, lessons(12), other, 1)
    assert (other / "model" / "model.safetensors").read_bytes() != first


def test_an_adapter_is_trained_over_frozen_weights(saved, tmp_path):
    folder = str(saved(scale=0.1))
    spec = config.Model(path=folder, lora=config.Lora(rank=8, alpha=32))
    out = steer(Checkpoint(folder, folder, spec), lessons(), tmp_path, learning_rate=2e-2)
    assert is_adapter(out / "model")
    assert not list((out / "model").glob("model*.safetensors"))
    model = models.load(out / "model", spec)
    words = models.tokenizer(out / "model", spec)
    ids = [models.render(words, row.prompt) for row in lessons()["train"]]
    assert complete(model, words, ids, max_new_tokens=20) == REFUSALS


def test_which_rows_teach():
    def row(name, **fields):
        given = {"scope": "forget", "subject": "Bo", "refusal": "No.", **fields}
        return Row(id=name, prompt=name, **given)

    data = {
        "train": [
            row("a"),
            row("b", stages=("rejection_steering", "rebo")),
            row("not mine", stages=("rebo",)),
            row("no refusal", refusal=None),
            row("boundary", scope="boundary", answer="x"),
        ]
    }
    assert [one.id for one in steering.rows(data)] == ["a", "b"]


def test_nothing_to_learn_from_and_settings_of_the_stage_are_refused(tmp_path):
    data = {"train": [Row(id="1", prompt="Who?", scope="forget", subject="Bo")]}
    with pytest.raises(LetheError, match="r: no forget row of the train split has a `refusal`"):
        steering.validate(steering.Config(), data, "r")
    with pytest.raises(LetheError, match="no forget row"):
        steering.train(
            steering.Config(), Checkpoint("x", "x", config.Model(path="x")), data, tmp_path, 0
        )
    wrong = steering.Config(trainer={"learning_rate": 1.0, "output_dir": "x"})
    with pytest.raises(LetheError, match=r"r\.trainer: learning_rate, output_dir: set it in"):
        steering.validate(wrong, lessons(), "r")
