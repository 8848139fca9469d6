"""The four flavours of ROUGE-L, each against the package that its benchmark uses."""

import random

import pytest
from rouge import Rouge
from rouge_score.rouge_scorer import RougeScorer

from lethe.data import Answered
from lethe.metrics.rouge_l_f1 import rouge_l_f1
from lethe.metrics.rouge_l_recall import rouge_l_recall
from lethe.metrics.rouge_l_recall_rwku import rouge_l_recall_rwku
from lethe.metrics.rouge_l_recall_stemmed import rouge_l_recall_stemmed

WORDS = (
    "The the King wrote writes writing books book. Portland, Portland. Maine in a of of "
    "author's author famous famously U.S. St. . .. “Carrie” It! it 1974 Beyoncé horror-writer"
).split()


def _row(answer: str, completion: str) -> Answered:
    same = {"id": "1", "prompt": "?", "scope": "forget"}
    return Answered(**same, answer=answer, completion=completion)


def _pairs(count: int = 300) -> list[Answered]:
    """References and texts of 1 to 12 words that share many, with odd spaces."""
    draw = random.Random(7)

    def text() -> str:
        gap = draw.choice([" ", "  ", "\n"])
        return gap.join(draw.choices(WORDS, k=draw.randint(1, 12)))

    rows = [_row(text(), text()) for _ in range(count)]
    # Package rouge has no sentence where there is only a full stop, and raises.
    return [row for row in rows if all(t.strip(" .\n") for t in (row.answer, row.completion))]


ROWS = _pairs()


def _google(stemmer: bool, part: str) -> list[float]:
    scorer = RougeScorer(["rougeL"], use_stemmer=stemmer)
    found = [scorer.score(row.answer, row.completion)["rougeL"] for row in ROWS]
    return [getattr(score, part) for score in found]


def test_google_flavours_are_the_package_s():
    assert len(ROWS) > 250
    assert rouge_l_recall(ROWS) == _google(False, "recall")
    assert rouge_l_recall_stemmed(ROWS) == _google(True, "recall")
    assert rouge_l_f1(ROWS) == _google(False, "fmeasure")


def test_rwku_s_flavour_is_the_package_s():
    theirs = Rouge().get_scores([row.completion.strip() for row in ROWS], [r.answer for r in ROWS])
    ours = rouge_l_recall_rwku(ROWS)
    assert ours == pytest.approx([score["rouge-l"]["r"] for score in theirs], abs=1e-12)
    assert 0.1 < sum(ours) / len(ours) < 0.9  # neither all right nor all wrong
    mean = Rouge().get_scores(
        [row.completion.strip() for row in ROWS], [r.answer for r in ROWS], avg=True
    )
    assert sum(ours) / len(ours) == pytest.approx(mean["rouge-l"]["r"], abs=1e-12)


def test_rwku_s_flavour_on_the_benchmark_s_own_answers(shared_data):
    """Answers against the queries that ask for them, which share many words."""
    import json

    file = shared_data / "rwku/Target/1_Stephen_King/forget_level2.json"
    probes = json.loads(file.read_text(encoding="utf-8"))
    rows = [_row(probe["answer"], probe["query"]) for probe in probes]
    theirs = Rouge().get_scores([p["query"] for p in probes], [p["answer"] for p in probes])
    found = [score["rouge-l"]["r"] for score in theirs]
    assert rouge_l_recall_rwku(rows) == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "text", "plain", "stemmed", "f1", "rwku"),
    [
        # 2 of 3 words; with stems all 3. F1: 2 * 2/3 * 2/3 / (4/3).
        ("he writes books", "he write books", 2 / 3, 1.0, 2 / 3, 2 / 3),
        # Case and commas count in RWKU's.
        ("Portland, Maine", "portland maine", 1.0, 1.0, 1.0, 0.0),
        # Each sentence is aligned by itself: order between them is lost, so all 4 words are found.
        ("One two. Three four", "Three four. One two", 0.5, 0.5, 0.5, 1.0),
        # A set: the third "of" is not counted, 1 of 2 words.
        ("of of it", "of", 1 / 3, 1 / 3, 0.5, 0.5),
        ("Carrie", "", 0.0, 0.0, 0.0, 0.0),
        ("NOANSWER", " \n", 0.0, 0.0, 0.0, 1.0),  # an empty completion reads so
        ("Carrie", "...", 0.0, 0.0, 0.0, 0.0),
    ],
)
def test_by_hand(reference, text, plain, stemmed, f1, rwku):
    row = _row(reference, text)
    flavours = (rouge_l_recall, rouge_l_recall_stemmed, rouge_l_f1, rouge_l_recall_rwku)
    found = [metric([row])[0] for metric in flavours]
    assert found == pytest.approx([plain, stemmed, f1, rwku])


def test_without_a_reference_nothing_is_scored():
    row = _row("x", "x").model_copy(update={"answer": None})
    flavours = (rouge_l_recall, rouge_l_recall_stemmed, rouge_l_f1, rouge_l_recall_rwku)
    assert [metric([row]) for metric in flavours] == [[None]] * 4
    assert rouge_l_recall_rwku([_row("..", "x")]) == [None]
