"""How ReBO's trainer rolls out: chosen prompts, rounds, shown replies; TRL does all after that.

TRL generates, pads, asks the reference, and only then scores. What is done here needs the rewards
before, so `_generate` scores too: TRL is handed the final batch as lists, and later the rewards
that are known. Each completion is scored once, and TRL's advantages are those of the final batch.

Several processes roll out and score a share each and tell each other; what is then decided, all of
them decide alike, on the whole batch; each trains on its share.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from trl.trainer.grpo_trainer import GRPOTrainer

from lethe import runs
from lethe.batches import out_of_memory
from lethe.plug import LetheError
from lethe.stages._choice import Choice
from lethe.stages._reading import reply
from lethe.stages._rollouts import Rolled, Roller
from lethe.stages._sampler import shares

if TYPE_CHECKING:
    from lethe.stages.rebo import Config

STATE = "rollouts.json"


def evenly(count: int, group: int, processes: int) -> list[int]:
    """The places of so many rollouts, the last ones again until the processes share them evenly.

    Whole groups stay whole: an engine may be asked for a group at once.

    >>> evenly(3, 2, 2), evenly(4, 2, 8)
    ([0, 1, 2, 2], [0, 1, 2, 3, 2, 3, 2, 3])
    """
    places = list(range(count))
    again = places[-(1 if count % group else group) :]
    while len(places) % processes:
        places += again
    return places


class RoundsTrainer(GRPOTrainer):
    """TRL's GRPO with rollouts in rounds.

    Overridden: generation, rewards and scoring.
    """

    def __init__(self, *, settings: "Config", **kwargs: Any) -> None:
        """Build the trainer.

        Args:
            settings: The stage's.
            **kwargs: GRPOTrainer's.
        """
        self.settings = settings
        super().__init__(**kwargs)
        rows: Any = self.train_dataset
        adaptive, seed = settings.prompt_choice == "adaptive", kwargs["args"].seed
        choice = Choice(list(rows), adaptive=adaptive, seed=seed)
        index = {row["id"]: i for i, row in enumerate(rows)}
        self.roller = Roller(choice, index, settings.num_generations, self.reward_weights)
        self.rollouts, self.round = 0, 0
        self.inputs: list[dict[str, Any]] = []
        self.rolled: Rolled | None = None
        self.shown_B: torch.Tensor | None = None
        self.totals_B = torch.zeros(0)

    def remember(self, folder: Path) -> None:
        """Write what a resumed run must know: prompts' pay, and how many rollouts were made."""
        state = {"rollouts": self.rollouts, **self.roller.choice.state()}
        runs.write(folder / STATE, json.dumps(state))

    def recall(self, folder: Path) -> None:
        """Go on from a checkpoint's folder."""
        state = json.loads((folder / STATE).read_text())
        self.rollouts = state["rollouts"]
        self.roller.choice.restore(state)

    def chosen(self) -> list[dict[str, Any]]:
        """This step's rows, in groups."""
        settings = self.settings
        count = shares(settings.prompts_per_step, settings.forget_fraction)
        draw, step = self.roller.choice.draw, str(self.state.global_step)
        numbers = [row for side, n in zip("fb", count, strict=True) for row in draw(side, n, step)]
        return self._rows(numbers)

    def _rows(self, numbers: list[int]) -> list[dict[str, Any]]:
        rows: Any = self.train_dataset
        return [dict(rows[i]) for i in numbers for _ in range(self.settings.num_generations)]

    def mine(self, whole: Any) -> Any:
        """This process's share of what has a place for each rollout of the whole batch.

        So many side by side, in the order of the processes.
        """
        own = len(whole) // self.accelerator.num_processes
        start = own * self.accelerator.process_index
        return whole[start : start + own]

    def _places(self, count: int) -> list[int]:
        """Which of so many rollouts this process makes; some twice, where they do not divide."""
        return self.mine(
            evenly(count, self.settings.num_generations, self.accelerator.num_processes)
        )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self.inputs = inputs
        output = super()._generate_and_score_completions(inputs)
        self.rolled = None
        return output

    def _generate(self, prompts: list[Any]) -> Any:
        """All rounds; then TRL's own lists of rows and prompts are made to say what was rolled."""
        rolled = self._roll(gather_object(self.inputs), 0)
        self.roller.observe(rolled)
        if self.settings.resample:
            rolled = self.roller.resample(
                rolled,
                self.settings.resample,
                str(self.state.global_step),
                lambda numbers, number: self._roll(self._rows(numbers), number),
            )
        if self.settings.guidance == "demonstration":
            rolled, self.shown_B = self.roller.guide(rolled, self._show)
        self.rolled, self.totals_B = rolled, self.roller.totals(rolled)
        own = rolled.take(self.mine(range(len(rolled.rows))))
        self.inputs[:] = own.rows
        prompts[:] = [row["prompt"] for row in own.rows]
        replies = (own.completion_ids, None, own.completions, own.logprobs)
        return own.prompt_ids, *replies, {}, None, []

    def _roll(self, rows: list[dict[str, Any]], number: int) -> Rolled:
        """One round of rollouts, scored; all processes give the same rows and get the same."""
        self.round, count = number, len(rows)
        prompts = [rows[place]["prompt"] for place in self._places(count)]
        try:
            prompt_ids, ids, _, completions, logprobs, *_ = super()._generate(prompts)
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise LetheError(
                f"rebo: out of memory with {len(prompts)} rollouts at once; choices: fewer "
                "prompts_per_step or num_generations, a smaller max_new_tokens, more processes, "
                "rollout: vllm-colocate"
            ) from error
        self.rollouts += count
        made: Any = (prompt_ids, ids, completions, logprobs)
        prompt_ids, ids, completions, logprobs = (
            column and gather_object(column)[:count] for column in made
        )
        return self._scored(
            Rolled(rows, prompt_ids, ids, completions, logprobs, torch.zeros(0), [])
        )

    def _scored(self, rolled: Rolled) -> Rolled:
        """The same with what the reward functions say of it."""
        count = len(rolled.rows)
        places = self._places(count)
        rows = [rolled.rows[place] for place in places]
        rewards_BR = super()._calculate_rewards(
            rows,
            [row["prompt"] for row in rows],
            [rolled.completions[place] for place in places],
            [rolled.completion_ids[place] for place in places],
        )
        logged = {k: v for k, v in self._pending_extra_logs.items() if len(v) == len(places)}
        self._pending_extra_logs.clear()
        extra = [{name: values[i] for name, values in logged.items()} for i in range(len(places))]
        return rolled._replace(rewards_BR=rewards_BR[:count], extra=gather_object(extra)[:count])

    def _show(self, rolled: Rolled) -> Rolled:
        """Rollouts with the replies of their rows in place of their own."""
        words: Any = self._tokenizer
        ids, completions = list(rolled.completion_ids), list(rolled.completions)
        logprobs = rolled.logprobs and list(rolled.logprobs)
        for i, row in enumerate(rolled.rows):
            text = row["refusal"] if row["scope"] == "forget" else row["answer"]
            told = text and reply(words, text)
            if told and len(told) <= self.settings.max_new_tokens:
                ids[i] = told
                plain = isinstance(completions[i], str)
                completions[i] = text if plain else [{"role": "assistant", "content": text}]
                if logprobs:  # no engine sampled it; TRL weighs a token that says None by 1
                    logprobs[i] = [None] * len(told)
        replies = {"completion_ids": ids, "completions": completions, "logprobs": logprobs}
        return self._scored(rolled._replace(**replies))

    def _calculate_rewards(
        self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any
    ) -> torch.Tensor:
        if self.rolled is None:
            return super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        for name in sorted({name for logged in self.rolled.extra for name in logged}):
            self._pending_extra_logs[name] = [one.get(name) for one in self.mine(self.rolled.extra)]
        return self.rolled.rewards_BR
