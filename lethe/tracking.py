"""Trackers: are they installed, and where what they write lies. They change no number of a run."""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lethe.plug import LetheError

_PACKAGES = {
    "trackio": ("trackio",),
    "wandb": ("wandb",),
    "tensorboard": ("tensorboard", "tensorboardX"),
    "mlflow": ("mlflow",),
}
_FOLDERS = {"tensorboard": "TENSORBOARD_LOGGING_DIR", "wandb": "WANDB_DIR"}


def check(trackers: Sequence[str]) -> None:
    """Refuse a tracker whose package is not here; imports nothing.

    Raises:
        LetheError: With what to install.
    """
    for name in trackers:
        if not any(importlib.util.find_spec(package) for package in _PACKAGES[name]):
            raise LetheError(
                f"report_to: {name} is not installed: pip install {_PACKAGES[name][0]}"
            )


@contextlib.contextmanager
def into(folder: Path, trackers: Sequence[str]) -> Iterator[None]:
    """What trackers write to this machine lies in a stage's folder, unless a variable says where.

    Args:
        folder: The stage's.
        trackers: Their names; one that keeps a place of its own (mlflow, trackio) keeps it.
    """
    chosen = {_FOLDERS[name]: folder / name for name in trackers if name in _FOLDERS}
    own = {variable: str(place) for variable, place in chosen.items() if variable not in os.environ}
    for place in own.values():
        Path(place).mkdir(parents=True, exist_ok=True)
    os.environ.update(own)
    try:
        yield
    finally:
        for variable in own:
            del os.environ[variable]
        if "wandb" in trackers and (wandb := sys.modules.get("wandb")) and wandb.run:
            wandb.finish()  # or the next stage would go on with this one's curves
