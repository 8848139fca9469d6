"""The little SVG that the charts need: escaped text, axes with round ticks, the outer element."""

import html
import math
import re
from typing import NamedTuple

from lethe.report import palette


class Axis(NamedTuple):
    """A scale: values from `low` to `high` lie at px from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, low: float, high: float, start: float, end: float) -> "Axis":
        """An axis whose ends are round numbers."""
        marks = ticks(low, high)
        return cls(marks[0], marks[-1], start, end, marks)

    def at(self, value: float) -> float:
        """Where a value lies, in px."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def text(value: str) -> str:
    r"""Escape for XML and drop the characters that XML cannot hold.

    >>> text('<b>\x00"')
    '&lt;b&gt;&quot;'
    """
    return html.escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", value))


def ticks(low: float, high: float, about: int = 4) -> tuple[float, ...]:
    """Round numbers that cover a range.

    >>> ticks(0, 40), ticks(-0.3, 1.1)
    ((0, 10, 20, 30, 40), (-0.5, 0.0, 0.5, 1.0, 1.5))
    """
    span = (high - low) or abs(high) or 1.0
    magnitude = 10 ** math.floor(math.log10(span / about))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude * about >= span * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(i * step, 12) for i in range(first, max(last, first + 1) + 1))


def label(x: float, y: float, words: str, style: str) -> str:
    """A text, escaped."""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{text(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A straight line."""
    return f'<path class="{style}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def drawing(
    body: str,
    *,
    width: int,
    height: float,
    key: str,
    title: str,
    description: str,
    standalone: bool = False,
) -> str:
    """The outer element, with title and description for those who cannot see it.

    Args:
        body: What is drawn, as SVG.
        width: In px.
        height: In px.
        key: Prefix of the ids, unique in a page.
        title: Short name.
        description: What can be read from the picture.
        standalone: Whether to add style and background, for a file of its own.
    """
    pad = 20 if standalone else 0
    box = f'x="{-pad}" y="{-pad}" width="{width + 2 * pad}" height="{height + 2 * pad:.0f}"'
    sheet = f"<style>{palette.variables()}\n{palette.style()}</style>" if standalone else ""
    back = f'<rect class="back" {box} rx="8"/>' if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{-pad} {-pad} {width + 2 * pad} {height + 2 * pad:.0f}" '
        f'width="{width + 2 * pad}" height="{height + 2 * pad:.0f}" role="img" '
        f'aria-labelledby="{text(key)}-title {text(key)}-desc">'
        f'<title id="{text(key)}-title">{text(title)}</title>'
        f'<desc id="{text(key)}-desc">{text(description)}</desc>{sheet}{back}{body}</svg>'
    )
