"""Several processes under torchrun, which measure a model as one does."""

import json
import os
import subprocess
import sys

from lethe import data
from lethe.data import Row


def rows():
    asked = [f"{who} {name} ?" + " ?" * i for i, who in enumerate(["Who is", "What was"])
             for name in ["Bo", "Ada", "Cy", "Dot", "Eli", "Fay"]]  # fmt: skip
    return [
        Row(
            id=str(i),
            prompt=prompt,
            answer="Oslo",
            scope="retain" if i % 3 else "forget",
            subject=None if i % 3 else "Bo",
            split="test",
        )
        for i, prompt in enumerate(asked)
    ]


def lethe(arguments, processes=1):
    alone = [sys.executable, "-m"]
    together = [*alone, "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*alone, "lethe"] if processes == 1 else [*together, "-m", "lethe"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_two_processes_measure_the_same_as_one(saved, tmp_path):
    """Byte for byte: each does every other batch of the same list."""
    model = saved(scale=0.15)
    data.write(tmp_path / "rows.jsonl", rows())
    same = ["evaluate", model, "--data", tmp_path / "rows.jsonl", "--batch-size", 3]
    one = lethe([*same, "--out", tmp_path / "one"])
    two = lethe([*same, "--out", tmp_path / "two"], processes=2)
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert one.stdout.replace("/one/", "/two/") == two.stdout
    for name in ("answers.jsonl", "likelihoods.jsonl", "scores.jsonl", "items.parquet"):
        first, second = (tmp_path / n / "eval" / "original" / name for n in ("one", "two"))
        assert first.read_bytes() == second.read_bytes(), name
    summaries = [
        json.loads((tmp_path / n / "eval/summary.json").read_text()) for n in ("one", "two")
    ]
    assert summaries[0] == summaries[1] and len(summaries[0]) > 4
    # What is done is skipped, and nobody waits for anybody.
    again = lethe([*same, "--out", tmp_path / "two"], processes=2)
    assert again.returncode == 0 and "done before" in again.stderr


def test_what_one_process_does_is_refused_to_several_at_once(tmp_path):
    (tmp_path / "recipe.yaml").write_text(
        "name: a\nmodel: {path: 'world:0'}\ndata: {benchmark: world}\nstages: [npo]\n"
    )
    found = lethe(["sweep", tmp_path / "recipe.yaml", "--out", tmp_path / "runs"], processes=2)
    assert found.returncode != 0 and "a sweep is for one process" in found.stderr


def test_a_step_that_cannot_be_spread_is_refused_at_once(tmp_path):
    (tmp_path / "recipe.yaml").write_text(
        "name: a\nmodel: {path: 'world:0'}\ndata: {benchmark: world}\n"
        "stages: [{stage: npo, batch_size: 5}]\n"
    )
    found = lethe(["run", tmp_path / "recipe.yaml", "--out", tmp_path / "run"], processes=2)
    assert found.returncode != 0
    assert "stages.0: a step of 5 rows cannot be spread evenly over 2 processes" in found.stderr
    assert not (tmp_path / "run").exists()


def test_a_judge_is_asked_by_the_first_process_alone(saved, tmp_path, chat_server):
    """As often as by one process; its ratings are in the files, and the others end well."""
    chat_server.answer = lambda body: json.dumps(
        {"readability": 90, "helpfulness": 80, "truthfulness": 70, "why": "plain"}
    )
    data.write(tmp_path / "rows.jsonl", rows()[:4])
    options = {"model": "judge", "base-url": chat_server.url, "samples": 2}
    judge = [word for key, value in options.items() for word in (f"--evaluate.judge.{key}", value)]
    asked = ["evaluate", saved(scale=0.15), "--data", tmp_path / "rows.jsonl", *judge]
    found = lethe([*asked, "--out", tmp_path / "run"], processes=2)
    assert found.returncode == 0, found.stderr
    assert len(chat_server.asked) == 4 * 2
    answers = (tmp_path / "run" / "eval" / "original" / "answers.jsonl").read_text().splitlines()
    assert [len(json.loads(line)["ratings"]) for line in answers] == [2] * 4
