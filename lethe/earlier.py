"""A run that comes after another: where it starts, and what must stay forgotten.

It starts from the other run's last model. That run's forget rows, which hold those of the runs
before it, join the new ones: of train and of validation rows at most as many as there are new ones,
alike of every subject; test rows in groups of their own, `forget/earlier:<form>`. New rows that
ask to go on answering about an earlier target are dropped, and so are new validation and test rows
that an earlier run was trained on. No weight is loaded here.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lethe import config, data, runs, world
from lethe.config import Recipe
from lethe.data import Row
from lethe.locate import TOKENIZERS, is_adapter, locate
from lethe.plug import LetheError
from lethe.runs import Run
from lethe.synthesis import filters

FORM = "earlier:"
"""What the form of a test row about an earlier target begins with."""
FILE = "earlier.json"
"""In `data/`: what the report must know of the runs before."""


@dataclass(frozen=True)
class Earlier:
    """What a run takes over from the one that it comes after."""

    run: str
    """The name of that run."""
    model: str
    """Where its last model is."""
    rows: list[Row]
    """Its forget rows, as they join the new ones."""
    entities: list[str]
    """Whom it and the runs before it were trained to go on answering about."""
    trained: frozenset[str]
    """Digests of the prompts that they were trained on."""

    @property
    def subjects(self) -> list[str]:
        """What must stay forgotten."""
        return list(dict.fromkeys(str(row.subject) for row in self.rows))

    def told(self) -> dict[str, Any]:
        """As it stands in `data/earlier.json`."""
        return {
            "after": self.run,
            "subjects": self.subjects,
            "entities": self.entities,
            "trained": sorted(self.trained),
        }


def read(recipe: Recipe) -> Earlier | None:
    """What a recipe's `after` gives; None where it has none.

    Raises:
        LetheError: The run is not there, not finished or this very one; its model or tokenizer is
            another, or is an adapter that this recipe cannot go on with.
    """
    if recipe.after is None:
        return None
    run, where = Run(recipe.after.expanduser()), f"{recipe.name}: after: {recipe.after}"
    theirs, model = _finished(run, where)
    if run.folder.resolve() == (recipe.out or Path("runs") / recipe.name).resolve():
        raise LetheError(f"{where}: is this run's own folder; choose another name: or --out")
    _check_model(recipe, theirs, model, where)
    files = sorted(run.data.glob("*.jsonl"))
    found = [row for file in files for row in data.read(file)]
    forget = [_carried(row, theirs.name) for row in found if row.scope == "forget"]
    if not forget:
        raise LetheError(f"{where}: its data/ holds no forget rows, so nothing could stay so")
    before = _before(run.data / FILE)
    lessons = [row for row in found if row.split == "train"]
    entities = [row.entity for row in lessons if row.scope != "forget" and row.entity]
    return Earlier(
        run=theirs.name,
        model=str(model),
        rows=forget,
        entities=sorted({*before["entities"], *entities}),
        trained=frozenset({*before["trained"], *map(_digest, lessons)}),
    )


def joined(rows: Sequence[Row], earlier: Earlier) -> tuple[list[Row], dict[str, int]]:
    """The new rows with the earlier ones, and how many were dropped or kept.

    Where both ask the same, the new row stands; but nothing that must stay forgotten is asked for.
    """
    forgotten = {data.same(row) for row in earlier.rows}
    apart = filters.clean(rows, filters.Known(tuple(earlier.subjects)), [filters.touches_target])
    kept = [row for row in apart.kept if row.scope == "forget" or data.same(row) not in forgotten]
    fresh = [row for row in kept if not _was_trained_on(row, earlier)]
    asked = {data.same(row) for row in fresh}
    old = [row for row in earlier.rows if data.same(row) not in asked]
    again = {row.id for row in old if row.split == "test"}
    for split in ("train", "validation"):
        most = sum(row.scope == "forget" and row.split == split for row in fresh)
        again |= {row.id for row in alike([row for row in old if row.split == split], most)}
    old = [row for row in old if row.id in again]
    return [*fresh, *old], {
        "dropped_rows_about_earlier_targets": len(rows) - len(kept),
        "dropped_test_rows_trained_on_earlier": len(kept) - len(fresh),
        "kept_rows_of_earlier_targets": len(old),
    }


def alike(rows: Iterable[Row], most: int) -> list[Row]:
    """About so many rows at most, alike of every subject but at least one, evenly over their order.

    >>> rows = [Row(id=f"{s}{i}", prompt="?", scope="forget", subject=s) for s in "ab"
    ...         for i in range(4 if s == "a" else 1)]
    >>> [row.id for row in alike(rows, 3)]
    ['b0', 'a0', 'a2']
    """
    groups: dict[str | None, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.subject, []).append(row)
    out: list[Row] = []
    for i, group in enumerate(sorted(groups.values(), key=len)):
        share = (most - len(out)) // (len(groups) - i)
        count = min(len(group), max(1, share))
        out += [group[k * len(group) // count] for k in range(count)]
    return out


def _finished(run: Run, where: str) -> tuple[Recipe, Path]:
    """The run's recipe, and its last model."""
    if not run.recipe.is_file():
        raise LetheError(f"{where}: no run folder is there (no recipe.yaml); was it moved?")
    theirs = config.load(run.recipe)
    if not theirs.stages:
        raise LetheError(f"{where}: trained nothing; start from its model, without after")
    names = runs.models_of(run.folder)[1:]
    left = [name for name in names if not (run.stage(name) / "done.json").is_file()]
    if left or not run.summary.is_file():
        raise LetheError(f"{where}: is not finished; `lethe run {run.recipe}` goes on with it")
    return theirs, run.stage(names[-1]) / "model"


def _check_model(ours: Recipe, theirs: Recipe, model: Path, where: str) -> None:
    here, there = ours.model, theirs.model
    if here.revision != there.revision or not _same_model(here.path, there.path):
        told = [f"{m.path}{f'@{m.revision}' if m.revision else ''}" for m in (there, here)]
        raise LetheError(f"{where}: began from {told[0]}, but model.path here is {told[1]}")
    locate(here.model_copy(update={"path": str(model), "freeze": [], "lora": None}))
    texts = [m.chat_template and runs.sha256(m.chat_template) for m in (there, here)
             if m.chat_template is None or m.chat_template.is_file()]  # fmt: skip
    if len(set(texts)) > 1:
        raise LetheError(f"{where}: has another model.chat_template")
    base = world.place(here.path)
    if _vocabulary(base) not in (None, _vocabulary(model) or _vocabulary(base)):
        raise LetheError(f"{where}: its tokenizer is not the one of {here.path}")
    if not is_adapter(model):
        return
    if here.lora is None:
        raise LetheError(
            f"{where}: its model is an adapter, which goes on with model.lora alone: set that as "
            "it is there; or merge it (lethe export RUN --merge) and start from the merged folder "
            "as model.path, without after: its targets are then not kept forgotten"
        )
    different = runs.differences(config.plain(there)["lora"], config.plain(here)["lora"], "lora")
    if different:
        raise LetheError(
            f"{where}: its adapter goes on with its own shape: model.{', model.'.join(different)}"
        )


def _same_model(here: str, there: str) -> bool:
    """Whether two names mean one model: the same text, folder or files."""
    if here == there:
        return True
    folders = [Path(path).expanduser() for path in (here, there)]
    if not all(folder.is_dir() for folder in folders):
        return False
    return runs.fingerprint(folders[0]) == runs.fingerprint(folders[1])


def _vocabulary(folder: Path) -> dict[str, Any] | None:
    """A tokenizer's tokens by id; None where no tokenizer.json says so."""
    file = folder / TOKENIZERS[0]
    if not file.is_file():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    added = {token["content"]: token["id"] for token in told.get("added_tokens") or ()}
    words = (told.get("model") or {}).get("vocab")
    return added | words if isinstance(words, dict) else added | {"": words}


def _carried(row: Row, run: str) -> Row:
    """A row of an earlier run as it stands in this one."""
    form = row.form
    if row.split == "test" and not form.startswith(FORM):
        form = FORM + form.partition(":")[0]  # kinds of adversarial prompts together
    source = f"run {run}" + (f", {row.source}" if row.source else "")
    return row.model_copy(update={"id": f"{run}/{row.id}", "form": form, "source": source})


def _was_trained_on(row: Row, earlier: Earlier) -> bool:
    if row.split == "train" or (row.protocol is not None and row.protocol.trained_on):
        return False
    return _digest(row) in earlier.trained


def _digest(row: Row) -> str:
    return data.sha256(data.same(row))[:16]


def _before(file: Path) -> dict[str, list[str]]:
    if not file.is_file():
        return {"entities": [], "trained": []}
    return json.loads(file.read_text(encoding="utf-8"))
