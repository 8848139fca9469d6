"""Metrics, one file each: a file's name is the metric's name, and its function bears it.

A metric never sees a model: it is a pure function of recorded rows,
`name(rows: Sequence[Answered]) -> list[float | None]`, one value for each row and None where it
has nothing to say. Beside the function a file states

- `KIND`: "rate" (values 0 and 1, Wilson interval) or "mean" (bootstrap interval);
- `HIGHER_IS_BETTER`: a bool, or one for each scope;
- `UNSCORED`: why a row has no value, for a reader;
- `evidence(rows) -> list[str]`, if it can say why a value is what it is.
"""
