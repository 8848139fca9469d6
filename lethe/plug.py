"""A name to its module: one file per capability, no registry.

A file's name is its name. `rebo` is `lethe/stages/rebo.py`; `my_package.module` is an importable
module; `./mine.py` is a file, relative to the working directory. A user's own file therefore works
with nothing changed in the package. Listing reads first docstring lines and imports nothing.
"""

import ast
import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

KINDS: dict[str, str] = {
    "stage": "lethe.stages",
    "reward": "lethe.rewards",
    "metric": "lethe.metrics",
    "benchmark": "lethe.benchmarks",
    "attack": "lethe.attacks",
}


class LetheError(ValueError):
    """An error a user can cause; its text is the whole message: `where: what: choices`.

    A `ValueError`, so that pydantic adds the place in the recipe when a validator raises it.
    """

    status = 2
    """Exit status of the command that it ends."""


def choices(wrong: str, right: Iterable[str]) -> str:
    """Say what could have been written instead of `wrong`.

    >>> choices("nop", ["npo", "rebo"])
    'did you mean npo? choices: npo, rebo'
    """
    right = sorted(right)
    near = difflib.get_close_matches(wrong, right, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}choices: {', '.join(right) or 'none'}"


def names(kind: str) -> dict[str, str]:
    """The built-in names of a kind with the first line of each docstring; imports nothing.

    Raises:
        LetheError: `kind` is not one of `KINDS`.
    """
    if kind not in KINDS:
        raise LetheError(f"unknown kind {kind!r}: {choices(kind, KINDS)}")
    folder = Path(__file__).parent / KINDS[kind].rpartition(".")[2]
    files = sorted(file for file in folder.glob("*.py") if not file.name.startswith("_"))
    return {file.stem: _first_line(file) for file in files}


def resolve(kind: str, name: str) -> ModuleType:
    """Import the module that `name` stands for.

    Args:
        kind: One of `KINDS`.
        name: A built-in name, an importable dotted name, or a path ending in `.py`.

    Raises:
        LetheError: Nothing of that name exists (the choices are named), or it cannot be imported.
    """
    if name.endswith(".py"):
        return _from_file(kind, name)
    built_in = names(kind)
    if name in built_in:
        return importlib.import_module(f"{KINDS[kind]}.{name}")
    if re.fullmatch(r"\w+(\.\w+)+", name):
        return _from_package(kind, name)
    also = "or a dotted module name, or a path ending in .py"
    raise LetheError(f"unknown {kind} {name!r}: {choices(name, built_in)}; {also}")


def function(kind: str, name: str) -> Callable[..., Any]:
    """The function bearing its file's name: what a reward or a metric is.

    Raises:
        LetheError: As `resolve`, or the module has no function of that name.
    """
    return member(kind, name, label(name))


def member(kind: str, name: str, attribute: str) -> Any:
    """The named attribute of a plug-in.

    Raises:
        LetheError: As `resolve`, or the module lacks it.
    """
    module = resolve(kind, name)
    if attribute not in vars(module):
        raise LetheError(f"{kind} {name!r}: {module.__file__} defines no {attribute!r}")
    return vars(module)[attribute]


def label(name: str) -> str:
    """The short name of a plug-in, used for functions and folders.

    >>> label("npo"), label("my_package.npo"), label("./mine.py")
    ('npo', 'npo', 'mine')
    """
    return Path(name).stem if name.endswith(".py") else name.rpartition(".")[2]


def own_files(settings: Any) -> dict[str, str]:
    """SHA-256 of each `.py` file that settings name, so that editing one redoes what used it.

    >>> own_files({"stage": "npo", "rewards": ["refusal"]})
    {}
    """
    if isinstance(settings, str):
        file = Path(settings).expanduser()
        if not settings.endswith(".py") or not file.is_file():
            return {}
        return {settings: hashlib.sha256(file.read_bytes()).hexdigest()}
    parts = [*settings, *settings.values()] if isinstance(settings, dict) else settings
    parts = parts if isinstance(settings, dict | list | tuple) else []
    return {name: found for part in parts for name, found in own_files(part).items()}


@cache
def _first_line(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _from_package(kind: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        built_in = ", ".join(names(kind))
        raise LetheError(
            f"{kind} {name!r}: cannot import: {error}; built-in choices: {built_in}"
        ) from error


def _from_file(kind: str, name: str) -> ModuleType:
    file = Path(name).expanduser().resolve()
    if not file.is_file():
        built_in = ", ".join(names(kind))
        raise LetheError(f"{kind} {name!r}: no such file; built-in choices: {built_in}")
    # The path is part of the module's name: two users' files may both be called mine.py.
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:8]
    module = f"lethe_user_{digest}_{file.stem}"
    if module not in sys.modules:
        _execute(kind, module, file)
    return sys.modules[module]


def _execute(kind: str, name: str, file: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LetheError(f"{kind} {file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, SyntaxError):
            raise LetheError(f"{file}:{error.lineno}: {error.msg}") from error
        if isinstance(error, ImportError):
            raise LetheError(f"{kind} {file}: cannot import: {error}") from error
        raise
