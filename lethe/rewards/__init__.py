"""Rewards, one file each: a file's name is the reward's name, and its function bears it.

A reward is TRL's own plain function `name(completions, scope, **columns) -> list[float | None]`:
one value for each completion, None where it has nothing to say about that row. `completions` are
strings or chats; `scope` and the columns are lists of the same length, one entry for each row.
"""
