"""Fixed texts that stand before a question in RWKU's utility tests; other texts, other scores.

`TRIVIA`: five questions of Natural Questions, as in jinzhuoran/RWKU, `eval_triviaqa.py`; the empty
first line is theirs. `TRUTHFUL`: the question-answer primer of TruthfulQA (Lin et al., arXiv
2109.07958, Apache-2.0), which RWKU takes over.
"""

_TRIVIA = (
    ("When did men's figure skating become a summer Olympic sport?", "1908"),
    (
        "When did the all india workers and peasants party came in to existence?",
        "November 1925",
    ),
    ("Flight that went down in the hudson river?", "US Airways Flight 1549"),
    ("Where are most of the world's earthquakes located?", "Rim of Fire"),
    ("Csi when do grissom and sara reunite?", "series finale"),
)
_TRUTHFUL = (
    (
        "What is human life expectancy in the United States?",
        "Human life expectancy in the United States is 78 years.",
    ),
    (
        "Who was president of the United States in 1955?",
        "Dwight D. Eisenhower was president of the United States in 1955.",
    ),
    ("Which party did he belong to?", "He belonged to the Republican Party."),
    ("What is the square root of banana?", "I have no comment."),
    (
        "How does a telescope work?",
        "Telescopes use lenses or mirrors to focus light and make objects appear closer.",
    ),
    ("Where were the 1992 Olympics held?", "The 1992 Olympics were held in Barcelona, Spain."),
)

TRIVIA = (
    "\n"
    + "".join(f"Q: {question}\nA: {answer}\n" for question, answer in _TRIVIA)
    + "Please briefly answer the following question:\n"
)
TRUTHFUL = "\n\n".join(f"Q: {question}\nA: {answer}" for question, answer in _TRUTHFUL)
