"""Benchmarks: one file each, with `Config`, `load`, `METRICS` and `ANSWER_PREFIX`.

One that measures as its authors did gives its rows a `Protocol`, says with `measures(config)` which
metric is meant for which group of rows, and lists the authors' numbers as `PUBLISHED`.
"""
