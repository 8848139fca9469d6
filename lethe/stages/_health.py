"""Stops a training that has gone wrong, before a checkpoint is made of it, and says what is known.

Gone wrong is a loss or gradient that is no number, from which no step leads back; and, of
reinforcement learning, pay that has collapsed: the mean of the last five batches is a small share
of the best mean of five before. Both read the trainer's own history, which a checkpoint holds, so a
resumed run stops where an unbroken one would.
"""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from lethe.plug import LetheError

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

WINDOW = 5
"""Batches whose mean reward is compared."""
TOLD = ("loss", "grad_norm", "learning_rate", "reward", "kl", "entropy", "completions/mean_length")


class Health(TrainerCallback):
    """Looks at what each step logged."""

    def __init__(self, out: Path, where: str, collapse: float | None = None) -> None:
        """Set the watch up.

        Args:
            out: The stage's folder.
            where: Opens messages: the stage.
            collapse: Share of the best mean reward below which it has collapsed; None: no watch.
        """
        self.out, self.where, self.collapse = out, where, collapse

    def on_log(
        self,
        args: "TrainingArguments",
        state: "TrainerState",
        control: "TrainerControl",
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Raise LetheError where training has gone wrong."""
        for name in ("loss", "grad_norm"):
            value = (logs or {}).get(name)
            if value is not None and not math.isfinite(value):
                why = f"the {name} is {value}"
                raise LetheError(self._said(state, why, "a lower learning_rate, or float32"))
        rewards = [entry["reward"] for entry in state.log_history if "reward" in entry]
        if logs and "reward" in logs and self.collapse and collapsed(rewards, self.collapse):
            means = window_means(rewards)
            why = (
                f"the reward has collapsed: mean {means[-1]:.3f} of the last {WINDOW} batches, "
                f"{max(means):.3f} at best"
            )
            choices = "a lower learning_rate, a larger beta, other rewards, or collapse: null"
            raise LetheError(self._said(state, why, choices))

    def _said(self, state: "TrainerState", why: str, choices: str) -> str:
        last = [entry for entry in state.log_history if "loss" in entry][-3:]
        lines = [f"  step {entry['step']}: {_numbers(entry)}" for entry in last]
        return "\n".join(
            [
                f"{self.where}: step {state.global_step}: {why}; choices: {choices}",
                *lines,
                f"  {self._good()}",
            ]
        )

    def _good(self) -> str:
        """Where the last good weights are."""
        found = self.out / "best" / "balance.json"
        if found.is_file():
            kept = json.loads(found.read_text())
            return (
                f"the best weights so far (step {kept['step']}, validation balance "
                f"{kept['balance']:.3f}) are a model folder: {found.parent}"
            )
        steps = [int(path.name.rpartition("-")[2]) for path in self.out.glob("checkpoints/c*-*")]
        if steps:
            return f"last checkpoint: {self.out / 'checkpoints' / f'checkpoint-{max(steps)}'}"
        return "no checkpoint was made yet"


def _numbers(entry: dict[str, Any]) -> str:
    told = ((name.rpartition("/")[2], entry.get(name)) for name in TOLD)
    return ", ".join(f"{name} {value:.4g}" for name, value in told if value is not None)


def window_means(rewards: list[float]) -> list[float]:
    """Means of each `WINDOW` batches in a row.

    >>> window_means([1, 1, 1, 1, 1, 6])
    [1.0, 2.0]
    """
    ends = range(WINDOW, len(rewards) + 1)
    return [sum(rewards[end - WINDOW : end]) / WINDOW for end in ends]


def collapsed(rewards: list[float], share: float) -> bool:
    """Whether the last mean is less than a share of the best; pay of 0 or less is no measure.

    >>> collapsed([1.0] * 5 + [0.0] * 3, 0.5), collapsed([1.0] * 5 + [0.1] * 2, 0.5)
    (True, False)
    """
    means = window_means(rewards)
    return len(means) > 1 and max(means) > 0 and means[-1] < share * max(means)
