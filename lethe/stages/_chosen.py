"""Settings of a stage that chooses, on validation rows, which of its weights to keep."""

from typing import Annotated, Literal

from pydantic import Field

from lethe.config import Stage
from lethe.data import Row
from lethe.plug import LetheError


class Chosen(Stage):
    """When to look at the validation rows, and what to keep by them; `_selection` does it."""

    eval_every: int = Field(default=10, ge=1)
    """Steps between looks at the validation rows."""
    eval_rows: int = Field(default=32, ge=0)
    """Validation rows of each scope and form; 0 does not look."""
    select: Literal["best", "last"] = "best"
    """best: the highest validation balance (harmonic mean of what is `forgotten` and the lowest
    accuracy of any kept scope), the latest of equals. last: the last checkpoint."""
    forgotten: Literal["refused", "withheld"] = "refused"
    """When a validation row counts as forgotten: it is refused and nothing is told, or, of methods
    that do not teach refusing, nothing is told."""
    patience: int | None = Field(default=None, ge=1)
    """Stop after so many looks in a row without a better balance; null takes all steps."""
    interpolate: list[Annotated[float, Field(gt=0, le=1)]] = []
    """Shares of the change since the original (the model that the run started from), tried on
    validation rows in the end; of those that balance nearly as well as the best (1.0 is always
    tried), the least is kept. Empty: 1.0 alone. Source: WiSE-FT, arXiv 2109.01903. Without LoRA it
    holds up to three more copies of the weights for a moment."""
    slack: float = Field(default=0.01, ge=0, lt=1)
    """How much of the validation balance `interpolate` may give up to keep less of the change."""


def asked(data: dict[str, list[Row]]) -> list[Row]:
    """The validation rows to choose by: what no train row prepares for (reverse, utility) apart."""
    rows = data.get("validation", [])
    return [row for row in rows if row.scope != "utility" and row.form != "reverse"]


def check_rows(config: Chosen, data: dict[str, list[Row]], where: str) -> None:
    """Refuse validation rows that `interpolate` and `patience` cannot choose by.

    Raises:
        LetheError: With the scopes that there are.
    """
    scopes = {row.scope for row in asked(data)} if config.eval_rows else set()
    if config.patience and not scopes:
        raise LetheError(
            f"{where}.patience: counts looks at validation rows, but eval_rows is "
            f"{config.eval_rows} and there are {len(asked(data))} rows; choices: null, or more rows"
        )
    if config.interpolate and ("forget" not in scopes or len(scopes) < 2):
        raise LetheError(
            f"{where}.interpolate: chooses by validation rows, forget and others, but eval_rows is "
            f"{config.eval_rows} and they are of: {', '.join(sorted(scopes)) or 'none'}"
        )
