"""ReBO, Refusal Boundary Optimization: on-policy RL on forget queries and boundary queries.

RULE's second stage (Reinforcement UnLEarning, arXiv 2506.07171): GRPO with a verifiable reward on a
fixed mix of queries that must be refused and queries just outside the forget scope that must be
answered; k3 KL to a reference, asymmetric clipping (0.2 / 0.3). Ours beside the paper: the default
reward counts leaks and padding (see `lethe.rewards`), the KL may be kept to the boundary, the
checkpoint is chosen on validation rows, a part of the change can be taken back in the end
(`interpolate`), prompts can be drawn by how they fare, rollouts are seeded by (seed, step). Left
out: ReMax, a value model of its own weights.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from lethe import plug, process
from lethe.config import Model
from lethe.data import Row, seen_by
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.stages import _passed, _vllm
from lethe.stages._chosen import Chosen, check_rows
from lethe.stages._micro import spread
from lethe.stages._sampler import shares

WHY = "learn by trial where refusing must end: refuse the target, answer its neighbours"
LOSSES = ("grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo")
OWNED = _vllm.OWNED | {
    "beta",
    "epsilon",
    "epsilon_high",
    "generation_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler_type",
    "max_completion_length",
    "max_steps",
    "num_generations",
    "num_iterations",
    "output_dir",
    "per_device_train_batch_size",
    "reward_weights",
    "save_steps",
    "scale_rewards",
    "steps_per_generation",
    "temperature",
}


class Config(Chosen):
    """Refusal Boundary Optimization. Released setting: 20 steps of 32 prompts x 8, lr 2e-6."""

    stage: Literal["rebo"] = "rebo"  # pyright: ignore[reportIncompatibleVariableOverride]
    """This stage."""
    steps: int = Field(default=20, ge=1)
    """Batches of rollouts; each is one optimiser step (times `num_iterations`)."""
    prompts_per_step: int = Field(default=32, ge=2)
    """Distinct prompts in a batch."""
    forget_fraction: float = Field(default=0.5, gt=0, lt=1)
    """Share of forget prompts in every batch; the rest must be answered."""
    num_generations: int = Field(default=8, ge=2)
    """Completions of each prompt: the group that a completion is compared with."""
    learning_rate: float = Field(default=2e-6, gt=0)
    """AdamW's."""
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate goes on from there."""
    temperature: float = Field(default=1.0, gt=0)
    """Of the rollouts, and of the policy that is trained."""
    max_new_tokens: int = Field(default=256, ge=1)
    """Longest completion; the released code allows 1,024."""
    rewards: dict[str, float] = {
        "refusal": 1.0,
        "answer": 1.0,
        "leak": 0.5,
        "brevity": 0.5,
        "naturalness": 0.5,
    }
    """Reward functions (built-in, dotted or a .py file) and their weights; docs/refusal.md shows
    what each closes."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """What the advantage is divided by: the group's deviation, the batch's, or nothing."""
    advantage_estimator: Literal["grpo", "rloo", "reinforce_pp", "ppo"] = "grpo"
    """What a rollout is measured by: its group's mean and `scale_rewards`, the group's others, the
    whole batch (REINFORCE++), or a value head (PPO; experimental, no LoRA)."""
    gamma: float = Field(default=1.0, gt=0, le=1)
    """PPO's discount of a token."""
    gae_lambda: float = Field(default=1.0, ge=0, le=1)
    """PPO's trust in what was paid (1) over the value head (0)."""
    prompt_choice: Literal["uniform", "adaptive"] = "uniform"
    """adaptive: prompts are drawn more often the worse they, and others of their entity, were paid
    lately. It did not help on the embedded worlds (docs/rollouts.md)."""
    resample: int = Field(default=0, ge=0, le=8)
    """Rounds in which groups that are paid alike give their place to other prompts, forget groups
    to forget prompts and the others to the others (DAPO, arXiv 2503.14476)."""
    guidance: Literal["none", "demonstration"] = "none"
    """demonstration: where a group fails alike, one rollout becomes the row's refusal or answer."""
    beta: float = Field(default=0.01, ge=0)
    """Weight of the k3 KL penalty to the reference."""
    reference: Literal["original", "steered"] = "steered"
    """What the KL holds on to: the model before any stage, or the one this stage starts from."""
    kl_scope: Literal["all", "boundary"] = "all"
    """Which rows pay the KL; `boundary` leaves the forget rows free to move."""
    epsilon: float = Field(default=0.2, gt=0)
    """How far a likelihood ratio may fall before it is clipped."""
    epsilon_high: float = Field(default=0.3, gt=0)
    """How far it may rise."""
    num_iterations: int = Field(default=1, ge=1)
    """Optimiser steps on each batch of rollouts."""
    micro_batch: int | None = Field(default=None, ge=1)
    """Completions in one forward pass; null takes the whole batch."""
    collapse: float | None = Field(default=0.5, gt=0, lt=1)
    """Stop with a diagnosis when the mean reward of five batches is below this share of the best
    such mean before; null goes on. Not watched where prompts are chosen by their pay
    (`prompt_choice: adaptive`, `resample`): what is drawn then is harder."""
    rollout: _vllm.Rollout = "transformers"
    """Who samples: transformers, a vLLM engine in every training process, or a vLLM server on GPUs
    of its own. docs/cluster.md; with vLLM a resumed run draws other rollouts."""
    vllm: _vllm.Vllm = _vllm.Vllm()
    """vLLM's settings."""
    save_every: int = Field(default=10, ge=1)
    """Steps between resumable checkpoints; a multiple of `num_iterations`."""
    trainer: dict[str, Any] = {}
    """Anything else for TRL's GRPOConfig, such as loss_type."""

    @field_validator("rewards")
    @classmethod
    def _rewards_exist(cls, rewards: dict[str, float]) -> dict[str, float]:
        if not rewards:
            raise LetheError(f"is empty; {plug.choices('', plug.names('reward'))}")
        for name in rewards:
            plug.function("reward", name)
        return rewards

    @model_validator(mode="after")
    def _consistent(self) -> "Config":
        forget, boundary = shares(self.prompts_per_step, self.forget_fraction)
        batch = self.prompts_per_step * self.num_generations
        if not forget or not boundary:
            raise ValueError(
                f"forget_fraction {self.forget_fraction} of {self.prompts_per_step} prompts leaves "
                f"{forget} forget and {boundary} boundary prompts a step; both need one"
            )
        if self.micro_batch and batch % self.micro_batch:
            raise ValueError(
                f"micro_batch {self.micro_batch} does not divide prompts_per_step x "
                f"num_generations = {batch}"
            )
        if self.save_every % self.num_iterations:
            raise ValueError(
                f"save_every {self.save_every} is not a multiple of num_iterations "
                f"{self.num_iterations}: a checkpoint inside a batch of rollouts cannot be resumed"
            )
        return self


def rows(data: dict[str, list[Row]]) -> list[Row]:
    """The train rows that this stage learns from."""
    return seen_by("rebo", data["train"])


def validate(config: Config, data: dict[str, list[Row]], where: str) -> None:
    """Refuse rows that cannot fill a batch, or `interpolate` cannot choose by; check `trainer:`.

    Raises:
        LetheError: Where it stands, with the numbers. TRL would train zero steps and say nothing.
    """
    _passed.check("GRPOConfig", config.trainer, OWNED, where)
    loss = config.trainer.get("loss_type", "grpo")
    if loss not in LOSSES:  # TRL would say so after the first rollouts
        raise LetheError(f"{where}.trainer.loss_type: {loss!r}: {plug.choices(str(loss), LOSSES)}")
    _check_rollouts(config, where)
    _vllm.check(config.rollout, config.vllm, config.trainer, where)
    wanted = shares(config.prompts_per_step, config.forget_fraction)
    forget = [row for row in rows(data) if row.scope == "forget"]
    boundary = [row for row in rows(data) if row.scope != "forget"]
    for name, found, need in zip(("forget", "boundary"), (forget, boundary), wanted, strict=True):
        if len(found) < need:
            raise LetheError(
                f"{where}: the train split has {len(found)} {name} rows, but every step takes "
                f"{need} (prompts_per_step {config.prompts_per_step} x forget_fraction "
                f"{config.forget_fraction}); add rows or lower prompts_per_step"
            )
    shown = [row.refusal if row.scope == "forget" else row.answer for row in rows(data)]
    if config.guidance == "demonstration" and not any(shown):
        raise LetheError(
            f"{where}.guidance: demonstration needs rows that show a reply, but no forget row has "
            "a refusal and no other row an answer; choices: none"
        )
    check_rows(config, data, where)


def _check_rollouts(config: Config, where: str) -> None:
    """Refuse what the ways to choose, show and weigh rollouts cannot be combined with."""
    plain = type(config).model_fields
    if config.advantage_estimator == "ppo" and process.share()[1] > 1:
        raise LetheError(
            f"{where}.advantage_estimator: ppo's value head learns in a single process; choices: "
            "grpo, reinforce_pp, rloo, or one process"
        )
    spread(config.prompts_per_step * config.num_generations, config.micro_batch, where)
    if config.advantage_estimator == "ppo" and config.rollout != "transformers":
        raise LetheError(
            f"{where}.rollout: {config.rollout} cannot take the value head of advantage_estimator "
            "ppo among the policy's weights; choices: transformers"
        )
    aggregation = config.trainer.get("multi_objective_aggregation", "sum_then_normalize")
    if config.advantage_estimator != "grpo" and aggregation != "sum_then_normalize":
        raise LetheError(
            f"{where}.advantage_estimator: {config.advantage_estimator} sums the rewards, so "
            f"trainer.multi_objective_aggregation cannot be {aggregation!r}; choices: "
            "sum_then_normalize, or advantage_estimator: grpo"
        )
    for name, user in (("scale_rewards", "grpo"), ("gamma", "ppo"), ("gae_lambda", "ppo")):
        if getattr(config, name) != plain[name].default and config.advantage_estimator != user:
            raise LetheError(
                f"{where}.{name}: is read by advantage_estimator {user} alone, and it is "
                f"{config.advantage_estimator}"
            )


def check_model(config: Config, model: Model, first: bool, where: str) -> None:
    """Refuse a value head beside an adapter, and a revision that a colocated engine cannot name."""
    if config.rollout == "vllm-colocate" and model.revision:
        raise LetheError(
            f"{where}.rollout: vllm-colocate starts from the Hub's main branch, not from "
            f"model.revision {model.revision}: download that (hf download) and give its folder as "
            "model.path; choices: transformers, vllm-server"
        )
    if config.advantage_estimator == "ppo" and model.lora:
        raise LetheError(
            f"{where}.advantage_estimator: ppo keeps its value head among the weights that are "
            "trained, and LoRA's are the adapter's alone; choices: grpo, reinforce_pp, rloo"
        )


def installed(config: Config, where: str) -> None:
    """Refuse a machine on which what samples is not installed."""
    _vllm.check_installed(config.rollout, where)


def ready(config: Config, where: str) -> None:
    """Refuse a machine without what samples: a GPU, a server that answers and takes weights.

    Raises:
        LetheError: With the command that starts it.
    """
    _vllm.check_engine(config.rollout, config.vllm, where)


def train(
    config: Config, model: Checkpoint, data: dict[str, list[Row]], out: Path, seed: int
) -> None:
    """Optimise the policy and leave `model/`, `metrics.jsonl` and `samples.jsonl` in `out`.

    A run that was killed goes on from the last checkpoint in `out/checkpoints` and ends in the
    same weights.

    Args:
        config: Settings.
        model: What to start from (the steered model) and the original.
        data: Rows by split; train rows teach, validation rows choose the checkpoint.
        out: The stage's folder.
        seed: Of the order of prompts and of every rollout.

    Raises:
        LetheError: The rows cannot fill one batch.
    """
    validate(config, data, "rebo")
    installed(config, "rebo")
    ready(config, "rebo")
    from lethe.stages import _rebo

    _rebo.run(config, model, rows(data), data, out, seed)
