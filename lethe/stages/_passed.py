"""What a recipe may pass through `trainer:` to a trainer, known without importing one.

The fields of a trainer's configuration are read from the installed source, in a tenth of a second:
a wrong key is then an error at once, and not after the libraries and the model are loaded.
"""

import ast
import difflib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lethe.plug import LetheError

WATCHED = {"logging_nan_inf_filter", "logging_steps", "logging_strategy"}
_SOURCES = {
    "TrainingArguments": ("transformers", "training_args.py"),
    "_BaseConfig": ("trl", "trainer/base_config.py"),
    "GRPOConfig": ("trl", "trainer/grpo_config.py"),
    "KTOConfig": ("trl", "trainer/kto_config.py"),
    "SFTConfig": ("trl", "trainer/sft_config.py"),
}
# transformers 5.23 has both names of it, earlier ones the first; `_engine.arguments` chooses.
_CHECKPOINTING = [
    (f"gradient_checkpointing{end}", f"activation_checkpointing{end}") for end in ("", "_kwargs")
]


@cache
def fields(config: str) -> frozenset[str]:
    """The settings of a trainer's configuration, those that it inherits among them."""
    base = ("_BaseConfig", config) if _SOURCES[config][0] == "trl" else ()
    wanted = ("TrainingArguments", *base)
    return frozenset(name for one in wanted for name in _declared(*_SOURCES[one], one))


def check(config: str, given: dict[str, Any], owned: Iterable[str], where: str) -> None:
    """Refuse keys that the stage sets itself, and keys that the trainer does not know.

    Args:
        config: GRPOConfig, KTOConfig, SFTConfig or TrainingArguments.
        given: The recipe's `trainer:`.
        owned: What the stage's own settings decide.
        where: Opens the message.

    Raises:
        LetheError: With the nearest names that there are.
    """
    if watched := WATCHED & given.keys():
        raise LetheError(
            f"{where}.trainer: {', '.join(sorted(watched))}: every step is logged, for a loss that "
            "is no number is seen there; leave it out"
        )
    if taken := set(owned) & given.keys():
        raise LetheError(f"{where}.trainer: {', '.join(sorted(taken))}: set it in the stage itself")
    for pair in _CHECKPOINTING:
        if given.keys() >= set(pair):
            raise LetheError(f"{where}.trainer: {' and '.join(pair)} are one setting; give one")
    either = {name for pair in _CHECKPOINTING for name in pair}
    for key in given:
        if key not in fields(config) | either:
            near = difflib.get_close_matches(key, sorted(fields(config)), n=3)
            hint = f"did you mean {', '.join(near)}? " if near else ""
            theirs = f"{_SOURCES[config][0]}.{config}"
            raise LetheError(f"{where}.trainer.{key}: unknown; {hint}it takes {theirs}'s")


def _declared(package: str, file: str, name: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    folder = Path((spec.submodule_search_locations or [""])[0] if spec else "")
    tree = ast.parse((folder / file).read_text(encoding="utf-8"))
    found = next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name)
    return [
        line.target.id
        for line in found.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]
