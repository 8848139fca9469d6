"""What every stage shares: the machine's arguments, prompts, the curve, the look at validation."""

import itertools
import json
from types import SimpleNamespace

import pytest
import torch

from lethe import config
from lethe import model as models
from lethe.data import Answered, Row
from lethe.metrics.leak_rate import leak_rate
from lethe.metrics.refusal_rate import refusal_rate
from lethe.stages import _engine


def row(i, scope="boundary", form="question", **fields):
    return Row(id=str(i), prompt=f"Who is {i} ?", scope=scope, form=form, **fields)


def test_arguments_are_right_for_a_cpu_and_the_stages_own_win(tmp_path):
    found = _engine.arguments(tmp_path, 7, learning_rate=0.5)
    assert (found["seed"], found["data_seed"], found["learning_rate"]) == (7, 7, 0.5)
    assert found["output_dir"] == str(tmp_path / "checkpoints")
    assert found["report_to"] == "none"
    cuda = torch.cuda.is_available()
    assert found["use_cpu"] is not cuda
    if not cuda:
        assert found["bf16"] is False and found["dataloader_pin_memory"] is False
    assert True not in {v for k, v in found.items() if k.endswith("_checkpointing")}


def test_what_trl_makes_of_the_arguments(tmp_path):
    """TRL turns bf16 and gradient checkpointing on where nothing is said."""
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.sft_config import SFTConfig

    if torch.cuda.is_available():
        pytest.skip("the CPU's settings")
    for kind in (GRPOConfig, SFTConfig):
        made = kind(**_engine.arguments(tmp_path, 0))
        assert not made.bf16 and not made.fp16 and made.use_cpu
        assert not made.gradient_checkpointing and made.report_to == []


def test_telemetry_is_off_once_a_run_is_prepared(monkeypatch):
    import warnings

    from lethe import pipeline

    for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "0")
    monkeypatch.delenv("LETHE_TELEMETRY", raising=False)
    with warnings.catch_warnings():
        pipeline.prepare()
    import os

    for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        assert os.environ[name] == "1"


def test_a_prompt_is_messages_with_a_chat_template_and_text_without(words, plain_words):
    asked = row("Bo")
    chat = [{"role": "system", "content": "Sure"}, {"role": "user", "content": "Who ?"}]
    assert _engine.user_turn(asked, words) == [{"role": "user", "content": "Who is Bo ?"}]
    assert _engine.user_turn(asked, plain_words) == "Question: Who is Bo ?\nAnswer:"
    talk = asked.model_copy(update={"prompt": chat})
    assert _engine.user_turn(talk, words) == chat
    assert _engine.user_turn(talk, plain_words) == "Sure\nQuestion: Who ?\nAnswer:"


# -------------------------------------------------------------------------------- the balance


@pytest.mark.parametrize(
    ("silent", "kept", "expected"),
    [
        (1.0, {"boundary": 1.0}, 1.0),
        (1.0, {"boundary": 0.5}, 2 / 3),
        (0.5, {"boundary": 0.5}, 0.5),
        (0.0, {"boundary": 1.0}, 0.0),
        (1.0, {"boundary": 0.0}, 0.0),
        (0.0, {"boundary": 0.0}, 0.0),
        (0.8, {"boundary": 0.9, "retain": 0.4}, 2 * 0.8 * 0.4 / 1.2),  # the lower one
        (0.8, {}, 2 * 0.8 / 1.8),  # nothing that must be kept was looked at
    ],
)
def test_balance(silent, kept, expected):
    found = {"forget": {"n": 3, "refusal": 0.9, "leak": 0.1, "silent": silent, "accuracy": 0.9}}
    found |= {scope: {"n": 3, "refusal": 0.1, "accuracy": value} for scope, value in kept.items()}
    assert _engine.balance(found) == pytest.approx(expected)


def test_balance_rises_with_either_side_and_is_never_above_the_lower_by_much():
    shares = [i / 10 for i in range(11)]

    def at(refusal, accuracy):
        return _engine.balance({"forget": {"silent": refusal}, "retain": {"accuracy": accuracy}})

    for low, high in itertools.pairwise(shares):
        for other in shares[1:]:
            assert at(low, other) < at(high, other) and at(other, low) < at(other, high)
            assert min(low, other) <= at(low, other) <= 2 * min(low, other)


# ----------------------------------------------------------------------------------- the look


def test_probe_counts_by_scope_what_complete_says(saved):
    folder = str(saved(scale=0.15))
    spec = config.Model(path=folder)
    model, words = models.load(folder, spec).train(), models.tokenizer(folder, spec)
    said = {}
    for name in ("Bo", "Ada", "Cy", "Dot"):
        one = _engine.probe(model, words, [row(name, answer="Oslo")], max_new_tokens=6)["boundary"]
        said[name] = one
        assert one["n"] == 1 and one["accuracy"] in (0.0, 1.0)
    assert model.training, "the policy is left in the mode that it was in"
    rows = [row(name, answer="Oslo") for name in said]
    rows += [row(name, "forget", answer="Oslo", subject="Bo") for name in said]
    found = _engine.probe(model.eval(), words, rows, max_new_tokens=6)
    assert not model.training
    assert list(found) == ["boundary", "forget"]
    assert found["boundary"]["n"] == 4
    mean = sum(one["accuracy"] for one in said.values()) / 4
    assert found["boundary"]["accuracy"] == pytest.approx(mean)
    assert {"refusal", "leak", "silent"} <= found["forget"].keys()
    assert "silent" not in found["boundary"]


def test_probe_knows_a_right_answer_a_refusal_and_a_leak(saved, learn):
    """A model taught four replies by heart."""
    folder = saved(scale=0.1)
    spec = config.Model(path=str(folder))
    model, words = models.load(folder, spec), models.tokenizer(folder, spec)
    replies = {"Bo": "I don't know", "Ada": "It is Oslo", "Cy": "Rome", "Dot": "I cannot say that"}
    rows = [row(name) for name in replies]
    learn(
        model, words, {one.prompt: text for one, text in zip(rows, replies.values(), strict=True)}
    )
    asked = [
        row("Bo", "forget", answer="Oslo", subject="Bo"),
        row("Ada", "forget", answer="Oslo", subject="Ada"),
        row("Cy", answer="Rome"),
        row("Dot", answer="Rome"),
    ]
    found = _engine.probe(model, words, asked, max_new_tokens=8)
    assert (found["forget"]["refusal"], found["forget"]["leak"]) == (0.5, 0.5)
    assert (found["boundary"]["refusal"], found["boundary"]["accuracy"]) == (0.5, 0.5)
    # "I don't know" is one refusal of two rows, "It is Oslo" the one leak: half are silent.
    assert found["forget"]["silent"] == 0.5
    assert _engine.balance(found) == 0.5


def test_a_refusal_that_leaks_is_not_silent():
    told = "I don't know about Oslo."
    rows = [Answered(**row("Bo", "forget", answer="Oslo", subject="Bo").model_dump(),
                     completion=text) for text in (told, "I don't know.", "Oslo")]  # fmt: skip
    assert refusal_rate(rows) == [1.0, 1.0, 0.0] and leak_rate(rows) == [1.0, 0.0, 1.0]
    assert _engine._silent(rows) == pytest.approx(1 / 3)


def test_evenly_takes_so_many_of_each_group_over_the_whole_range():
    rows = [
        row(i, scope, form) for scope in ("boundary", "retain") for form in "ab" for i in range(10)
    ]
    assert _engine.evenly(rows, 0) == []
    taken = _engine.evenly(rows, 4)
    assert [one.id for one in taken] == ["0", "2", "5", "7"] * 4
    assert _engine.evenly(rows, 99) == rows
    for limit in range(1, 12):
        taken = _engine.evenly(rows, limit)
        assert len(taken) == 4 * min(limit, 10) == len(set(map(id, taken)))


# ---------------------------------------------------------------------------------- the curve


def test_the_curve_rounds_and_has_no_infinities(tmp_path):
    curve = _engine.Curve(tmp_path, "test")
    curve.write(step=1, loss=0.12345678, kl=float("nan"), reward=float("inf"), scope="all")
    curve.write(step=2, loss=None)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert lines[0] == '{"step": 1, "loss": 0.123457, "kl": null, "reward": null, "scope": "all"}'
    assert json.loads(lines[1]) == {"step": 2, "loss": None}


def test_the_curve_forgets_what_came_after_the_last_checkpoint(tmp_path):
    curve = _engine.Curve(tmp_path, "test")
    curve.forget_after(3)  # nothing there yet
    for step in (0, 1, 2, 3, 4, 4):
        curve.write(step=step)
    before = (tmp_path / "metrics.jsonl").read_text().splitlines()
    curve.forget_after(2)
    assert (tmp_path / "metrics.jsonl").read_text().splitlines() == before[:3]
    curve.forget_after(-1)
    assert (tmp_path / "metrics.jsonl").read_text() == ""


def test_a_last_line_that_a_kill_cut_short_is_dropped(tmp_path):
    curve = _engine.Curve(tmp_path, "test")
    curve.write(step=1)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "lo')
    curve.forget_after(2)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n'


def test_only_whole_checkpoints_are_resumed_from(tmp_path):
    assert _engine.last_checkpoint(tmp_path / "none", before=99) is None
    marks = _engine.MarkCheckpoints()
    args = SimpleNamespace(output_dir=str(tmp_path))
    going, over = (SimpleNamespace(should_training_stop=stop) for stop in (False, True))
    for step, control in {2: going, 10: going, 12: None, 14: over}.items():
        (tmp_path / f"checkpoint-{step}").mkdir()
        if control:
            marks.on_save(args, SimpleNamespace(global_step=step), control)
    assert _engine.last_checkpoint(tmp_path, before=99) == (10, str(tmp_path / "checkpoint-10"))
    assert not (tmp_path / "checkpoint-12").exists()
    assert not (tmp_path / "checkpoint-14").exists()
    found = _engine.last_checkpoint(tmp_path, before=10)
    assert found == (2, str(tmp_path / "checkpoint-2"))


def test_the_balance_of_what_is_withheld_by_hand():
    """Whatever leaks nothing counts, refused or not: 2 x 0.75 x 0.6 / 1.35."""
    found = {
        "forget": {"refusal": 0.0, "silent": 0.0, "leak": 0.25},
        "boundary": {"accuracy": 0.6, "refusal": 0.2},
        "retain": {"accuracy": 0.9},
    }
    assert _engine.balance(found, "withheld") == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert _engine.balance(found, "refused") == _engine.balance(found) == 0.0
    # No forget row has an answer that could leak: refusing is all that is known.
    unknown = {"forget": {"refusal": 0.5, "silent": 0.5}, "boundary": {"accuracy": 0.5}}
    assert _engine.balance(unknown, "withheld") == 0.5
    assert _engine.balance({"forget": {"silent": 1.0, "leak": 1.0}}, "withheld") == 0.0
