"""Attacks on what refusing hides, one a file: `Config(Attack)` has its settings, `run` does it.

`run` takes a model and rows and gives `Answered` rows: what the attacked model said. Each file
names the metric that judges them (`METRIC`).
"""
