"""The embedded world: fictional people, questions about them, and a small model that knows them.

Everything is a function of one number, the world's seed, so that an experiment can be repeated on
worlds that nobody has seen. The default world's model is shipped; any other is trained on first
use (about a minute on one core) and kept in a cache.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from lethe.plug import LetheError
from lethe.world.people import make
from lethe.world.rows import rows

__all__ = ["at_hand", "checkpoint", "known", "make", "place", "rows", "train", "weights"]

SHIPPED_SEED = 0
SHIPPED = Path(__file__).parent / "checkpoint"
KNOWN_ENOUGH = 0.97
SOURCES = ("base.py", "corpus.py", "people.py", "questions.py", "utility.py")


def checkpoint(seed: int, progress: bool = True) -> Path:
    """The folder of a world's base model, trained now if it is not at hand.

    Args:
        seed: The world's.
        progress: Show a progress bar while training.

    Returns:
        A folder with safetensors weights, tokenizer, chat template and `world.json`, which says
        how well the model knows its world. A model below 97 % is announced on stderr at each use.
    """
    folder = _place(seed)
    if not at_hand(seed):
        train(seed, folder, progress=progress)
        return folder  # it said itself how well it knows its world
    _warn_if_weak(json.loads((folder / "world.json").read_text()), folder)
    return folder


def at_hand(seed: int) -> bool:
    """Whether a world's base model is shipped or in the cache, and need not be trained."""
    return (_place(seed) / "world.json").is_file()


def place(path: str) -> Path:
    """The folder that a model's path stands for, which need not be there."""
    if not path.startswith("world:"):
        return Path(path).expanduser()
    return _place(int(path.removeprefix("world:")))


def _place(seed: int) -> Path:
    if seed == SHIPPED_SEED and _hash_of(SHIPPED) == code_hash():
        return SHIPPED
    root = Path(os.environ.get("LETHE_CACHE", Path.home() / ".cache" / "lethe"))
    return root / f"world-{seed}-{code_hash()}"


def weights(path: str, *, progress: bool = True) -> str:
    """Where a model's weights are: `world:<seed>` is made a folder, trained if need be."""
    if not path.startswith("world:"):
        return path
    return str(checkpoint(int(path.removeprefix("world:")), progress=progress))


def train(seed: int, out: Path, *, progress: bool = True) -> dict[str, Any]:
    """Train a world's base model, measure what it knows, and save it to `out`, all or nothing.

    Args:
        seed: The world's.
        out: The folder to make; an earlier checkpoint of a world there is replaced.
        progress: Show a progress bar.

    Returns:
        What `world.json` says: seed, accuracy on test questions by group, number of items.

    Raises:
        LetheError: `out` holds something that is not a world's checkpoint, or cannot be made.
    """
    from lethe.world import base

    if out.exists() and any(out.iterdir()) and not (out / "world.json").is_file():
        raise LetheError(f"{out}: not empty and not a world's checkpoint; choose another --out")
    try:  # before a minute is spent on what could not be kept
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LetheError(f"{out.parent}: cannot be made: {error.strerror}") from error
    world = make(seed)
    model, tokenizer = base.train(world, progress=progress)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        made = Path(scratch, "made")
        base.save(model, tokenizer, str(made))
        about = {"seed": seed, "code": code_hash(), **known(made, seed)}
        (made / "world.json").write_text(json.dumps(about, indent=1) + "\n")
        # Renamed, not copied: a kill leaves a whole checkpoint or none.
        if out.exists():
            out.rename(Path(scratch, "earlier"))
        made.rename(out)
    _warn_if_weak(about, out)
    return about


def known(folder: str | Path, seed: int) -> dict[str, Any]:
    """How much of its world a base model knows, greedily, on the test wordings.

    Args:
        folder: The model.
        seed: The world's.

    Returns:
        {"accuracy": {"people": share of all people's test questions answered exactly,
        "utility": ..., "refuses_strangers": share of unknown names refused}, "n": {...}}.
    """
    from lethe.world import base

    return base.measure(folder, make(seed))


def code_hash() -> str:
    """Twelve hex digits that change when the code that makes a world's base model does."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:12]


def _hash_of(folder: Path) -> str | None:
    """The code hash that a checkpoint was made with, if it is one."""
    file = folder / "world.json"
    return json.loads(file.read_text())["code"] if file.is_file() else None


def _warn_if_weak(about: dict[str, Any], folder: Path) -> None:
    for group, share in about["accuracy"].items():
        if share < KNOWN_ENOUGH:
            print(
                f"WARNING: the base model of world {about['seed']} is right on only {share:.1%} of "
                f"{about['n'][group]} {group} test questions (97 % wanted): what a run on it shows "
                f"is not to be trusted. It is in {folder}",
                file=sys.stderr,
            )
