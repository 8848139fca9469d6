"""The last step of a pass where the rows do not fill it, for several processes.

accelerate gives every process as many rows and takes those that are wanting from the start of the
pass, so that a few rows would count twice. Here the step is filled with a row that teaches nothing
(none of its tokens is scored), and the loss, a mean over the scored tokens of all processes, is
that of one process. The order of the other rows is the one that accelerate gives to one process.
"""

from collections.abc import Iterator
from typing import Any

from accelerate.data_loader import SeedableRandomSampler
from datasets import concatenate_datasets
from trl.trainer.sft_trainer import SFTTrainer

from lethe import process


class FilledTrainer(SFTTrainer):
    """TRL's SFTTrainer, as exact in several processes as in one."""

    def __init__(self, *, batch: int, **kwargs: Any) -> None:
        """Build the trainer.

        Args:
            batch: Rows of one step, over all processes.
            **kwargs: SFTTrainer's.
        """
        super().__init__(**kwargs)
        rows: Any = self.train_dataset
        self.rows, self.batch = len(rows), batch
        if process.share()[1] > 1 and self.rows % batch:
            blank = rows.select([0]).map(_unscored)
            self.train_dataset = concatenate_datasets([rows, blank.cast(rows.features)])

    def _get_train_sampler(self, dataset: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if len(self.train_dataset) == self.rows:  # pyright: ignore[reportArgumentType]
            return super()._get_train_sampler(dataset)
        return Filled(self.rows, self.batch, self.args.data_seed or self.args.seed)


def _unscored(row: dict[str, Any]) -> dict[str, Any]:
    return {"labels": [-100] * len(row["labels"])}


class Filled:
    """Shuffled passes, each filled to whole batches with the row behind the last."""

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        """Set the passes up.

        Args:
            rows: How many; the number itself is the index of the row that fills.
            batch: Rows of a step.
            seed: Of the order.
        """
        self.rows, self.batch = rows, batch
        self.inner = SeedableRandomSampler(data_source=range(rows), data_seed=seed)  # pyright: ignore[reportArgumentType]

    def set_epoch(self, epoch: int) -> None:
        """Go to the start of a pass."""
        self.inner.set_epoch(epoch)

    def __iter__(self) -> Iterator[int]:
        yield from self.inner
        yield from [self.rows] * (len(self) - self.rows)

    def __len__(self) -> int:
        return -(-self.rows // self.batch) * self.batch
