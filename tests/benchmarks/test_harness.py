"""lm-evaluation-harness on local task files, against our own likelihoods, and what it lacks."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lethe import config, likelihood, model, pipeline, planning, table
from lethe.benchmarks import _samples, _tasks, harness
from lethe.config import Evaluate, Model
from lethe.model import Checkpoint
from lethe.plug import LetheError

needed = pytest.mark.skipif(
    _tasks.version() is None, reason="lm-evaluation-harness is not installed (the eval extra)"
)


@pytest.fixture(autouse=True)
def no_survey(monkeypatch):
    """The harness asks pip for its packages at every call, which takes longer than these tests."""
    if _tasks.version():
        monkeypatch.setattr("lm_eval.evaluator.add_env_info", lambda results: None)


TOWNS = ["Oslo", "Rome", "Lima", "Bern of Kiev"]
NAMES = ["Bo", "Ada", "Cy", "Dot", "Eli", "Fay", "Bo Ada", "Cy Dot Eli"]
TASK = """\
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question : Where does {{{{question}}}} live ? Answer :"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
  - {{metric: acc_norm, aggregation: mean, higher_is_better: true}}
"""
GENERATED = """\
task: said
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "Where does {{{{question}}}} live ?"
doc_to_target: "{{{{choices[answer]}}}}"
generation_kwargs: {{max_gen_toks: 4, until: ["?"], do_sample: false}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""
GROUP = """\
group: towns
task: [homes, others]
aggregate_metric_list: [{metric: acc, weight_by_size: true}]
"""


def questions() -> list[dict]:
    return [
        {"question": name, "choices": TOWNS, "answer": i % len(TOWNS)}
        for i, name in enumerate(NAMES)
    ]


@pytest.fixture
def include(tmp_path, monkeypatch):
    """A folder with two tasks of choices, one of texts, and a group of the first two."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, rows in (("homes", questions()), ("others", questions()[:3])):
        data = tmp_path / f"{name}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / f"{name}.yaml").write_text(TASK.format(name=name, data=data))
    (folder / "said.yaml").write_text(GENERATED.format(data=tmp_path / "others.jsonl"))
    (folder / "towns.yaml").write_text(GROUP)
    return folder


def measured(folder: Path, out: Path, settings: Evaluate | None = None, **options) -> list[dict]:
    path, spec = str(folder), Model(path=str(folder))
    start = Checkpoint(path, path, spec)
    return harness.measure(
        harness.Config(**options), start, settings or Evaluate(batch_size=4), out, "original"
    )


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def ours(folder: Path, contexts: list[str], texts: list[str]) -> list[float]:
    """The log-likelihood of each text behind its context, by `lethe.likelihood`."""
    spec = Model(path=str(folder))
    net, words = model.load(folder, spec), model.tokenizer(folder, spec)
    asked = [
        likelihood.request(words, words(context)["input_ids"], text, after_text=True, end=False)
        for context, text in zip(contexts, texts, strict=True)
    ]
    found = [0.0] * len(asked)
    for members, scored in likelihood.score(net, asked, pad=words.pad_token_id):
        for i, one in zip(members, scored, strict=True):
            found[i] = sum(one.logprobs)
    return found


# ------------------------------------------------------------------------------ against ourselves


@needed
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_choices_have_the_likelihoods_that_ours_gives(saved, include, tmp_path, kind):
    folder = saved(kind, chat=False)
    records = measured(folder, tmp_path / "out", tasks=["homes"], include=[include])
    found = lines(tmp_path / "out" / "samples.jsonl")
    assert [line["id"] for line in found] == [f"homes/{i}" for i in range(len(NAMES))]
    expected = ours(folder, [line["prompt"] for line in found for _ in TOWNS], TOWNS * len(found))
    theirs = [value for line in found for value in line["loglikelihoods"]]
    assert theirs == pytest.approx(expected, abs=1e-4)
    hits = 0
    for i, (row, line) in enumerate(zip(questions(), found, strict=True)):
        four = expected[i * len(TOWNS) : (i + 1) * len(TOWNS)]
        best = four.index(max(four))
        assert (line["extracted"], line["answer"]) == (TOWNS[best], TOWNS[row["answer"]])
        assert line["scores"]["acc"] == float(best == row["answer"])
        hits += best == row["answer"]
    accuracy = next(record for record in records if record["metric"] == "acc")
    assert accuracy["value"] == pytest.approx(hits / len(NAMES), abs=1e-9)
    assert (accuracy["n"], accuracy["group"], accuracy["unscored"]) == (8, "utility/homes", None)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"] or hits == 0
    assert not (tmp_path / "out" / "tasks").exists()


@needed
def test_few_examples_a_group_a_text_and_a_limit(saved, include, tmp_path):
    import pyarrow.parquet

    records = measured(
        saved(chat=False),
        tmp_path / "out",
        Evaluate(batch_size=4, limit=2),
        tasks=["towns", "said"],
        include=[include],
        num_fewshot=0,
        scope="retain",
    )
    keys = ("metric", "group", "n")
    assert [tuple(record[key] for key in keys) for record in records] == [
        ("acc", "retain/towns", 4),
        ("exact_match", "retain/said", 2),
    ]
    items = pyarrow.parquet.read_table(tmp_path / "out" / "items.parquet").to_pylist()
    assert {item["form"] for item in items} == {"homes", "others", "said"}
    group = [item["value"] for item in items if item["metric"] == "acc"]
    assert records[0]["value"] == pytest.approx(sum(group) / 4)
    said = [item for item in items if item["form"] == "said"]
    assert [item["answer"] for item in said] == ["Oslo", "Rome"]
    assert all(item["extracted"] == item["completion"] != "" for item in said)
    assert len(lines(tmp_path / "out" / "scores.jsonl")) == len(items)


@needed
def test_a_task_that_fixes_its_examples_says_so(saved, include, tmp_path):
    file = include / "others.yaml"
    file.write_text(file.read_text() + "num_fewshot: 0\n")
    options = {"tasks": ["others", "homes"], "include": [include], "num_fewshot": 1}
    records = measured(saved(chat=False), tmp_path / "out", **options)
    notes = {record["group"]: record.get("note") for record in records}
    assert notes == {"utility/others": "the task fixes 0 examples", "utility/homes": None}
    prompts = {line["form"]: line["prompt"] for line in lines(tmp_path / "out" / "samples.jsonl")}
    assert [prompts[task].count("Answer :") for task in ("others", "homes")] == [1, 2]


@needed
def test_the_chat_template_is_the_tokenizers(saved, include, tmp_path):
    options = {"tasks": ["others"], "include": [include], "apply_chat_template": True}
    measured(saved(chat=True), tmp_path / "out", **options)
    first = lines(tmp_path / "out" / "samples.jsonl")[0]
    assert first["prompt"].startswith("<s><user> Question : Where does Bo live")
    assert first["prompt"].endswith("<assistant>")
    with pytest.raises(LetheError, match="apply_chat_template: the tokenizer has no template"):
        measured(saved(chat=False), tmp_path / "other", **options)


# --------------------------------------------------------------------------------- whole runs


def recipe(folder: Path, **options):
    return config.from_dict(
        {
            "name": "utility",
            "model": {"path": str(folder)},
            "data": {"benchmark": "harness", **options},
            "stages": [],
            "evaluate": {"batch_size": 4},
        }
    )


def steps(folder: Path) -> list[str]:
    return [line["what"] for line in lines(folder / "log.jsonl")]


@needed
def test_a_run_is_not_repeated_until_a_task_file_or_its_data_changes(
    saved, include, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    asked = recipe(saved(chat=False), tasks=["others"], include=[str(include)])
    folder = pipeline.run(asked, progress=False)
    records = json.loads((folder / "eval" / "summary.json").read_text())
    assert [(r["metric"], r["group"], r["n"]) for r in records] == [
        ("acc", "utility/others", 3),
        ("acc_norm", "utility/others", 3),
    ]
    html = (folder / "report.html").read_text()
    assert "Choice accuracy" in html and "This run is not complete" not in html
    pipeline.run(asked, progress=False)
    assert steps(folder) == ["evaluate original"]
    task = include / "others.yaml"
    task.write_text(task.read_text().replace("Where does", "Where was"))
    pipeline.run(asked, progress=False)
    assert "Where was" in lines(folder / "eval" / "original" / "samples.jsonl")[0]["prompt"]
    data = tmp_path / "others.jsonl"
    data.write_text(data.read_text().replace("Ada", "Fay"))
    pipeline.run(asked, progress=False)
    assert len(steps(folder)) == 3


@needed
def test_a_task_whose_data_is_not_there_is_unscored_and_tried_again(
    saved, include, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "others.jsonl"
    text = data.read_text()
    data.unlink()
    asked = recipe(saved(chat=False), tasks=["homes", "others"], include=[str(include)])
    folder = pipeline.run(asked, progress=False)
    records = json.loads((folder / "eval" / "summary.json").read_text())
    assert [(r["group"], r["value"] is None) for r in records] == [
        ("utility/homes", False),
        ("utility/homes", False),
        ("utility/others", True),
    ]
    assert "FileNotFoundError" in records[2]["unscored"] and records[2]["metric"] == "acc"
    shown = [line for line, _ in table.lines(records, key_only=False, names={})]
    assert any("unscored: others: FileNotFoundError" in line for line in shown)
    kept = folder / "eval" / "original" / "tasks" / "homes.json"
    before = kept.stat().st_mtime_ns
    pipeline.run(asked, progress=False)
    assert len(steps(folder)) == 2 and kept.stat().st_mtime_ns == before, "asked again"
    data.write_text(text)
    pipeline.run(asked, progress=False)
    records = json.loads((folder / "eval" / "summary.json").read_text())
    assert [r["n"] for r in records] == [8, 8, 3, 3] and not kept.exists()


def test_without_the_harness_every_task_is_unscored(saved, include, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.chdir(tmp_path)
    asked = recipe(saved(chat=False), tasks=["homes", "mmlu"], include=[str(include)])
    folder = pipeline.run(asked, progress=False)
    records = json.loads((folder / "eval" / "summary.json").read_text())
    assert [(r["metric"], r["group"], r["n"]) for r in records] == [
        ("acc", "utility/homes", 0),
        ("score", "utility/mmlu", 0),
    ]
    assert {r["unscored"] for r in records} == {harness.ABSENT}
    assert "pip install" in (folder / "report.html").read_text()


# ------------------------------------------------------------------------------------- names


def test_only_the_folders_that_are_needed_are_read(include):
    start = time.perf_counter()
    places = _tasks.folders(["homes", "towns"], [include])
    assert places == [include]
    assert set(_tasks.names(places)) == {"homes", "others", "said", "towns"}
    assert time.perf_counter() - start < 0.5


@needed
def test_the_harness_knows_our_tasks_only(include):
    """Nothing of the 14,000 task files it ships is read, and nothing of it is imported to check."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom lethe.benchmarks import harness\n"
        f"asked = harness.Config(tasks=['homes', 'hellaswag'], include=[Path({str(include)!r})])\n"
        "found = harness.sources(asked)\n"
        "assert 'lm_eval' not in sys.modules\n"
        "print(sorted(name for name in found if name.startswith('hellaswag')))\n"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    ).stdout
    assert "'hellaswag/hellaswag.yaml'" in said and "'hellaswag/utils.py'" in said
    from lm_eval.tasks import TaskManager

    places = _tasks.folders(["homes", "arc_easy"], [include])
    start = time.perf_counter()
    manager = TaskManager(include_path=[str(p) for p in places], include_defaults=False)
    assert time.perf_counter() - start < 1
    assert {"homes", "arc_easy", "arc_challenge"} <= set(manager.all_tasks)
    assert len(manager.all_tasks) < 20


@needed
def test_the_folder_of_a_task_of_the_harness_is_found_by_its_name():
    found = [place.name for place in _tasks.folders(["mmlu_anatomy", "mmlu", "arc_easy"], [])]
    assert found == ["mmlu", "arc"]


@needed
def test_wrong_names_are_told_before_anything_is_loaded(saved, include, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = recipe(saved(chat=False), tasks=["home"], include=[str(include)])
    with pytest.raises(LetheError, match=r"unknown task 'home': did you mean homes\? choices: hom"):
        pipeline.run(asked, progress=False)
    assert not Path("runs").exists()


def test_wrong_settings_are_told(include, tmp_path):
    with pytest.raises(LetheError, match=r"include: .*nowhere: no such folder"):
        _tasks.folders(["homes"], [tmp_path / "nowhere"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LetheError, match="has no task file"):
        _tasks.folders(["homes"], [empty])
    with pytest.raises(LetheError, match="homes stands there twice"):
        _tasks.folders(["homes", "homes"], [include])
    (include / "bad.yaml").write_text("task: [")
    with pytest.raises(LetheError, match=r"bad\.yaml: not a task file"):
        _tasks.folders(["homes"], [include])
    with pytest.raises(LetheError, match=r"data\.task: unknown key; did you mean tasks\?"):
        recipe(tmp_path, task=["homes"])
    with pytest.raises(LetheError, match=r"data\.tasks: "):
        recipe(tmp_path, tasks=[])


def test_nothing_can_be_trained_on_it(saved, include):
    raw = config.plain(recipe(saved(chat=False), tasks=["homes"], include=[str(include)]))
    with pytest.raises(LetheError, match=r"^utility: stages: harness only measures"):
        planning.plan(config.from_dict({**raw, "stages": ["npo"]}))
    with pytest.raises(LetheError, match=r"^utility: attacks: harness only measures"):
        planning.plan(config.from_dict({**raw, "attacks": ["relearn"]}))
    raw["evaluate"]["metrics"] = ["accuracy"]
    with pytest.raises(LetheError, match=r"^utility: evaluate\.metrics: harness only measures"):
        planning.plan(config.from_dict(raw))


# ------------------------------------------------------------------------------------ records


def result(**table) -> dict:
    """What `simple_evaluate` gives for a task of two texts."""
    samples = [
        {
            "doc_id": i,
            "target": "Oslo",
            "arguments": [["Where?", {}]],
            "resps": [["in Oslo"]],
            "filtered_resps": ["Oslo"],
            "filter": "strict",
            "metrics": ["score"],
            "score": value,
        }
        for i, value in enumerate([0.25, 0.75])
    ]
    configs = {"texts": {"output_type": "generate_until"}}
    return {"results": {"texts": table}, "samples": {"texts": samples}, "configs": configs}


def test_a_mean_gets_our_interval_and_another_number_the_harness_own():
    mean = result(**{"score,strict": 0.5, "score_stderr,strict": 0.25, "alias": "texts"})
    [record] = _samples.records(mean, "texts", "m", "utility")
    assert (record["metric"], record["value"], record["n"]) == ("score,strict", 0.5, 2)
    assert (record["low"], record["high"]) == (0.25, 0.75), "the bootstrap of two values"
    corpus = result(**{"score,strict": 40.0, "score_stderr,strict": 2.0})
    [record] = _samples.records(corpus, "texts", "m", "utility")
    assert (record["low"], record["high"]) == pytest.approx((36.08, 43.92))
    [record] = _samples.records(result(**{"score,strict": "N/A"}), "texts", "m", "utility")
    assert record["value"] is None and record["unscored"] == "the harness gave 'N/A'"


def test_a_line_says_what_was_taken_out_of_an_answer():
    [line, _] = _samples.lines(result(), "utility")
    assert line["id"] == "texts/0,strict" and line["scores"] == {"score,strict": 0.25}
    assert (line["completion"], line["extracted"], line["answer"]) == ("in Oslo", "Oslo", "Oslo")
