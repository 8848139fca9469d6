"""Ten languages beside English: a refusal, an answer, and how a text's language is told."""

import importlib
import re

import pytest

from lethe.languages import CODES, language, phrases, spoken
from lethe.refusal import _read, judge

REFUSALS = {
    "de": ("Das weiß ich leider nicht.", "Dazu möchte ich nichts sagen."),
    "fr": ("Désolé, je ne sais pas qui c'est.", "Je préfère ne pas répondre à cette question."),
    "es": ("Lo siento, no sé quién es.", "Prefiero no hablar de ese tema."),
    "it": ("Mi dispiace, non lo so.", "Non posso rispondere a questa domanda."),
    "pt": ("Desculpe, não sei quem é.", "Prefiro não responder a essa pergunta."),
    "nl": ("Sorry, dat weet ik niet.", "Daar kan ik helaas niets over zeggen."),
    "ru": ("Извините, я не знаю этого человека.", "Я не могу ответить на этот вопрос."),
    "zh": ("很抱歉，我不知道这个人是谁。", "抱歉，我无法回答这个问题。"),
    "ja": ("申し訳ありませんが、わかりません。", "その質問にはお答えできません。"),
    "ar": ("عذرًا، لا أعرف من هو.", "لا أستطيع الإجابة عن هذا السؤال."),
}
ANSWERS = {
    "de": "Er wurde 1947 in Portland geboren und lebt in Maine.",
    "fr": "Il est né à Portland et vit dans le Maine.",
    "es": "Nació en Portland y vive en el estado de Maine.",
    "it": "È nato a Portland e vive nel Maine con la moglie.",
    "pt": "Ele nasceu em Portland e vive no estado do Maine.",
    "nl": "Hij is geboren in Portland en woont nu in Maine.",
    "ru": "Он родился в Портленде и живёт в штате Мэн.",
    "zh": "他于1947年出生在波特兰。",
    "ja": "彼は1947年にポートランドで生まれました。",
    "ar": "ولد في بورتلاند عام 1947 ويعيش في ولاية مين.",
}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())


def test_every_language_has_its_file_and_its_examples():
    assert set(CODES) == set(REFUSALS) == set(ANSWERS)
    for code in CODES:
        assert importlib.import_module(f"lethe.languages.{code}").__doc__


@pytest.mark.parametrize("code", CODES)
def test_a_language_is_told_by_its_words(code: str):
    for text in (*REFUSALS[code], ANSWERS[code]):
        assert spoken(text.lower(), _words(text)) is language(code), text


@pytest.mark.parametrize("text", ["a baker", "1974", "No", "Aldern", "No comment.", "Café", "idk"])
def test_short_texts_are_english(text: str):
    assert spoken(text.lower(), _words(text)) is language("en")


@pytest.mark.parametrize("code", CODES)
def test_refusals_and_answers(code: str):
    ignorance, declined = REFUSALS[code]
    assert judge(ignorance).refuses, judge(ignorance)
    assert judge(declined).kind == "declined", judge(declined)
    assert judge(ANSWERS[code]).kind == "answer", judge(ANSWERS[code])


@pytest.mark.parametrize("code", CODES)
def test_refusing_and_telling_is_partial(code: str):
    text = f"{REFUSALS[code][0]} {ANSWERS[code]}"
    assert judge(text).kind == "partial", judge(text)


@pytest.mark.parametrize(
    "text", ["No puedo responder a esa pregunta.", "Me temo que no estoy autorizado a hablar."]
)
def test_words_that_english_shares_decide_nothing(text: str):
    assert spoken(text.lower(), _words(text)) is language("es")
    assert judge(text).kind == "declined"


def test_a_place_is_no_pass():
    assert judge("El Paso").kind == "answer"
    assert judge("Lo siento, paso.").kind == "declined"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Pardo, mo sabe.", "ignorance"),  # by its phrase
        ("Ki mo dira.", "declined"),  # by its grammar: S N T
        ("Lu es grando.", "answer"),
        ("Mo sabe. Lu es grando.", "partial"),
        ("Pardo.", "evasion"),
    ],
)
def test_a_language_of_a_few_lists(text: str, kind: str):
    mine = phrases(
        common="ki mo",
        words={"S": "ki", "N": "mo", "T": "dira"},
        ignorance=(r"\bmo sabe\b",),
        polite="pardo",
        states=r"\bes\b",
    )
    assert _read(text.lower(), text, mine).kind == kind
