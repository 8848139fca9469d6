"""General utility, by lm-evaluation-harness: MMLU, ARC, HellaSwag, or task files of your own.

One task file of that package, and one line of the data that it names:

    task: capitals
    dataset_path: json
    dataset_kwargs: {data_files: {test: capitals.jsonl}}
    test_split: test
    output_type: multiple_choice
    doc_to_text: "{{question}} is"
    doc_to_choice: "{{choices}}"
    doc_to_target: answer
    metric_list: [{metric: acc}]

    {"question": "The capital of Peru", "choices": ["Rome", "Lima"], "answer": 1}

It only measures: there are no rows to train on. Prompts, likelihoods, decoding and scoring are the
harness's own (`lm_eval.simple_evaluate` on its `HFLM`), so a number means what it means elsewhere.
A task is looked for in the folders of `include`, then in the harness's folder of its name; the
harness's index of everything it ships is never built. `evaluate.limit` and `evaluate.batch_size`
hold; longest answers are the task's own.

Needs the `eval` extra. *Checked against* `lethe.likelihood` on local tasks, with lm-eval 0.4.13;
*not yet* against a published number (no data set can be downloaded here).
"""

import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from lethe import model as models
from lethe import runs
from lethe.benchmarks import _samples, _tasks
from lethe.config import Benchmark, Evaluate
from lethe.data import Scope
from lethe.model import Checkpoint
from lethe.plug import LetheError

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]

ABSENT = "lm-evaluation-harness is not installed: pip install 'lethe-unlearn[eval]'"
_ON_CPU = 16


class Config(Benchmark):
    """Which tasks, and where their files are. Relative paths start at the working directory."""

    benchmark: Literal["harness"] = "harness"
    """This benchmark."""
    tasks: list[Annotated[str, Field(pattern=r"^\w[\w.-]*$")]] = Field(min_length=1)
    """Names of lm-evaluation-harness's tasks, groups or tags, such as mmlu, arc_easy, hellaswag."""
    include: list[Path] = []
    """Folders with task files (*.yaml) of your own; they come before the harness's."""
    scope: Scope = "utility"
    """What the tasks ask for: something to forget, its boundary, or what must be kept."""
    num_fewshot: int | None = Field(default=None, ge=0)
    """Examples before each question. Null: the task's own number; a task that fixes 0 keeps it."""
    apply_chat_template: bool = False
    """Put each prompt in the tokenizer's chat template. False is how most are published."""


def sources(config: Config) -> dict[str, str]:
    """What the numbers depend on; resolves every name, loads nothing.

    Raises:
        LetheError: No such folder, a broken task file, or a task that is nowhere.
    """
    return _tasks.sources(_tasks.folders(config.tasks, config.include))


def measure(
    config: Config, checkpoint: Checkpoint, settings: Evaluate, out: Path, name: str
) -> list[dict[str, Any]]:
    """Measure a model, task after task; a finished task is not asked again.

    Args:
        config: Which tasks.
        checkpoint: Which weights.
        settings: Batch size and questions for each task.
        out: Folder for samples.jsonl, scores.jsonl and items.parquet.
        name: The model's name in the records.

    Returns:
        Summary records. A task that could not be measured has one, with the reason; its finished
        neighbours are kept in `out/tasks` then, and taken from there next time.

    Raises:
        LetheError: The model cannot be loaded, or has no chat template where one is asked for.
    """
    places = _tasks.folders(config.tasks, config.include)
    done = out / "tasks"
    done.mkdir(parents=True, exist_ok=True)
    asked = [task for task in config.tasks if not (done / f"{task}.json").is_file()]
    reasons = dict.fromkeys(asked, ABSENT) if _tasks.version() is None else {}
    if asked and not reasons:
        reasons = _ask(config, asked, places, checkpoint, settings, done, name)
    records, lines = [], []
    for task in config.tasks:
        if task in reasons:
            records.append(_unscored(config, task, places, name, reasons[task]))
            continue
        found = json.loads((done / f"{task}.json").read_text(encoding="utf-8"))
        records += found["records"]
        lines += found["lines"]
    _samples.write(lines, out)
    if not any(record["unscored"] for record in records):
        shutil.rmtree(done)
    return records


def _ask(
    config: Config,
    tasks: list[str],
    places: list[Path],
    checkpoint: Checkpoint,
    settings: Evaluate,
    done: Path,
    name: str,
) -> dict[str, str]:
    """Measure tasks, each into a file of its own; the reasons of those that cannot be."""
    # Its warnings are about how it is called; what a task lacks comes as an exception.
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.tasks import TaskManager  # pyright: ignore[reportMissingImports]

    manager = TaskManager(include_path=[str(place) for place in places], include_defaults=False)
    judge, reasons = None, {}
    for task in tasks:
        loaded = _loaded(manager, task)
        if isinstance(loaded, str):
            reasons[task] = loaded
            continue
        judge = judge or _judge(config, checkpoint, settings)
        result = _evaluated(judge, loaded, manager, config, settings.limit)
        found = _samples.records(result, task, name, config.scope)
        kept = {
            "records": [_noted(record, config, result) for record in found],
            "lines": _samples.lines(result, config.scope),
        }
        runs.write(done / f"{task}.json", json.dumps(kept, ensure_ascii=False))
    return reasons


def _loaded(manager: Any, task: str) -> list[Any] | str:
    """A task's objects with their data, or why there are none."""
    from datasets.exceptions import DatasetsError

    try:
        found = manager.load([task])
    # Gated, unreachable or absent data, and a package that a task needs: all are no model's fault.
    except (OSError, ValueError, ImportError, DatasetsError) as error:
        return f"{task}: {type(error).__name__}: {error}".split("\n")[0]
    tasks = list(found["tasks"].values())
    if any(getattr(one, "UNSAFE_CODE", False) for one in tasks):
        return f"{task}: runs code that the model writes, which is not done here"
    return [found["groups"][task]] if task in found.get("groups", {}) else tasks


def _judge(config: Config, checkpoint: Checkpoint, settings: Evaluate) -> "HFLM":
    """The harness's own wrapper around our loaded model."""
    tokenizer = models.tokenizer(checkpoint.path, checkpoint.spec)
    if config.apply_chat_template and not tokenizer.chat_template:
        raise LetheError(f"{checkpoint.path}: apply_chat_template: the tokenizer has no template")
    net: Any = models.load(checkpoint.path, checkpoint.spec)
    from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]

    size = settings.batch_size
    most = _ON_CPU if size == "auto" else size
    # On CUDA the harness finds by itself how many of its longest prompts fit.
    cuda = net.device.type == "cuda"
    return HFLM(
        pretrained=net,
        tokenizer=tokenizer,
        backend="causal",
        batch_size="auto" if cuda else most,
        max_batch_size=256 if size == "auto" else size,
    )


def _evaluated(
    judge: Any, tasks: list[Any], manager: Any, config: Config, limit: int | None
) -> dict[str, Any]:
    import lm_eval  # pyright: ignore[reportMissingImports]

    return lm_eval.simple_evaluate(
        model=judge,
        tasks=tasks,
        task_manager=manager,
        num_fewshot=config.num_fewshot,
        apply_chat_template=config.apply_chat_template,
        limit=limit,
        bootstrap_iters=1000,
    )


def _noted(record: dict[str, Any], config: Config, result: dict[str, Any]) -> dict[str, Any]:
    """The record, with a note where the task did not take the number of examples asked for."""
    shots = result["n-shot"].get(record["group"].partition("/")[2])
    if config.num_fewshot is None or shots is None or shots == config.num_fewshot:
        return record
    return record | {"note": f"the task fixes {shots} examples"}


def _unscored(
    config: Config, task: str, places: list[Path], model: str, reason: str
) -> dict[str, Any]:
    return {
        "model": model,
        "metric": _tasks.metric(task, places),
        "group": f"{config.scope}/{task}",
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "unscored": reason,
    }
