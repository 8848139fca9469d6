"""Benchmarks: one file each, with `Config`, `load`, `METRICS` and `ANSWER_PREFIX`."""
