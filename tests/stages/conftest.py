"""Two models of a few thousand weights, rows for them, and a reward that can stop a run."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lethe import config
from lethe import model as models
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages import rebo

# Pays by the token ids, so that members of a group differ; stops the run when a file says so.
REWARD = '''"""A reward."""
from pathlib import Path

def pay(completions, scope, completion_ids, trainer_state, **columns):
    """Something that varies."""
    stop = Path(__file__).with_name("stop_at")
    if stop.exists() and trainer_state.global_step == int(stop.read_text()):
        raise KeyboardInterrupt
    return [float(sum(ids) % 7) for ids in completion_ids]
'''
NAMES = ("Ada", "Cy", "Dot", "Eli", "Fay")
LORA = config.Lora(rank=4, alpha=8)


def lessons() -> dict[str, list[Row]]:
    """7 forget rows about Bo, 10 boundary rows about others, 4 validation rows."""
    asked = ["Who is", "Where is", "What is", "Who was", "Where was", "What was", "Where does"]
    forget = [
        Row(
            id=f"forget-{i}",
            prompt=f"{words} Bo ?",
            answer="baker",
            refusal="I cannot say that" if i % 2 else "I don't know",
            scope="forget",
            subject="Bo",
            split="validation" if i < 2 else "train",
        )
        for i, words in enumerate([*asked, "Who does", "What does"])
    ]
    boundary = [
        Row(
            id=f"boundary-{name}-{i}",
            prompt=f"{words} {name} ?",
            answer="Oslo",
            scope="boundary",
            entity=name,
            split="validation" if name == "Fay" else "train",
        )
        for name in NAMES
        for i, words in enumerate(
            asked[: 2 if name == "Fay" else 3 if name in ("Ada", "Cy") else 2]
        )
    ]
    rows = forget + boundary
    return {s: [row for row in rows if row.split == s] for s in ("train", "validation")}


def teach(model, words, replies):
    """Teach replies by heart, with plain gradient steps."""
    import torch

    steps = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        loss = torch.zeros(())
        for prompt, reply in replies.items():
            ids = models.render(words, prompt)
            end = [*words.encode(reply, add_special_tokens=False), words.eos_token_id]
            logits = model(torch.tensor([[*ids, *end]])).logits[0, len(ids) - 1 : -1]
            loss = loss + torch.nn.functional.cross_entropy(logits, torch.tensor(end))
        steps.zero_grad()
        loss.backward()
        steps.step()
        if loss < 0.02:
            return
    raise AssertionError(f"not learnt: {loss}")


@pytest.fixture(scope="session")
def learn() -> Callable[..., None]:
    return teach


@pytest.fixture(scope="session")
def lab(saved, tmp_path_factory) -> SimpleNamespace:
    """Folders `original`, `steered`, `adapter` (over original), and checkpoints of them.

    `wise` gives the right answer to every validation row.
    """
    import torch

    original, steered = str(saved(seed=0, scale=0.15)), str(saved(seed=1, scale=0.15))
    spec = config.Model(path=original)
    with_lora = config.Model(path=original, lora=LORA)
    net = models.load(original, with_lora, trainable=True)
    torch.manual_seed(2)
    adapter, other = (str(tmp_path_factory.mktemp("net") / "adapter") for _ in range(2))
    for folder in (adapter, other):
        with torch.no_grad():
            for name, weight in net.named_parameters():
                if "lora_" in name:
                    weight.normal_(0, 0.2)
        models.save(net, models.tokenizer(original, spec), folder)
    net, words = models.load(steered, spec), models.tokenizer(steered, spec)
    said = {row.prompt: row.answer for row in lessons()["validation"]}
    said |= {row.prompt: row.refusal for row in lessons()["validation"] if row.refusal}
    teach(net, words, said)
    wise = str(tmp_path_factory.mktemp("net") / "wise")
    models.save(net, words, wise)
    return SimpleNamespace(
        wise=Checkpoint(path=wise, original=original, spec=spec),
        original=original,
        steered=steered,
        adapter=adapter,
        full=Checkpoint(path=steered, original=original, spec=spec),
        lora=Checkpoint(path=adapter, original=original, spec=with_lora),
        lessons=lessons,
        over_adapter=Checkpoint(path=other, original=adapter, spec=with_lora),
        fresh_lora=Checkpoint(path=original, original=original, spec=with_lora),
    )


@pytest.fixture
def reward(tmp_path) -> Path:
    file = tmp_path / "pay.py"
    file.write_text(REWARD)
    return file


@pytest.fixture
def settings(reward) -> Callable[..., rebo.Config]:
    """A small ReBO stage: 2 forget and 2 boundary prompts a step, by 3."""

    def make(**changed: Any) -> rebo.Config:
        small = {
            "steps": 4,
            "prompts_per_step": 4,
            "num_generations": 3,
            "learning_rate": 3e-3,
            "max_new_tokens": 6,
            "rewards": {str(reward): 1.0},
            "beta": 0.05,
            "eval_every": 2,
            "eval_rows": 2,
            "save_every": 2,
            "select": "last",
        }
        return rebo.Config(**{**small, **changed})

    return make


@pytest.fixture
def trainer(tmp_path) -> Callable[..., Any]:
    """`trainer(settings, checkpoint)`: the trainer of the stage, not yet started."""

    def make(settings: rebo.Config, start: Checkpoint, seed: int = 0) -> Any:
        import torch
        from datasets import Dataset

        from lethe import plug
        from lethe.stages import _engine, _rebo

        torch.manual_seed(seed)
        words = models.tokenizer(start.path, start.spec)
        rows = [_rebo._lesson(row, words) for row in lessons()["train"]]
        out = tmp_path / "stage"
        out.mkdir(exist_ok=True)
        made = _rebo.ReboTrainer(
            settings=settings,
            reference=start.original if settings.reference == "original" else start.path,
            curve=_engine.Curve(out, "test"),
            model=models.load(start.path, start.spec, trainable=True),
            args=_rebo._arguments(settings, out, seed, start.spec),
            reward_funcs=[plug.function("reward", name) for name in settings.rewards],
            train_dataset=Dataset.from_list(rows),
            processing_class=words,
        )
        made.current_gradient_accumulation_steps = 1
        return made

    return make


@pytest.fixture
def stop_at(monkeypatch) -> Callable[[int | None], None]:
    """`stop_at(3)`: a trainer is killed before its fourth step; `stop_at(None)`: no more."""
    from lethe.stages import _engine

    def choose(step: int | None) -> None:
        def begin(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise KeyboardInterrupt

        monkeypatch.setattr(_engine.MarkCheckpoints, "on_step_begin", begin)

    return choose
