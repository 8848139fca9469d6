"""Files and Hub data sets as plain objects, each with its place: nothing is checked but the syntax.

JSON Lines, JSON arrays, CSV, Parquet, `hub:org/name?split=train&config=default&revision=main`.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lethe.plug import LetheError, choices

_LISTS = ("aliases", "stages")


def records(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pairs (place, object) of a .jsonl, .ndjson, .json, .csv or .parquet file or `hub:` data set.

    A .json file is an array of objects, or JSON Lines. In a CSV cell `aliases` and `stages` are a
    JSON array, or texts parted by `|`. The Hub branch goes through `datasets.load_dataset`; it was
    not run here (no network), only its failure was.

    Raises:
        LetheError: Missing, unreadable or malformed: with file and line.
    """
    if str(path).startswith("hub:"):
        return _hub(str(path))
    file = Path(path).expanduser()
    if not file.exists():
        raise LetheError(f"{path}: no such file")
    if not file.is_file():
        raise LetheError(f"{path}: is a folder, not a file")
    if file.suffix.lower() not in _READERS:
        known = choices(file.suffix.lower(), _READERS)
        raise LetheError(f"{path}: unknown file type {file.suffix!r}: {known}")
    return _explained(file, _READERS[file.suffix.lower()])


def some(path: str | Path, what: str = "rows") -> Iterator[tuple[str, dict[str, Any]]]:
    """As `records`, of a file that must hold some.

    Args:
        path: As `records`.
        what: It should hold, for the message.

    Raises:
        LetheError: As `records`, or it holds nothing.
    """
    pair = None
    for pair in records(path):
        yield pair
    if pair is None:
        raise LetheError(f"{path}: holds no {what}")


def text(path: str | Path) -> str:
    """A whole file of UTF-8 text.

    Raises:
        LetheError: Missing, unreadable, or not such text.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise LetheError(f"{path}: no such file")
    return next(_explained(file, lambda opened: iter([opened.read_text(encoding="utf-8-sig")])))


def _explained(file: Path, reader: Callable[[Path], Iterator]) -> Iterator:
    """The reader's pairs, with the errors that a broken file causes named by file."""
    try:
        yield from reader(file)
    except UnicodeDecodeError as error:
        raise LetheError(f"{file}: not UTF-8 text at byte {error.start}") from error
    except OSError as error:
        raise LetheError(f"{file}: cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise LetheError(f"{file}: nested too deeply to be rows") from error


def _json(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    text = file.read_text(encoding="utf-8-sig")
    if not text.lstrip().startswith("["):
        yield from _json_lines(file)
        return
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise LetheError(f"{file}:{error.lineno}: not JSON: {error.msg}") from error
    for n, item in enumerate(items, 1):
        yield _object(item, f"{file}:item {n}")


def _json_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig") as lines:
        for n, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except json.JSONDecodeError as error:
                message = f"{file}:{n}: not JSON: {error.msg} (column {error.colno})"
                raise LetheError(message) from error
            yield _object(item, f"{file}:{n}")


def _object(item: Any, place: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(item, dict):
        raise LetheError(f"{place}: not an object but {type(item).__name__}: {str(item)[:40]!r}")
    return place, item


def _csv(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if len(set(header)) < len(header):
                raise LetheError(f"{file}:1: two columns bear the same name: {', '.join(header)}")
            for cells in reader:
                if not cells:
                    continue
                place = f"{file}:{reader.line_num}"
                if len(cells) != len(header):
                    raise LetheError(f"{place}: {len(cells)} cells, the header has {len(header)}")
                yield place, {k: _cell(k, v) for k, v in zip(header, cells, strict=True)}
        except csv.Error as error:
            raise LetheError(f"{file}:{reader.line_num}: not CSV: {error}") from error


def _cell(column: str, text: str) -> Any:
    if column not in _LISTS or not text.strip():
        return text
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split("|")]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _parquet(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(file)
    except pyarrow.ArrowInvalid as error:
        raise LetheError(f"{file}: not Parquet: {error}") from error
    for n, record in enumerate(table.to_pylist(), 1):
        yield f"{file}:row {n}", record


ITEM = "id scope form subject prompt completion answer metric value extracted why".split()
"""The columns of an items.parquet: a row and a metric, with all that was asked, said and found."""


def write_items(lines: Iterable[dict[str, Any]], file: Path) -> None:
    """Write an items.parquet, at once or not at all; only the columns of `ITEM` are taken."""
    import pyarrow
    import pyarrow.parquet

    types = {name: pyarrow.float64() if name == "value" else pyarrow.string() for name in ITEM}
    items = [{name: line[name] for name in ITEM} for line in lines]
    table = pyarrow.Table.from_pylist(items, schema=pyarrow.schema(list(types.items())))
    draft = file.with_name(file.name + ".tmp")
    pyarrow.parquet.write_table(table, draft)
    draft.replace(file)


_READERS: dict[str, Callable[[Path], Iterator[tuple[str, dict[str, Any]]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _hub(url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name, _, query = url.removeprefix("hub:").partition("?")
    options = dict(parse_qsl(query))
    for key in options:
        if key not in ("split", "config", "revision"):
            known = choices(key, ("split", "config", "revision"))
            raise LetheError(f"{url}: unknown option {key!r}: {known}")
    import datasets
    from datasets.exceptions import DatasetsError

    try:
        rows = datasets.load_dataset(
            name,
            options.get("config"),
            split=options.get("split", "train"),
            revision=options.get("revision"),
        )
    except (OSError, ValueError, DatasetsError) as error:
        raise LetheError(f"{url}: cannot be loaded: {error}") from error
    for n, record in enumerate(rows, 1):
        yield f"{url}:row {n}", dict(record)
