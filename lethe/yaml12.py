"""YAML as version 1.2 reads it, with duplicate keys refused.

PyYAML follows YAML 1.1, where `1e-5` is text, `no` is false, `010` is eight and `12:30` a number.
Recipes are read and written with the core schema of YAML 1.2 instead. Only plain data: no tags.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from lethe.plug import LetheError

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_RESOLVERS = [
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", re.compile(r"<<"), ["<"]),
]


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict = {}


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict = {}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                None, None, "keys must be plain text", key.start_mark
            )
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} stands here twice", key.start_mark
            )
        seen.add(key.value)
    loader.flatten_mapping(node)
    return {loader.construct_object(k, deep=True): loader.construct_object(v, deep=True)
            for k, v in node.value}  # fmt: skip


def _int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


for _tag, _pattern, _first in _RESOLVERS:
    # A whole-match pattern: PyYAML itself only anchors at the start.
    _whole = re.compile(f"(?:{_pattern.pattern})$")
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _whole, _first)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)


def loads(text: str, where: str = "YAML") -> Any:
    r"""Parse one YAML document.

    >>> loads("lr: 1e-5\nname: no\ncode: 010")
    {'lr': 1e-05, 'name': 'no', 'code': 10}

    Raises:
        LetheError: Not YAML, or a key stands twice; the message has the line.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise LetheError(f"{where}{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise LetheError(f"{where}: not valid YAML: {error}") from error


def load(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        LetheError: The file is missing, a folder, empty, not UTF-8 or not YAML.
    """
    if not path.is_file():
        raise LetheError(f"{path}: no such file")
    try:
        data = loads(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise LetheError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    if data is None:
        raise LetheError(f"{path}: the file is empty")
    return data


def dumps(data: Any) -> str:
    r"""Write plain data as YAML that `loads` reads back equal, keys in their given order.

    >>> dumps({"lr": 1e-5, "name": "1e-5"})
    "lr: 1.0e-05\nname: '1e-5'\n"
    """
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
