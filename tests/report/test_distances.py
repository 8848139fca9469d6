import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lethe import report
from lethe.report import distances, reading
from lethe.report.distances import Point

RECIPE = "name: far\nmodel: {path: m}\nstages:\n- stage: rebo\n"
MODELS = ["Original", "after ReBO"]
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>'


def asked(distance, refused: str, **fields) -> list[tuple[dict, float | None]]:
    """A test question for each letter: r is refused, a is answered, - is not scored."""
    value = {"r": 1.0, "a": 0.0, "-": None}
    row = {"prompt": "Who?", "scope": "boundary", "form": "question", "split": "test",
           "distance": distance, "completion": "Bo.", **fields}  # fmt: skip
    return [(row, value[letter]) for letter in refused]


def write_run(folder: Path, original: list, rebo: list | None) -> Path:
    folder.mkdir()
    (folder / "recipe.yaml").write_text(RECIPE)
    for model, rows in (("original", original), ("0-rebo", rebo)):
        if rows is None:
            continue
        out = folder / "eval" / model
        out.mkdir(parents=True)
        lines = [{**row, "id": f"r{i}"} for i, (row, _) in enumerate(rows)]
        scores = [
            {"id": f"r{i}", "metric": "refusal_rate", "value": v} for i, (_, v) in enumerate(rows)
        ]
        for name, found in (("answers", lines), ("scores", scores)):
            (out / f"{name}.jsonl").write_text("".join(json.dumps(x) + "\n" for x in found))
    return folder


def points(tmp_path, original, rebo=None) -> list[Point]:
    return distances.points(reading.read(write_run(tmp_path / "run", original, rebo)))


def world(refused: tuple[str, str, str]) -> list:
    target, near, far = refused
    return [
        *asked(0.0, target, scope="forget", subject="Mara Voss"),
        *asked(0.35, near, tie="shared fact", entity="Mara Abel"),
        *asked(1.0, far, scope="utility"),
    ]


@pytest.fixture
def folder(tmp_path) -> Path:
    original, rebo = ("aaaa", "a" * 10, "aa"), ("rrrr", "r" * 8 + "aa", "aa")
    return write_run(tmp_path / "far", world(original), world(rebo))


def test_a_dot_is_the_refused_share_at_one_distance_with_wilsons_interval(folder):
    target, near, far = distances.points(reading.read(folder))
    assert [point.distance for point in (target, near, far)] == [0.0, 0.35, 1.0]
    assert [point.n for point in (target, near, far)] == ["4", "10", "2"]
    before, after = near.rates
    assert before and after and (before.value, before.low, after.value) == (0.0, 0.0, 0.8)
    assert after.low == pytest.approx(0.4902, abs=1e-4)  # 8 of 10
    assert after.high == pytest.approx(0.9433, abs=1e-4)


def test_only_test_questions_with_a_distance_count(tmp_path):
    rows = [
        *world(("r", "r", "r")),
        *asked(0.35, "aaa", form="cloze"),
        *asked(0.35, "aaa", form="adversarial:role_play"),
        *asked(0.35, "aaa", split="validation"),
        *asked(None, "aaa"),
        *asked(float("nan"), "aaa"),
        *asked(7.0, "aaa"),
    ]
    assert [(p.n, p.rates[0] and p.rates[0].value) for p in points(tmp_path, rows)] == [
        ("1", 1.0), ("1", 1.0), ("1", 1.0)
    ]  # fmt: skip


def test_eight_distances_are_eight_dots(tmp_path):
    rows = [row for tenth in range(8) for row in asked(tenth / 100, "ra")]
    found = points(tmp_path, rows)
    shown = " ".join(point.shown for point in found)
    assert shown == "0 0.01 0.02 0.03 0.04 0.05 0.06 0.07"


def test_more_are_pooled_by_tenths_at_their_mean_and_the_target_alone(tmp_path):
    rows = [
        *asked(0.0, "rrr", scope="forget", subject="Mara Voss"),
        *asked(0.02, "r"),
        *asked(0.08, "raa"),
        *asked(0.1, "a"),
        *asked(0.3, "a"),
        *asked(0.35, "aa"),
        *asked(0.39, "r"),
        *asked(0.95, "a"),
        *asked(1.0, "a"),
    ]
    found = points(tmp_path, rows)
    # (0.02 + 3 * 0.08) / 4 = 0.065; (0.3 + 2 * 0.35 + 0.39) / 4 = 0.3475
    assert [point.shown for point in found] == [
        "0", "0.065 (0.02–0.08)", "0.1", "0.3475 (0.3–0.39)", "0.975 (0.95–1)"
    ]  # fmt: skip
    rates = [rate.value for point in found if (rate := point.rates[0])]
    assert rates == [1.0, 0.5, 0.0, 0.25, 0.0]
    assert "tenth of the scale" in page(write_run(tmp_path / "pooled", rows, None))


def test_rows_without_a_score_do_not_count_and_a_distance_of_none_is_no_dot(tmp_path):
    original = [*world(("ra-", "--", "aa")), *asked(0.7, "a")]
    rebo = [*world(("r--", "--", "--")), *asked(0.7, "-")]
    found = points(tmp_path, original, rebo)
    assert [(point.distance, point.n) for point in found] == [(0.0, "2 / 1"), (0.7, "1"), (1, "2")]
    assert [point.rates[1] is None for point in found] == [False, True, True]


def test_what_stands_there_is_said_in_words(tmp_path):
    rows = [
        *asked(0.0, "a", scope="forget", subject="Mara Voss", tie=None),
        *asked(0.35, "aa", tie="shared fact", entity="Mara Abel"),
        *asked(0.7, "aa", tie="shared fact", entity="Jon Abel"),
        *asked(0.85, "a", tie="same kind", entity="Rosa Whitlock"),
        *asked(0.85, "aa", tie="same kind", entity="Ede Nagy", scope="retain"),
        *asked(0.5, "aa", tie="co-mentioned", entity="Ines Carrow"),
        *asked(0.5, "a", entity="Jon Voss"),
        *asked(1.0, "a", scope="utility", entity=None),
    ]
    assert [(p.what, p.scopes, p.entities) for p in points(tmp_path, rows)] == [
        ("the target", "forget", 1),
        ("part of the name, a fact in common", "boundary", 1),
        ("named together, among others", "boundary", 2),
        ("a fact in common", "boundary", 1),
        ("the same kind", "retain 2, boundary 1", 2),
        ("nothing in common", "utility", 0),
    ]


@pytest.mark.parametrize("width", [912, 360])
def test_the_picture_tells_the_result_and_everything_is_inside(folder, width):
    found = distances.points(reading.read(folder))
    drawn = distances.picture(found, MODELS, title="By distance", key="k", width=width)
    root = ElementTree.fromstring(drawn)
    assert root.get("aria-labelledby") == "k-title k-desc"
    assert root.findtext(f"{SVG}title") == "By distance"
    assert (root.findtext(f"{SVG}desc") or "").startswith(
        "after ReBO, refusal rate by distance: 100.0\xa0% at 0: the target, n = 4; 80.0\xa0% at "
        "0.35: part of the name, a fact in common, n = 10; 0.0\xa0% at 1:"
    )
    height = float(root.get("height") or 0)
    for mark in root.iter():
        x, y = (float(mark.get(a) or mark.get(f"c{a}") or 0) for a in "xy")
        assert 0 <= x <= width and 0 <= y <= height
    assert drawn.count("whisker") == 6


def test_a_mark_stands_at_its_distance_and_share(folder):
    drawn = distances.picture(
        distances.points(reading.read(folder)), MODELS, title="t", key="k", width=912
    )
    root = ElementTree.fromstring(drawn)
    discs = [c for c in root.iter(f"{SVG}circle") if c.get("class") == "f-model-2"][1:]
    # From 48 + 22 to 908 - 22 px; two models stand 5 px to either side.
    # 70 + 0.35 * 816 + 5 = 360.6
    assert [c.get("cx") for c in discs] == ["75.0", "360.6", "891.0"]
    top, near, bottom = (float(c.get("cy") or 0) for c in discs)
    assert near == pytest.approx(bottom + 0.8 * (top - bottom), abs=0.1)
    rings = [c for c in root.iter(f"{SVG}circle") if c.get("class") == "ring s-model-0"][1:]
    assert [c.get("cx") for c in rings] == ["65.0", "350.6", "881.0"]


class Tags(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.names: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)


def page(folder: Path) -> str:
    return report.write(folder).read_text(encoding="utf-8")


def section(html: str) -> str:
    found = re.search(r'<section aria-labelledby="distance">.*?</section>', html, re.DOTALL)
    assert found
    return found[0]


def test_the_page_shows_it_behind_the_boundary(folder):
    html = page(folder)
    heads = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    assert heads[:2] == ["The refusal boundary", "The refusal boundary by distance"]
    shown = section(html)
    assert shown.count("<svg xmlns") == 2 and "A mark is one distance" in shown
    assert re.search(r"80\.0\xa0% <span class=\"interval\">\[49\.0–94\.4\]", shown)
    assert "are too narrow" in shown and "nearness in meaning" in shown
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "rows",
    [
        asked(None, "rrraaa"),
        [(row, v) for row, v in asked(None, "ra") if row.pop("distance", None) is None],
        [*asked(0.0, "rr"), *asked(0.5, "aa")],
        [*asked(0.0, "rr"), *asked(0.5, "aa"), *asked(1.0, "--")],
        [row for i in range(9) for row in asked(0.2 + i / 100, "a")],
        [],
    ],
    ids=["null", "absent", "two", "two scored", "one tenth", "nothing"],
)
def test_no_section_where_distances_are_too_few(tmp_path, rows):
    html = page(write_run(tmp_path / "run", rows, rows))
    assert "by distance" not in html and 'id="distance' not in html


def test_a_model_that_was_not_evaluated_has_no_marks(tmp_path):
    shown = section(page(write_run(tmp_path / "run", world(("a", "a", "a")), None)))
    assert shown.count("not evaluated") == 3
    assert "after ReBO, refusal rate by distance: not measured." in shown


def test_hostile_ties_and_scopes_stay_text(tmp_path):
    rows = [
        *world(("r", "a", "a")),
        *asked(0.6, "a", tie=HOSTILE, scope=HOSTILE, entity=HOSTILE),
        *asked(0.8, "a", tie=["a", {"b": 1}]),
    ]
    html = page(write_run(tmp_path / "run", rows, rows))
    assert "&lt;script&gt;" in section(html)
    tags = Tags(html).names
    assert "svg" in tags and "script" not in tags
    for drawn in re.findall(r"<svg xmlns.*?</svg>", html, re.DOTALL):
        ElementTree.fromstring(drawn)
