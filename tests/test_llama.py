"""The bare decoder says what `transformers` says, token for token."""

import pytest
import torch

from lethe import _llama
from lethe.generate import left_pad, sample

SHAPES = {
    "llama": ("llama", {}),
    "untied head": ("llama", {"tie_word_embeddings": False}),
    "tied head": ("llama", {"tie_word_embeddings": True}),
    "grouped queries": ("llama", {"num_key_value_heads": 2}),
    "one key head": ("llama", {"num_key_value_heads": 1}),
    "wide heads": ("llama", {"head_dim": 12}),
    "stretched rope": ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 3.0}}),
    "llama3 rope": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 32,
            }
        },
    ),
    "qwen2": ("qwen2", {"num_key_value_heads": 2}),
    "tied qwen2": ("qwen2", {"tie_word_embeddings": True}),
    "mistral": ("mistral", {"num_key_value_heads": 2, "sliding_window": None}),
}
STOP = [2, 7, 11]


def ragged(seed=0, count=12, longest=9):
    draws = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (count,), generator=draws).tolist()
    prompts = [torch.randint(3, 40, (n,), generator=draws).tolist() for n in lengths]
    return [*prompts, prompts[0], prompts[3], prompts[0]]


def bare(model, prompts, *, stop=STOP, length=14, temperature=0.0, seed=0):
    assert _llama.fits(model)
    return sample(
        model,
        prompts,
        stop=stop,
        pad=0,
        max_new_tokens=length,
        temperature=temperature,
        seed=seed,
    )


def theirs(model, prompts, *, stop=STOP, length=14):
    ids, mask = left_pad(prompts, 0)
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=length,
        do_sample=False,
        eos_token_id=stop,
        pad_token_id=0,
    )
    rows = out[:, ids.size(1) :].tolist()
    ends = [next((i + 1 for i, t in enumerate(row) if t in stop), len(row)) for row in rows]
    return [row[:end] for row, end in zip(rows, ends, strict=True)]


def lora(model, seed=0):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    shape = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    return get_peft_model(model, shape).eval()


@pytest.mark.parametrize("name", SHAPES)
def test_greedy_equals_transformers_token_for_token(net, name):
    kind, shape = SHAPES[name]
    lengths = set()
    for seed in range(3):
        model, prompts = net(kind, seed=seed, **shape), ragged(seed)
        ours = bare(model, prompts)
        assert ours == theirs(model, prompts)
        lengths |= {len(row) for row in ours}
    assert len(lengths) > 1 and max(lengths) == 14, "no row stopped early, or all did"


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_greedy_equals_transformers_under_an_adapter(net, kind):
    model, prompts = lora(net(kind)), ragged()
    with_adapter = bare(model, prompts)
    assert with_adapter == theirs(model, prompts)
    with model.disable_adapter():
        without = bare(model, prompts)
        assert without == theirs(model, prompts)
    assert without == bare(net(kind), prompts)
    assert with_adapter != without
    assert bare(model, prompts) == with_adapter


def test_the_adapter_in_force_is_the_one_that_speaks(net):
    from peft import LoraConfig

    model = lora(net("llama"))
    first = bare(model, ragged())
    torch.manual_seed(5)
    other = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model.add_adapter("other", other)
    assert bare(model, ragged()) == first
    model.set_adapter("other")
    assert bare(model, ragged()) == theirs(model, ragged()) != first


def test_a_decoder_reads_the_weights_of_now(net):
    model, prompts = net("llama"), ragged()
    before = bare(model, prompts)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight.mul_(-1)
    after = bare(model, prompts)
    assert after == theirs(model, prompts) != before


def test_decoding_leaves_the_model_as_it_was(net):
    model = net("llama")
    model.train()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    bare(model, ragged(), temperature=1.0)
    assert model.training
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


def test_a_row_stops_at_its_first_stop_token_and_keeps_it(net):
    model, prompts = net("llama"), ragged()
    free = bare(model, prompts, stop=[])
    assert all(len(row) == 14 for row in free)
    # The rows that were not stopped are the ones that go on; what a row says does not change.
    stopped = bare(model, prompts, stop=[free[0][3], free[1][0]])
    ends = {free[0][3], free[1][0]}
    for whole, cut in zip(free, stopped, strict=True):
        end = next((i + 1 for i, token in enumerate(whole) if token in ends), 14)
        assert cut == whole[:end]
    assert len(stopped[1]) == 1


def test_one_new_token_is_one_new_token(net):
    rows = bare(net("llama"), ragged(), length=1)
    assert [len(row) for row in rows] == [1] * 15


def test_equal_seeds_draw_equal_tokens_and_others_do_not(net):
    model, prompts = net("llama"), ragged()
    first = bare(model, prompts, temperature=1.0, seed=3)
    assert first == bare(model, prompts, temperature=1.0, seed=3)
    assert first != bare(model, prompts, temperature=1.0, seed=4)


def test_sampling_leaves_the_global_random_state_alone(net):
    model = net("llama")
    before = torch.get_rng_state()
    bare(model, ragged(), temperature=1.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_rows_draw_does_not_depend_on_the_other_rows(net):
    model = net("llama", scale=0.15)
    mine, longest = [5, 9, 4], list(range(6, 18))
    batches = [
        [[8], mine, [9, 9], [7]],
        [[30, 31], mine, [12], [4, 5, 6, 7]],
        [longest, mine, longest, mine],
        [mine, mine, mine, mine],
        [[8], mine],
    ]
    for seed in range(5):
        said = [bare(model, b, stop=[2], temperature=1.0, seed=seed)[1] for b in batches]
        assert all(row == said[0] for row in said)


def test_members_of_a_group_are_drawn_apart(net):
    rows = bare(net("llama", scale=0.05), [[5, 6, 7]] * 32, stop=[], temperature=1.0)
    assert len({tuple(row) for row in rows}) == 32


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_the_first_token_follows_the_softmax(net, temperature):
    model, prompt, n = net("llama", scale=0.15), [5, 9, 4], 6000
    rows = bare(model, [prompt] * n, length=1, temperature=temperature, seed=1)
    counts = torch.bincount(
        torch.tensor([row[0] for row in rows]), minlength=model.config.vocab_size
    ).double()
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0, -1].double()
    expected = torch.softmax(logits / temperature, -1)
    deviation = (counts / n - expected).abs()
    assert (deviation <= 4.5 * (expected * (1 - expected) / n).sqrt() + 1 / n).all()
    often = expected * n >= 5
    chi2 = ((counts - n * expected) ** 2 / (n * expected))[often].sum().item()
    freedom = int(often.sum()) - 1
    assert chi2 < freedom + 4 * (2 * freedom) ** 0.5


def test_a_token_that_cannot_be_drawn_is_not_drawn(net):
    model = net("llama", tie_word_embeddings=False)
    with torch.no_grad():
        model.lm_head.weight[10:].zero_()
        model.lm_head.weight[10:] -= 1e4 * torch.sign(model.model.norm.weight)
        model.lm_head.weight[:10].mul_(0.1)
        hidden = model.model(torch.tensor([[5, 6]])).last_hidden_state[0, -1]
        possible = torch.softmax(model.lm_head(hidden), -1) > 0
    rows = bare(model, [[5, 6]] * 500, length=1, temperature=1.0)
    assert {row[0] for row in rows} <= set(possible.nonzero()[:, 0].tolist())


def test_the_second_token_follows_the_softmax_behind_the_first(net):
    """Rows that leave the batch must not swap the luck or the cache of those that stay."""
    model, n = net("llama", scale=0.15), 4000
    rows = bare(model, [[5, 9, 4]] * n, stop=list(range(0, 99, 2)), length=2, temperature=1.0)
    firsts = torch.bincount(
        torch.tensor([row[0] for row in rows if row[0] % 2]), minlength=model.config.vocab_size
    )
    first = int(firsts.argmax())
    seconds = torch.tensor([row[1] for row in rows if row[0] == first])
    assert len(seconds) > 100 and all(len(row) == 1 for row in rows if row[0] % 2 == 0)
    with torch.no_grad():
        expected = torch.softmax(model(torch.tensor([[5, 9, 4, first]])).logits[0, -1], -1)
    share = torch.bincount(seconds, minlength=model.config.vocab_size) / len(seconds)
    assert (
        (share - expected).abs()
        <= 4.5 * (expected * (1 - expected) / len(seconds)).sqrt() + 1 / len(seconds)
    ).all()


def test_fits_says_no_where_it_would_be_wrong(net):
    from peft import LoraConfig, get_peft_model

    assert _llama.fits(net("llama"))
    assert _llama.fits(lora(net("llama")))
    assert not _llama.fits(net("llama").to(torch.bfloat16))
    assert not _llama.fits(net("llama").double())
    assert not _llama.fits(net("gpt2"))
    assert not _llama.fits(net("mistral", sliding_window=4))
    window = {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 0}
    assert not _llama.fits(net("qwen2", **window))
    assert not _llama.fits(net("llama", attention_bias=True)), "its output projection has a bias"
    assert not _llama.fits(net("llama", mlp_bias=True))
    assert not _llama.fits(net("llama", hidden_act="gelu"))
    embedding = LoraConfig(target_modules=["embed_tokens"], init_lora_weights=False)
    assert not _llama.fits(get_peft_model(net("llama"), embedding))


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("gpt2", {}),
        ("llama", {"attention_bias": True}),
        ("llama", {"mlp_bias": True}),
        ("llama", {"hidden_act": "gelu"}),
        ("mistral", {"sliding_window": 4}),
    ],
)
def test_other_models_are_decoded_by_transformers(net, kind, shape):
    model, prompts = net(kind, **shape), ragged()
    ours = sample(model, prompts, stop=STOP, pad=0, max_new_tokens=14, temperature=0.0, seed=0)
    assert ours == theirs(model, prompts)
