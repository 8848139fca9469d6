"""Finished evaluations rated by a judge: for the first time, or what it failed to rate before.

Nothing is generated again, and no reply is paid for twice: they are in eval/judge.jsonl.
"""

from pathlib import Path
from typing import Any

from lethe import runs
from lethe.config import Judge
from lethe.data import Answered
from lethe.evaluate import judge_cache, judged, totals, write_items
from lethe.metrics._ratings import METRICS
from lethe.metrics._summary import Wanted, scores
from lethe.plug import LetheError

Records = list[dict[str, Any]]


def rejudge(folder: Path, judge: Judge) -> Records:
    """Have the evaluations of a run rated; the run's recipe stays as it is.

    Args:
        folder: A run folder, or one of its eval/<model> folders.
        judge: Who rates.

    Returns:
        The records of what a judge says, of every model that was rated. They stand in
        eval/summary.json too; writing the report again is the caller's.

    Raises:
        LetheError: There is no finished evaluation, or another process is at work there.
    """
    one = (folder / "answers.jsonl").is_file()
    run = runs.Run(folder.parent.parent if one else folder)
    if not run.recipe.is_file():
        raise LetheError(f"{folder}: not a run folder, nor an eval/<model> folder of one")
    done = sorted(file.parent for file in run.folder.glob("eval/*/done.json"))
    chosen = [place for place in done if not one or place.samefile(folder)]
    if not chosen:
        raise LetheError(f"{folder}: no finished evaluation: no eval/<model>/done.json")
    with runs.locked(run.folder):
        records = [record for place in chosen for record in go_on(place, judge)]
        if run.summary.is_file():
            known = runs.read_summary(run)
            runs.write(run.summary, runs.json_text(_merged(known, _judges(records))))
    return _judges(records)


def go_on(folder: Path, judge: Judge, metrics: Wanted = METRICS) -> Records:
    """Rate what is not rated yet of one finished evaluation.

    Args:
        folder: An eval/<model> folder, held by the caller.
        judge: Who rates.
        metrics: Which of a judge's metrics, on which groups.

    Returns:
        All records of the evaluation.
    """
    facts = runs.facts(folder)
    before = [Answered.model_validate(line) for line in runs.read_lines(folder / "answers.jsonl")]
    after = judged(before, judge, judge_cache(folder), folder.name)
    if after == before:
        return facts["records"]
    old = [line for line in runs.read_lines(folder / "scores.jsonl") if not _is_judges(line)]
    lines = _by_row(after, old + scores(after, metrics))
    runs.write(folder / "scores.jsonl", runs.lines(lines))
    write_items(after, lines, folder / "items.parquet")
    records = _merged(facts["records"], totals(after, folder, folder.name, metrics))
    runs.write(folder / "done.json", runs.json_text(facts | {"records": records}))
    # Last: a kill before this leaves them unrated, and the next call does it all again, for free.
    said = [row.model_dump(exclude={"scored"}) for row in after]
    runs.write(folder / "answers.jsonl", runs.lines(said))
    return runs.facts(folder)["records"]


def _is_judges(record: dict[str, Any]) -> bool:
    return record["metric"] in METRICS


def _judges(records: Records) -> Records:
    return [record for record in records if _is_judges(record)]


def _by_row(rows: list[Answered], lines: Records) -> Records:
    found: dict[str, Records] = {row.id: [] for row in rows}
    for line in lines:
        found[line["id"]].append(line)
    return [line for row in rows for line in found[row.id]]


def _merged(old: Records, new: Records) -> Records:
    """The old records with new ones of a judge in their place, each behind its model's others."""
    rated = {record["model"] for record in new}
    kept = [r for r in old if r["model"] not in rated or not _is_judges(r)]
    models = dict.fromkeys(record["model"] for record in kept + new)
    return [r for model in models for r in kept + new if r["model"] == model]
