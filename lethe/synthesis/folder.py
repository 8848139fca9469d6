"""The folder of synthesised rows: what lies where, whose it is, and when it is done.

    data/<target>/forget.jsonl boundary.jsonl    the rows, as `data: {benchmark: files}` reads them
                 /rejected.jsonl                 every draft that was thrown out, with its fault
                 /synthesis.json                 counts, tokens, cost; written last
                 /replies.jsonl                  what the endpoint replied: nothing is paid twice
                 /replies-model.jsonl            what the model here replied

Rows that somebody edited, or that other settings made, are never written over.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe import config, data, replies, runs
from lethe._version import __version__
from lethe.data import Row
from lethe.plug import LetheError
from lethe.synthesis.cost import Meter, price
from lethe.synthesis.drafts import counts
from lethe.synthesis.filters import FILTERS, name
from lethe.synthesis.making import Rows
from lethe.synthesis.settings import Settings

SCOPES = ("forget", "boundary")
REJECTED, SUMMARY = "rejected.jsonl", "synthesis.json"
REPLIES, OWN_REPLIES = "replies.jsonl", "replies-model.jsonl"
_BEGUN = ".begun"
"""Stands there while rows are being made, also after a kill."""
_FREE = {"out", "price", "budget", "benchmark", "targets"}
"""Settings that change no row."""


def of(settings: Settings) -> Path:
    """Where the rows go.

    >>> of(Settings(target="Prince Harry, Duke of Sussex")).as_posix()
    'data/prince-harry-duke-of-sussex'
    """
    slug = re.sub(r"\W+", "-", settings.target.casefold()).strip("-_") or "target"
    return settings.out or Path("data") / slug


def inputs(settings: Settings, model: config.Model | None, path: str | None) -> dict[str, Any]:
    """What the rows are a function of, as plain data, besides files and what models reply.

    Args:
        settings: Those that change no row are left out.
        model: The original model.
        path: Where its weights are; a local folder is told by what is in it.
    """
    chosen = {k: v for k, v in config.plain(settings).items() if k not in _FREE}
    if settings.endpoint is not None:  # how patiently it is asked changes nothing either
        kept = ("base_url", "model", "temperature", "max_tokens")
        chosen["endpoint"] = {key: chosen["endpoint"][key] for key in kept}
    told = None
    if model is not None:
        folder = Path(path or "").expanduser()
        weights = runs.digest(runs.fingerprint(folder)) if path and folder.is_dir() else None
        template = model.chat_template and runs.sha256(model.chat_template)
        told = {"path": model.path, "revision": model.revision, "weights": weights}
        told["chat_template"] = template
    return {"settings": chosen, "model": told}


def is_done(place: Path, inputs: dict[str, Any]) -> bool:
    """Whether the rows are there already; they may have been edited since.

    Raises:
        LetheError: Rows of other settings are there, or of a source that was changed since.
    """
    if not (place / SUMMARY).is_file():
        return False
    told = facts(place)
    different = runs.differences(told.get("inputs"), inputs)
    # A source that was put away is no reason to make its rows anew; one that was changed is.
    for file, was in (told.get("files") or {}).items():
        if Path(file).is_file() and runs.sha256(Path(file)) != was:
            different.append(f"{file} (changed since)")
    if different:
        raise LetheError(
            f"{place}: holds rows of other settings ({', '.join(different)}); choose another out, "
            "or remove it"
        )
    return True


@contextlib.contextmanager
def held(place: Path) -> Iterator[None]:
    """Make the folder, or go on in it, and hold it.

    Raises:
        LetheError: It is a file, holds something else, or another process is at work in it.
    """
    if place.exists() and not place.is_dir():
        raise LetheError(f"{place}: is a file, not a folder; choose another out")
    if place.is_dir() and not (place / _BEGUN).is_file():
        strange = sorted(file.name for file in place.iterdir() if file.name[0] != ".")
        if strange:
            raise LetheError(f"{place}: holds {strange[0]}, and no synthesis; choose another out")
    with runs.locked(place):
        (place / _BEGUN).touch()
        yield
        (place / _BEGUN).unlink(missing_ok=True)


def facts(place: Path) -> dict[str, Any]:
    """What `synthesis.json` says.

    Raises:
        LetheError: It is not there or damaged.
    """
    file = place / SUMMARY
    if not file.is_file():
        raise LetheError(
            f"{place}: no synthesised rows (no {SUMMARY}); lethe synthesize makes them, or "
            "lethe run with a recipe that has stages"
        )
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LetheError(f"{file}: not JSON: {error}") from error


def read(place: Path) -> list[Row]:
    """The rows, also where somebody edited them.

    Raises:
        LetheError: They are not there or broken.
    """
    facts(place)
    return [row for scope in SCOPES for row in data.read(place / f"{scope}.jsonl")]


def paid(place: Path, settings: Settings) -> float:
    """What the replies on file did cost at the endpoint's price."""
    return price(settings, *replies.tokens(place / REPLIES)) or 0.0


def write(
    place: Path, inputs: dict[str, Any], files: dict[str, str], made: Rows, meter: Meter
) -> None:
    """Write everything, `synthesis.json` last; `files` are the hashes of what was read."""
    for scope in SCOPES:
        data.write(place / f"{scope}.jsonl", [row for row in made.rows if row.scope == scope])
    lines = [
        json.dumps(
            {"fault": fault, **row.model_dump(mode="json", exclude_none=True)}, ensure_ascii=False
        )
        for fault, row in made.rejected
    ]
    runs.write(place / REJECTED, "".join(f"{line}\n" for line in lines))
    splits = Counter(row.split for row in made.rows)
    faults = Counter(fault for fault, _ in made.rejected)
    told = {
        "inputs": inputs,
        "version": __version__,
        "files": files,
        "rows": counts(made.rows),
        "splits": {split: splits[split] for split in data.SPLITS},
        "rejected": {name(each): faults[name(each)] for each in FILTERS},
        "not_checked": made.not_checked,
        "short_of": made.short_of,
        "generator": made.met,
        "dropped_items": dict(sorted(made.dropped.items())),
        "requests": meter.requests,
        "tokens": {"endpoint": meter.paid, "model": meter.own},
        "cost": meter.cost(),
    }
    runs.write(place / SUMMARY, runs.json_text(told))


def summary(place: Path) -> list[str]:
    """What was made, in a few lines."""
    told = facts(place)
    lines = [f"{n:6}  {group}" for group, n in told["rows"].items()]
    lines += [
        f"{n:6}  rejected: {fault.replace('_', ' ')}" for fault, n in told["rejected"].items() if n
    ]
    lines += (
        [f"        not checked: {', '.join(told['not_checked'])}"] if told["not_checked"] else []
    )
    lines += [f"        fewer than wanted: {text}" for text in told["short_of"]]
    tokens, cost = told["tokens"], told["cost"]
    money = "" if cost is None else f", {cost:.2f} spent"
    read, written = (sum(counts) for counts in zip(*tokens.values(), strict=True))
    lines.append(f"{told['requests']} replies, {read:,} tokens read, {written:,} written{money}")
    return lines
