"""Train, validation and test: no group, that is no neighbour and no near prompt, in two."""

import random
from collections.abc import Sequence

from lethe.data import Row, Split, prompt_key, sha256
from lethe.plug import LetheError
from lethe.synthesis import near


def split(rows: Sequence[Row], validation: float, test: float, seed: int) -> list[Row]:
    """Deal the rows to splits, whole groups at a time; neighbours so that each split has near ones.

    Args:
        rows: Synthesised rows with distances, in their order.
        validation: Share of the forget groups, and of the boundary groups, for validation.
        test: The same for the test.
        seed: Another seed is another split.

    Raises:
        LetheError: Too few groups for the shares.
    """
    joined = _joined(rows)
    found: dict[str, Split] = {}
    for scope in dict.fromkeys(row.scope for row in rows):
        far: dict[str, float] = {}
        for row in rows:
            if row.scope == scope:
                group = joined[_group(row)]
                far[group] = min(far.get(group, 1.0), row.distance or 0.0)
        shares: dict[Split, float] = {"test": test, "validation": validation}
        found |= _dealt(far, shares, seed, scope)
    return [
        row.model_copy(update={"split": found.get(joined[_group(row)], "train")}) for row in rows
    ]


def _dealt(
    far: dict[str, float], shares: dict[Split, float], seed: int, scope: str
) -> dict[str, Split]:
    """The split of each group that is not for training, near ones and far ones in each."""
    order = sorted(far, key=lambda group: (far[group], sha256(f"{seed} {group}")))
    sizes: dict[Split, int] = {
        s: max(1, round(share * len(order))) for s, share in shares.items() if share
    }
    if sum(sizes.values()) >= len(order):
        raise LetheError(
            f"{scope}: {len(order)} groups that passed the filters (facts or wordings, "
            f"neighbours) are too few for shares {shares}; ask for more, or lower them"
        )
    found: dict[str, Split] = {}
    left = order
    for name, size in sizes.items():
        # Evenly spread over what is left, from a place that the seed draws.
        start = random.Random(f"{seed} {scope} {name}").random()
        picked = [left[int((i + start) * len(left) / size)] for i in range(size)]
        for group in picked:
            found[group] = name
        left = [group for group in left if group not in picked]
    return found


def _joined(rows: Sequence[Row]) -> dict[str, str]:
    """Each group's name, one for groups that hold near prompts."""
    parent = {_group(row): _group(row) for row in rows}

    def root(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    index, places = near.Index(), []
    for row in rows:
        # A coat is most of its prompt: prompts in one coat are near whatever they ask.
        if row.form.startswith("adversarial"):
            continue
        mark = near.mark(str(row.prompt))
        for place in index.near(mark):
            parent[root(_group(row))] = root(places[place])
        index.add(mark)
        places.append(_group(row))
    return {group: root(group) for group in parent}


def _group(row: Row) -> str:
    return f"{row.scope} {row.made.group if row.made else prompt_key(row.prompt)}"
