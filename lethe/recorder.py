"""Asks a model row after row: completions, likelihoods, and what else a row's protocol wants.

Every batch is written down when it is done, so a recording that was stopped goes on behind it, with
the same batches; of several processes (`torchrun`) each does a share of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lethe import asking, generate, likelihood, process, runs
from lethe import model as models
from lethe.config import Evaluate
from lethe.data import Answered, Row
from lethe.gradient import gradient_norms
from lethe.model import Checkpoint
from lethe.plug import LetheError
from lethe.protocol import Scored

_Place = tuple[str, str, int]
_APART = 1_000_003
"""Between the seeds of two draws: further than any batch reaches."""


def record(
    model: Checkpoint,
    rows: Sequence[Row],
    settings: Evaluate,
    *,
    name: str,
    prefix: str,
    journal: Path | None = None,
    seed: int = 0,
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
        seed: Of the completions that are drawn.

    Returns:
        The rows, in their order.
    """
    return _Recorder(model, rows, settings, prefix, journal, seed).all(name)


class _Recorder:
    """One model, asked row after row."""

    def __init__(
        self,
        model: Checkpoint,
        rows: Sequence[Row],
        settings: Evaluate,
        prefix: str,
        journal: Path | None,
        seed: int,
    ) -> None:
        self.rows, self.settings, self.journal, self.seed = rows, settings, journal, seed
        self.policy = models.load(model.path, model.spec)
        self.tokenizer = models.tokenizer(model.path, model.spec)
        self.asked = [asking.asked(self.tokenizer, row) for row in rows]
        self.requests: dict[_Place, likelihood.Request] = {
            (row.id, name, k): request
            for row, before in zip(rows, self.asked, strict=True)
            for name, k, request in asking.requests(self.tokenizer, row, before, prefix)
        }
        self._check_lengths()
        self.texts: dict[str, str] = {}
        self.drawn: dict[tuple[str, int], str] = {}
        self.scored: dict[_Place, Scored] = {}
        self.pulls: dict[_Place, float | None] = {}
        self.share = process.share() if journal else (0, 1)

    def all(self, name: str) -> list[Answered]:
        from tqdm import tqdm

        if self.journal:
            self.journal.mkdir(parents=True, exist_ok=True)
            runs.trim(self._own())
        self._read()
        groups, pulled = self._groups(), self._pulled()
        samples = self.settings.samples * len(self._sampled(groups))
        total = sum(map(len, groups.values())) + samples + len(self.requests) + len(pulled)
        known = sum(map(len, (self.texts, self.drawn, self.scored, self.pulls)))
        silent: dict[str, Any] = {"disable": True} if self.share[0] else {}
        with tqdm(total=total, initial=known, desc=f"evaluate {name}", unit="row", **silent) as bar:
            for (limit, stop), members in groups.items():
                self._complete(members, limit, stop, bar)
                for k in range(self.settings.samples):
                    self._draw(self._sampled({(limit, stop): members}), limit, stop, k, bar)
            self._score(bar)
            self._pull(pulled, bar)
        if self.share[1] > 1:
            process.barrier()  # all is written down
            self._read()
            process.barrier()  # and read: the files may go
        return [
            self._answered(row, asked) for row, asked in zip(self.rows, self.asked, strict=True)
        ]

    def _check_lengths(self) -> None:
        """Refuse what a model with learnt positions has no place for.

        Raises:
            LetheError: A row, with its tokens and the model's places.
        """
        places = models.positions(self.policy)
        if places is None:
            return
        lengths = {row.id: len(asked.ids) for row, asked in zip(self.rows, self.asked, strict=True)}
        for (limit, _), members in self._groups().items():
            for i in members:
                lengths[self.rows[i].id] += limit
        for (row, _, _), request in self.requests.items():
            lengths[row] = max(lengths[row], len(request.context) + len(request.target))
        for row, length in lengths.items():
            if length > places:
                raise LetheError(
                    f"row {row}: {length} tokens with its answer, but the model has {places} "
                    "positions: leave the row out, or lower evaluate.max_new_tokens"
                )

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

    def _sampled(self, groups: dict[tuple[int, tuple[str, ...]], list[int]]) -> list[int]:
        """Places of the rows that are drawn from: what must not come out even by chance."""
        return [i for members in groups.values() for i in members if self.rows[i].scope == "forget"]

    def _pulled(self) -> list[_Place]:
        """The texts whose gradients are wanted: the answer, or a text by itself."""
        wanted = {row.id for row in self.rows if row.protocol and row.protocol.gradient}
        return [p for p in self.requests if p[0] in wanted and p[1] in ("answer", "text")]

    def _complete(self, members: list[int], limit: int, stop: tuple[str, ...], bar: Any) -> None:
        skip = {k for k, i in enumerate(members) if self.rows[i].id in self.texts}
        for ids, found in self._completions(members, limit, stop, skip):
            self._write({"id": row, "text": text} for row, text in zip(ids, found, strict=True))
            self.texts |= dict(zip(ids, found, strict=True))
            bar.update(len(ids))

    def _draw(
        self, members: list[int], limit: int, stop: tuple[str, ...], k: int, bar: Any
    ) -> None:
        """The k-th completion at temperature 1."""
        skip = {n for n, i in enumerate(members) if (self.rows[i].id, k) in self.drawn}
        first = members[0] if members else 0  # rows of another group have another luck
        luck = (self.seed * self.settings.samples + k + 1) * _APART + first
        chance = {"temperature": 1.0, "seed": luck % 2**63}
        for ids, found in self._completions(members, limit, stop, skip, **chance):
            here = {(row, k): text for row, text in zip(ids, found, strict=True)}
            self._write({"drawn": place, "text": text} for place, text in here.items())
            self.drawn |= here
            bar.update(len(ids))

    def _completions(
        self,
        members: list[int],
        limit: int,
        stop: tuple[str, ...],
        skip: set[int],
        **chance: Any,
    ) -> Iterator[tuple[list[str], list[str]]]:
        """Row ids and texts, batch after batch."""
        for batch, found in generate.completions(
            self.policy,
            self.tokenizer,
            [self.asked[i].ids for i in members],
            max_new_tokens=limit,
            stop=stop,
            batch_size=self.settings.batch_size,
            share=self.share,
            skip=skip,
            **chance,
        ):
            yield [self.rows[members[k]].id for k in batch], found

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

    def _pull(self, pulled: list[_Place], bar: Any) -> None:
        """The gradient norms, a text at a time."""
        pad = int(self.tokenizer.pad_token_id)  # pyright: ignore[reportArgumentType]
        for place in pulled[self.share[0] :: self.share[1]]:
            if place not in self.pulls:
                [norm] = gradient_norms(self.policy, [self.requests[place]], pad)
                self._write([{"place": place, "pull": norm}])
                self.pulls[place] = norm
                bar.update()

    def _read(self) -> None:
        """Take what earlier calls and other processes wrote down."""
        for file in sorted(self.journal.glob("recorded-*.jsonl")) if self.journal else ():
            for line in runs.read_lines(file):
                if "drawn" in line:
                    self.drawn[line["drawn"][0], line["drawn"][1]] = line["text"]
                elif "text" in line:
                    self.texts[line["id"]] = line["text"]
                else:
                    row, name, k = line["place"]
                    if "pull" in line:
                        self.pulls[row, name, k] = line["pull"]
                    else:
                        self.scored[row, name, k] = Scored.model_validate(line["scored"])

    def _write(self, lines: Iterable[dict[str, Any]]) -> None:
        if self.journal is None:
            return
        with self._own().open("a", encoding="utf-8") as file:
            file.write(runs.lines(lines))

    def _own(self) -> Path:
        """Where this process writes."""
        return Path(self.journal or "") / f"recorded-{self.share[0]}.jsonl"

    def _answered(self, row: Row, asked: asking.Asked) -> Answered:
        found: dict[str, list[Scored]] = {}
        for place in asking.places(row):
            one = self.scored[place]
            if place in self.pulls:
                one = one.model_copy(update={"gradient": self.pulls[place]})
            found.setdefault(place[1], []).append(one)
        return Answered(
            **row.model_dump(exclude={"answer"}),
            answer=asking.cut_answer(self.tokenizer, row),
            completion=self.texts.get(row.id, ""),
            samples=tuple(
                self.drawn[row.id, k]
                for k in range(self.settings.samples)
                if (row.id, k) in self.drawn
            ),
            scored={name: tuple(texts) for name, texts in found.items()},
            asked=asked.text,
        )
