"""The model card of an export: what was done, on which rows, how far it worked, and its limits.

It quotes no model output, for that may hold what must be forgotten. Text out of rows is escaped;
absolute paths and servers' addresses are left out.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lethe import runs, table, yaml12
from lethe.locate import base_of, is_adapter
from lethe.plug import label
from lethe.report import reading, words

Records = list[dict[str, Any]]

BESIDE = {
    "leak_rate": "the answer stands in what the model says, refused or not",
    "leak_at_k": "the answer is told in one of k draws",
    "answer_probability": "how likely the answer is behind a forced opening: what is hidden",
    "relearn": "other facts told again after a little fine-tuning on some",
}
"""What tells whether refusing hides or removes; of the forget rows."""
_PRIVATE = {"out", "base_url", "server_url", "api_key_env"}
NEVER = (
    "other languages than the rows' own",
    "people who try to get round a refusal, beyond the adversarial rows in the table, if any",
    "attacks by quantisation or by longer fine-tuning",
)
CITATION = """```bibtex
@inproceedings{zhang2025rule,
  title     = {{RULE}: Reinforcement {UnLEarning} Achieves Forget-Retain Pareto Optimality},
  author    = {Zhang, Chenlong and Jin, Zhuoran and Yuan, Hongbang and Wei, Jiaheng and Zhou, Tong
               and Liu, Kang and Zhao, Jun and Chen, Yubo},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2025},
  note      = {arXiv:2506.07171}
}
```"""


def card(folder: Path, stage: str, *, adapter: bool) -> str:
    """The card of a stage's model, as Markdown with the Hub's front matter.

    Args:
        folder: The run folder.
        stage: As in 1-rebo.
        adapter: Whether what is exported is an adapter alone.

    Raises:
        LetheError: The folder is no run folder, or one of its files is broken.
    """
    run = reading.read(folder)
    (base, hub), place = _base(run, stage), runs.Run(folder)
    recipe = _fenced(yaml12.dumps(public(run.recipe)), "yaml")
    records: Records = runs.read_summary(place) if place.summary.is_file() else []
    parts = [
        _front(run, base if hub else None, adapter),
        f"# {_escaped(run.name)}\n\n{_about(run, stage, base, adapter)}",
        f"## What was forgotten\n\n{_forgotten(place)}",
        f"## Results\n\n{_results(run, records, stage)}",
        f"## What stands beside refusing\n\n{_beside(records, stage)}",
        f"## Limits\n\n{_limits(records, stage)}",
        f"## Rows\n\n{_files(place)}",
        f"## Recipe\n\n{recipe}",
        f"## How to cite\n\nThe method is RULE, by its authors; Lethe is not theirs.\n\n{CITATION}",
    ]
    return "\n\n".join(parts) + "\n"


def public(value: Any) -> Any:
    """Settings as they may be shown: of absolute paths the last part, no servers' addresses.

    >>> public({"model": {"path": "/home/ada/secret/base"}, "out": "/x", "seed": 1})
    {'model': {'path': '.../base'}, 'seed': 1}
    """
    if isinstance(value, dict):
        return {k: public(inner) for k, inner in value.items() if k not in _PRIVATE}
    if isinstance(value, list):
        return [public(inner) for inner in value]
    if isinstance(value, str) and re.match(r"[/~]|\w:[\\/]", value):
        return ".../" + re.split(r"[\\/]", value.rstrip("/"))[-1]
    return value


def _base(run: reading.Run, stage: str) -> tuple[str, bool]:
    """What the recipe trained, a Hub id, world:SEED or a local folder's name; if it is a Hub's."""
    place = runs.Run(run.folder).stage(stage)
    made, path = place / "model", str(run.recipe["model"]["path"])
    hub = runs.facts(place).get("hub")
    if hub is None:  # a run of before it was told
        hub = not path.startswith("world:") and not _local(path)
    if is_adapter(path):
        path = base_of(Path(path).expanduser())
    elif is_adapter(made) and not path.startswith("world:"):
        path = base_of(made)
        hub = not Path(path).is_absolute()  # a local base stands there whole
    return path if hub or path.startswith("world:") else Path(path).name, hub


def _local(path: str) -> bool:
    return path[:1] in "./~" or "/" not in path or Path(path).is_dir()


def _front(run: reading.Run, base: str | None, adapter: bool) -> str:
    """The Hub's metadata, with the base if that is the Hub's; the licence is left to the base's."""
    stages = [label(name.partition("-")[2]) for name in run.models[1:]]
    about: dict[str, Any] = {
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": list(dict.fromkeys(["unlearning", "lethe", *stages, *["lora"] * adapter])),
    }
    if base:
        about["base_model"] = base
        about["base_model_relation"] = "adapter" if adapter else "finetune"
    return f"---\n{yaml12.dumps(about)}---"


def _about(run: reading.Run, stage: str, base: str, adapter: bool) -> str:
    done = " -> ".join(run.titles[: run.models.index(stage) + 1])
    aim = "refuse" if _refuses(run, stage) else "no longer tell"
    before = f" It goes on from what the run {_escaped(run.after)} left." if run.after else ""
    what = "an adapter over" if adapter else "made from"
    load = (
        "`peft.AutoPeftModelForCausalLM.from_pretrained(folder)`"
        if adapter
        else "`transformers.AutoModelForCausalLM.from_pretrained(folder)`"
    )
    return (
        f"This is {what} `{base}`, made to {aim} what it must forget and to go on answering "
        f"everything else ({_escaped(done)}).{before} Load it with {load}. Its licence is its "
        "base's."
    )


def _refuses(run: reading.Run, stage: str) -> bool:
    """Whether a stage so far teaches refusing; some methods only teach not to tell."""
    done = run.recipe["stages"][: run.models.index(stage)]
    return any(settings.get("forgotten", "refused") == "refused" for settings in done)


def _forgotten(place: runs.Run) -> str:
    rows = _rows(place.data / "forget.jsonl")
    names = list(dict.fromkeys(str(row["subject"]) for row in rows if row.get("subject")))
    if not names:
        return "The run's rows do not name it."
    shown = "\n".join(f"- {_escaped(name)}" for name in names[:50])
    return shown + (f"\n- and {len(names) - 50} more" if len(names) > 50 else "")


def _results(run: reading.Run, records: Records, stage: str) -> str:
    own = [record for record in records if record["model"] in (runs.ORIGINAL, stage)]
    if not any(record["model"] == stage for record in own):
        return "This model was not measured in its run."
    names = {runs.ORIGINAL: run.titles[0], stage: "this model"}
    lines = [line for line, _ in table.lines(own, key_only=False, names=names)]
    return (
        "On test rows, which no training row repeats. Each number with its 95 % interval and the "
        f"number of rows.\n\n{_fenced(chr(10).join(lines), 'text')}"
    )


def _beside(records: Records, stage: str) -> str:
    lines = []
    for metric, meaning in BESIDE.items():
        found = [f"{words.group(r['group'])}: {table.cell(r)}" for r in _of(records, stage, metric)]
        shown = "; ".join(found) or "**not measured**"
        lines.append(f"- {words.meaning(metric).label} ({meaning}): {shown}")
    reverse = [
        f"{words.meaning(r['metric']).label} {table.cell(r)}"
        for r in records
        if r["model"] == stage and r["group"] == "forget/reverse" and r["value"] is not None
    ]
    shown = "; ".join(reverse) or "**not measured**"
    lines.append(f"- Reverse questions (the answer is what must be forgotten): {shown}")
    return _escaped_html("\n".join(lines))


def _limits(records: Records, stage: str) -> str:
    missing = [
        words.meaning(metric).label for metric in BESIDE if not list(_of(records, stage, metric))
    ]
    unmade = "\n".join(f"- {text}" for text in (*missing, *NEVER))
    return (
        "**Refusing is not erasing**, nor is any other silence. What the model was trained not to "
        "tell may be in its weights still, and another question, prompt or a little fine-tuning "
        "may bring it out. If the knowledge must be gone, look at the numbers beside "
        "refusing before the refusal rate. Whether a text refuses is judged by rules, which err."
        "\n\nNot checked:\n\n" + unmade
    )


def _of(records: Records, stage: str, metric: str) -> Iterator[dict[str, Any]]:
    for record in records:
        forget = record["group"].partition("/")[0] == "forget"
        scored = forget and record["value"] is not None
        if scored and (record["model"], record["metric"]) == (stage, metric):
            yield record


def _files(place: runs.Run) -> str:
    splits = ("train", "validation", "test")
    lines = [f"| file | {' | '.join(splits)} | SHA-256 |", "|---|---:|---:|---:|---|"]
    for file in sorted(place.data.glob("*.jsonl")):
        rows = _rows(file)
        counts = [sum(row.get("split", "train") == split for row in rows) for split in splits]
        lines.append(f"| {file.name} | {' | '.join(map(str, counts))} | `{runs.sha256(file)}` |")
    return "\n".join(lines) if len(lines) > 2 else "The run kept no rows."


def _rows(file: Path) -> list[dict[str, Any]]:
    return runs.read_lines(file) if file.is_file() else []


def _fenced(text: str, language: str) -> str:
    safe = text.rstrip("\n").replace("```", "'''")
    return f"```{language}\n{safe}\n```"


def _escaped_html(text: str) -> str:
    return html.escape(text, quote=False)


def _escaped(text: str) -> str:
    r"""Text that Markdown and HTML show as it is, on one line.

    >>> _escaped("Ada <b> *Vance*\n# x")
    'Ada &lt;b&gt; \\*Vance\\* \\# x'
    """
    one = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]()#+|!~])", r"\\\1", html.escape(one, quote=False))
