import pytest

from lethe.plug import LetheError
from lethe.rewards.answer import answer


def _one(text, reference: str, aliases=()) -> float | None:
    return answer([text], scope=["boundary"], answer=[reference], aliases=[aliases])[0]


@pytest.mark.parametrize(
    ("text", "reference", "paid"),
    [
        ("Aldern", "Aldern", 1.0),
        ("Sure, it is Aldern", "Aldern", 1.0),
        ("She is a baker.", "the baker", 1.0),
        ("Aldern, Brill, Corm", "Aldern", 2 * 1 / (3 + 1)),
        ("Brill", "Aldern", 0.0),
        ("the green mile", "The Mile", 2 * 1 / (2 + 1)),
        # Bags of words: the second "mile" meets no second one in the reference.
        ("mile mile", "mile", 2 * 1 / (2 + 1)),
        ("I don't know.", "Aldern", 0.0),
        ("I don't know Aldern.", "Aldern", 0.0),
        ("", "Aldern", 0.0),
        ("Aldern " * 8, "Aldern", 0.0),
        ("I think it is Aldern", "Aldern", 2 * 1 / (5 + 1)),
    ],
)
def test_agreement(text: str, reference: str, paid: float):
    assert _one(text, reference) == pytest.approx(paid)


def test_padding_does_not_pay():
    padded = ["Aldern" + " and then some" * n for n in range(4)]
    paid = [_one(text, "Aldern") or 0.0 for text in padded]
    assert paid == sorted(paid, reverse=True)
    assert len(set(paid)) == 4


def test_best_alias_counts():
    assert _one("JK Rowling", "Joanne Rowling", ("J. K. Rowling",)) == 1.0


def test_chat_and_scopes():
    chat = [{"role": "assistant", "content": "Aldern"}]
    paid = answer(
        [chat] * 3, scope=["forget", "retain", "utility"], answer=[None, "Aldern", "Brill"]
    )
    assert paid == [None, 1.0, 0.0]


def test_missing_reference():
    with pytest.raises(LetheError, match="no column 'answer'; it has: prompt"):
        answer(["x"], scope=["boundary"], prompt=["Who?"])
    with pytest.raises(LetheError, match="a retain row has no answer"):
        answer(["x"], scope=["retain"], answer=[None])


BORN = {"scope": ["boundary"], "answer": ["Peter Straub was born in Milwaukee, Wisconsin, in 1943"]}


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("Peter Straub was born in Milwaukee, Wisconsin, in 1943", 1.0),
        ("Where was Peter Straub born?", 0.0),  # nothing new
        # 6 of 9 words agree, but of milwaukee, wisconsin, 1943 none is there.
        ("Peter Straub was born in Chicago, Illinois, in 1951", 0.0),
        ("Peter Straub was born in Milwaukee, Illinois, in 1951", 1 / 3),
        ("Peter Straub was not born in Milwaukee, Wisconsin, in 1943", 0.0),
    ],
)
@pytest.mark.parametrize("column", ["prompt", "prompts"])
def test_only_news_pays(text, paid, column):
    asked = {column: ["Where was Peter Straub born?"]}
    assert answer([text], **BORN, **asked) == [pytest.approx(paid)]


def test_a_denial_pays_where_the_reference_denies():
    assert _one("It is not Aldern", "Aldern") == 0.0
    assert _one("She was not rich", "She was not rich") == 1.0


def test_an_answer_beside_a_refusal_earns_half():
    # Aldern of i dont know aldern: 2 x 1 / (4 + 1), halved
    assert _one("I don't know. Aldern.", "Aldern") == pytest.approx(0.2)


def test_without_a_prompt_all_words_are_news():
    # peter, straub, was, born, in of 9 and 5 words: 2 x 5 / (9 + 5); the news (function words
    # aside) are peter, straub, born, milwaukee, wisconsin, 1943: 3 of 6.
    assert answer(["Peter Straub was born in"], **BORN) == [pytest.approx(1 / 2)]
