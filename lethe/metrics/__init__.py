"""Metrics, one file each: a file's name is the metric's name, and its function bears it.

A metric never sees a model: it is a pure function of recorded rows. Most give one value a row,
`name(rows: Sequence[Answered]) -> list[float | None]`, None where a row has nothing to say. Beside
the function a file states

- `KIND`: "rate" (values 0 and 1, Wilson interval), "mean" (bootstrap interval) or "whole";
- `READS = "likelihoods"`, if it needs no completion: then it is also taken of rows for which
  nothing was generated, which for any other metric are unscored;
- `HIGHER_IS_BETTER`: a bool, or one for each scope; empty where neither is;
- `LABEL`: what a reader calls it, where that is not the file's name in words;
- `UNSCORED`: why a row has no value, for a reader; or `unscored(rows) -> list[str]`, if that is
  not the same for all;
- `evidence(rows) -> list[str]`, if it can say why a value is what it is;
- `extracted(rows) -> list[str | None]`, if it scores a part of the completion or takes one of
  several texts: that.

A metric of `KIND = "whole"` is one number of all its rows, and may be compared with what a model
that never knew them (the retain model) made of them:
`name(rows: Sequence[Answered], reference: Sequence[Answered] | None) -> Total`.
"""

from lethe.metrics._measure import Measure as Measure
from lethe.metrics._measure import Published as Published
from lethe.metrics._measure import Total as Total
