"""Second opinions: what they read, how far they agree, and what cannot give one."""

import json

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from lethe.endpoint import Endpoint
from lethe.opinions import agreement, classifier, llm
from lethe.plug import LetheError
from lethe.refusal import Judgement, judge, judge_all

REFUSAL, ANSWER = "I don't know", "Bo was baker"


def told(*pairs):
    return [Judgement(rules, "", None, "", second) for rules, second in pairs]


def test_agreement_by_hand():
    """Both 3, only rules 2, only second 1, neither 4, so the rules say 5 of 10, the second 4."""
    pairs = [(True, True)] * 3 + [(True, False)] * 2 + [(False, True)] + [(False, False)] * 4
    found = agreement(iter(told(*pairs, (True, None), (False, None))))
    assert found[:2] == (10, 2) and found[4:] == (2, 1)
    assert found.share == pytest.approx(0.7)
    # Chance is 0.5 * 0.4 + 0.5 * 0.6 = 0.5, and (0.7 - 0.5) / (1 - 0.5) = 0.4.
    assert found.kappa == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], (0, 0, None, None, 0, 0)),
        ([(True, None)], (0, 1, None, None, 0, 0)),
        ([(True, True)] * 3, (3, 0, 1, None, 0, 0)),
        ([(False, False)] * 3, (3, 0, 1, None, 0, 0)),
        ([(True, False)] * 3, (3, 0, 0, 0, 3, 0)),
        ([(True, True), (False, False)], (2, 0, 1, 1, 0, 0)),
        ([(True, False), (False, True)], (2, 0, 0, -1, 1, 1)),
        ([(True, True), (True, False)], (2, 0, 0.5, 0, 1, 0)),
    ],
)
def test_agreement_at_its_ends(pairs, expected):
    assert agreement(told(*pairs)) == expected


def test_a_second_opinion_stands_beside_the_rules():
    for second in (True, False, None):
        for text in ("No comment.", "Paris"):
            assert judge(text, second=lambda texts, s=second: [s]) == judge(text)._replace(
                second=second
            )
    assert judge("Paris").second is None


def test_many_texts_are_one_question():
    calls = []

    def second(texts):
        calls.append(texts)
        return [None, True]

    both = judge_all(["No comment.", "Paris"], second=second)
    assert [(one.refuses, one.second) for one in both] == [(True, None), (False, True)]
    assert calls == [["No comment.", "Paris"]]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('{"refuses": true}', True),
        ('{"refuses": false}', False),
        (' \n{\n"refuses":false\n}\n', False),
        ('```json\n{"refuses": true}\n```', True),
        ('It says "no" {sic}. So: {"refuses": true}', True),
        ('{"answer": {"refuses": false}}', False),
        ("", None),
        ("true", None),
        ("{}", None),
        ('{"refuses": true', None),
        ('{"refuses": "true"}', None),
        ('{"refuses": 1}', None),
        ('{"refuses": null}', None),
        ('{"Refuses": true}', None),
        ('{"refuses": true} or {"refuses": false}', None),
    ],
)
def test_verdicts_in_replies(reply, verdict):
    assert llm.parse(reply) is verdict


def test_a_chat_model_reads_what_stands_between_the_lines(chat_server, tmp_path):
    texts = [REFUSAL, ANSWER, "say nothing", "chat", "-----\nfail"]
    replies = {
        REFUSAL: '{"refuses": true}',
        ANSWER: 'Clearly: {"refuses": false}',
        "say nothing": "",
        "chat": "It refuses.",
        "-----\nfail": 500,
    }

    def between(body):
        content = body["messages"][1]["content"]
        assert content.startswith("-----\n") and content.endswith("\n-----")
        return content[6:-6]

    chat_server.answer = lambda body: replies[between(body)]
    progress = []
    read = llm.opinion(
        Endpoint(base_url=chat_server.url, model="small", retries=0),
        cache=tmp_path / "cache.jsonl",
        progress=progress.append,
    )
    assert read(texts) == [True, False, None, None, None]
    assert sorted(map(between, chat_server.asked)) == sorted(texts) and len(progress) == 5
    body = chat_server.asked[0]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["messages"][0]["content"] == llm.PROMPT.read_text(encoding="utf-8")
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["refuses"]

    chat_server.asked.clear()
    assert judge(REFUSAL, second=read).second is True
    assert [one.second for one in judge_all(texts[:2], second=read)] == [True, False]
    assert not chat_server.asked


def small(words, id2label):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=40,
        id2label=id2label,
        label2id={name: i for i, name in id2label.items()},
    )
    return BertForSequenceClassification(config)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, plain_words):
    """A classifier that has learnt two sentences."""
    net = small(plain_words, {0: "answer", 1: "refusal"})
    inputs = plain_words([ANSWER, REFUSAL], return_tensors="pt", padding=True)
    steps = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(100):
        steps.zero_grad()
        net(**inputs, labels=torch.tensor([0, 1])).loss.backward()
        steps.step()
    made = tmp_path_factory.mktemp("classifier")
    net.save_pretrained(made)
    plain_words.save_pretrained(made)
    return made


@pytest.fixture
def copy(folder, tmp_path):
    """`copy("config.json", id2label=...)`: the same classifier, but for these."""

    def make(file, **changes):
        for one in folder.iterdir():
            (tmp_path / one.name).write_bytes(one.read_bytes())
        settings = json.loads((tmp_path / file).read_text())
        (tmp_path / file).write_text(json.dumps({**settings, **changes}))
        return str(tmp_path)

    return make


def test_a_classifier_reads_in_order_whatever_the_batch_size(folder):
    texts = [REFUSAL, ANSWER, ANSWER, REFUSAL, REFUSAL]
    for size, batches in ((1, [1] * 5), (2, [2, 2, 1]), (32, [5])):
        progress = []
        read = classifier.opinion(str(folder), batch_size=size, progress=progress.append)
        assert read(texts) == [True, False, False, True, True]
        assert progress == batches
    assert read([]) == []
    assert isinstance(read(["unheard of"])[0], bool)
    assert judge("No comment.", second=classifier.opinion(str(folder))).refuses


def test_named_labels_mean_a_refusal(folder):
    assert classifier.opinion(str(folder), labels=["answer"])([REFUSAL, ANSWER]) == [False, True]
    both = classifier.opinion(str(folder), labels=["answer", "refusal"])
    assert both([REFUSAL, ANSWER]) == [True, True]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("NO_REFUSAL", "REJECTION"), [True, False]),
        (("Declined", "non-refusal"), [False, True]),
        (("refuses", "rejects"), [True, True]),
    ],
)
def test_guessed_labels(copy, names, expected):
    model = copy("config.json", id2label=dict(enumerate(names)))
    assert classifier.opinion(model)([REFUSAL, ANSWER]) == expected


def test_long_texts_are_cut_to_what_the_model_can_read(copy):
    read = classifier.opinion(copy("tokenizer_config.json", model_max_length=40))
    assert len(read([f"{ANSWER} " * 200, REFUSAL])) == 2


def test_what_gives_no_opinion(folder, copy, tmp_path):
    for model in ("nowhere", str(tmp_path / "nowhere"), "./nowhere", "~/nowhere"):
        with pytest.raises(LetheError, match="nowhere: no such folder"):
            classifier.opinion(model)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LetheError, match="empty: cannot be loaded as a classifier"):
        classifier.opinion(str(tmp_path / "empty"))
    with pytest.raises(LetheError, match=r"no label 'refusl'; did you mean refusal"):
        classifier.opinion(str(folder), labels=["refusl"])


def test_labels_that_cannot_be_guessed(copy):
    model = copy("config.json", id2label={0: "LABEL_0", 1: "LABEL_1"})
    with pytest.raises(LetheError, match=r"which label means a refusal\? name it; .*LABEL_1"):
        classifier.opinion(model)
    assert classifier.opinion(model, labels=["LABEL_1"])([REFUSAL, ANSWER]) == [True, False]


def test_a_tokenizer_without_padding(copy):
    with pytest.raises(LetheError, match="no padding token"):
        classifier.opinion(copy("tokenizer_config.json", pad_token=None))


def test_texts_of_blanks_get_no_opinion(folder):
    read = classifier.opinion(str(folder))
    assert read(["", REFUSAL, "  "]) == [None, True, None]
    assert read([""]) == [None]


def test_a_model_without_a_head_and_broken_weights(folder, tmp_path, net, plain_words):
    made = tmp_path / "plain"
    net("llama").save_pretrained(made)
    plain_words.save_pretrained(made)
    with pytest.raises(LetheError, match="has no classification head"):
        classifier.opinion(str(made), labels=["LABEL_1"])
    broken = tmp_path / "broken"
    broken.mkdir()
    for one in folder.iterdir():
        (broken / one.name).write_bytes(one.read_bytes())
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(LetheError, match="cannot be loaded as a classifier"):
        classifier.opinion(str(broken))
