"""KTO through TRL: its loss is the formula that the module gives, and a killed run goes on."""

import json
import math

import pytest
import torch

from lethe import model as models
from lethe.plug import LetheError
from lethe.stages import _kto, kto
from lethe.stages._reading import text

SMALL = {"batch_size": 4, "epochs": 2, "learning_rate": 3e-3, "eval_rows": 0, "save_every": 3}


def stage(made, start, rows, out):
    out.mkdir(parents=True, exist_ok=True)
    kto.train(made, start, rows, out, 0)
    return out


def weights(out):
    files = sorted(out.rglob("model/*.safetensors"))
    assert files
    return {file.name: file.read_bytes() for file in files}


def test_what_is_good_and_what_is_bad(lab):
    found = kto.texts(lab.lessons())
    count = {}
    for row, said, good in found:
        kind = (row.scope, "answer" if said == row.answer else "refusal", good)
        count[kind] = count.get(kind, 0) + 1
    assert count == {
        ("forget", "answer", False): 7,
        ("forget", "refusal", True): 7,
        ("boundary", "answer", True): 10,
    }


def total(net, prompt, completion):
    """Log-probability of a completion, unpadded."""
    ids = torch.tensor([[*prompt, *completion]])
    with torch.no_grad():
        logps = net(ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    return logps.gather(1, torch.tensor(completion)[:, None]).sum().item()


@pytest.mark.parametrize("start", ["full", "lora", "fresh_lora", "over_adapter"])
def test_the_loss_is_the_formula(lab, tmp_path, start):
    start = getattr(lab, start)
    made = kto.Config(**SMALL, beta=0.4, desirable_weight=0.5, undesirable_weight=2.0)
    words = models.tokenizer(start.path, start.spec)
    trainer = _kto.build(made, start, words, lab.lessons(), tmp_path, 0)
    batch = next(iter(trainer.get_train_dataloader()))
    found = trainer.compute_loss(trainer.model, batch).item()
    rows = [trainer.train_dataset[i] for i in range(4)]
    assert {row["label"] for row in rows} == {True, False}, "both kinds are in the batch"
    net, original = (models.load(path, start.spec) for path in (start.path, start.original))

    def ratio(prompt, completion):
        return total(net, prompt, completion) - total(original, prompt, completion)

    # z0: every prompt with the completion before it in the batch, the first with the last.
    prompts = [row["prompt_ids"] for row in rows]
    said = [row["completion_ids"] for row in rows]
    mismatched = zip(prompts, said[-1:] + said[:-1], strict=True)
    z0 = max(0.0, sum(ratio(*one) for one in mismatched) / 4)
    losses = []
    for prompt, completion, row in zip(prompts, said, rows, strict=True):
        gain = ratio(prompt, completion) - z0
        value = 1 / (1 + math.exp(-0.4 * (gain if row["label"] else -gain)))
        losses.append((0.5 if row["label"] else 2.0) * (1 - value))
    assert found == pytest.approx(sum(losses) / 4, abs=1e-5)


@pytest.mark.parametrize("chat", [True, False])
def test_trl_reads_the_texts_as_we_do(lab, saved, tmp_path, chat):
    from lethe import config
    from lethe.model import Checkpoint

    path = str(saved(chat=chat, scale=0.15))
    start = Checkpoint(path, path, config.Model(path=path))
    words = models.tokenizer(path, start.spec)
    trainer = _kto.build(kto.Config(**SMALL), start, words, lab.lessons(), tmp_path, 0)
    theirs = {(*r["prompt_ids"], -1, *r["completion_ids"]) for r in trainer.train_dataset}
    ours = [text(words, row.prompt, said) for row, said, _ in kto.texts(lab.lessons())]
    assert theirs == {(*one.prompt, -1, *one.completion) for one in ours}


def test_batches_mix_scopes_and_their_order_has_a_seed(lab, tmp_path):
    words = models.tokenizer(lab.full.path, lab.full.spec)

    def order(seed):
        made = _kto.build(kto.Config(**SMALL), lab.full, words, lab.lessons(), tmp_path, seed)
        return [(tuple(r["prompt_ids"]), r["label"]) for r in made.train_dataset]

    first = order(0)
    assert first == order(0) != order(1)
    assert len(first) == 24 and sorted(first) == sorted(order(1))
    assert sum(len({label for _, label in first[i : i + 4]}) == 2 for i in range(0, 24, 4)) > 3


KILLED = {
    "in a later pass": ("full", {}, 10),
    "an adapter": ("lora", {}, 7),
    "an adapter over another": ("over_adapter", {}, 7),
    "two batches a step": ("full", {"trainer": {"gradient_accumulation_steps": 2}}, 4),
    "the best": ("wise", {"eval_rows": 2, "eval_every": 4}, 7),
}


@pytest.mark.parametrize("case", KILLED)
def test_killed_and_resumed_is_the_same_as_undisturbed(lab, stop_at, tmp_path, case):
    start, changed, step = KILLED[case]
    made, start = kto.Config(**{**SMALL, **changed}), getattr(lab, start)
    whole = stage(made, start, lab.lessons(), tmp_path / "whole")
    stop_at(step)
    killed = tmp_path / "killed"
    with pytest.raises(KeyboardInterrupt):
        stage(made, start, lab.lessons(), killed)
    assert list((killed / "checkpoints").glob("checkpoint-*")) and not (killed / "model").exists()
    stop_at(None)
    torch.manual_seed(123)  # another process has another past
    resumed = stage(made, start, lab.lessons(), killed)
    assert weights(resumed) == weights(whole)
    assert (resumed / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_a_stage_killed_after_its_last_step_takes_no_other_one(lab, stop_at, tmp_path):
    """Steps are counted as the trainer does: 6 batches in twos are 3 steps a pass."""
    made = kto.Config(**{**SMALL, "save_every": 2}, trainer={"gradient_accumulation_steps": 2})
    out = stage(made, lab.full, lab.lessons(), tmp_path / "a")
    first = weights(out)
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert (out / "checkpoints" / "checkpoint-6").is_dir()
    assert weights(stage(made, lab.full, lab.lessons(), out)) == first


def test_one_side_alone_is_refused(lab):
    def rows(**fields):
        train = lab.lessons()["train"]
        return {"train": [r.model_copy(update=fields) if r.scope == "forget" else r for r in train]}

    kto.validate(kto.Config(), rows(), "r")
    with pytest.raises(LetheError, match=r"^r: no forget row of the train split has an `answer`"):
        kto.validate(kto.Config(), rows(answer=None), "r")
    forget = {"train": [row for row in rows(refusal=None)["train"] if row.scope == "forget"]}
    with pytest.raises(LetheError, match=r"^r: no row of the train split has a text to call good"):
        kto.validate(kto.Config(), forget, "r")
