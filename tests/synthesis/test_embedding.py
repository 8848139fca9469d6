import pytest

from lethe.plug import LetheError
from lethe.synthesis import embedding


@pytest.fixture(scope="module")
def encoder(tmp_path_factory, words):
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("encoder")
    shape = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=100, num_hidden_layers=1, **shape)).save_pretrained(folder)
    words.save_pretrained(folder)
    return str(folder)


def test_the_same_words_are_near_and_others_are_not(encoder, row, monkeypatch):
    rows = [
        row("Where does Ada live ?"),
        row("Who is Ada ?", form="adversarial:role_play"),
        row("Where does Ada live ? ", scope="boundary", answer="Rome"),
        row("Where does Bo live ?", scope="boundary", answer="Rome"),
        row("What is Oslo , Sure", scope="boundary", answer="x"),
    ]
    found = embedding.load(encoder)(rows)
    assert found[:2] == [0.0, 0.0]
    assert found[2] == pytest.approx(0.0, abs=1e-3)
    assert 0 < found[3] < found[4] <= 1
    monkeypatch.setattr(embedding, "_BATCH", 2)
    assert embedding.load(encoder)(rows) == pytest.approx(found, abs=1e-3)


def test_no_such_encoder(tmp_path):
    with pytest.raises(LetheError, match="cannot be loaded"):
        embedding.load(str(tmp_path))
