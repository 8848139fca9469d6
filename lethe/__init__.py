"""Lethe: make a language model refuse what it must forget, and keep answering everything else.

Reinforcement UnLEarning (RULE, arXiv 2506.07171). Names are imported when they are first used, so
that `import lethe` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lethe._version import __version__ as __version__

if TYPE_CHECKING:
    from lethe.config import Evaluate as Evaluate
    from lethe.config import Lora as Lora
    from lethe.config import Model as Model
    from lethe.config import Recipe as Recipe
    from lethe.config import load as load_recipe  # noqa: F401
    from lethe.data import Row as Row
    from lethe.pipeline import run as run
    from lethe.plug import LetheError as LetheError
    from lethe.refusal import judge as judge

# `lethe.evaluate`, `compare` and `sweep` are modules; a function beside one would hide it.
_PLACES = {
    "Evaluate": ("lethe.config", "Evaluate"),
    "LetheError": ("lethe.plug", "LetheError"),
    "Lora": ("lethe.config", "Lora"),
    "Model": ("lethe.config", "Model"),
    "Recipe": ("lethe.config", "Recipe"),
    "Row": ("lethe.data", "Row"),
    "judge": ("lethe.refusal", "judge"),
    "load_recipe": ("lethe.config", "load"),
    "run": ("lethe.pipeline", "run"),
    "compare": ("lethe.compare", None),
    "evaluate": ("lethe.evaluate", None),
    "sweep": ("lethe.sweep", None),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'lethe' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    found = import_module(module)
    return found if attribute is None else vars(found)[attribute]


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
