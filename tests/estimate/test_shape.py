"""Sizes read off models without weights."""

import pytest
import torch

from lethe import _llama, config, model
from lethe.estimate import shape as shapes

TOY = {
    "vocab_size": 10,
    "hidden_size": 4,
    "intermediate_size": 6,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": False,
}
LLAMA_3_8B = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}


@pytest.fixture
def written(tmp_path):
    """Writes a config.json and nothing else."""
    from transformers import AutoConfig

    def write(kind="llama", **values):
        AutoConfig.for_model(kind, **values).save_pretrained(tmp_path)
        return str(tmp_path)

    return write


def of(path, **settings):
    return shapes.of(model.skeleton(path, config.Model(path=path, **settings)))


def test_a_toy_counted_by_hand(written):
    found = of(written(**TOY))
    # A layer: q 16, k 8, v 8, o 16, three of 24, two norms of 4; then norm 4,
    # embedding 40, head 40.
    assert found == shapes.Shape(
        parameters=2 * 128 + 84,
        trained=2 * 128 + 84,
        layers=2,
        hidden=4,
        heads=2,
        queries=4,
        keys=2,
        inner=6,
        vocabulary=10,
        linear=240,
        tied=False,
        decoder=True,
    )
    assert (found.head, found.body, found.lora) == (40, 260, False)
    assert found.copied == 2 * 4 * (4 + 2 * 2 + 2 * 6)


def test_adapters_counted_by_hand(written):
    found = of(written(**TOY), lora=config.Lora(rank=2))
    # rank x (in + out): q 16, k 12, v 12, o 16, gate 20, up 20, down 20.
    assert found.trained == 2 * 116 and found.parameters == 340 and found.linear == 240
    assert (found.adapted, found.ranks, found.lora) == (2 * 30, 2 * 7 * 2, True)
    assert found.copied == 240


def test_tied_and_frozen(written):
    path = written(**{**TOY, "tie_word_embeddings": True})
    found = of(path, freeze=["embed_tokens"])
    assert (found.parameters, found.trained, found.body) == (300, 260, 260)


def test_llama_3_8b_from_its_configuration_alone(written):
    path = written(**LLAMA_3_8B)
    found = of(path)
    assert found.parameters == 8_030_261_248
    assert of(path, lora=config.Lora(rank=16)).trained == 41_943_040


def test_other_architectures(written):
    found = of(written("gpt2", vocab_size=10, n_embd=4, n_layer=2, n_head=2, n_positions=8))
    # A layer: 4 x 12 + 12, 4 x 4 + 4, two norms of 8, 4 x 16 + 16, 16 x 4 + 4.
    assert found.parameters == 2 * (60 + 20 + 16 + 80 + 68) + 8 + 40 + 32
    assert (found.inner, found.keys, found.decoder) == (16, 4, False)
    assert found.linear == 2 * (48 + 16 + 64 + 64)


def test_copied_is_what_the_decoder_copies(net):
    made = net(num_key_value_heads=2)
    with torch.no_grad():
        layers = _llama.Decoder(made).layers
    copied = sum(layer.qkv.numel() + layer.gate_up.numel() for layer in layers)
    assert shapes.of(made).copied == copied


def test_a_configuration_that_is_not_there(tmp_path):
    with pytest.raises(model.LetheError, match="cannot be loaded"):
        of(str(tmp_path))
