"""Settings on the command line: `--stages.1.num-generations 16`, typed by tyro.

tyro reads types, and a recipe's stages are typed only once it is read. So each override call makes
dataclasses of the very shape that this recipe has, lets tyro fill them, and validates the result as
any other recipe. `stage:` and `benchmark:` names are not options: other names have other settings.
"""

import contextlib
import dataclasses
import difflib
import io
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_origin

from pydantic import BaseModel

from lethe import config, plug, yaml12
from lethe.config import M
from lethe.plug import LetheError

WHERE = "command line"


def override(recipe: M, args: list[str], prog: str = "lethe run RECIPE") -> M:
    """The recipe, or other settings, with those of the command line in place of its own.

    Args:
        recipe: Gives the defaults, and with its stages the options there are.
        args: As in `["--seed", "3", "--stages.1.num-generations", "16"]`. `--help` prints every
            option with its help and exits.
        prog: The command, for its help.

    Raises:
        LetheError: An unknown option (the choices are named) or a wrong value.
    """
    if not args:
        return recipe
    form = _form(recipe, _asked(args))
    filled = dataclasses.asdict(_parse(form, args, prog))
    return config.validated(type(recipe), _merged(config.plain(recipe), filled), WHERE)


def _asked(args: list[str]) -> list[str]:
    return [arg[2:].partition("=")[0].replace("-", "_") for arg in args if arg.startswith("--")]


def _form(value: BaseModel, asked: list[str], prefix: str = "") -> Any:
    """A dataclass instance that mirrors `value`, its types those of the values it holds."""
    fields = []
    for name, info in type(value).model_fields.items():
        # A name has settings of its own behind it; of an empty list there is nothing to set.
        groups = next(config.models_in(info.annotation), None) and getattr(value, name) == []
        if name not in ("stage", "benchmark", "attack") and not groups:
            annotation, default = _field(value, name, asked, prefix)
            fields.append((name, annotation, info.description or "", default))
    return _dataclass(type(value).__name__, fields)


def _field(value: BaseModel, name: str, asked: list[str], prefix: str) -> tuple[Any, Any]:
    info, current, path = type(value).model_fields[name], getattr(value, name), f"{prefix}{name}."
    inner = next(config.models_in(info.annotation), None)
    if current is None and inner and any(key.startswith(path) for key in asked):
        # `--model.lora.rank 8` on a recipe without LoRA turns it on.
        current = _blank(inner)
    if isinstance(current, BaseModel):
        form = _form(current, asked, path)
        return type(form), form
    if isinstance(current, list) and current and isinstance(current[0], BaseModel):
        forms = [_form(item, asked, f"{path}{i}.") for i, item in enumerate(current)]
        return tuple[tuple(type(form) for form in forms)], tuple(forms)  # type: ignore[misc]
    if isinstance(current, dict):
        form = _free(name, current, asked, path)
        return type(form), form
    if inner:
        return None, current
    return (_truth() if info.annotation is bool else info.annotation), current


def _blank(group: type[BaseModel]) -> BaseModel:
    """A group of settings with its defaults; tyro asks for those that have none."""
    import tyro

    lacking = (name for name, info in group.model_fields.items() if info.is_required())
    return group.model_construct(**dict.fromkeys(lacking, tyro.MISSING))


def _free(name: str, current: dict, asked: list[str], path: str) -> Any:
    """A free mapping (`trainer:`): its own keys and those asked for, values read as YAML."""
    extra = [key[len(path) :] for key in asked if key.startswith(path)]
    # A key that is no plain word, such as a file of a user's own, cannot be an option; it stays.
    keys = dict.fromkeys(key for key in [*current, *extra] if key.isidentifier())
    return _dataclass(name, [(key, _yaml_value(), "", current.get(key)) for key in keys])


def required(model: type[BaseModel], args: list[str], prefix: str) -> dict[str, Any]:
    """What the command line says of a group's required settings, before the group can be made.

    >>> class Config(config.Frozen):
    ...     tasks: list[str]
    ...     limit: int = 1
    >>> required(Config, ["--data.tasks", "a", "b", "--data.limit", "2"], "data.")
    {'tasks': ['a', 'b']}
    """
    found: dict[str, Any] = {}
    args = [part for arg in args for part in (arg.split("=", 1) if arg[:2] == "--" else [arg])]
    for name, info in model.model_fields.items():
        option = f"--{prefix}{name.replace('_', '-')}"
        if not info.is_required() or option not in args:
            continue
        behind = args[args.index(option) + 1 :]
        end = next((i for i, arg in enumerate(behind) if arg.startswith("--")), len(behind))
        if not end:
            raise LetheError(f"{WHERE}: {option}: needs a value")
        found[name] = behind[:end] if get_origin(info.annotation) is list else behind[0]
    return found


def _truth() -> Any:
    """A bool as YAML and Python write it."""
    import tyro

    words = {"true": True, "false": False}

    def read(text: list[str]) -> bool:
        if text[0].lower() not in words:
            raise ValueError(f"{text[0]!r}: true or false")
        return words[text[0].lower()]

    spec = tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="{true,false}",
        instance_from_str=read,
        is_instance=lambda value: isinstance(value, bool),
        str_from_instance=lambda value: [str(value).lower()],
    )
    return Annotated[bool, spec]


def _yaml_value() -> Any:
    import tyro

    spec = tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="YAML",
        instance_from_str=lambda text: yaml12.loads(text[0], WHERE),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [yaml12.dumps(value).removesuffix("...\n").strip()],
    )
    return Annotated[Any, spec]


def _dataclass(name: str, fields: list[tuple[str, Any, str, Any]]) -> Any:
    import tyro

    made = dataclasses.make_dataclass(
        name,
        [(key, Annotated[kind, tyro.conf.arg(help=text)]) for key, kind, text, _ in fields],
    )
    return made(**{key: default for key, _, _, default in fields})


def _parse(form: Any, args: list[str], prog: str) -> Any:
    import tyro

    conf = (tyro.conf.AvoidSubcommands, tyro.conf.FlagConversionOff)
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            filled, unknown = tyro.cli(
                type(form),
                default=form,
                args=args,
                prog=prog,
                config=conf,
                return_unknown_args=True,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise LetheError(f"{WHERE}: {_unboxed(errors.getvalue())}") from None
    if unknown:
        raise LetheError(f"{WHERE}: {_unknown(form, unknown[0])}")
    return filled


def _unknown(form: Any, arg: str) -> str:
    if not arg.startswith("--"):
        return f"unexpected {arg!r}: an option is written --key value, as in --seed 1"
    options = list(_options(form))
    wrong = arg.partition("=")[0].replace("_", "-")
    group = wrong.rpartition(".")[0]
    near = [option for option in options if option.rpartition(".")[0] == group]
    # All options of a recipe are too many to read: those of the group, or else the likeliest few.
    near = near or difflib.get_close_matches(wrong, options, n=3, cutoff=0) or options
    return f"{wrong}: unknown option; {plug.choices(wrong, near)}; --help lists all"


def _options(form: Any, prefix: str = "") -> Iterator[str]:
    for field in dataclasses.fields(form):
        value, name = getattr(form, field.name), f"{prefix}{field.name}".replace("_", "-")
        if dataclasses.is_dataclass(value):
            yield from _options(value, f"{name}.")
        elif isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
            for i, item in enumerate(value):
                yield from _options(item, f"{name}.{i}.")
        else:
            yield f"--{name}"


def _unboxed(text: str) -> str:
    r"""The message inside the box that tyro prints, in either of its styles.

    >>> _unboxed("╭─ Value error ─╮\n│ Error parsing --a: x │\n│ ────── │\n│ For full │\n╰─╯")
    '--a: x'
    >>> _unboxed(" Value error \n ------ \n Error parsing --a: x \n ------\n For full \n")
    '--a: x'
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    lines = [line.strip("│╭╮╰╯ ") for line in text.strip().splitlines()]
    blocks = re.split(r"\n?(?:─.*|-{5,})\n?", "\n".join(lines))
    # The title stands in the upper edge of the one style, and in a block of its own in the other.
    message = next(iter([block for block in blocks[1:] if block]), text)
    return re.sub(r"^Error parsing ", "", " ".join(message.split()))


def _merged(old: Any, new: Any) -> Any:
    """`new` over `old`; what the form left out (the plug-ins' names) stays."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(old.get(key), value) for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, tuple) and len(old) == len(new):
        return [_merged(a, b) for a, b in zip(old, new, strict=True)]
    return new
