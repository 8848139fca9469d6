"""The JSON schema of a recipe, so that an editor completes and checks keys while one writes.

It covers every built-in stage, attack and benchmark. A user's own plug-in (its name has a dot or a
slash) is accepted with any keys: its `Config` is checked when the recipe is read.
"""

import json
from typing import Any

from pydantic.json_schema import models_json_schema

from lethe import plug
from lethe.config import Recipe

_REF = "#/$defs/{}"


def schema() -> dict[str, Any]:
    """The schema as plain data (JSON Schema 2020-12)."""
    configs = {
        (kind, name): plug.member(kind, name, "Config")
        for kind in ("stage", "attack", "benchmark")
        for name in plug.names(kind)
    }
    chosen = [(model, "validation") for model in (Recipe, *configs.values())]
    keys, document = models_json_schema(chosen, ref_template=_REF.format("{model}"))  # type: ignore[arg-type]
    inner = document["$defs"]
    recipe = inner.pop(keys[Recipe, "validation"]["$ref"].rpartition("/")[2])
    for replaced in ("Stage", "Attack", "Benchmark"):
        inner.pop(replaced, None)
    variants = {"stage": [], "attack": [], "benchmark": []}
    for (kind, name), model in configs.items():
        reference = keys[model, "validation"]
        _closed(inner[reference["$ref"].rpartition("/")[2]], kind, name)
        variants[kind].append(reference)
    for kind in ("stage", "attack"):
        recipe["properties"][f"{kind}s"]["items"] = {"anyOf": [*variants[kind], *_other(kind)]}
    data = {"anyOf": [*variants["benchmark"], *_other("benchmark")]}
    recipe["properties"]["data"] = data | {"description": Recipe.model_fields["data"].description}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return head | recipe | {"title": "Lethe recipe", "$defs": inner}


def text() -> str:
    """The schema as JSON text, as it stands in docs/recipe.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _closed(definition: dict[str, Any], key: str, name: str) -> None:
    """Tie a plug-in's definition to its name, which may be left out only for the default."""
    definition["title"] = name
    definition["properties"][key]["const"] = name
    if name != "files":
        definition["required"] = sorted({*definition.get("required", []), key})


def _other(kind: str) -> list[dict[str, Any]]:
    own = {"type": "string", "pattern": r"[./]"}
    return [
        {"type": "object", "required": [kind], "properties": {kind: own}},
        {"anyOf": [{"type": "string", "enum": list(plug.names(kind))}, own]},
    ]
