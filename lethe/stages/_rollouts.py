"""A batch of rollouts as lists, and what may be done to it before it is padded and trained on.

- Dynamic sampling (DAPO, arXiv 2503.14476): a group whose rollouts are all paid alike teaches
  nothing; it gives its place to a group of another prompt of its scope that does.
- Guidance (after LUFFY, arXiv 2504.14945): where all fail alike there is nothing to imitate, so
  one rollout gives its place to the row's own refusal or answer.

Both before TRL computes advantages, so that group means and deviations are those of what is
trained on.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lethe.stages._choice import Choice

ALIKE = 1e-6


class Rolled(NamedTuple):
    """Rollouts, a row for each; groups lie side by side."""

    rows: list[dict[str, Any]]
    prompt_ids: list[list[int]]
    completion_ids: list[list[int]]
    completions: list[Any]
    logprobs: list[list[float | None]] | None
    """Of the engine that sampled, if it tells; None where it did not sample."""
    rewards_BR: Tensor
    """Of each reward function; NaN where it has nothing to say."""
    extra: list[dict[str, Any]]
    """What reward functions log of each rollout."""

    def take(self, places: Sequence[int]) -> "Rolled":
        """The rollouts at these places."""
        return Rolled(*(_take(column, places) for column in self))

    def put(self, places: Sequence[int], other: "Rolled") -> "Rolled":
        """A copy in which the rollouts at these places are the other's, in order."""
        return Rolled(*(_put(a, places, b) for a, b in zip(self, other, strict=True)))


def _take(column: Any, places: Sequence[int]) -> Any:
    if isinstance(column, Tensor):
        return column[list(places)]
    return column and [column[place] for place in places]


def _put(column: Any, places: Sequence[int], other: Any) -> Any:
    if column is None:
        return None
    column = column.clone() if isinstance(column, Tensor) else list(column)
    for i, place in enumerate(places):
        column[place] = other[i]
    return column


def total(rewards_BR: Tensor, weights_R: Tensor) -> Tensor:
    """The weighted sum of what the reward functions say, NaN where none says anything.

    >>> nan = float("nan")
    >>> total(torch.tensor([[1.0, nan], [nan, nan]]), torch.tensor([0.5, 1.0])).tolist()
    [0.5, nan]
    """
    sums_B = (rewards_BR * weights_R).nansum(1)
    return sums_B.masked_fill(rewards_BR.isnan().all(1), torch.nan)


def flat(totals_B: Tensor, group: int) -> list[int]:
    """Numbers of the groups in which all that are paid anything are paid alike.

    >>> flat(torch.tensor([1.0, 1.0, 0.0, 1.0, float("nan"), 0.5]), 2)
    [0, 2]
    """
    totals_NG = totals_B.view(-1, group)
    low_N = totals_NG.nan_to_num(nan=torch.inf).amin(1)
    high_N = totals_NG.nan_to_num(nan=-torch.inf).amax(1)
    return [i for i, apart in enumerate((high_N - low_N).tolist()) if apart < ALIKE]


def members(groups: Sequence[int], group: int) -> list[int]:
    """The places of the rollouts of these groups.

    >>> members([0, 2], 3)
    [0, 1, 2, 6, 7, 8]
    """
    return [g * group + i for g in groups for i in range(group)]


class Roller:
    """Rolls prompts out in rounds and remembers what they were paid."""

    def __init__(
        self, choice: Choice, index: dict[str, int], group: int, weights_R: Tensor
    ) -> None:
        """Set up.

        Args:
            choice: Whom to ask for other prompts, and to tell what was paid.
            index: The number of each row, by its id.
            group: Rollouts of a prompt.
            weights_R: Of the reward functions.
        """
        self.choice, self.index, self.group, self.weights_R = choice, index, group, weights_R

    def totals(self, rolled: Rolled) -> Tensor:
        """The total reward of each rollout."""
        return total(rolled.rewards_BR, self.weights_R.to(rolled.rewards_BR))

    def observe(self, rolled: Rolled) -> None:
        """Tell the choice what each group was paid, if it listens."""
        if not self.choice.adaptive:
            return
        for i, mean in enumerate(self.totals(rolled).view(-1, self.group).nanmean(1).tolist()):
            if mean == mean:
                self.choice.observe(self.index[rolled.rows[i * self.group]["id"]], mean)

    def resample(
        self, rolled: Rolled, rounds: int, key: str, roll: Callable[[list[int], int], Rolled]
    ) -> Rolled:
        """Replace groups that are paid alike by groups of other prompts that are not.

        Args:
            rolled: The batch.
            rounds: How often to try.
            key: Names the draws: the step.
            roll: Rolls row numbers out; is told the round.
        """
        tried = {self.index[row["id"]] for row in rolled.rows}
        for number in range(1, rounds + 1):
            dead = flat(self.totals(rolled), self.group)
            pairs = self._others(rolled, dead, f"{key} {number}", tried)
            if not pairs:
                break
            tried |= {row for _, row in pairs}
            new = roll([row for _, row in pairs], number)
            self.observe(new)
            still = set(flat(self.totals(new), self.group))
            live = [i for i in range(len(pairs)) if i not in still]
            places = members([pairs[i][0] for i in live], self.group)
            rolled = rolled.put(places, new.take(members(live, self.group)))
        return rolled

    def _others(
        self, rolled: Rolled, dead: list[int], key: str, tried: set[int]
    ) -> list[tuple[int, int]]:
        """Pairs of a dead group and a row of its scope that was not tried."""
        pairs = []
        for side in "fb":
            own = [g for g in dead if self._side(rolled, g) == side]
            pairs += zip(own, self.choice.draw(side, len(own), key, tried), strict=False)
        return pairs

    def _side(self, rolled: Rolled, group: int) -> str:
        return self.choice.sides[self.index[rolled.rows[group * self.group]["id"]]]

    def guide(self, rolled: Rolled, show: Callable[[Rolled], Rolled]) -> tuple[Rolled, Tensor]:
        """In groups that fail alike, put the row's own reply in the last rollout's place.

        Args:
            rolled: The batch.
            show: Makes of rollouts the same with the replies that their rows show, scored; those
                whose row shows none are left as they are.

        Returns:
            The batch, and which of its rollouts (B,) are shown.
        """
        shown_B = torch.zeros(len(rolled.rows), dtype=torch.bool)
        totals_B = self.totals(rolled)
        groups = flat(totals_B, self.group)
        last = [(g + 1) * self.group - 1 for g in groups]
        if not last:
            return rolled, shown_B
        replies = show(rolled.take(last))
        gain = self.totals(replies) - totals_B[last]
        better = [i for i, more in enumerate(gain.tolist()) if more > ALIKE]
        places = [last[i] for i in better]
        shown_B[places] = True
        return rolled.put(places, replies.take(better)), shown_B
