"""The comparison on a larger model: its bases, rows and recipes, at the embedded one's size."""

import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path

import pytest

from lethe import data, planning, world
from lethe.plug import LetheError


@pytest.fixture
def large(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "bench")
    import large_world

    yield large_world
    for name in ("large_world", "methods", "methods_table", "worlds"):
        sys.modules.pop(name, None)


@pytest.fixture
def given(tmp_path):
    return Namespace(out=tmp_path, size="1m", population=96, steps=1)


def test_a_base_is_made_once_with_rows_that_every_method_can_be_trained_on(large, given):
    place = large.make(101, given)
    rows = data.read(place / "rows.jsonl")
    kinds = Counter((row.split, row.scope, row.form) for row in rows)
    assert kinds["test", "retain", "question"] == 768
    assert kinds["validation", "retain", "question"] == 128
    assert kinds["test", "boundary", "question"] == 288  # as many as of 48 people
    assert {row.subject for row in rows if row.scope == "forget"} == {
        row.subject for row in world.rows(101, population=96)["train"] if row.scope == "forget"
    }
    for name in large.COMPARED:
        usual, other = (large.recipe(name, factor, place, 3, 1e-5) for factor in (1.0, 0.1))
        assert usual.seed == 3 and usual.attacks[0].model_dump()["learning_rate"] == 1e-5
        planned = planning.plan(other)
        seen = {row.id for i in range(len(planned.stages)) for row in planned.training(i)["train"]}
        assert len(seen) == 428 and set(large.METRICS) <= set(planned.metrics), name
        rates = [
            [stage.model_dump()["learning_rate"] for stage in made.stages]
            for made in (usual, other)
        ]
        assert rates[1] == pytest.approx([rate / 10 for rate in rates[0]])
    made = (place / "model" / "model.safetensors").stat().st_mtime_ns
    assert large.make(101, given) == place
    assert (place / "model" / "model.safetensors").stat().st_mtime_ns == made
    given.steps = 2
    with pytest.raises(LetheError, match=r"world-101: made with .*'steps': 1}, not .*'steps': 2}"):
        large.make(101, given)


def test_every_size_has_four_settings_and_the_large_one_its_parameters(large):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    for size in large.SIZES.values():
        assert len(set(size.factors)) == 4
    with torch.device("meta"):
        shape = large.SIZES["200m"].shape
        model = LlamaForCausalLM(LlamaConfig(vocab_size=1536, tie_word_embeddings=True, **shape))
    assert 1e8 < model.num_parameters() < 3e8
