"""What every metric says of a row's value: by hand, and that all say something and are short."""

import pytest

from lethe import plug
from lethe.data import Answered
from lethe.metrics._summary import scores

TEXTS = {
    "answer": ("in Portland, Maine",),
    "choices": ("A", "B"),
    "mc1_true": ("Nothing.",),
    "mc1_false": ("Luck.", "You die."),
    "mc2_true": ("Nothing.", "You walk on."),
    "mc2_false": ("Luck.",),
}
SCORED = {
    "answer": [
        {
            "logprobs": (-0.25, -4.0, -2.0, -0.5, -3.0, -1.0),
            "hits": (True, False, True, True, True, True),
            "means": (-2.0,) * 6,
            "variances": (4.0,) * 6,
            "gradient": 7.5,
        }
    ],
    "paraphrased": [{"logprobs": (-1.0,)}],
    "perturbed": [{"logprobs": (-1.0,)}, {"logprobs": (-2.0, -2.0)}],
    "choices": [{"logprobs": (-2.0,)}, {"logprobs": (-0.5,)}],
    "mc1_true": [{"logprobs": (-1.5,)}],
    "mc1_false": [{"logprobs": (-4.0,)}, {"logprobs": (-0.5, -0.5)}],
    "mc2_true": [{"logprobs": (-1.0,)}, {"logprobs": (-3.0,)}],
    "mc2_false": [{"logprobs": (-2.0,)}],
}
ROW = Answered.model_validate(
    {
        "id": "1",
        "prompt": "Where?",
        "scope": "forget",
        "answer": "in Portland, Maine",
        "aliases": ["Portland", "the U.S."],
        "completion": "So the answer is he was born in Maine. In Portland it was.",
        "samples": ["In Maine.", "I don't know."],
        "protocol": {"texts": TEXTS},
        "scored": SCORED,
        "ratings": [{"readability": 90, "helpfulness": 60, "truthfulness": 30, "why": "fine"}],
    }
)
WHY = {
    "rouge_l_recall": "2 of 3 words in order, 13 said",
    "rouge_l_recall_stemmed": "2 of 3 words in order, 13 said",
    "rouge_l_f1": "2 of 3 words in order, 13 said",
    # "Portland," has its comma there, and "Maine" is found in the first sentence.
    "rouge_l_recall_rwku": "2 of 3 distinct words in order",
    "token_f1": "3 of 12 words said, of 3 in 'in Portland, Maine'",
    "exact_match": "is none of 3 references",
    "bbh_exact_match": "'he was born in Maine' against 'in Portland, Maine'",
    "bbh_exact_match_upstream": "'he was born in Maine' against each character of "
    "'in Portland, Maine'",
    "answer_probability": "mean log-probability -1.79 over 6 tokens, the lowest -4",
    "normalised_probability": "right 0.167, wrong 0.368, 0.135",
    "truth_ratio": "R = 0.607",  # exp(-3/2) / exp(-1)
    "exact_memorisation": "4 of 5 tokens hit, the first miss at token 2",
    "extraction_strength": "the last 3 of 5 tokens hit, the last miss at token 2",
    "mia_loss": "mean log-probability -1.79 over 6 tokens, the lowest -4",
    "mia_gradnorm": "mean log-probability -1.79 over 6 tokens, the lowest -4",
    "mia_zlib": "mean log-probability -1.79 over 6 tokens, the lowest -4; 26 bytes compressed",
    "mia_min_k": "2 of 5 tokens, log-probability -4 to -3",
    "mia_min_k_plus_plus": "2 of 5 tokens, z -1 to -0.5",
    "choice_accuracy": "'A' -2, 'B' -0.5",
    "mc1": "picks 'You die.' -1, false; true: 'Nothing.' -1.5",
    "mc2": "likeliest of 2 true and 1 false: 'Nothing.' -1, true",
    "ngram_entropy": "14 of 14 pairs and 13 of 13 triples differ, 15 words",
}
TAKEN = {
    "token_f1": "in Portland, Maine",
    "bbh_exact_match": "he was born in Maine",
    "bbh_exact_match_upstream": "he was born in Maine",
    "choice_accuracy": "B",
    "mc1": "You die.",
}
PER_ROW = sorted(
    name for name in plug.names("metric") if plug.resolve("metric", name).KIND != "whole"
)


@pytest.mark.parametrize("name", PER_ROW)
def test_every_value_of_a_row_has_a_reason(name):
    row = ROW
    if name == "clean_refusal_rate":
        row = ROW.model_copy(update={"completion": "I don't know."})
    [found] = scores([row], [name])
    assert found["value"] is not None
    assert 0 < len(found["why"]) < 160
    assert found["why"] == WHY.get(name, found["why"])
    assert found["extracted"] == TAKEN.get(name)


def _said(name: str, **changed) -> tuple[str, str | None]:
    [found] = scores([ROW.model_copy(update=changed)], [name])
    return found["why"], found["extracted"]


def test_the_other_side():
    assert _said("exact_match", completion="US") == ("is 'the U.S.'", "the U.S.")
    assert _said("token_f1", completion="the US")[1] == "the U.S."
    known = ROW.scored | {"mc1_true": ROW.scored["choices"][1:]}
    assert _said("mc1", scored=known) == ("picks 'Nothing.' -0.5, true", "Nothing.")
    tie = ROW.scored | {"mc1_true": ROW.scored["mc1_false"][1:]}
    assert _said("mc1", scored=tie)[1] == "You die."  # a tie is no win
    nothing_told = _said("mc2", protocol=None)[0]
    assert nothing_told == "likeliest of 2 true and 1 false: '#1' -1, true"
    hits = [ROW.scored["answer"][0].model_copy(update={"hits": (True,) * 6})]
    assert _said("exact_memorisation", scored={"answer": hits})[0] == "5 of 5 tokens hit"
    assert _said("extraction_strength", scored={"answer": hits})[0] == "the last 5 of 5 tokens hit"
