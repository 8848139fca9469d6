"""`lethe judge`: the kinds of the texts in a file, and how far a second opinion agrees."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lethe import records, runs
from lethe.endpoint import Endpoint
from lethe.metrics._interval import wilson
from lethe.opinions import agreement
from lethe.plug import LetheError, choices
from lethe.refusal import KINDS, Judgement, Opinion, judge_all

FIELDS = ("completion", "text", "output", "response", "answer")
"""Where a row's text is looked for, in this order."""


def read(file: Path) -> list[str]:
    """The texts of a file: rows as `lethe.records` reads them, or of a .txt file one a line.

    Raises:
        LetheError: As `records`; nothing in it; a row without a text, with its place.
    """
    if file.suffix == ".txt" and file.is_file():
        texts = [line for line in records.text(file).splitlines() if line.strip()]
    else:
        texts = [_text(place, row) for place, row in records.records(file)]
    if not texts:
        raise LetheError(f"{file}: no text in it")
    return texts


def _text(place: str, row: dict[str, Any]) -> str:
    for field in FIELDS:
        if isinstance(row.get(field), str):
            return row[field]
    raise LetheError(f"{place}: no text in it; {choices('', FIELDS)}")


def opinion(
    texts: int,
    *,
    classifier: str | None = None,
    labels: Sequence[str] = (),
    llm: str | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
    cache: Path | None = None,
) -> Opinion | None:
    """The second opinion that was asked for, with a progress bar; None if none was.

    Raises:
        LetheError: Two were asked for, or as the opinion's own module.
    """
    if classifier and llm:
        raise LetheError("--classifier and --llm: one second opinion at a time")
    if not classifier and (labels or (not llm and any((base_url, api_key_env, cache)))):
        raise LetheError(
            "--label goes with --classifier; --base-url, --api-key-env, --cache with --llm"
        )
    if not classifier and not llm:
        return None
    if classifier:
        from lethe.opinions import classifier as kind

        return kind.opinion(classifier, labels=labels, progress=_bar(texts))
    from lethe.opinions import llm as chat

    settings = Endpoint(model=llm or "")
    given = {"base_url": base_url, "api_key_env": api_key_env}
    settings = settings.model_copy(update={k: v for k, v in given.items() if v})
    bar = _bar(texts)
    return chat.opinion(settings, cache=cache, progress=lambda reply: bar(1))


def _bar(total: int) -> Callable[[int], object]:
    """A progress bar that appears with the first text."""
    from tqdm import tqdm

    bars: list[Any] = []

    def update(n: int) -> None:
        if not bars:
            bars.append(tqdm(total=total, desc="second opinion", unit="text"))
        bars[0].update(n)
        if bars[0].n >= total:
            bars[0].close()

    return update


def report(texts: Sequence[str], second: Opinion | None, out: Path | None) -> str:
    """Judge texts.

    Args:
        texts: As `read`.
        second: A second opinion, or None.
        out: Where every verdict goes, as JSON Lines; must not exist.

    Returns:
        A table in text: the kinds and, beside a second opinion, how far it agrees.

    Raises:
        LetheError: `out` exists already, or cannot be written.
    """
    if out is not None and out.exists():
        raise LetheError(f"{out}: exists already; give another --out")
    if out is not None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LetheError(f"{out}: cannot be written: {error.strerror or error}") from error
    told = judge_all(texts, second=second)
    if out is not None:
        runs.write(out, "".join(_line(text, one) for text, one in zip(texts, told, strict=True)))
    return "\n".join(_table(texts, told, second is not None))


def _line(text: str, one: Judgement) -> str:
    line = json.dumps({"text": text, **one._asdict()}, ensure_ascii=False) + "\n"
    return line.encode("utf-8", "replace").decode()  # half a surrogate pair is no UTF-8


def _table(texts: Sequence[str], told: Sequence[Judgement], asked: bool) -> list[str]:
    n = len(told)
    counts = Counter(one.kind for one in told)
    lines = [f"{kind:12}{counts[kind]:8}{100 * counts[kind] / n:8.1f} %" for kind in KINDS]
    refusing = sum(one.refuses for one in told)
    low, high = wilson(refusing, n)
    lines.append(
        f"{'refusals':12}{refusing:8}{100 * refusing / n:8.1f} % "
        f"[{100 * low:.1f}–{100 * high:.1f}] n={n}"
    )
    if not asked:
        return lines
    found = agreement(told)
    if found.share is None:
        return [*lines, f"second opinion: none on any of the {n} texts"]
    low, high = wilson(round(found.share * found.n), found.n)
    kappa = "undefined, both are constant" if found.kappa is None else f"{found.kappa:.2f}"
    lines += [
        f"second opinion agrees: {100 * found.share:.1f} % [{100 * low:.1f}–{100 * high:.1f}] "
        f"n={found.n}, kappa {kappa}; {found.unscored} without one",
        f"refusals to the rules alone: {found.only_rules}, to it alone: {found.only_second}",
    ]
    apart = [
        f"  rules {one.kind}, second {'refuses' if one.second else 'does not'}: {text[:100]!r}"
        for text, one in zip(texts, told, strict=True)
        if one.second is not None and one.second != one.refuses
    ]
    return lines + apart[:10]
