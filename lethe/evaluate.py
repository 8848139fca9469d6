"""Generate once, score likelihoods once, then every metric.

What the model said and how likely it finds the reference answers are recorded as files; metrics are
functions of those rows and never see the model, so a new one can be computed on last month's run.
Every batch is written down when it is done, so an evaluation that was stopped goes on behind it,
with the same batches; of several processes (`torchrun`) each does a share of them.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lethe import asking, generate, likelihood, process, runs
from lethe import model as models
from lethe.config import Evaluate, Judge
from lethe.data import Answered, Rating, Row
from lethe.metrics._summary import Reference, Wanted, scores, summarise
from lethe.model import Checkpoint
from lethe.opinions import naturalness
from lethe.plug import LetheError
from lethe.protocol import Scored

R = TypeVar("R", bound=Row)

_Place = tuple[str, str, int]


def evaluate(
    model: Checkpoint,
    rows: Sequence[Row],
    out: Path,
    settings: Evaluate,
    *,
    name: str,
    metrics: Wanted,
    prefix: str,
    reference: Reference = None,
) -> list[dict[str, Any]]:
    """Measure a model on rows.

    Args:
        model: Which weights.
        rows: What to ask, usually the test split.
        out: Folder for answers.jsonl, likelihoods.jsonl, scores.jsonl and items.parquet.
        settings: Batch size, longest answer, rows per group, who judges.
        name: The model's name in the records.
        metrics: Which metrics, on which groups.
        prefix: Text forced before the reference answer when its probability is taken.
        reference: What the retain model made of the rows, if there is one.

    Returns:
        Summary records, `{"model", "metric", "group", "value", "low", "high", "n", "unscored"}`.
    """
    asked = limited(rows, settings.limit)
    answered = record(model, asked, settings, name=name, prefix=prefix, journal=out)
    if settings.judge:
        answered = judged(answered, settings.judge, judge_cache(out), name)
    records = keep(answered, out, name=name, metrics=metrics, reference=reference)
    for file in out.glob("recorded-*.jsonl"):
        file.unlink()  # all that it held is in the files of `keep`
    return records


def keep(
    answered: Sequence[Answered],
    out: Path,
    *,
    name: str,
    metrics: Wanted,
    reference: Reference = None,
) -> list[dict[str, Any]]:
    """Write what a model said, how likely it found the answers, and every score; as `evaluate`."""
    out.mkdir(parents=True, exist_ok=True)
    silent = [row.model_dump(exclude={"scored"}) for row in answered]
    heard = [
        {"id": row.id, **row.model_dump(include={"scored"}, exclude_none=True)} for row in answered
    ]
    runs.write(out / "answers.jsonl", json_lines(silent))
    runs.write(out / "likelihoods.jsonl", json_lines(heard))
    scored = scores(answered, metrics)
    runs.write(out / "scores.jsonl", json_lines(scored))
    write_items(answered, scored, out / "items.parquet")
    return summarise(answered, name, metrics, reference)


def judged(answered: Sequence[Answered], judge: Judge, cache: Path, name: str) -> list[Answered]:
    """The rows with a judge's ratings of what was generated; of several processes one asks.

    Args:
        answered: What a model said.
        judge: Who rates, how often, how many rows of each group.
        cache: Where its replies are kept.
        name: Stands before the progress bar.
    """
    from tqdm import tqdm

    chosen = limited([row for row in answered if _generated(row)], judge.limit)
    rank, processes = process.share()
    found: list[list[dict[str, Any]]] = []
    if rank == 0:
        total = len(chosen) * judge.samples
        with tqdm(total=total, desc=f"judge {name}", unit="reply") as bar:
            ratings = naturalness.rate(
                chosen, judge, cache=cache, progress=lambda reply: bar.update()
            )
        found = [[one.model_dump() for one in row] for row in ratings]
    if processes > 1:
        found = json.loads(process.barrier(json.dumps(found)))
    rated = dict(zip([row.id for row in chosen], found, strict=True))
    return [
        row.model_copy(update={"ratings": tuple(map(Rating.model_validate, rated.get(row.id, ())))})
        for row in answered
    ]


def judge_cache(folder: Path) -> Path:
    """Where the judge's replies are kept: beside the evaluations of one run, for all of them."""
    return folder.parent / "judge.jsonl"


def _generated(row: Answered) -> bool:
    return row.protocol is None or row.protocol.max_new_tokens != 0


def recorded(folder: Path) -> list[Answered]:
    """What `keep` wrote, read again.

    Args:
        folder: An eval/<model> folder, or a run folder: what its last model said.

    Raises:
        LetheError: There is no finished evaluation.
    """
    if not (folder / "answers.jsonl").is_file():
        done = sorted(
            (folder / "eval").glob("*/answers.jsonl"), key=lambda file: file.stat().st_mtime
        )
        if not done:
            raise LetheError(f"{folder}: no finished evaluation: no eval/<model>/answers.jsonl")
        folder = done[-1].parent
    heard = {line["id"]: line["scored"] for line in runs.read_lines(folder / "likelihoods.jsonl")}
    return [
        Answered.model_validate({**line, "scored": heard.get(line["id"], {})})
        for line in runs.read_lines(folder / "answers.jsonl")
    ]


def record(
    model: Checkpoint,
    rows: Sequence[Row],
    settings: Evaluate,
    *,
    name: str,
    prefix: str,
    journal: Path | None = None,
) -> list[Answered]:
    """What a model says to each row, greedily, and how likely it finds the reference answer.

    Args:
        model: Which weights.
        rows: What to ask.
        settings: Batch size and longest answer.
        name: Stands before the progress bar.
        prefix: Text forced before the reference answer of a row without a protocol.
        journal: Folder where each batch is written down, to go on from; and where several
            processes meet.

    Returns:
        The rows, in their order.
    """
    return _Recorder(model, rows, settings, prefix, journal).all(name)


class _Recorder:
    """One model, asked row after row."""

    def __init__(
        self,
        model: Checkpoint,
        rows: Sequence[Row],
        settings: Evaluate,
        prefix: str,
        journal: Path | None,
    ) -> None:
        self.rows, self.settings, self.journal = rows, settings, journal
        self.policy = models.load(model.path, model.spec)
        self.tokenizer = models.tokenizer(model.path, model.spec)
        self.asked = [asking.asked(self.tokenizer, row) for row in rows]
        self.requests: dict[_Place, likelihood.Request] = {
            (row.id, name, k): request
            for row, before in zip(rows, self.asked, strict=True)
            for name, k, request in asking.requests(self.tokenizer, row, before, prefix)
        }
        self.texts: dict[str, str] = {}
        self.scored: dict[_Place, Scored] = {}
        self.share = process.share() if journal else (0, 1)

    def all(self, name: str) -> list[Answered]:
        from tqdm import tqdm

        if self.journal:
            self.journal.mkdir(parents=True, exist_ok=True)
            runs.trim(self._own())
        self._read()
        groups = self._groups()
        total = sum(map(len, groups.values())) + len(self.requests)
        known = len(self.texts) + len(self.scored)
        hidden = self.share[0] > 0 or None  # None: tqdm's own choice
        with tqdm(
            total=total, initial=known, desc=f"evaluate {name}", unit="row", disable=hidden
        ) as bar:
            for (limit, stop), members in groups.items():
                self._complete(members, limit, stop, bar)
            self._score(bar)
        if self.share[1] > 1:
            process.barrier()
            self._read()
        return [
            self._answered(row, asked) for row, asked in zip(self.rows, self.asked, strict=True)
        ]

    def _groups(self) -> dict[tuple[int, tuple[str, ...]], list[int]]:
        """Places of the rows that are to be completed, by longest answer and stop texts."""
        groups: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for i, row in enumerate(self.rows):
            own = row.protocol
            limit = own.max_new_tokens if own else None
            limit = self.settings.max_new_tokens if limit is None else limit
            if limit:
                groups.setdefault((limit, own.stop if own else ()), []).append(i)
        return groups

    def _complete(self, members: list[int], limit: int, stop: tuple[str, ...], bar: Any) -> None:
        for batch, found in generate.completions(
            self.policy,
            self.tokenizer,
            [self.asked[i].ids for i in members],
            max_new_tokens=limit,
            stop=stop,
            batch_size=self.settings.batch_size,
            share=self.share,
            skip={k for k, i in enumerate(members) if self.rows[i].id in self.texts},
        ):
            ids = [self.rows[members[k]].id for k in batch]
            self._write({"id": row, "text": text} for row, text in zip(ids, found, strict=True))
            self.texts |= dict(zip(ids, found, strict=True))
            bar.update(len(batch))

    def _score(self, bar: Any) -> None:
        places = list(self.requests)
        for batch, found in likelihood.score(
            self.policy,
            list(self.requests.values()),
            pad=int(self.tokenizer.pad_token_id),  # pyright: ignore[reportArgumentType]
            batch_size=self.settings.batch_size,
            share=self.share,
            skip={k for k, place in enumerate(places) if place in self.scored},
        ):
            here = dict(zip([places[k] for k in batch], found, strict=True))
            self._write(
                {"place": place, "scored": one.model_dump(exclude_none=True)}
                for place, one in here.items()
            )
            self.scored |= here
            bar.update(len(batch))

    def _read(self) -> None:
        """Take what earlier calls and other processes wrote down."""
        for file in sorted(self.journal.glob("recorded-*.jsonl")) if self.journal else ():
            for line in runs.read_lines(file):
                if "text" in line:
                    self.texts[line["id"]] = line["text"]
                else:
                    row, name, k = line["place"]
                    self.scored[row, name, k] = Scored.model_validate(line["scored"])

    def _write(self, lines: Iterable[dict[str, Any]]) -> None:
        if self.journal is None:
            return
        with self._own().open("a", encoding="utf-8") as file:
            file.write(json_lines(lines))

    def _own(self) -> Path:
        """Where this process writes."""
        return Path(self.journal or "") / f"recorded-{self.share[0]}.jsonl"

    def _answered(self, row: Row, asked: asking.Asked) -> Answered:
        found: dict[str, list[Scored]] = {}
        for place in asking.places(row):
            found.setdefault(place[1], []).append(self.scored[place])
        return Answered(
            **row.model_dump(exclude={"answer"}),
            answer=asking.cut_answer(self.tokenizer, row),
            completion=self.texts.get(row.id, ""),
            scored={name: tuple(texts) for name, texts in found.items()},
            asked=asked.text,
        )


def limited(rows: Sequence[R], limit: int | None) -> list[R]:
    """At most `limit` rows of each (scope, form), the first ones; all when it is None."""
    if limit is None:
        return list(rows)
    taken: dict[tuple[str, str], int] = {}
    out = []
    for row in rows:
        group = (row.scope, row.form)
        taken[group] = taken.get(group, 0) + 1
        if taken[group] <= limit:
            out.append(row)
    return out


def write_items(answered: Sequence[Answered], scored: list[dict[str, Any]], file: Path) -> None:
    """One line for each row and metric, all that was asked, said and found: for a table tool."""
    import pyarrow
    import pyarrow.parquet

    rows = {row.id: row for row in answered}
    lines = [
        {
            "id": line["id"],
            "scope": rows[line["id"]].scope,
            "form": rows[line["id"]].form,
            "subject": rows[line["id"]].subject,
            "prompt": _asked(rows[line["id"]]),
            "completion": rows[line["id"]].completion,
            "answer": rows[line["id"]].answer,
            **{key: line[key] for key in ("metric", "value", "extracted", "why")},
        }
        for line in scored
    ]
    names = ("id scope form subject prompt completion answer metric value extracted why").split()
    schema = pyarrow.schema(
        [(name, pyarrow.float64() if name == "value" else pyarrow.string()) for name in names]
    )
    draft = file.with_name(file.name + ".tmp")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(lines, schema=schema), draft)
    draft.replace(file)


def _asked(row: Answered) -> str:
    prompt = row.prompt if isinstance(row.prompt, str) else json.dumps(row.prompt)
    return row.asked or prompt


def json_lines(records: Iterable[dict[str, Any]]) -> str:
    """Records as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
