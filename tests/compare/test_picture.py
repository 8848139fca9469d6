"""The picture is XML, everything is inside it, no words lie over others, and nothing leaks."""

import random
import re
from xml.etree import ElementTree

import pytest

from lethe.compare import compare, picture
from lethe.compare.picture import Box

SVG = "{http://www.w3.org/2000/svg}"


def many(folders, methods, settings=3):
    rng = random.Random(methods)
    for m in range(methods):
        for s in range(settings):
            values = {
                "refusal_rate:forget/question": rng.random(),
                "accuracy:boundary/question": 0.5 + rng.random() / 2,
            }
            folders(f"{m}-{s}", values, stages=[{"stage": f"method_{m}", "beta": s}])
    return compare([folders.place])


@pytest.mark.parametrize(("methods", "plots"), [(1, 1), (5, 1), (6, 7), (24, 25)])
def test_few_methods_share_a_plot_and_many_have_one_each(folders, methods, plots):
    drawn = picture.pictures(many(folders, methods))
    assert len(drawn) == plots
    for _, svg in drawn:
        root = ElementTree.fromstring(svg)
        width, height = float(root.get("width") or 0), float(root.get("height") or 0)
        for text in root.iter(f"{SVG}text"):
            assert 0 <= float(text.get("x") or 0) <= width
            assert 0 <= float(text.get("y") or 0) <= height


def test_numbers_do_not_lie_over_each_other(folders):
    [(_, svg)] = picture.pictures(many(folders, 5, settings=6))
    boxes = []
    for text in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if "num" in (text.get("class") or ""):
            x, y, half = float(text.get("x") or 0), float(text.get("y") or 0), 3
            boxes.append(Box(x - half, y - 8, x + half, y + 2))
    assert len(boxes) == 31
    assert not any(a.meets(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_setting_that_lacks_one_of_the_two_is_not_drawn(folders):
    values = {"refusal_rate:forget/question": None, "accuracy:boundary/question": 0.5}
    folders("a", values, before=values)
    assert picture.pictures(compare([folders.place])) == []


def test_the_description_says_what_the_picture_shows(folders):
    folders("a", {"refusal_rate:forget/question": 0.9, "accuracy:boundary/question": 0.75})
    [(_, svg)] = picture.pictures(compare([folders.place]))
    description = ElementTree.fromstring(svg).findtext(f"{SVG}desc") or ""
    assert "1 npo: 75 % kept, 90 % forgotten" in description


def test_axes_begin_where_the_values_do(folders):
    values = {"refusal_rate:forget/question": 0.97, "accuracy:boundary/question": 0.99}
    before = {"refusal_rate:forget/question": 0.0, "accuracy:boundary/question": 1.0}
    folders("a", values, before=before)
    [(_, svg)] = picture.pictures(compare([folders.place]))
    ticks = re.findall(r'class="tick [a-z]+"[^>]*>([^<]+)<', svg)
    assert "95 %" in ticks and "0 %" in ticks and "100 %" in ticks
