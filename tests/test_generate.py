"""Prompts in, texts out: order, batches, temperature, where a completion ends."""

import pytest
import torch

from lethe import _llama
from lethe.generate import (
    SHARED,
    Stops,
    _stock,
    complete,
    completions,
    cut,
    left_pad,
    sample,
    stop_tokens,
)

NAMES = ["Bo", "Ada", "Cy", "Dot", "Eli", "Fay"]


def prompts_of(words, count=20):
    """Prompts of different lengths, long ones first, some of them twice."""
    texts = [" ".join(["Who", "is", *NAMES[i % 6 :], "?"][: 2 + (7 * i) % 8]) for i in range(count)]
    return [words.encode(text) for text in texts]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_texts_come_in_the_order_of_the_prompts_whatever_the_batch_size(net, words, kind):
    model, prompts = net(kind), prompts_of(words)
    alone = [complete(model, words, [p], max_new_tokens=9)[0] for p in prompts]
    assert len(set(alone)) > 5
    for size in (1, 3, 64):
        assert complete(model, words, prompts, max_new_tokens=9, batch_size=size) == alone
    backwards = complete(model, words, prompts[::-1], max_new_tokens=9, batch_size=7)
    assert backwards == alone[::-1]


def test_greedy_text_is_what_transformers_generates(net, words):
    model, prompts = net(), prompts_of(words, 6)
    for prompt, text in zip(
        prompts, complete(model, words, prompts, max_new_tokens=12), strict=True
    ):
        ids = torch.tensor([prompt])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False
        )[0, len(prompt) :]
        assert text == words.decode(out, skip_special_tokens=True).strip()


def test_no_prompts_give_no_texts(net, words):
    assert complete(net(), words, [], max_new_tokens=4) == []


def test_special_tokens_are_not_in_the_text(net, words):
    texts = complete(net(scale=0.05), words, prompts_of(words), max_new_tokens=40, temperature=1.0)
    assert not any(token in text for text in texts for token in words.all_special_tokens)
    assert all(text == text.strip() for text in texts)


def test_batches_cover_every_prompt_once_and_shares_are_the_same_batches(net, words):
    model, prompts = net(), prompts_of(words)

    def done(**share):
        return list(completions(model, words, prompts, max_new_tokens=2, batch_size=8, **share))

    whole = done()
    assert [len(rows) for rows, _ in whole] == [8, 8, 4]
    assert sorted(i for rows, _ in whole for i in rows) == list(range(20))
    assert done(share=(0, 2)) == whole[::2] and done(share=(1, 2)) == whole[1::2]
    assert done(skip={*whole[0][0], *whole[1][0][:5]}) == whole[1:]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_completion_ends_before_the_first_stop_text(net, words, kind):
    """Each text, cut where the stop first stands in it; and nothing is decoded far behind it."""
    model, prompts = net(kind, scale=0.15), prompts_of(words)
    free = complete(model, words, prompts, max_new_tokens=12)
    told, stop = next(
        (i, [" ".join(text.split()[k : k + 2]), "nobody says this"])
        for i, text in enumerate(free)
        for k in (2, 3, 4, 5)
        if len(set(text.split()[k - 1 : k + 2])) == 3
    )
    found = {}
    for rows, texts in completions(model, words, prompts, max_new_tokens=12, stop=stop):
        found |= dict(zip(rows, texts, strict=True))
    assert [found[i] for i in range(len(prompts))] == [cut(text, stop).strip() for text in free]
    assert found[told] == free[told].partition(stop[0])[0].strip() != ""
    stops = Stops(words, stop)
    for decode in (sample, lambda *a, **k: _stock(*a, **{**k, "stops": stops})):
        ids = decode(
            model, prompts, stop=[2], pad=0, max_new_tokens=12, temperature=0.0, seed=0, stops=stops
        )
        for row in ids:
            assert not any(stops.met(row[:n]) for n in range(len(row)))
        assert words.decode(ids[told], skip_special_tokens=True).endswith(stop[0])


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_temperature_and_seed_decide_the_draw(net, words, kind):
    model, prompts = net(kind, scale=0.15), prompts_of(words)

    def draw(temperature, seed):
        return complete(model, words, prompts, max_new_tokens=8, temperature=temperature, seed=seed)

    assert draw(1.0, 0) == draw(1.0, 0)
    assert draw(1.0, 0) != draw(1.0, 1)
    assert draw(0.0, 0) == draw(0.0, 1)
    # So cold that the likeliest token is all but certain.
    assert draw(1e-4, 5) == draw(0.0, 0)


def test_batches_of_one_call_do_not_repeat_each_others_luck(net, words):
    prompts = [words.encode("Who is")] * 40
    texts = complete(
        net(scale=0.05), words, prompts, max_new_tokens=10, temperature=1.0, batch_size=10
    )
    assert len(set(texts)) > 30


def test_stop_tokens_are_the_tokenizers_and_the_generation_configs(net, words):
    model = net()
    assert stop_tokens(model, words) == [2]
    model.generation_config.eos_token_id = [9, 7, 2]
    assert stop_tokens(model, words) == [2, 7, 9]
    model.generation_config.eos_token_id = None
    assert stop_tokens(model, words) == [2]
    model.generation_config.eos_token_id = 5
    assert stop_tokens(model, words) == [2, 5]


def test_a_completion_ends_at_a_stop_token_of_the_generation_config(net, words):
    model, prompt = net(), words.encode("Who is Bo ?")
    free = complete(model, words, [prompt], max_new_tokens=12)[0].split()
    model.generation_config.eos_token_id = [2, words.convert_tokens_to_ids(free[3])]
    end = free.index(free[3]) + 1
    assert complete(model, words, [prompt], max_new_tokens=12)[0].split() == free[:end]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_what_a_model_likes_to_sample_with_does_not_change_greedy_text(net, words, kind):
    """Released chat models carry a temperature and a repetition penalty of their own."""
    model, prompts = net(kind), prompts_of(words)
    plain = complete(model, words, prompts, max_new_tokens=12)
    settings = {"repetition_penalty": 4.0, "no_repeat_ngram_size": 1, "min_new_tokens": 12}
    for name, value in {**settings, "do_sample": True, "temperature": 0.2, "top_k": 1}.items():
        setattr(model.generation_config, name, value)
    assert complete(model, words, prompts, max_new_tokens=12) == plain


def test_stock_and_bare_decoder_say_the_same(net, words):
    model, prompts = net(), prompts_of(words)
    assert _llama.fits(model)
    bare = sample(model, prompts, stop=[2, 9], pad=0, max_new_tokens=10, temperature=0.0, seed=0)
    assert _stock(model, prompts, [2, 9], 0, 10, 0.0, 0, None) == bare


def test_stock_keeps_the_models_mode_and_the_global_random_state(net, words):
    model = net("gpt2").train()
    before = torch.get_rng_state()
    sample(
        model,
        prompts_of(words),
        stop=[2],
        pad=0,
        max_new_tokens=3,
        temperature=1.0,
        seed=0,
    )
    assert model.training and torch.equal(torch.get_rng_state(), before)


def test_stock_samples_from_the_softmax(net, words):
    model, prompt, n = net("gpt2", scale=0.2), words.encode("Who is"), 4000
    rows = sample(model, [prompt] * n, stop=[2], pad=0, max_new_tokens=1, temperature=1.5, seed=0)
    with torch.no_grad():
        expected = torch.softmax(model(torch.tensor([prompt])).logits[0, -1] / 1.5, -1)
    share = torch.bincount(torch.tensor([r[0] for r in rows]), minlength=len(expected)) / n
    assert ((share - expected).abs() <= 4.5 * (expected * (1 - expected) / n).sqrt() + 1 / n).all()


def test_left_pad():
    ids, mask = left_pad([[5], [6, 7, 8]], 0)
    assert ids.tolist() == [[0, 0, 5], [6, 7, 8]]
    assert mask.tolist() == [[0, 0, 1], [1, 1, 1]]


def test_what_prompts_begin_with_is_read_once_and_changes_nothing(net, words):
    """Ten prompts behind ten equal tokens and four others: each text as if it were alone."""
    model = net(scale=0.15)
    opening = words.encode("Who is Bo ? What is Ada ? Who is")
    prompts = [[*opening, *prompt] for prompt in prompts_of(words, 10)] + prompts_of(words, 14)[10:]
    assert len(opening) >= SHARED
    read = []
    prefill = _llama.Decoder._prefill

    def counted(self, ids, mask, before):
        read.append(ids.numel())
        return prefill(self, ids, mask, before)

    alone = [complete(model, words, [p], max_new_tokens=9)[0] for p in prompts]
    _llama.Decoder._prefill = counted
    try:
        together = complete(model, words, prompts, max_new_tokens=9)
    finally:
        _llama.Decoder._prefill = prefill
    assert together == alone and len(set(alone)) > 5
    assert read.count(len(opening) + 2) == 1  # with "Who is", which all go on with
    assert sum(read) < sum(map(len, prompts))
    # A prompt that is the opening itself, twice, and one that goes on from it.
    nested = [opening, [*opening, *words.encode("Cy")], opening]
    assert complete(model, words, nested, max_new_tokens=5) == [
        complete(model, words, [p], max_new_tokens=5)[0] for p in nested
    ]
