"""Log-probabilities of reference answers, against one plain forward at a time."""

import random

import pytest
import torch

from lethe import likelihood
from lethe.generate import sample
from lethe.likelihood import Request, request, score
from lethe.model import render

NAMES = ["Bo", "Ada", "Cy", "Dot", "Eli", "Fay"]
TOWNS = ["Oslo", "Rome", "Lima", "Bern", "Kiev"]


def rows(tokenizer, count=17, seed=0):
    rng = random.Random(seed)
    prompts = [
        f"Where does {' '.join(rng.choices(NAMES, k=1 + i % 5))} live ?" for i in range(count)
    ]
    answers = [" ".join(rng.choices(TOWNS, k=1 + i % 3)) for i in range(count)]
    return [render(tokenizer, prompt) for prompt in prompts], answers


def answer_logprobs(model, tokenizer, prompts, answers, *, prefix="", batch_size=64):
    asked = [
        request(tokenizer, prompt, answer, prefix=prefix)
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    out = [()] * len(asked)
    for members, found in score(model, asked, pad=tokenizer.pad_token_id, batch_size=batch_size):
        for i, one in zip(members, found, strict=True):
            out[i] = one.logprobs
    return out


def by_hand(model, prompt, forced, scored):
    ids = [*prompt, *forced, *scored]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].double()
    start = len(prompt) + len(forced)
    out = []
    for place in range(start, len(ids)):
        row = logits[place - 1]
        out.append((row[ids[place]] - row.exp().sum().log()).item())
    return out


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("prefix", ["", "Sure, it is"])
def test_equal_to_one_plain_forward_a_row(net, words, kind, prefix):
    model, (prompts, answers) = net(kind), rows(words)
    found = answer_logprobs(model, words, prompts, answers, prefix=prefix, batch_size=5)
    forced = words.convert_tokens_to_ids(prefix.split())
    for prompt, answer, values in zip(prompts, answers, found, strict=True):
        scored = [*words.convert_tokens_to_ids(answer.split()), words.eos_token_id]
        assert values == pytest.approx(by_hand(model, prompt, forced, scored), abs=1e-4)
        assert len(values) == len(answer.split()) + 1


def test_the_batch_does_not_matter(net, words):
    model, (prompts, answers) = net(scale=0.15), rows(words)
    alone = answer_logprobs(model, words, prompts, answers, batch_size=1)
    for size in (2, 7, 64):
        together = answer_logprobs(model, words, prompts, answers, batch_size=size)
        for one, other in zip(alone, together, strict=True):
            assert one == pytest.approx(other, abs=1e-5)
    backwards = answer_logprobs(model, words, prompts[::-1], answers[::-1], batch_size=4)
    for one, other in zip(alone, backwards[::-1], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_they_are_probabilities(net, words):
    """Over every answer of one word, and the end at once, the first tokens' shares sum to one."""
    prompt = render(words, "Where does Bo live ?")
    vocabulary = words.convert_ids_to_tokens(list(range(len(words))))
    model = net(scale=0.15)
    texts = [token for token in vocabulary if token not in words.all_special_tokens]
    found = answer_logprobs(model, words, [prompt] * len(texts), texts)
    first = sum(torch.tensor(values[0]).exp().item() for values in found)
    with torch.no_grad():
        shares = torch.softmax(model(torch.tensor([prompt])).logits[0, -1], -1)
    rest = shares[words.all_special_ids].sum().item()
    assert first + rest == pytest.approx(1.0, abs=1e-4)


def test_the_prefix_is_read_but_not_scored(net, words):
    model, prompt = net(scale=0.15), render(words, "Where does Bo live ?")
    without, behind = (
        answer_logprobs(model, words, [prompt], ["Oslo"], prefix=prefix)[0]
        for prefix in ("", "Sure, it is")
    )
    assert len(without) == len(behind) == 2 and without != behind
    forced = words.convert_tokens_to_ids("Sure, it is".split())
    again = answer_logprobs(model, words, [[*prompt, *forced]], ["Oslo"])[0]
    assert again == pytest.approx(behind, abs=1e-5)


def test_the_end_is_scored_last(net, words):
    model, prompt = net(scale=0.15), render(words, "Where does Bo live ?")
    oslo = words.convert_tokens_to_ids("Oslo")
    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, oslo]])).logits[0, -1]
    end = torch.log_softmax(logits, -1)[words.eos_token_id].item()
    assert answer_logprobs(model, words, [prompt], ["Oslo"])[0][-1] == pytest.approx(end, abs=1e-5)


def test_no_rows_and_batches(net, words):
    assert answer_logprobs(net(), words, [], []) == []
    prompts, answers = rows(words, 7)
    asked = [request(words, p, a) for p, a in zip(prompts, answers, strict=True)]
    done = [members for members, _ in score(net(), asked, pad=0, batch_size=3)]
    assert [len(members) for members in done] == [3, 3, 1]
    assert sorted(i for members in done for i in members) == list(range(7))


def test_shares_and_what_is_done_leave_the_batches_as_they_are(net, words):
    prompts, answers = rows(words, 11)
    asked = [request(words, p, a) for p, a in zip(prompts, answers, strict=True)]
    model = net(scale=0.15)
    whole = list(score(model, asked, pad=0, batch_size=2))
    first, second = (list(score(model, asked, pad=0, batch_size=2, share=(i, 2))) for i in (0, 1))
    assert first == whole[::2] and second == whole[1::2]
    skip = {*whole[0][0], *whole[2][0], whole[3][0][0]}
    assert list(score(model, asked, pad=0, batch_size=2, skip=skip)) == [whole[1], *whole[3:]]


def test_hits_and_spread_against_the_whole_distribution(net, words):
    """Mean and variance of log p over the vocabulary, under p; a hit is the likeliest token."""
    model, (prompts, answers) = net(scale=0.15), rows(words, 5)
    asked = [request(words, p, a, spread=True) for p, a in zip(prompts, answers, strict=True)]
    options = {"pad": 0, "max_new_tokens": 3, "temperature": 0.0, "seed": 0}
    said = sample(model, prompts[:2], stop=[], **options)
    asked += [Request(tuple(p), tuple(s), True) for p, s in zip(prompts, said, strict=False)]
    hits = 0
    for members, found in score(model, asked, pad=0, batch_size=3):
        for i, one in zip(members, found, strict=True):
            context, target, _ = asked[i]
            with torch.no_grad():
                logits = model(torch.tensor([[*context, *target]])).logits[0].double()
            for k, token in enumerate(target):
                logps = torch.log_softmax(logits[len(context) + k - 1], -1)
                mean = float((logps.exp() * logps).sum())
                square = float((logps.exp() * logps.square()).sum())
                assert one.means[k] == pytest.approx(mean, abs=1e-5)
                assert one.variances[k] == pytest.approx(square - mean**2, abs=1e-5)
                assert one.hits[k] == (int(logps.argmax()) == token)
                hits += one.hits[k]
    assert 6 <= hits < sum(len(r.target) for r in asked)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_a_text_whose_logits_do_not_fit_is_read_in_pieces(net, words, kind, monkeypatch):
    """With room for seven places, and for three: the same numbers."""
    model, (prompts, _) = net(kind, scale=0.15), rows(words, 5)
    texts = [words.encode(" ".join(NAMES * 8)), words.encode(" ".join(TOWNS * 7))]
    asked = [Request(tuple(p), tuple(t), True) for p in prompts[:2] for t in texts]
    asked += [Request((), tuple(texts[0])), Request(asked[0].context, asked[0].target[:3])]

    def found():
        scored = [None] * len(asked)
        for members, values in score(model, asked, pad=0):
            for i, one in zip(members, values, strict=True):
                scored[i] = one
        return scored

    whole = found()
    for room in (7, 3):
        monkeypatch.setattr(likelihood, "_LOGITS", {"cpu": room * len(words)})
        for one, other in zip(whole, found(), strict=True):
            assert one.hits == other.hits and len(one.hits) == len(one.logprobs)
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
            for key in ("means", "variances"):
                a, b = getattr(one, key), getattr(other, key)
                assert a == (b and pytest.approx(b, abs=1e-5))


def test_choices_of_one_token_are_read_once(net, words):
    model, prompt = net(scale=0.15), tuple(render(words, "Where does Bo live ?"))
    towns = words.convert_tokens_to_ids(TOWNS)
    passes = []
    model.register_forward_pre_hook(lambda *_: passes.append(1))
    [(members, found)] = score(model, [Request(prompt, (town,)) for town in towns], pad=0)
    assert members == list(range(5)) and len(passes) == 1
    for town, one in zip(towns, found, strict=True):
        assert one.logprobs == pytest.approx(by_hand(model, prompt, [], [town]), abs=1e-5)


def test_a_text_without_anything_before_it_leaves_its_first_token_out(net, words):
    model = net(scale=0.15)
    ids = words.convert_tokens_to_ids("Bo Ada Cy Dot".split())
    asked = [Request((), (ids[0],)), Request((), tuple(ids))]
    [([first], [lone]), ([second], [one])] = score(model, asked, pad=0)
    assert (first, second) == (0, 1)
    assert one.logprobs == pytest.approx(by_hand(model, ids[:1], [], ids[1:]), abs=1e-5)
    assert lone.logprobs == ()


@pytest.mark.parametrize(
    ("chat", "prefix", "expected"),
    [
        (True, "", "Who?>|Bo"),
        (True, "It is", "Who?>It is| Bo"),
        (False, "", "Question: Who?\nAnswer:| Bo"),
        (False, "It is", "Question: Who?\nAnswer: It is| Bo"),
    ],
)
def test_an_answer_behind_text_opens_with_a_space(net, letters, chat, prefix, expected):
    """What is scored is what Rejection Steering writes: "Answer: Bo", not "Answer:Bo"."""
    tokenizer = letters(chat)
    model = net(scale=0.15, vocab_size=len(tokenizer), eos_token_id=1)
    found = answer_logprobs(model, tokenizer, [render(tokenizer, "Who?")], ["Bo"], prefix=prefix)
    before, answer = (
        tokenizer.encode(part, add_special_tokens=False) for part in expected.split("|")
    )
    assert found[0] == pytest.approx(by_hand(model, before, [], [*answer, 1]), abs=1e-4)
