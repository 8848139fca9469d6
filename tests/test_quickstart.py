"""The quickstart as a newcomer runs it: shipped model, RULE, table, page, memory."""

import json
import os
import subprocess
import sys

import pytest

from lethe import world

pytestmark = pytest.mark.slow

FINAL = "1-rebo"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The finished process and its run folder; nothing of the world may be trained for it."""
    folder = tmp_path_factory.mktemp("newcomer")
    empty = folder / "cache"
    # Another test of this process may have switched progress bars off.
    environment = {key: text for key, text in os.environ.items() if key != "TQDM_DISABLE"}
    done = subprocess.run(
        [sys.executable, "-m", "lethe", "quickstart", "--out", folder / "run"],
        env=environment | {"LETHE_CACHE": str(empty), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not empty.exists()
    return done, folder / "run"


def value(folder, model, metric, group):
    records = json.loads((folder / "eval" / "summary.json").read_text())
    found = [r for r in records if (r["model"], r["metric"], r["group"]) == (model, metric, group)]
    return found[0]["value"]


def test_the_shipped_model_is_of_this_code_and_knows_its_world():
    about = json.loads((world.SHIPPED / "world.json").read_text())
    assert about["code"] == world.code_hash(), "lethe world train --out lethe/world/checkpoint"
    assert min(about["accuracy"].values()) >= world.KNOWN_ENOUGH


def test_it_says_what_it_does_and_why_and_ends_in_a_table(ran):
    done, folder = ran
    for line in ("stage 0-rejection_steering: teach the model to refuse", "stage 1-rebo: learn by"):
        assert line in done.stderr
    assert "step/s" in done.stderr and "row/s" in done.stderr
    for words in ("Original", "Rejection", "ReBO", "Refusal rate", f"report: {folder}"):
        assert words in done.stdout
    assert "Refusing is not erasing" in done.stdout


def test_the_target_is_refused_and_its_neighbours_answered(ran):
    _, folder = ran
    assert value(folder, "original", "refusal_rate", "forget/question") == 0.0
    assert value(folder, FINAL, "refusal_rate", "forget/question") >= 0.95
    assert value(folder, FINAL, "leak_rate", "forget/question") <= 0.05
    for scope, loss in (("boundary", 0.05), ("retain", 0.03), ("utility", 0.02)):
        before, after = (
            value(folder, model, "accuracy", f"{scope}/question") for model in ("original", FINAL)
        )
        assert after >= before - loss, scope


def test_it_fits_a_small_machine(ran):
    log = [json.loads(line) for line in (ran[1] / "log.jsonl").read_text().splitlines()]
    assert 100 < max(line["peak_mb"] for line in log) < 1500


def test_the_page_is_there_and_whole(ran):
    html = (ran[1] / "report.html").read_text()
    assert html.rstrip().endswith("</html>") and "Kept " in html
