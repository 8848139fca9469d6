"""Trackers: are they installed, and where what they write lies. They change no number of a run."""

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lethe.plug import LetheError, choices

_PACKAGES = {
    "trackio": ("trackio",),
    "wandb": ("wandb",),
    "tensorboard": ("tensorboard", "tensorboardX"),
    "mlflow": ("mlflow",),
}
_FOLDERS = {"tensorboard": "TENSORBOARD_LOGGING_DIR", "wandb": "WANDB_DIR"}


def told(trackers: Sequence[str], trainer: Mapping[str, Any]) -> list[str]:
    """Who is told of a stage: those that its own `trainer:` names, else the recipe's.

    >>> told(["wandb"], {}), told(["wandb"], {"report_to": "mlflow"})
    (['wandb'], ['mlflow'])
    >>> told(["wandb"], {"report_to": "none"})
    []
    """
    own = trainer.get("report_to", trackers)
    names = own if isinstance(own, list | tuple) else [own]
    return [str(name) for name in names if name not in (None, "none")]


def check(trackers: Sequence[str], where: str = "report_to", *, here: bool = True) -> None:
    """Refuse a tracker that nobody knows, or whose package is not here; imports nothing.

    Args:
        trackers: Their names.
        where: The setting that names them.
        here: Whether their packages must be installed.

    Raises:
        LetheError: With what to install, or the names there are.
    """
    for name in trackers:
        if name not in _PACKAGES:
            raise LetheError(f"{where}: {name}: {choices(name, sorted(_PACKAGES))}")
        if here and not any(importlib.util.find_spec(package) for package in _PACKAGES[name]):
            raise LetheError(f"{where}: {name} is not installed: pip install {_PACKAGES[name][0]}")


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
