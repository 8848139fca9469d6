"""Benchmarks: one file each, with `Config`, `load`, `METRICS` and `ANSWER_PREFIX`.

One that measures as its authors did gives its rows a `Protocol`, says with `measures(config)` which
metric is meant for which group of rows, and lists the authors' numbers as `PUBLISHED`.
`EVALUATION` holds the settings that `lethe evaluate --benchmark` starts from, where they are others
than a recipe's.

One that measures by other people's code has, in place of `load`, `METRICS` and `ANSWER_PREFIX`,

- `sources(config) -> dict[str, str]`: what its numbers depend on, every name resolved; and
- `measure(config, checkpoint, settings, out, name) -> list[record]`: summary records, with what was
  asked and found in `out` (samples.jsonl, scores.jsonl, items.parquet).
"""
