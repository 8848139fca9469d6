"""What a benchmark wants measured: which metric on which groups of rows."""

from typing import NamedTuple


class Total(NamedTuple):
    """One number of many rows, where it is no mean of the rows' own."""

    value: float | None
    n: int = 0
    """Rows that it rests on."""
    low: float | None = None
    """Of its 95 % interval, if it has one."""
    high: float | None = None
    unscored: str | None = None
    """Why there is no value."""
    note: str | None = None
    """What a reader must know beside the value, such as a stand-in that was used."""


class Published(NamedTuple):
    """A number that a benchmark's authors published, to compare with."""

    model: str
    metric: str
    group: str
    value: float
    """In the unit of our metric: a share as 0 to 1, whatever the paper prints."""
    source: str
    """Paper and table."""


class Measure(NamedTuple):
    """A metric and the groups ("<scope>/<form>") of rows that it is meant for."""

    metric: str
    groups: tuple[str, ...] = ("*",)
    """Patterns of group names, as in `forget/adversarial:*`."""
    pooled: str | None = None
    """The rows of all these groups are one group of this name. None: each group by itself."""
    average: bool = False
    """The unweighted mean of the metric's records on `groups`, which are names here, stands under
    `pooled`; its interval takes the groups for independent."""


def measure(wanted: "str | Measure") -> Measure:
    """A metric's name alone is meant for every group."""
    return Measure(wanted) if isinstance(wanted, str) else wanted
