"""What the metrics of a judge's ratings have in common."""

from collections.abc import Callable, Sequence

from lethe.data import Answered, Rating

METRICS = ("readability", "helpfulness", "truthfulness", "naturalness", "judge_agreement")
"""What is measured wherever a judge is set."""
UNSCORED = "no judge: set evaluate.judge (or raise its limit)"

Number = Callable[[tuple[float, float, float]], float]


def means(rows: Sequence[Answered], number: Number) -> list[float | None]:
    """The mean of a number over the samples of each row; None without any.

    Args:
        rows: What a model said, as a judge rated it.
        number: Makes one of readability, helpfulness and truthfulness.
    """
    found = ([number(one.scores) for one in row.ratings if one.scores] for row in rows)
    return [sum(numbers) / len(numbers) if numbers else None for numbers in found]


def reasons(rows: Sequence[Answered]) -> list[str]:
    """What the judge said of each row, sample by sample; of a row without numbers, why not."""
    return [" | ".join(dict.fromkeys(map(_reason, row.ratings))) or UNSCORED for row in rows]


def _reason(one: Rating) -> str:
    return one.why or "no reason given"
