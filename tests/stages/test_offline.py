"""The trainer of the offline methods with models of a few thousand weights."""

import json

import pytest
import torch

from lethe import config
from lethe import model as models
from lethe.model import Checkpoint
from lethe.stages import _offline, _reading, dpo, gradient_ascent, idk, npo, rmu, undial
from lethe.stages._losses import Batch, Part, kl, nll
from lethe.stages._method import forget_rows, retain_rows
from lethe.stages._pairs import Pair, Text
from lethe.stages._reading import Collator, chunks, read, text
from lethe.stages._reference import Reference, with_reference

SMALL = {"batch_size": 4, "epochs": 4, "learning_rate": 3e-3, "eval_rows": 0, "save_every": 2}


def layer(count):
    return 0


def build(made, start, rows, out, **more):
    words = models.tokenizer(start.path, start.spec)
    method = {npo.Config: npo, dpo.Config: dpo, idk.Config: idk, rmu.Config: rmu}
    loss = method.get(type(made), undial).loss
    return _offline.build(made, start, words, rows, out, 0, loss, **more)


def collated(trainer, count=4):
    return trainer.data_collator([trainer.train_dataset[k] for k in range(count)])


def alone(net, text):
    """Logits before each token of a completion, and states after each layer: unpadded."""
    ids = torch.tensor([[*text.prompt, *text.completion]])
    with torch.no_grad():
        seen = net(ids, output_hidden_states=True)
    cut = slice(len(text.prompt) - 1, -1)
    return seen.logits[0, cut], [states[0, cut] for states in seen.hidden_states]


def plain_part(net, texts, original=None, layer=0):
    """A `Part` from one forward pass a row."""
    seen = [alone(net, one) for one in texts]
    known = [alone(original, one) for one in texts] if original is not None else []
    labels = [torch.tensor(one.completion) for one in texts]
    logps = [
        logits.log_softmax(-1).gather(1, label[:, None])[:, 0]
        for (logits, _), label in zip(known, labels, strict=False)
    ]
    return Part(
        torch.cat([logits for logits, _ in seen]),
        torch.cat(labels),
        torch.cat([torch.full((len(one),), i) for i, one in enumerate(labels)]),
        torch.cat(logps) if known else None,
        torch.cat([logits for logits, _ in known]) if known else None,
        torch.cat([states[layer + 1] for _, states in seen]),
        torch.cat([states[layer + 1] for _, states in known]) if known else None,
    )


def plain_batch(net, original, pairs):
    columns = zip(*pairs, strict=True)
    return Batch(*(c[0] and plain_part(net, c, original) for c in columns))


# ------------------------------------------------------------------------------ texts and tensors


def test_a_text_is_what_the_model_is_asked_and_answers(words, plain_words, letters):
    found = text(words, "Who is Bo ?", "baker Oslo")
    assert list(found.prompt) == models.render(words, "Who is Bo ?")
    assert words.convert_ids_to_tokens(found.completion) == ["baker", "Oslo", "</s>"]
    found = text(plain_words, "Who is Bo ?", "baker")
    assert plain_words.convert_ids_to_tokens(found.prompt)[-2:] == ["Answer", ":"]
    # Behind "Answer:" a text goes on with a space, behind a chat template's marker it does not.
    for chat, expected in ((False, ["\u0120", "B", "o", "</s>"]), (True, ["B", "o", "</s>"])):
        found = text(letters(chat), "Who?", "Bo").completion
        assert letters(chat).convert_ids_to_tokens(found) == expected


def test_a_collated_batch_by_hand():
    first = Pair(Text((1, 5), (7, 2), (-1.0, -2.0)), None, Text((1, 4, 5), (2,)))
    second = Pair(Text((1,), (8, 9, 2), (-3.0, -4.0, -5.0)), None, Text((1, 6), (9, 2)))
    batch = Collator(0)([first, second])
    assert batch["ids"].tolist() == [[1, 5, 7, 2], [1, 8, 9, 2], [1, 4, 5, 2], [1, 6, 9, 2]]
    assert batch["scored"].int().tolist() == [
        [0, 0, 1, 1],
        [0, 1, 1, 1],
        [0, 0, 0, 1],
        [0, 0, 1, 1],
    ]
    assert batch["length"].tolist() == [4, 4, 4, 4]
    assert batch["kind"].tolist() == [0, 0, 2, 2]
    assert batch["reference"][:5].tolist() == [-1, -2, -3, -4, -5]
    assert batch["reference"][5:].isnan().all() and len(batch["reference"]) == 8
    short = Collator(9)([second, second._replace(answer=Text((1,), (2,)))])
    assert short["ids"][:2].tolist() == [[1, 8, 9, 2], [1, 2, 9, 9]]
    assert short["scored"][:2].int().tolist() == [[0, 1, 1, 1], [0, 1, 0, 0]]
    assert short["length"].tolist() == [4, 2, 4, 4]
    assert "reference" not in Collator(0)([first._replace(answer=Text((1,), (2,)))])


def test_rows_of_like_length_are_read_together():
    # 9 + 9 and 2 x 4 tokens and two passes at 4 are 34; all at once 54 + 4; one by one 25 + 24.
    assert chunks([9, 2, 8, 2, 2, 2], price=4) == [[0, 2], [1, 3, 4, 5]]
    assert chunks([9, 2, 8, 2, 2, 2], price=100) == [[0, 1, 2, 3, 4, 5]]
    assert chunks([3, 1, 2], price=0) == [[0], [2], [1]]
    assert chunks([7], price=4) == [[0]]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2"])
def test_padded_rows_read_the_same_as_one_at_a_time(net, monkeypatch, kind, together):
    """Gemma 2 bounds its logits behind the LM head, and looks back a window only."""
    monkeypatch.setattr(_reading, "FORWARD", 1000 if together else 0)
    shape = {"head_dim": 8, "sliding_window": 4} if kind == "gemma2" else {}
    policy = net(kind, scale=0.2, **shape)
    draws = torch.Generator().manual_seed(0)
    rows = [
        Text(
            tuple(torch.randint(3, 40, (p,), generator=draws).tolist()),
            tuple(torch.randint(3, 40, (c,), generator=draws).tolist()),
        )
        for p, c in [(9, 2), (2, 7), (5, 1), (1, 4)]
    ]
    with torch.no_grad():
        seen = read(policy, Collator(0)([Pair(row, None, None) for row in rows]), 0)
        plain = policy(torch.tensor([rows[0].prompt])).logits
    assert plain.shape[1] == len(rows[0].prompt), "the LM head is as it was"
    assert seen["row"].tolist() == [0] * 2 + [1] * 7 + [2] + [3] * 4
    expected = plain_part(policy, rows)
    assert seen["labels"].tolist() == expected.labels_N.tolist()
    torch.testing.assert_close(seen["logits"], expected.logits_NV, atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(seen["hidden"], expected.hidden_ND, atol=2e-5, rtol=1e-4)


# --------------------------------------------------------------------------------------- the loss

TOTALS = {
    "npo + gdr + klr": (npo.Config(forget_weight=0.5, gdr=2.0, klr=3.0, **SMALL), npo),
    "dpo + gdr": (dpo.Config(gdr=1.0, **SMALL), dpo),
    "idk + klr": (idk.Config(klr=1.0, **SMALL), idk),
    "undial + gdr": (undial.Config(gdr=1.0, **SMALL), undial),
    "rmu": (rmu.Config(**SMALL), rmu),
}


@pytest.mark.parametrize("start", ["full", "lora", "over_adapter"])
@pytest.mark.parametrize("name", TOTALS)
def test_the_loss_is_that_of_separate_plain_forwards(lab, tmp_path, name, start):
    (made, method), start = TOTALS[name], getattr(lab, start)
    trainer = build(made, start, lab.lessons(), tmp_path, layer=layer if method is rmu else None)
    trainer.model.train()
    found = trainer.compute_loss(trainer.model, collated(trainer))
    net, original = (models.load(path, start.spec) for path in (start.path, start.original))
    batch = plain_batch(net, original, [trainer.train_dataset[k] for k in range(4)])
    expected = made.forget_weight * method.loss(batch, made)
    if made.gdr:
        expected = expected + made.gdr * nll(batch.retain)
    if made.klr:
        assert kl(batch.retain) > 1e-3
        expected = expected + made.klr * kl(batch.retain)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5)
    assert trainer.model.training


def test_the_original_is_asked_only_about_rows_where_its_logits_are_needed():
    kinds = _offline.original_kinds
    assert kinds(npo.Config(gdr=1)) == kinds(dpo.Config()) == set()
    assert kinds(npo.Config(klr=1)) == {"retain"}
    assert kinds(undial.Config(gdr=1)) == {"answer"}
    assert kinds(undial.Config(klr=1)) == kinds(rmu.Config()) == {"answer", "retain"}


def test_a_row_without_refusal_takes_another_rows(lab, tmp_path):
    rows = lab.lessons()
    rows["train"] = [
        row.model_copy(update={"refusal": None}) if row.id.endswith(("2", "4")) else row
        for row in rows["train"]
    ]
    trainer = build(dpo.Config(**SMALL), lab.full, rows, tmp_path)
    words = models.tokenizer(lab.full.path, lab.full.spec)
    found = {words.decode(t.completion) for t in trainer.train_dataset.refusals}
    assert len(trainer.train_dataset.refusals) == 7 == len(trainer.train_dataset.answers)
    assert found == {"I cannot say that </s>", "I don't know </s>"}


def test_steps_are_passes_over_the_forget_rows(lab, tmp_path):
    # 7 forget rows in batches of 4 are 2 steps a pass.
    trainer = build(npo.Config(gdr=1, **SMALL), lab.full, lab.lessons(), tmp_path)
    assert trainer.args.max_steps == 8 and len(trainer.train_dataset) == 32
    assert len(forget_rows(trainer.config, lab.lessons())) == 7
    assert len(trainer.train_dataset.retain) == len(retain_rows(lab.lessons())) == 10
    micro = build(npo.Config(micro_batch=2, **SMALL), lab.full, lab.lessons(), tmp_path).args
    assert (micro.per_device_train_batch_size, micro.gradient_accumulation_steps) == (2, 2)
    assert micro.max_steps == 8 and not micro.bf16 | torch.cuda.is_available()


# ---------------------------------------------------------------------------------- the reference


@pytest.mark.parametrize("start", ["full", "lora", "fresh_lora", "over_adapter"])
def test_known_log_probabilities_are_those_of_the_saved_original(lab, start):
    start = getattr(lab, start)
    policy = models.load(start.path, start.spec, trainable=True).train()
    reference = Reference(policy, start)
    words = models.tokenizer(start.path, start.spec)
    texts = [text(words, row.prompt, row.answer) for row in lab.lessons()["train"]]
    found = with_reference(texts, reference, words, rows=3)
    assert policy.training and [one.prompt for one in found] == [one.prompt for one in texts]
    original = models.load(start.original, start.spec)
    for one in found:
        logits, _ = alone(original, one)
        expected = logits.log_softmax(-1).gather(1, torch.tensor(one.completion)[:, None])[:, 0]
        assert list(one.reference) == pytest.approx(expected.tolist(), abs=1e-5)


def test_with_lora_the_reference_is_the_policy_without_adapter_and_nothing_is_loaded(lab):
    policy = models.load(lab.lora.path, lab.lora.spec, trainable=True)
    reference = Reference(policy, lab.lora)
    ids = torch.tensor([[1, 7, 8, 9]])
    with torch.no_grad(), reference.model() as original:
        assert original is policy and not original.training
        found = original(ids).logits
    assert reference.copy is None
    with torch.no_grad():
        assert torch.equal(found, models.load(lab.original, lab.full.spec)(ids).logits)
        assert not torch.allclose(policy(ids).logits, found, atol=1e-2), "the adapter is on again"
    # An adapter that is itself the original is put beside the policy's own, and goes again.
    policy = models.load(lab.over_adapter.path, lab.lora.spec, trainable=True)
    over = Reference(policy, lab.over_adapter)
    with torch.no_grad(), over.model() as original:
        assert original is policy
        found = original(ids).logits
    expected = models.load(lab.adapter, lab.lora.spec)(ids).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert set(policy.peft_config) == {"default", "ref"} and policy.active_adapter == "default"
    over.release()
    assert over.copy is None and set(policy.peft_config) == {"default"}


# ----------------------------------------------------------------------------------- whole stages


def stage(made, method, start, rows, out, seed=0):
    out.mkdir(parents=True, exist_ok=True)
    method.train(made, start, rows, out, seed)
    return out


def curve(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def weights(out):
    files = sorted(out.rglob("model/*.safetensors"))
    assert files
    return {file.name: file.read_bytes() for file in files}


def tensors(out):
    from safetensors.torch import load_file

    return [load_file(file) for file in sorted(out.rglob("model/*.safetensors"))]


def test_what_a_stage_leaves(lab, tmp_path):
    made = npo.Config(**{**SMALL, "eval_rows": 2, "eval_every": 4}, gdr=1.0)
    out = stage(made, npo, lab.full, lab.lessons(), tmp_path / "a")
    lines = curve(out)
    assert [line["step"] for line in lines if line["split"] == "train"] == list(range(1, 9))
    assert all(line["loss"] is not None for line in lines if line["split"] == "train")
    assert {line["step"] for line in lines if line["split"] == "validation"} == {0, 4, 8}
    names = {file.name for file in (out / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not (out / "best").exists()


@pytest.mark.parametrize("method", [npo, dpo, undial, rmu], ids=lambda m: m.__name__[13:])
def test_a_batch_in_parts_trains_the_same_weights(lab, tmp_path, method):
    more = {} if method is rmu else {"gdr": 1.0, "klr": 1.0}
    settings = {**SMALL, **more, "epochs": 2, "learning_rate": 1e-4}
    whole, parts = (
        tensors(stage(made, method, lab.full, lab.lessons(), tmp_path / name))[0]
        for name, made in [
            ("whole", method.Config(**settings)),
            ("parts", method.Config(**settings, micro_batch=2)),
        ]
    )
    start = dict(models.load(lab.full.path, lab.full.spec).named_parameters())
    moved = max((whole[n] - start[n]).abs().max().item() for n in whole if n in start)
    apart = max((whole[name] - parts[name]).abs().max().item() for name in whole)
    assert moved > 1e-4 and apart < 0.05 * moved


def test_equal_seeds_train_equal_weights_and_others_do_not(lab, tmp_path):
    made = npo.Config(**{**SMALL, "epochs": 1}, gdr=1.0)
    first, again = (stage(made, npo, lab.full, lab.lessons(), tmp_path / n) for n in "ab")
    other = stage(made, npo, lab.full, lab.lessons(), tmp_path / "c", seed=1)
    assert weights(first) == weights(again) != weights(other)
    assert curve(first) == curve(again) != curve(other)


LOOKING = {"eval_rows": 2, "eval_every": 2}
KILLED = {
    "inside the first pass": ("full", npo, {"gdr": 1.0}, 3),
    "in a later pass": ("full", npo, {"gdr": 1.0, "klr": 1.0}, 7),
    "in parts": ("full", dpo, {"micro_batch": 2, "gdr": 1.0}, 5),
    "before any checkpoint": ("full", idk, {}, 1),
    "an adapter": ("lora", npo, {"klr": 1.0}, 5),
    "an adapter over another": ("over_adapter", npo, {"klr": 1.0}, 5),
    "a new adapter with dropout": ("dropping", npo, {"gdr": 1.0}, 5),
    "the original's states": ("full", rmu, {}, 3),
    "the best, mixed": ("wise", idk, {**LOOKING, "interpolate": [0.5]}, 5),
}


@pytest.mark.parametrize("case", KILLED)
def test_killed_and_resumed_is_the_same_as_undisturbed(lab, stop_at, tmp_path, case):
    start, method, changed, step = KILLED[case]
    if start == "dropping":
        spec = config.Model(path=lab.original, lora=config.Lora(rank=4, alpha=8, dropout=0.2))
        start = Checkpoint(lab.original, lab.original, spec)
    else:
        start = getattr(lab, start)
    made = method.Config(**{**SMALL, **changed})
    whole = stage(made, method, start, lab.lessons(), tmp_path / "whole")
    stop_at(step)
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        stage(made, method, start, lab.lessons(), killed)
    assert bool(list((killed / "checkpoints").glob("checkpoint-*"))) == (step > 1)
    assert not (killed / "model").exists()
    stop_at(None)
    torch.manual_seed(123)  # another process has another past
    resumed = stage(made, method, start, lab.lessons(), killed)
    assert weights(resumed) == weights(whole)
    assert (resumed / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_gradient_ascent_makes_answers_less_likely_and_descent_keeps_the_others(lab, tmp_path):
    made = gradient_ascent.Config(**{**SMALL, "gdr": 1.0})
    out = stage(made, gradient_ascent, lab.full, lab.lessons(), tmp_path / "a")
    words = models.tokenizer(lab.full.path, lab.full.spec)

    def loss(folder, scope):
        rows = [row for row in lab.lessons()["train"] if row.scope == scope]
        texts = [text(words, row.prompt, row.answer) for row in rows]
        return nll(plain_part(models.load(folder, lab.full.spec), texts)).item()

    before, after = lab.full.path, out / "model"
    assert loss(after, "forget") > loss(before, "forget") + 0.5
    assert loss(after, "boundary") < loss(before, "boundary")


def test_a_base_model_without_chat_template(lab, saved, tmp_path):
    folder = str(saved(chat=False, scale=0.15))
    start = Checkpoint(folder, folder, config.Model(path=folder))
    made = dpo.Config(**{**SMALL, "epochs": 1})
    assert weights(stage(made, dpo, start, lab.lessons(), tmp_path / "a"))
