"""The plumbing of the base model: small populations, few steps, small shapes."""

import json
import os

import pytest
import torch

from lethe import config, world
from lethe import model as models
from lethe.locate import locate
from lethe.plug import LetheError
from lethe.world import base
from lethe.world.corpus import Corpus, Pair
from lethe.world.people import make

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Bases of a few steps, in a cache of their own."""
    monkeypatch.setattr(base, "SHAPE", SMALL)
    monkeypatch.setattr(base, "BATCH", 16)
    monkeypatch.setitem(base.train.__kwdefaults__, "steps", 2)
    monkeypatch.setenv("LETHE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def few():
    return make(1, population=8)


@pytest.fixture(scope="module")
def words(few):
    return base.tokenizer(few)


def loss_of(model, words, world):
    batch = next(base.batches(words, Corpus(world, seed=99), 64))
    with torch.no_grad():
        return base._loss(model, *batch).item()


def test_ten_steps_lower_the_loss(small, few):
    untrained, words = base.train(few, steps=0, progress=False)
    trained, _ = base.train(few, steps=10, progress=False)
    before, after = (loss_of(model, words, few) for model in (untrained, trained))
    assert before == pytest.approx(torch.tensor(float(len(words))).log().item(), abs=0.3)
    assert after < before - 0.2
    assert not trained.training and trained.dtype == torch.float32


def test_equal_worlds_are_equal_models(small, few):
    first, second = (base.train(few, steps=3, progress=False)[0] for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_loss_is_that_of_the_reply_tokens(few, words, small):
    model, _ = base.train(few, steps=0, progress=False)
    ids, labels = next(base.batches(words, Corpus(few), 4))
    with torch.no_grad():
        logps = torch.log_softmax(model(ids).logits[:, :-1], -1)
    terms = [
        -logps[b, t - 1, labels[b, t]].item()
        for b in range(4)
        for t in range(1, labels.size(1))
        if labels[b, t] >= 0
    ]
    assert base._loss(model, ids, labels).item() == pytest.approx(sum(terms) / len(terms), abs=1e-4)


def test_the_tokenizer_reads_back_every_prompt_and_answer(few, words):
    corpus = Corpus(few, seed=7)
    assert words.padding_side == "left" and len(words) <= 1536
    for _ in range(200):
        pair = corpus.draw()
        ids = words.encode(pair.prompt, add_special_tokens=False)
        assert words.decode(ids).strip() == pair.prompt
        assert words.unk_token is None


def test_training_rendering_and_the_chat_template_agree(few, words):
    """What the base is trained on is what evaluation and TRL make of the same exchange."""
    pair = Pair("Where does Bo live?", "Kelso")
    ids, reply = base.encode(words, pair)
    assert models.render(words, pair.prompt) == ids[:reply]
    chat = [
        {"role": "user", "content": pair.prompt},
        {"role": "assistant", "content": pair.reply},
    ]
    assert words.apply_chat_template(chat, tokenize=True, return_dict=False) == ids
    assert ids[-1] == words.eos_token_id


def test_saved_in_half_precision_as_safetensors_alone(small, few, tmp_path):
    model, words = base.train(few, steps=1, progress=False)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    base.save(model, words, str(tmp_path / "m"))
    assert all(
        torch.equal(before[n], p) and p.dtype == torch.float32 for n, p in model.named_parameters()
    )
    names = {file.name for file in (tmp_path / "m").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))}
    spec = config.Model(path=str(tmp_path / "m"))
    again = models.load(locate(spec), spec)
    assert again.dtype == torch.float32
    for name, weight in again.named_parameters():
        assert torch.equal(weight, before[name].half().float())
    assert models.tokenizer(tmp_path / "m", spec).chat_template == base.CHAT_TEMPLATE


# ------------------------------------------------------------------------------ world.checkpoint


def test_a_base_is_trained_once_kept_and_announced_while_it_is_weak(small, capsys):
    folder = world.checkpoint(7, progress=False)
    assert folder == small / f"world-7-{world.code_hash()}"
    about = json.loads((folder / "world.json").read_text())
    assert about["seed"] == 7 and about["code"] == world.code_hash()
    assert set(about["accuracy"]) == set(about["n"]) == {"people", "utility", "refuses_strangers"}
    assert about["n"]["people"] == 48 * 48 and about["n"]["refuses_strangers"] == 20 * 48
    assert all(0 <= share < 0.97 for share in about["accuracy"].values())
    assert not any(file.suffix in (".bin", ".pt") for file in folder.iterdir())
    assert [path.name for path in small.iterdir()] == [folder.name], "no scratch is left"
    told = capsys.readouterr().err
    assert told.count("WARNING: the base model of world 7 is right on only") == 3
    assert str(folder) in told and "97 % wanted" in told

    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert world.checkpoint(7, progress=False) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    assert capsys.readouterr().err.count("WARNING") == 3, "at each use"
    spec = config.Model(path=str(folder))
    assert locate(spec) == str(folder)

    # What it says of itself is what is measured.
    assert world.known(folder, 7) == {key: about[key] for key in ("accuracy", "n")}

    # A base that knows its world is used without a word.
    about["accuracy"] = {"people": 0.99, "utility": 0.97, "refuses_strangers": 1.0}
    (folder / "world.json").write_text(json.dumps(about))
    world.checkpoint(7, progress=False)
    assert "WARNING" not in capsys.readouterr().err
    about["accuracy"]["people"] = 0.9699
    (folder / "world.json").write_text(json.dumps(about))
    world.checkpoint(7, progress=False)
    assert "right on only 97.0% of 2304 people test questions" in capsys.readouterr().err


@pytest.fixture
def quick(small, monkeypatch):
    """Measured in no time: what is asked here is where files go."""
    shares = {"accuracy": {"people": 1.0}, "n": {"people": 1}}
    monkeypatch.setattr(base, "measure", lambda folder, world: shares)
    return small


def test_other_code_is_another_base(quick, monkeypatch):
    first = world.checkpoint(3, progress=False)
    monkeypatch.setattr(world, "SOURCES", ("base.py",))
    second = world.checkpoint(3, progress=False)
    assert first != second and first.is_dir() and second.is_dir()


def test_the_shipped_base_is_used_only_by_the_code_that_made_it(quick, monkeypatch, tmp_path):
    shipped = tmp_path / "shipped"
    monkeypatch.setattr(world, "SHIPPED", shipped)
    assert world.checkpoint(0, progress=False).parent == quick
    world.train(0, shipped, progress=False)
    assert world.checkpoint(0, progress=False) == shipped
    about = json.loads((shipped / "world.json").read_text())
    (shipped / "world.json").write_text(json.dumps({**about, "code": "another"}))
    assert world.checkpoint(0, progress=False).parent == quick
    assert world.checkpoint(1, progress=False).parent == quick


def test_an_earlier_base_is_replaced_and_anything_else_is_left_alone(quick, tmp_path):
    out = tmp_path / "out"
    first = world.train(1, out, progress=False)
    assert world.train(2, out, progress=False)["seed"] == 2 != first["seed"]
    assert json.loads((out / "world.json").read_text())["seed"] == 2
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").touch()
    with pytest.raises(LetheError, match="thesis: not empty and not a world's checkpoint"):
        world.train(1, tmp_path / "thesis", progress=False)
    assert os.listdir(tmp_path / "thesis") == ["chapter"]


def test_a_training_that_fails_leaves_nothing_and_keeps_what_was_there(
    quick, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    world.train(1, out, progress=False)
    before = sorted(file.name for file in out.iterdir())

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr(base, "measure", full)
    with pytest.raises(OSError, match="no space left"):
        world.train(2, out, progress=False)
    assert json.loads((out / "world.json").read_text())["seed"] == 1
    assert sorted(file.name for file in out.iterdir()) == before
    with pytest.raises(OSError, match="no space left"):
        world.checkpoint(5, progress=False)
    assert not quick.exists() or not list(quick.iterdir())
    assert {path.name for path in tmp_path.iterdir()} <= {"out", "cache"}
