"""Train, validation and test: no fact of the target, no neighbour and no near prompt in two."""

from collections.abc import Sequence

from lethe import data
from lethe.data import Row, prompt_key
from lethe.synthesis import near


def split(rows: Sequence[Row], validation: float, test: float, seed: int) -> list[Row]:
    """Deal the rows to splits, whole groups at a time.

    Args:
        rows: Synthesised rows, in their order.
        validation: Share of the forget groups, and of the boundary groups, for validation.
        test: The same for the test.
        seed: Another seed is another split.

    Raises:
        LetheError: Too few groups for the shares.
    """
    joined = _joined(rows)
    found: dict[str, Row] = {}
    for scope in dict.fromkeys(row.scope for row in rows):
        mine = [row for row in rows if row.scope == scope]
        shares: dict[data.Split, float] = {"validation": validation, "test": test}
        for row in data.split(mine, shares, seed, key=lambda row: joined[_group(row)]):
            found[row.id] = row
    return [found[row.id] for row in rows]


def _joined(rows: Sequence[Row]) -> dict[str, str]:
    """Each group's name, one for groups that hold near prompts."""
    parent = {_group(row): _group(row) for row in rows}

    def root(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    index, places = near.Index(), []
    for row in rows:
        text = row.prompt if isinstance(row.prompt, str) else prompt_key(row.prompt)
        mark = near.mark(text)
        # A coat is most of its prompt: prompts in one coat are near whatever they ask.
        if not row.form.startswith("adversarial"):
            for place in index.near(mark):
                parent[root(_group(row))] = root(places[place])
            index.add(mark)
            places.append(_group(row))
    return {group: root(group) for group in parent}


def _group(row: Row) -> str:
    return f"{row.scope} {row.made.group if row.made else prompt_key(row.prompt)}"
