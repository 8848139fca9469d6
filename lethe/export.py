"""A stage's model out of its run folder: whole, merged or as an adapter, with a model card.

The folder is what plain transformers (whole, merged) or PEFT (adapter) load, laid out as vLLM wants
it. It is made beside its place and moved there, so a kill leaves a whole export or none.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from lethe import card, config, runs
from lethe.locate import base_of, is_adapter
from lethe.plug import LetheError, choices
from lethe.report import reading

MARK = "export.json"
_OURS = {"balance.json", "README.md", "training_args.bin"}


def export(
    folder: Path,
    *,
    merge: bool = False,
    adapter: bool = False,
    stage: str | None = None,
    out: Path | None = None,
) -> Path:
    """Write a finished stage's model to a folder of its own.

    Args:
        folder: The run folder.
        merge: Put the adapter into its base's weights.
        adapter: Leave it an adapter. A run that trained every weight needs neither.
        stage: As in 1-rebo; None is the last.
        out: Where to; None is `export` in the run folder.

    Returns:
        Where it is. An export of the same is made anew, but kept if somebody has edited
        its card or settings, and that is told.

    Raises:
        LetheError: There is no such finished stage, it cannot be exported that way, or something
            else is in the folder.
    """
    made, name, spec = _found(folder, stage)
    _check_way(made, merge=merge, adapter=adapter)
    out = out or folder / "export"
    inputs = runs.facts(made.parent)["inputs"]
    run = reading.read(folder).name
    mark = {"run": run, "stage": name, "adapter": adapter, "inputs": inputs}
    if edited := _check_out(out, mark):
        said = f"{out}: kept as it is, edited since it was exported: {', '.join(edited)}"
        print(said, file=sys.stderr)
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
        place = Path(scratch) / "made"
        if adapter:
            _adapter(made, place, spec)
        elif is_adapter(made):
            _merged(made, place, spec)
        else:
            shutil.copytree(made, place, ignore=lambda _, names: _OURS & set(names))
        runs.write(place / "README.md", card.card(folder, name, adapter=adapter))
        names = sorted(path.name for path in place.iterdir())
        known = {"names": names, "files": _files(place)}
        runs.write(place / MARK, runs.json_text({**mark, **known}))
        shutil.rmtree(out, ignore_errors=True)
        place.rename(out)
    return out


def check_push(folder: Path, *, adapter: bool, stage: str | None = None) -> None:
    """Refuse to publish an adapter whose base nobody else has.

    Raises:
        LetheError: With what to do instead.
    """
    made, _, _ = _found(folder, stage)
    if adapter and is_adapter(made) and Path(base_of(made)).is_absolute():
        raise LetheError(
            f"--push-to-hub: the adapter's base is a local folder, {Path(base_of(made)).name}, "
            "that nobody else has; use --merge"
        )


def _found(folder: Path, stage: str | None) -> tuple[Path, str, config.Model]:
    """The model of a finished stage, the stage's name, and how the run loads models."""
    run = reading.read(folder)
    stages = run.models[1:]
    if not stages:
        raise LetheError(f"{folder}: the recipe has no stages, so there is nothing to export")
    name = stage or stages[-1]
    if name not in stages:
        raise LetheError(f"--stage: {name!r}: {choices(name, stages)}")
    place = runs.Run(folder).stage(name)
    if not (place / "done.json").is_file() or not (place / "model").is_dir():
        raise LetheError(
            f"{folder}: stage {name} has not finished; lethe run {folder / 'recipe.yaml'} goes on"
        )
    where = f"{folder / 'recipe.yaml'}: model"
    return place / "model", name, config.validated(config.Model, run.recipe.get("model"), where)


def _check_way(made: Path, *, merge: bool, adapter: bool) -> None:
    if not is_adapter(made):
        if adapter:
            raise LetheError(
                f"--adapter: {made} is a whole model, not an adapter; use --merge, or neither"
            )
        return
    if merge == adapter:
        raise LetheError(f"{made}: is an adapter; choices: --adapter, --merge")
    base = base_of(made)
    if Path(base).is_absolute() and not Path(base).is_dir():
        raise LetheError(f"{made}: its base, {base}, is gone")
    if adapter and is_adapter(base):
        raise LetheError(
            f"--adapter: {made} lies over {base}, an adapter itself, and others load one adapter "
            "over a whole model; use --merge"
        )


def _check_out(out: Path, mark: dict[str, Any]) -> list[str]:
    """Refuse a folder of something else; the files of an earlier export that somebody edited."""
    if not out.exists():
        return []
    if not out.is_dir():
        raise LetheError(f"{out}: is a file, not a folder; choose another with --out")
    theirs = _mark(out / MARK)
    was, now, names = theirs.pop("files", {}), _files(out), theirs.pop("names", ())
    added = sorted(path.name for path in out.iterdir() if path.name not in {*names, MARK})
    differ = sorted(name for name in was if now.get(name) != was[name])
    edited = [name for name in differ if name in now and not name.endswith(".safetensors")]
    if theirs and theirs != mark:
        what = f"holds another export, of {theirs.get('run')}'s stage {theirs.get('stage')}"
    elif added:
        what = f"is not empty: {', '.join(added[:3])}" + (" ..." if added[3:] else "")
    elif edited and edited != differ:
        damaged = [name for name in differ if name not in edited]
        what = f"was edited ({', '.join(edited)}), and is damaged: {', '.join(damaged)}"
    else:
        return edited
    raise LetheError(f"{out}: {what}; choose another with --out, or remove it")


def _files(place: Path) -> dict[str, list[Any]]:
    """Size and hash of each file but the mark, by name."""
    known = runs.fingerprint(place)
    return {name: [size, digest] for name, size, digest in known if name != MARK}


def _mark(file: Path) -> dict[str, Any]:
    """What an earlier export says of itself; nothing where there is none."""
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(found["files"], list):  # as it was written before edits were looked for
            found |= {"names": found["files"], "files": {}}
        dict(found["files"], **dict.fromkeys(found["names"]))
    except (ValueError, KeyError, TypeError) as error:
        raise LetheError(f"{file}: not what lethe export writes; remove it, or --out") from error
    return found


def _adapter(made: Path, place: Path, spec: config.Model) -> None:
    """The adapter's files, and where its base is: a Hub id with revision, or a whole path."""
    shutil.copytree(made, place, ignore=lambda _, names: _OURS & set(names))
    file = place / "adapter_config.json"
    shape = json.loads(file.read_text(encoding="utf-8"))
    if spec.revision:
        shape["revision"] = spec.revision
    runs.write(file, json.dumps(shape, indent=2) + "\n")


def _merged(made: Path, place: Path, spec: config.Model) -> None:
    from lethe import model as models

    plain = spec.model_copy(update={"chat_template": None})  # the stage has saved it
    models.save(models.merged(str(made), plain), models.tokenizer(made, plain), place)
