import re
from xml.etree import ElementTree

import pytest

from lethe.report import charts, palette, svg
from lethe.report.charts import Dot, Group, Series

MODELS = ["Original", "after Rejection Steering", "after ReBO"]
SVG = "{http://www.w3.org/2000/svg}"


def dot(value: float) -> Dot:
    return Dot(value, max(0.0, value - 0.03), min(1.0, value + 0.03), 100, f"{100 * value:.1f} %")


GROUPS = [
    Group("Must be refused", "Questions", (dot(0.0), dot(1.0), dot(0.98)), 0.95),
    Group("Must be refused", "A form with a very long name " * 3, (dot(0.0), None, dot(0.5))),
    Group("Must still be answered", "Boundary", (dot(0.99), dot(0.5), None)),
]


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_every_colour_that_carries_meaning_is_readable(colours):
    for name, colour in colours.items():
        if name not in ("paper", "card", "line"):
            assert contrast(colour, colours["paper"]) >= 4.5, name
            assert contrast(colour, colours["card"]) >= 4.5, name


@pytest.mark.parametrize("width", [800, 360])
def test_the_picture_is_xml_with_title_and_description(width):
    drawn = charts.boundary_picture(GROUPS, MODELS, title="What it refuses", width=width)
    root = ElementTree.fromstring(drawn)
    assert root.get("aria-labelledby") == "boundary-title boundary-desc"
    assert root.findtext(f"{SVG}title") == "What it refuses"
    assert "Questions 98.0 %, n = 100" in (root.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("width", [800, 360])
def test_everything_is_inside_the_picture(width):
    drawn = charts.boundary_picture(GROUPS, MODELS, title="t", width=width)
    root = ElementTree.fromstring(drawn)
    height = float(root.get("height") or 0)
    for mark in root.iter():
        x, y = (float(mark.get(a) or mark.get(f"c{a}") or 0) for a in "xy")
        assert 0 <= x <= width and 0 <= y <= height


def test_a_dot_stands_at_its_share():
    drawn = charts.boundary_picture(
        [Group("s", "g", (dot(0.0), dot(0.5), dot(1.0)))], MODELS, title="t"
    )
    in_legend, circles = 2, list(ElementTree.fromstring(drawn).iter(f"{SVG}circle"))
    assert [float(c.get("cx") or 0) for c in circles[in_legend:]] == [256.0, 628.0]
    diamond = list(ElementTree.fromstring(drawn).iter(f"{SVG}rect"))[-1]
    assert float(diamond.get("x") or 0) + 4 == (256 + 628) / 2


def test_what_was_not_measured_has_no_dot():
    one = charts.boundary_picture([Group("s", "g", (dot(0.5), None))], ["a", "b"], title="t")
    assert "not measured" in one
    assert one.count("whisker") == 1


def test_the_standalone_picture_carries_its_style():
    drawn = charts.boundary_picture(GROUPS, MODELS, title="Seen", standalone=True)
    root = ElementTree.fromstring(drawn)
    style = root.findtext(f"{SVG}style") or ""
    assert "prefers-color-scheme: dark" in style and "url(" not in style
    used = {part.partition("-")[2] for part in re.findall(r"[sf]-model-\d", drawn)}
    assert used <= set(palette.LIGHT)
    assert any(t.text == "Seen" for t in root.iter(f"{SVG}text"))


def test_hostile_labels_are_escaped():
    bad = '"><script>alert(1)</script>\x00\x1b'
    drawn = charts.boundary_picture([Group(bad, bad, (dot(1),))], [bad], title=bad, key=bad)
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)
    ElementTree.fromstring(
        charts.curve([Series(bad, "all", ((0, 1),), True)], title=bad, key="k", share=True)
    )


def test_a_curve_has_axes_and_tells_its_ends():
    series = [
        Series("forget, train", "forget", ((0, 0.5), (10, 0.9), (20, 1.0)), False),
        Series("forget, validation", "forget", ((0, 0.4), (20, 0.95)), True),
    ]
    root = ElementTree.fromstring(charts.curve(series, title="Refusal rate", key="k", share=True))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert texts[0] == "Refusal rate" and "step" in texts
    assert {"0 %", "25 %", "50 %", "75 %", "100 %", "20"} <= set(texts)
    assert "forget, validation: 40.0 % at step 0, 95.0 % at step 20" in (
        root.findtext(f"{SVG}desc") or ""
    )
    assert len(list(root.iter(f"{SVG}circle"))) == 2


def test_a_curve_of_one_point_or_none_or_one_value_is_drawn():
    for points in ((), ((3.0, 0.0),), ((0.0, 2.0), (1.0, 2.0))):
        series = [Series("a", "all", points, False)]
        ElementTree.fromstring(charts.curve(series, title="Loss", key="k", share=False))


@pytest.mark.parametrize(
    "low, high", [(0, 40), (0, 1), (-0.2, 0.7), (3, 3), (0, 0), (1e-6, 2e-6), (0, 1e6)]
)
def test_ticks_cover_the_range_and_are_few(low, high):
    marks = svg.ticks(low, high)
    assert marks[0] <= low and marks[-1] >= high
    assert 2 <= len(marks) <= 7


def test_a_bar_is_as_long_as_its_share():
    assert 'class="fill" x="0" y="0" width="25.0"' in charts.bar(0.25, 0.1, 0.5)
    assert 'x="10.0" y="5.2" width="40.0"' in charts.bar(0.25, 0.1, 0.5)


def test_models_differ_in_shape_not_only_in_colour():
    marks = [charts.marker(i, 4, 0, 0) for i in range(4)]
    shapes = {(m.partition(" ")[0], "rotate" in m, "ring" in m) for m in marks}
    assert len(shapes) == 4
