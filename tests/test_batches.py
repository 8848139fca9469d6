"""Batches: like lengths, halves where memory is short, shares of several processes."""

import pytest

from lethe.batches import LARGEST, TOKENS, batches, done, left, out_of_memory
from lethe.plug import LetheError

LENGTHS = [9, 2, 3, 8, 2, 40]


def test_every_row_once_from_short_to_long():
    found = batches(LENGTHS, 4)
    assert found == [[1, 4, 2, 3], [0, 5]]
    assert batches([], 4) == []


def test_automatic_batches_keep_to_rows_and_tokens():
    short = batches([1] * 1000, "auto")
    assert {len(batch) for batch in short[:-1]} == {LARGEST}
    long = batches([TOKENS // 3] * 7, "auto")
    assert [len(batch) for batch in long] == [3, 3, 1]
    assert [len(batch) for batch in batches([TOKENS * 2] * 2, "auto")] == [1, 1]


def test_shares_are_all_of_it_and_disjoint():
    planned = batches(list(range(23)), 3)
    parts = [left(planned, (i, 3), ()) for i in range(3)]
    assert sorted(tuple(batch) for part in parts for batch in part) == sorted(map(tuple, planned))
    assert left(planned, (0, 1), set(range(23))) == []
    assert left(planned, (0, 1), set(range(22))) == [[21, 22]]


def machine(limit, error):
    """A machine that holds `limit` rows."""
    seen = []

    def work(rows):
        seen.append(len(rows))
        if len(rows) > limit:
            raise error
        return [row * 10 for row in rows]

    return work, seen


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
)
def test_a_batch_that_is_too_large_is_halved_and_so_are_those_behind_it(capsys, error):
    work, seen = machine(3, error)
    found = list(done([list(range(8)), list(range(8, 16))], work))
    assert [rows for rows, _ in found] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11],
                                           [12, 13], [14, 15]]  # fmt: skip
    assert [value for _, values in found for value in values] == [10 * i for i in range(16)]
    assert seen == [8, 4, *[2] * 8]
    assert "out of memory with 8 rows: going on with 4" in capsys.readouterr().err


def test_memory_for_no_row_at_all_is_an_error():
    work, _ = machine(0, RuntimeError("out of memory"))
    with pytest.raises(LetheError, match="out of memory with a single row"):
        list(done([[0, 1, 2]], work))


def test_processes_that_share_weights_do_not_halve_by_themselves():
    """Each forward pass is one of all of them: more of them in one would leave it waiting."""
    work, seen = machine(2, RuntimeError("out of memory"))
    with pytest.raises(LetheError, match=r"with 3 rows, .*choices: a smaller eval_rows"):
        list(done([[0, 1, 2]], work, together=True))
    assert seen == [3]


def test_other_errors_pass():
    work, seen = machine(0, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        list(done([[0, 1, 2]], work))
    assert seen == [3] and not out_of_memory(ValueError("out of memory"))
