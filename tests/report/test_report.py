import json
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lethe import report, runs, table
from lethe.metrics._interval import wilson
from lethe.plug import LetheError
from lethe.report import reading, verdict, words

RECIPE = """\
name: quickstart
seed: 7
model:
  path: world:0
data:
  benchmark: world
stages:
- stage: rejection_steering
  seed: null
  learning_rate: 1.0e-05
- stage: rebo
  seed: 3
"""
MODELS = ["original", "0-rejection_steering", "1-rebo"]
GROUPS = {
    "forget/question": (160, (0.0, 1.0, 0.98)),
    "forget/cloze": (40, (0.0, 0.9, 0.72)),
    "forget/reverse": (40, (0.02, 0.85, 0.6)),
    "forget/adversarial:prefix_injection": (40, (0.0, 0.8, 0.65)),
    "forget/adversarial:role_play": (40, (0.0, 0.95, 0.9)),
    "boundary/question": (240, (0.0, 0.42, 0.03)),
    "boundary/cloze": (60, (0.0, 0.35, 0.05)),
    "retain/question": (120, (0.0, 0.38, 0.01)),
    "utility/question": (60, (0.0, 0.05, 0.0)),
}
NEIGHBOURS = [
    "Tomas Voss",
    "Mara Lindqvist",
    "Ines Carrow",
    "Jon Abel",
    "Rosa Whitlock",
    "Ede Nagy",
]
WHY = {("refusal_rate", 1.0): "direct: “cannot say”", ("leak_rate", 1.0): "tells 'Halden'"}
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>\u202e\x1b[31m'


def write_run(folder: Path, *, recall: tuple[float, ...] = (0.995, 0.99, 0.985), said: str = ""):
    """A complete run folder as the pipeline leaves it, its numbers drawn with a fixed seed."""
    draw = random.Random(5)
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    write_lines(
        folder / "data" / "boundary.jsonl", [{"id": "t", "entity": "Ede Nagy", "split": "train"}]
    )
    for place, model in enumerate(MODELS):
        rows = [row for group in GROUPS for row in answered(draw, group, place, recall, said)]
        out = folder / "eval" / model
        write_lines(out / "answers.jsonl", [row for row, _ in rows])
        write_lines(out / "scores.jsonl", [score for _, scores in rows for score in scores])
    for stage in MODELS[1:]:
        out = folder / "stages" / stage
        write_lines(out / "metrics.jsonl", list(curve(draw, stage)))
        write_lines(out / "samples.jsonl", [sample(step, said) for step in range(0, 40, 10)])
        (out / "done.json").write_text('{"inputs": "0"}')
    write_lines(folder / "log.jsonl", [{"what": "1-rebo", "seconds": 41.27, "peak_mb": 912.4}])
    summarise(folder)
    return folder


def write_lines(path: Path, lines: list[dict]):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def answered(draw, group, place, recall, said):
    n, refusal = GROUPS[group]
    scope, form = group.split("/")
    for i in range(n):
        refuses = draw.random() < refusal[place]
        right = not refuses and draw.random() < recall[place]
        forget = scope == "forget"
        who = "Mara Voss" if forget else NEIGHBOURS[i % 5]
        text = f"Sorry, I cannot say anything about {who}." if refuses else "In Halden."
        row = {
            "id": f"{group}/{i}", "prompt": f"Where was {who} born? ({form} {i})", "scope": scope,
            "form": form, "answer": "Halden", "aliases": [], "refusal": None, "source": "",
            "subject": "Mara Voss" if forget else None, "entity": None if forget else who,
            "split": "test", "completion": said or text,
        }  # fmt: skip
        values = {"refusal_rate": float(refuses), "accuracy": float(right),
                  "answer_probability": draw.uniform(0.5, 0.9)}  # fmt: skip
        values["leak_rate"] = float(right) if forget else None
        yield row, [{"id": row["id"], "metric": m, "value": v, "why": WHY.get((m, v))}
                    for m, v in values.items()]  # fmt: skip


def curve(draw, stage):
    for step in range(0, 41, 2):
        for scope in ("forget", "boundary"):
            down = 0.95 - 0.02 * step if scope == "boundary" else 0.97
            line = {"step": step, "split": "train", "scope": scope, "loss": 3.0 / (1 + step)}
            if stage == "1-rebo":
                noisy = min(1, max(0, down + draw.gauss(0, 0.05)))
                line |= {
                    "refusal": noisy,
                    "reward": noisy - 0.1,
                    "zero_variance": draw.uniform(0.2, 0.6),
                }
            yield line
            if step % 10 == 0:
                yield {"step": step, "split": "validation", "scope": scope, "refusal": max(0, down),
                       "accuracy": 1 - max(0, down)}  # fmt: skip


def sample(step, said):
    return {"step": step, "scope": "forget", "prompt": "Who is Mara Voss?", "reward": 1.0,
            "completion": said or "I cannot say."}  # fmt: skip


def summarise(folder: Path):
    """The summary from the scores, as the evaluation computes it."""
    records = []
    for model in MODELS:
        found: dict[tuple[str, str], list[float]] = {}
        for line in (folder / "eval" / model / "scores.jsonl").read_text().splitlines():
            score = json.loads(line)
            group = score["id"].rpartition("/")[0]
            found.setdefault((score["metric"], group), []).append(score["value"])
        for (metric, group), values in found.items():
            if None in values:
                records.append(
                    {
                        "model": model,
                        "metric": metric,
                        "group": group,
                        "value": None,
                        "low": None,
                        "high": None,
                        "n": 0,
                        "unscored": "only forget rows leak",
                    }
                )
                continue
            mean = sum(values) / len(values)
            low, high = wilson(round(sum(values)), len(values))
            if metric == "answer_probability":
                low, high = mean - 0.01, mean + 0.01
            records.append({"model": model, "metric": metric, "group": group, "n": len(values),
                            "value": mean, "low": low, "high": high, "unscored": None})  # fmt: skip
    write_summary(folder, records)


def write_summary(folder: Path, records: list[dict]):
    (folder / "eval" / "summary.json").write_text(json.dumps(records))


def change(folder: Path, model: str, metric: str, group: str, **new):
    records = json.loads((folder / "eval" / "summary.json").read_text())
    for record in records:
        if (record["model"], record["metric"], record["group"]) == (model, metric, group):
            record.update(new)
    write_summary(folder, records)


def page(folder: Path) -> str:
    return report.write(folder).read_text()


class Elements(HTMLParser):
    """Start tags with their attributes, and whether every element is closed."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "quickstart")


@pytest.fixture(scope="module")
def html(run) -> str:
    return page(run)


def test_the_sentence_has_values_intervals_and_counts(run):
    found = verdict.judge(reading.read(run))
    assert re.fullmatch(
        r"Refuses [\d.]+\xa0% \[[\d.–]+\] of 160 unseen questions about Mara Voss; "
        r"correctly answers [\d.]+\xa0% \[[\d.–]+\] of 240 questions about neighbours that "
        r"unlearning never trained on "
        r"\(before: [\d.]+\xa0%\)\.",
        found.sentence,
    )


def test_each_threshold_is_met_at_its_edge_and_missed_beneath_it(tmp_path):
    folder = write_run(tmp_path / "run")
    for scope, before, after in (
        ("boundary", 0.99, 0.94),
        ("retain", 0.99, 0.96),
        ("utility", 0.99, 0.97),
    ):
        change(folder, "original", "accuracy", f"{scope}/question", value=before)
        change(folder, "1-rebo", "accuracy", f"{scope}/question", value=after)
    change(folder, "1-rebo", "refusal_rate", "forget/question", value=0.95)
    edge = verdict.judge(reading.read(folder))
    assert edge.state == "works"
    assert edge.lead == "All 4 thresholds are met, but some ways of asking still get it told."
    assert edge.warnings[0].startswith("It still tells what must be forgotten. Leak rate on ")
    for record in runs.read_summary(runs.Run(folder)):
        if record["metric"] == "leak_rate" and record["value"] is not None:
            change(folder, "1-rebo", "leak_rate", record["group"], value=0.05)
    tight = verdict.judge(reading.read(folder))
    assert (tight.lead, tight.warnings) == ("Works: all 4 thresholds are met.", ())
    assert [check.met for check in edge.checks] == [True] * 4

    change(folder, "1-rebo", "refusal_rate", "forget/question", value=0.94996)
    change(folder, "1-rebo", "accuracy", "retain/question", value=0.9599)
    missed = verdict.judge(reading.read(folder))
    assert missed.state == "falls short"
    assert missed.lead == "Falls short: 2 of 4 thresholds missed."
    assert [check.met for check in missed.checks] == [False, True, False, True]
    assert "94.996\xa0%" in missed.sentence
    assert missed.checks[2].change == "−3.01"


def test_a_check_without_numbers_is_no_success(tmp_path):
    folder = write_run(tmp_path / "run")
    change(folder, "1-rebo", "refusal_rate", "forget/question", value=1.0)
    for scope in ("boundary", "retain"):
        change(folder, "1-rebo", "accuracy", f"{scope}/question", value=1.0)
    change(folder, "1-rebo", "accuracy", "utility/question", value=None, unscored="no reference")
    found = verdict.judge(reading.read(folder))
    assert found.state == "incomplete"
    assert found.lead == "No verdict: 1 of 4 checks not measured."
    assert "unscored: no reference" in page(folder)


def test_a_group_without_rows_is_told_and_is_no_one_s_stand_in(tmp_path):
    """Questions that a benchmark names and its files lack: the verdict is on what was asked."""
    folder = write_run(tmp_path / "run")
    records = json.loads((folder / "eval" / "summary.json").read_text())
    empty = {"value": None, "low": None, "high": None, "n": 0, "unscored": "no rows of this group"}
    for record in records:
        if record["group"] == "forget/question":
            record |= empty
    fluency = {"metric": "ngram_entropy", "group": "utility/fluency", **empty}
    records += [{"model": model, **fluency} for model in MODELS]
    write_summary(folder, records)
    found = reading.read(folder)
    assert verdict.primary(found, "forget") == "forget/cloze"
    assert "no rows of this group" in page(folder)
    lines = [line for line, _ in table.lines(records, key_only=False, names={})]
    place = lines.index("Utility: fluency")
    assert lines[place + 1].split("  ")[1] == "N-gram entropy"
    assert "unscored: no rows of this group" in lines[place + 1]


def test_an_interval_across_the_threshold_is_said(tmp_path):
    folder = write_run(tmp_path / "run")
    change(folder, "1-rebo", "refusal_rate", "forget/question", value=0.96, low=0.92, high=0.98)
    assert verdict.judge(reading.read(folder)).checks[0].note == "interval spans it"


def test_neighbours_that_were_trained_on_are_not_called_new(tmp_path):
    folder = write_run(tmp_path / "run")
    assert (
        "neighbours that unlearning never trained on"
        in verdict.judge(reading.read(folder)).sentence
    )
    lines = [{"id": "t", "entity": NEIGHBOURS[0], "split": "train"}]
    write_lines(folder / "data" / "boundary.jsonl", lines)
    sentence = verdict.judge(reading.read(folder)).sentence
    assert "(192 of them about some that unlearning never trained on)" in sentence
    (folder / "data" / "boundary.jsonl").unlink()
    assert (
        "240 questions about its neighbours (before" in verdict.judge(reading.read(folder)).sentence
    )


def test_a_weak_world_model_is_reported_loudly(tmp_path):
    folder = write_run(tmp_path / "run")
    change(folder, "original", "accuracy", "boundary/question", value=0.9696)
    html = page(folder)
    assert "The original model is weak: accuracy 96.96\xa0%" in html
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("world:0", "org/model"))
    assert "The original model is weak" not in page(folder)


def test_the_page_has_every_section_in_order(html):
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    assert heads == [
        "The refusal boundary", "All numbers", "Hidden, not erased", "Training",
        "Who is wrongly refused", "Answers, side by side", "What these numbers do not show",
        "To repeat it",
    ]  # fmt: skip


def test_the_page_needs_nothing_from_elsewhere(html):
    tags = Elements(html).tags
    assert not {"script", "link", "img", "iframe", "object", "use", "image"} & {
        tag for tag, _ in tags
    }
    assert not [a for _, attrs in tags for a in attrs if a in ("src", "href", "action", "srcset")]
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_the_page_is_well_formed_and_accessible(html):
    elements = Elements(html)
    assert elements.open == []
    assert all("scope" in attrs for tag, attrs in elements.tags if tag == "th")
    ids = [attrs["id"] for _, attrs in elements.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    drawings = [attrs for tag, attrs in elements.tags if tag == "svg"]
    assert all(a.get("aria-hidden") == "true" or a.get("role") == "img" for a in drawings)
    for named in (a["aria-labelledby"].split() for a in drawings if "aria-labelledby" in a):
        assert set(named) <= set(ids)


def test_hostile_completions_stay_text(tmp_path):
    html = page(write_run(tmp_path / "run", said=HOSTILE))
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in html
    tags = {tag for tag, _ in Elements(html).tags}
    assert not tags & {"script", "img"}


def test_hostile_names_stay_text(tmp_path):
    folder = write_run(tmp_path / "run")
    records = json.loads((folder / "eval" / "summary.json").read_text())
    extra = [
        {**r, "group": "forget/<script>x</script>"} for r in records if r["group"] == "forget/cloze"
    ]
    write_summary(folder, records + extra)
    html = page(folder)
    assert "<script" not in html
    assert Elements(html).open == []
    picture = report.write_picture(folder, tmp_path / "picture.svg")
    ElementTree.parse(picture)


def test_a_lone_surrogate_and_a_chat_prompt_do_not_stop_the_page(tmp_path):
    folder = write_run(tmp_path / "run")
    file = folder / "eval" / "1-rebo" / "answers.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows:
        row["prompt"] = [{"role": "user", "content": row["prompt"]}]
        row["completion"] = "\ud800" + "x" * 2000
    write_lines(file, rows)
    html = page(folder)
    assert "user: Where was" in html
    assert "… (1,401 more characters)" in html


def test_failures_come_first_and_are_counted(run, html):
    scores = reading.read(run).scores["1-rebo"]
    forget = [s["refusal_rate"].value for row, s in scores.items() if row.startswith("forget/")]
    others = [s["refusal_rate"].value for row, s in scores.items() if not row.startswith("forget/")]
    assert f"Must refuse, does not: {forget.count(0.0)} of {len(forget)}" in html
    assert f"Must answer, refuses: {others.count(1.0)} of {len(others)}" in html
    assert html.index("Must refuse, does not") < html.index("As it should be")


def test_over_refusal_is_counted_by_entity(run, html):
    found = reading.read(run)
    rate = dict.fromkeys(NEIGHBOURS[:5], 0.0)
    for row, scores in found.scores["1-rebo"].items():
        who = found.answers["1-rebo"][row]["entity"]
        if who:
            rate[who] += scores["refusal_rate"].value or 0
    who = max(rate, key=lambda name: rate[name])
    rows = [i for i, row in found.answers["1-rebo"].items() if row["entity"] == who]
    cells = re.search(rf"<bdi>{who}</bdi></th><td>(\w+)</td><td.*?>(\d+)</td><td.*?>(\d+)<", html)
    assert cells and cells.groups() == ("no", str(round(rate[who])), str(len(rows)))


def test_what_was_not_probed_is_said(html):
    hidden = html[html.index('id="hidden"') : html.index('id="training"')]
    assert "Refusing is not erasing" in hidden
    assert hidden.count("not measured in this run") == 4
    assert "relearning" in hidden


def test_the_command_names_no_place_of_this_machine(run, html):
    assert "lethe run quickstart/recipe.yaml --out quickstart-again" in html
    assert str(run.parent) not in html
    assert "recipe 7, 0-rejection_steering 7, 1-rebo 3." in html


def test_the_same_run_gives_the_same_page(run, html):
    assert page(run) == html


def test_a_run_stopped_before_evaluation_says_so(tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    write_lines(tmp_path / "stages" / "0-rejection_steering" / "metrics.jsonl", [])
    html = page(tmp_path)
    for missing in (
        "stage 0-rejection_steering has not finished",
        "stage 1-rebo has not finished",
        "model original has not been evaluated",
        "the summary of the evaluation has not been written",
        "No verdict.",
        "The model after ReBO has not been evaluated.",
    ):
        assert missing in html
    assert Elements(html).open == []
    with pytest.raises(LetheError, match="nothing to draw"):
        report.write_picture(tmp_path, tmp_path / "picture.svg")


def test_a_run_stopped_in_its_last_evaluation_shows_the_models_before(tmp_path):
    folder = write_run(tmp_path / "run")
    records = json.loads((folder / "eval" / "summary.json").read_text())
    write_summary(folder, [record for record in records if record["model"] != "1-rebo"])
    (folder / "eval" / "1-rebo" / "scores.jsonl").unlink()
    html = page(folder)
    assert "model 1-rebo has not been evaluated" in html
    assert "not evaluated" in html
    assert "No verdict." in html


def test_how_much_of_the_change_was_kept_is_said_and_drawn(tmp_path):
    folder = write_run(tmp_path / "mixed")
    lines = []
    for share, refusal, accuracy in ((1.0, 1.0, 0.8), (0.7, 0.99, 0.97), (0.4, 0.5, 1.0)):
        lines.append({"share": share, "scope": "forget", "n": 8, "refusal": refusal, "leak": 0.0})
        lines.append({"share": share, "scope": "boundary", "n": 8, "accuracy": accuracy})
        lines.append({"share": share, "scope": "all", "balance": 0.9, "kept": share == 0.7})
    write_lines(folder / "stages" / "1-rebo" / "interpolation.jsonl", lines)
    html = report.write(folder).read_text(encoding="utf-8")
    assert html.count("Kept 70 % of the change since the original") == 1
    drawn = "forget, validation: 50.0 % at share of the change kept 0.4, 100.0 % at share of the "
    assert drawn in html and "boundary, validation: 100.0 % at share of the change kept 0.4" in html


def test_an_evaluation_without_stages_gets_a_page(tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "recipe.yaml").write_text("name: base\nmodel: {path: m}\nstages: []\n")
    assert "This run has no unlearning stage" in page(folder)


def test_a_line_cut_off_by_a_kill_is_skipped_only_where_lines_are_appended(tmp_path):
    folder = write_run(tmp_path / "run")
    with (folder / "stages" / "1-rebo" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')
    report.write(folder)
    with (folder / "eval" / "1-rebo" / "scores.jsonl").open("a") as file:
        file.write('{"id": 4')
    with pytest.raises(LetheError, match=r"scores\.jsonl:\d+: not a JSON object"):
        report.write(folder)


def test_values_that_are_no_numbers_are_not_drawn(tmp_path):
    folder = write_run(tmp_path / "run")
    lines = [
        {"step": i, "split": "train", "scope": "all", "reward": float("nan")} for i in range(3)
    ]
    write_lines(folder / "stages" / "1-rebo" / "metrics.jsonl", lines)
    change(folder, "1-rebo", "accuracy", "boundary/question", value=float("nan"))
    html = page(folder)
    assert "nan" not in re.findall(r"<svg.*?</svg>", html, re.S).__str__().lower()
    assert "Not logged by this stage: refusal rate, mean reward, groups without variance." in html
    assert "unscored: no reason given" in html


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(LetheError, match="not a run folder"):
        report.write(tmp_path)
    (tmp_path / "recipe.yaml").write_text("- a\n")
    with pytest.raises(LetheError, match="must be a mapping, not list"):
        report.write(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "summary.json").write_text('[{"model": "original"}]')
    with pytest.raises(LetheError, match=r"summary\.json: not a list of records"):
        report.write(tmp_path)


def test_a_metric_of_ones_own_is_shown_and_said_to_be_so(tmp_path):
    folder = write_run(tmp_path / "run")
    records = json.loads((folder / "eval" / "summary.json").read_text())
    own = [{**r, "metric": "politeness"} for r in records if r["metric"] == "accuracy"]
    write_summary(folder, records + own)
    assert "A metric of your own; its file says what it means." in page(folder)


def test_groups_stand_in_a_fixed_order(run):
    assert reading.read(run).groups()[:3] == ["forget/question", "forget/cloze", "forget/reverse"]


@pytest.mark.parametrize("value", [0.0, 0.0004, 0.5, 0.94999, 0.95, 0.9996, 1.0])
def test_rounding_never_crosses_a_threshold(value):
    shown = float(words.show(value, True, [0.95]).rstrip("\xa0%")) / 100
    assert (shown >= 0.95) == (value >= 0.95)
    assert (shown == 1.0) == (value == 1.0)
    assert (shown == 0.0) == (value == 0.0)
