"""Training stages, one method a file: `Config(Stage)` says what can be set, `train` does it."""
