"""ReBO's half that needs torch and TRL: what builds the trainer, runs it and keeps the result."""

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback
from trl.trainer.grpo_config import GRPOConfig

from lethe import model as models
from lethe import plug, process
from lethe.config import Model
from lethe.data import Row
from lethe.model import Checkpoint
from lethe.stages import _engine, _micro, _selection, _value, _vllm
from lethe.stages._trainer import ReboTrainer, said
from lethe.stages.rebo import Config, check_model


def run(
    config: Config,
    start: Checkpoint,
    lessons: list[Row],
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
) -> None:
    """Train; see `rebo.train`."""
    if _selection.finished(out):
        return
    check_model(config, start.spec, True, "rebo")

    def train(micro: int | None) -> None:
        here = config.model_copy(update={"micro_batch": micro})
        _train(here, start, lessons, data, out, seed)

    batch = config.prompts_per_step * config.num_generations
    _micro.held(out, batch, config.micro_batch, "rebo", train)


def _train(
    config: Config,
    start: Checkpoint,
    lessons: list[Row],
    data: dict[str, list[Row]],
    out: Path,
    seed: int,
) -> None:
    """`run`, in passes of `micro_batch` completions."""
    torch.manual_seed(seed)
    tokenizer = models.tokenizer(start.path, start.spec)
    args = _arguments(config, out, seed, start.spec)  # first: ZeRO-3 splits what is loaded then
    policy = models.load(start.path, start.spec, trainable=True)
    curve = _engine.Curve(out, "rebo")
    reference = start.original if config.reference == "original" else start.path
    if start.spec.revision and not Path(reference).is_dir():
        args.model_init_kwargs = {"revision": start.spec.revision}  # the policy's, or it is another
    trainer = ReboTrainer(
        settings=config,
        reference=reference,
        curve=curve,
        model=policy,
        args=args,
        reward_funcs=[plug.function("reward", name) for name in config.rewards],
        train_dataset=Dataset.from_list([_lesson(row, tokenizer) for row in lessons]),
        processing_class=tokenizer,
        callbacks=[curve],
    )
    trainer.remove_callback(PrinterCallback)
    _engine.in_float32(policy, start.spec)
    length = min(config.max_new_tokens, 64)
    chosen = config.prompt_choice == "adaptive" or config.resample
    trainer.add_callback(_Remember(trainer))
    selection = _selection.train(
        trainer,
        config,
        data,
        tokenizer,
        curve,
        out,
        steps=trainer.args.max_steps,
        length=length,
        write=_save,
        recall=trainer.recall,
        collapse=None if chosen else config.collapse,
    )
    if process.first():
        _samples(trainer, out)
    with _value.aside(policy):
        _selection.keep(config, start, selection, policy, tokenizer, length)


def _save(trainer: Any, tokenizer: Any, folder: Path) -> None:
    with _value.aside(trainer.model):
        _selection.save(trainer, tokenizer, folder)


class _Remember(TrainerCallback):
    """Puts into each checkpoint what the trainer knows beside its weights."""

    def __init__(self, trainer: ReboTrainer) -> None:
        self.trainer = trainer

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if process.first():
            self.trainer.remember(Path(args.output_dir) / f"checkpoint-{state.global_step}")


def _arguments(config: Config, out: Path, seed: int, model: Model | None = None) -> GRPOConfig:
    batch = config.prompts_per_step * config.num_generations
    own = {
        **_micro.spread(batch, config.micro_batch, "rebo"),
        "max_steps": config.steps * config.num_iterations,
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.schedule,
        "num_generations": config.num_generations,
        "num_iterations": config.num_iterations,
        "temperature": config.temperature,
        "max_completion_length": config.max_new_tokens,
        "beta": config.beta,
        "epsilon": config.epsilon,
        "epsilon_high": config.epsilon_high,
        "scale_rewards": config.scale_rewards,
        "reward_weights": list(config.rewards.values()),
        # The paper's GRPO: mean over tokens within a completion, classic k3 gradient.
        "loss_type": "grpo",
        "use_bias_correction_kl": False,
        "save_strategy": "steps",
        "save_steps": config.save_every,
        **_vllm.arguments(config.rollout, config.vllm),
    }
    return GRPOConfig(**_engine.arguments(out, seed, model, **{**own, **config.trainer}))


def _lesson(row: Row, tokenizer: Any) -> dict[str, Any]:
    """A row as TRL's dataset wants it; every column but the prompt reaches the rewards."""
    return {**row.model_dump(), "prompt": _engine.user_turn(row, tokenizer)}


def _samples(trainer: ReboTrainer, out: Path, count: int = 32) -> None:
    """The last batch's first rollout of each prompt."""
    logs, group = trainer._logs, trainer.settings.num_generations
    scopes = trainer.scopes
    with (out / "samples.jsonl").open("w") as lines:
        completions, prompts = list(logs["completion"]), list(logs["prompt"])
        totals = trainer.totals()
        for i in range(0, min(len(completions), count * group), group):
            prompt = prompts[i] if isinstance(prompts[i], str) else prompts[i][-1]["content"]
            record = {
                "step": trainer.state.global_step,
                "scope": scopes[i],
                "prompt": prompt,
                "completion": said(completions[i]),
                "reward": totals[i],
            }
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
