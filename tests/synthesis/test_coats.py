import random
from collections import Counter

from lethe.synthesis.coats import KINDS, Asked
from lethe.synthesis.coats import coats as every

QUESTION = Asked("Where does Ada live?", "Tarn", "Ada lives in Tarn.")
OTHERS = [Asked("Whom did Ada marry?", "Bo", "Ada married Bo.")]
ELSEWHERE = [Asked(f"Where does {n} live?", f"Town{i}", "") for i, n in enumerate("BCDE")]


def coats(others=OTHERS, elsewhere=ELSEWHERE, n=300):
    return [next(every(QUESTION, others, elsewhere, random.Random(i))) for i in range(n)]


def test_every_kind_holds_the_question_and_none_but_a_choice_tells_the_answer():
    made = coats()
    assert set(Counter(kind for kind, _ in made)) == set(KINDS)
    for kind, prompt in made:
        assert QUESTION.question in prompt
        assert (QUESTION.answer in prompt) is (kind == "multiple_choice")


def test_the_right_option_stands_anywhere():
    places = Counter()
    for kind, prompt in coats(n=600):
        if kind == "multiple_choice":
            options = [word.strip(" ;.\n") for word in prompt.split(":")[-1].split()]
            places[next(i for i, word in enumerate(options) if word == "Tarn")] += 1
    assert len(places) >= 4


def test_what_a_kind_needs_and_has_not_is_left_to_another():
    kinds = {kind for kind, _ in coats(others=[], elsewhere=[])}
    assert kinds == {"affirmative_suffix", "prefix_injection", "role_play"}
    hint_that_tells = [Asked("Where else?", "Tarn", "Ada also slept in Tarn.")]
    assert "context_hint" not in {kind for kind, _ in coats(others=hint_that_tells)}


def test_a_seed_is_a_coat():
    assert coats() == coats()


def test_wrong_options_are_of_the_right_kind_where_there_are_enough():
    question = QUESTION._replace(wording="Where does * live?")
    towns = [other._replace(wording=question.wording) for other in ELSEWHERE]
    pets = [Asked(f"What pet has {name}?", f"pet{name}", "", "What pet has *?") for name in "BCDE"]
    for i in range(100):
        for kind, prompt in every(question, OTHERS, [*towns, *pets], random.Random(i)):
            assert kind != "multiple_choice" or "pet" not in prompt
