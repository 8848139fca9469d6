"""ReBO's trainer: TRL's GRPO with a scope mix, a chosen reference, and a fast path on the CPU."""

from typing import Any

import torch
from accelerate.utils import gather_object

from lethe import _llama
from lethe.generate import sample
from lethe.refusal import judge
from lethe.stages import _advantages, _engine, _reference, _value, _vllm
from lethe.stages._logps import completion_logps
from lethe.stages._rounds import RoundsTrainer
from lethe.stages._sampler import ScopeSampler, shares
from lethe.stages.rebo import Config

# Ways to sample that the bare decoder does not know; with one of them TRL's own path is taken.
SAMPLING = {"cache_implementation", "generation_kwargs", "min_p", "repetition_penalty", "top_k",
            "top_p"}  # fmt: skip
COMPLETION = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")


class ReboTrainer(RoundsTrainer):
    """TRL's GRPO with a fixed scope mix, a chosen reference, and a fast path on the CPU.

    Overridden, beside what `RoundsTrainer` does: the sampler (scope mix, resumable in any epoch),
    single-turn generation and token log-probabilities (bare decoder, shared prompts; on CUDA both
    are TRL's own), scoring (other advantages, numbers by scope), the loss (rows that pay no KL,
    shown rows, values).
    """

    def __init__(self, *, settings: Config, reference: str, curve: _engine.Curve, **kwargs: Any):
        """Build the trainer.

        Args:
            settings: The stage's.
            reference: Weights of the KL's reference; ignored when beta is 0.
            curve: Where numbers by scope go.
            **kwargs: GRPOTrainer's.
        """
        self.curve = curve
        policy = kwargs["model"]
        if settings.advantage_estimator == "ppo":
            _value.attach(policy)
        own_path = policy.config._name_or_path
        # TRL loads the reference from the policy's path; this is the only place to say otherwise.
        policy.config._name_or_path = reference
        super().__init__(settings=settings, **kwargs)
        policy.config._name_or_path = own_path
        # With an adapter TRL's reference is a copy of it under the name "ref": the steered model.
        # Without that copy it switches the adapter off: the original.
        if settings.reference == "original" and _reference.REF in getattr(
            policy, "peft_config", {}
        ):
            _reference.hold(policy, reference)
        self.fast = (
            not self.use_vllm
            and _llama.fits(self.model)
            and not kwargs["args"].gradient_checkpointing
            and not SAMPLING & settings.trainer.keys()
        )
        self.scopes: list[str] = []
        self.free_B: torch.Tensor | None = None
        self.loss_inputs: dict[str, Any] = {}

    def _get_train_sampler(self, dataset: Any = None) -> ScopeSampler:  # pyright: ignore[reportIncompatibleMethodOverride]
        rows: Any = dataset or self.train_dataset
        scopes = rows["scope"]
        return ScopeSampler(
            [i for i, scope in enumerate(scopes) if scope == "forget"],
            [i for i, scope in enumerate(scopes) if scope != "forget"],
            per_step=shares(self.settings.prompts_per_step, self.settings.forget_fraction),
            num_generations=self.settings.num_generations,
            repeats=self.num_iterations * self.args.steps_per_generation,  # pyright: ignore[reportAttributeAccessIssue]
            seed=self.args.seed,
        )

    def _generate_single_turn(
        self,
        prompt_ids: Any,
        images: Any,
        multimodal_fields: Any,
        num_generations: int,
        has_tool_images: bool = False,
    ) -> Any:
        if self.use_vllm and self.vllm_mode == "server":
            _vllm.check_groups(gather_object(prompt_ids), num_generations)
        if not self.fast:
            more = (images, multimodal_fields, num_generations, has_tool_images)
            return super()._generate_single_turn(prompt_ids, *more)
        completion_ids = sample(
            self.accelerator.unwrap_model(self.model),
            prompt_ids,
            stop=self.eos_token_ids,
            pad=self._tokenizer.pad_token_id,  # pyright: ignore[reportArgumentType]
            max_new_tokens=self.settings.max_new_tokens,
            temperature=self.temperature,
            seed=(self.args.seed << 20) + self.state.global_step + (self.round << 54),
            first=self.accelerator.process_index * len(prompt_ids),
        )
        return completion_ids, None

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **multimodal: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        if not self.fast or compute_aux_loss:
            found = super()._get_per_token_logps_and_entropies(
                model,
                input_ids,
                attention_mask,
                logits_to_keep,
                batch_size=batch_size,
                compute_entropy=compute_entropy,
                compute_aux_loss=compute_aux_loss,
                **multimodal,
            )
            self._see_to_rows(found[0])
            return found
        mask_BT = attention_mask[:, -logits_to_keep:]
        if model is self.ref_model and self.free_B is not None:
            mask_BT = mask_BT * ~self.free_B[:, None]  # nobody asks what the reference says there
        inner = self.accelerator.unwrap_model(model)
        prompts_BP = (input_ids[:, :-logits_to_keep], attention_mask[:, :-logits_to_keep])
        completions_BT = (input_ids[:, -logits_to_keep:], mask_BT)
        logps_BT, entropy_BT = _engine.through(
            model,
            inner,
            lambda: completion_logps(
                inner, *prompts_BP, *completions_BT, self.temperature, batch_size
            ),
        )
        self._see_to_rows(logps_BT)
        return logps_BT, entropy_BT if compute_entropy else None, None

    def _see_to_rows(self, logps_BT: torch.Tensor) -> None:
        """Inside the loss: what free rows and shown rows are compared with.

        A free row is its own reference: k3 of a row against itself is zero, and so is its gradient,
        so it pays no KL. A shown row was certain, probability 1 a token (arXiv 2504.14945).
        """
        inputs = self.loss_inputs
        if "free" in inputs:
            inputs["ref_per_token_logps"] = torch.where(
                inputs["free"][:, None], logps_BT.detach(), inputs["ref_per_token_logps"]
            )
        if "shown" in inputs and "old_per_token_logps" not in inputs:
            inputs["old_per_token_logps"] = logps_BT.detach().masked_fill(
                inputs["shown"][:, None], 0.0
            )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        if self.settings.prompt_choice == "adaptive":
            inputs = list(self.mine(self.chosen()))
        if self.beta and self.settings.kl_scope == "boundary":
            self.free_B = torch.tensor(
                [row["scope"] == "forget" for row in inputs], device=self.accelerator.device
            )
        output = super()._generate_and_score_completions(inputs)
        if self.free_B is not None:
            output["free"] = self.free_B
        if self.shown_B is not None and self.shown_B.any():
            shown_B = self.mine(self.shown_B)
            output["shown"] = shown_B.to(self.accelerator.device)
            if "old_per_token_logps" in output:
                output["old_per_token_logps"][shown_B] = 0.0
        self._estimate(output)
        self._log_scopes(gather_object([row["scope"] for row in inputs]))
        return output

    def _estimate(self, output: dict[str, Any]) -> None:
        """Replace TRL's advantages by those of another estimator, if asked for."""
        which = self.settings.advantage_estimator
        if which == "grpo":
            return
        rewards_B = self.totals_B
        if which == "rloo":
            output["advantages"] = self.mine(
                _advantages.leave_one_out(rewards_B, self.settings.num_generations)
            )
        elif which == "reinforce_pp":
            gather, pad = self.accelerator.gather, self.accelerator.pad_across_processes
            mask_BT: Any = gather(pad(output["completion_mask"], dim=1))
            output["advantages"] = self.mine(_advantages.reinforce_pp(rewards_B, mask_BT))
        else:
            self._value_advantages(output, rewards_B)

    def _value_advantages(self, output: dict[str, Any], rewards_B: torch.Tensor) -> None:
        mask_BT = output["completion_mask"]
        values_BT = self._values(output).detach()
        advantages_BT, output["returns"] = _advantages.gae(
            rewards_B, values_BT, mask_BT, self.settings.gamma, self.settings.gae_lambda
        )
        output["advantages"] = _advantages.whiten(advantages_BT, mask_BT)
        output["old_values"] = values_BT

    def _values(self, inputs: dict[str, Any]) -> torch.Tensor:
        policy = self.accelerator.unwrap_model(self.model)
        return _value.values(policy, *(inputs[name] for name in COMPLETION))

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        self._metrics["train"]["rollouts"].append(float(self.rollouts))
        self.loss_inputs = {**inputs}
        loss = super()._compute_loss(model, self.loss_inputs)
        self.loss_inputs = {}
        if "returns" in inputs:
            names = ("old_values", "returns", "completion_mask")
            value = _advantages.value_loss(self._values(inputs), *(inputs[n] for n in names))
            self._metrics["train"]["value_loss"].append(value.item())
            loss = loss + value / self.current_gradient_accumulation_steps
        return loss

    def totals(self) -> list[float]:
        """The weighted reward of each logged completion."""
        weights = self.settings.rewards.values()
        rows = zip(*self._logs["rewards"].values(), strict=True)
        # NaN: that reward has nothing to say of this row.
        return [sum(w * v for w, v in zip(weights, row, strict=True) if v == v) for row in rows]

    def _log_scopes(self, scopes: list[str]) -> None:
        """Refusal, reward and zero-variance share by scope, from TRL's log of this batch."""
        self.scopes = scopes
        count, group = len(scopes), self.settings.num_generations
        texts = [said(completion) for completion in list(self._logs["completion"])[-count:]]
        refuses = {text: judge(text).refuses for text in set(texts)}
        totals = self.totals()[-count:]
        for scope in dict.fromkeys(scopes):
            own = [i for i, found in enumerate(scopes) if found == scope]
            groups = [totals[i : i + group] for i in range(0, count, group) if scopes[i] == scope]
            flat = sum(max(g) - min(g) < 1e-6 for g in groups)
            self.curve.write(
                step=self.state.global_step + 1,
                split="train",
                scope=scope,
                refusal=sum(refuses[texts[i]] for i in own) / len(own),
                reward=sum(totals[i] for i in own) / len(own),
                zero_variance=flat / len(groups),
            )


def said(completion: Any) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]
