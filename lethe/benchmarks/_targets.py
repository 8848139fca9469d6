"""Which of the rows' subjects are the targets, where `data.targets` names some of them."""

from collections.abc import Iterable, Sequence

from lethe.data import Row
from lethe.plug import LetheError, choices


def chosen(rows: Sequence[Row], targets: Sequence[str]) -> list[Row]:
    """The rows of some targets, and those of no subject; all where no target is named.

    Args:
        rows: Of all splits.
        targets: Subjects.

    Raises:
        LetheError: No forget row has a subject of that name.
    """
    known = subjects(rows)
    for target in targets:
        if target not in known:
            raise LetheError(f"data.targets: {target!r}: no forget row's subject; "
                             f"{choices(target, known)}")  # fmt: skip
    return [row for row in rows if not targets or row.subject is None or row.subject in targets]


def subjects(rows: Iterable[Row]) -> list[str]:
    """The subjects of the forget rows, in order."""
    return list(dict.fromkeys(str(row.subject) for row in rows if row.scope == "forget"))
