"""What RWKU's authors measure on which rows (arXiv 2406.10890), and published numbers.

Level 3 is one group, "forget/adversarial"; "all" is the unweighted mean of the columns beside it,
as in the published tables ((85.6 + 70.3 + 74.7) / 3 = 76.9). Beside the authors' recall stand
refusals, leaks and the answer's probability, for a model that refuses may still know. Rows of
several targets are pooled in each group; the tables average over targets instead, which is the
same only where each target has as many probes: their numbers are matched target by target.
"""

from lethe.metrics import Measure, Published

_LEVEL3 = ("forget/adversarial:*", "forget/reverse")
_FORGET = ("forget/cloze", "forget/question", "forget/adversarial")
_BOUNDARY = ("boundary/cloze", "boundary/question")
_MIA = ("forget/mia", "retain/mia")
_ATTACKS = ("loss", "zlib", "min_k", "min_k_plus_plus")


def measures(upstream: bool) -> list[Measure]:
    """The measures; `upstream` takes BBH's answers character by character, as the code does."""
    bbh = "bbh_exact_match_upstream" if upstream else "bbh_exact_match"
    return [
        *_forgetting("rouge_l_recall_rwku"),
        *_keeping("rouge_l_recall_rwku"),
        *_forgetting("refusal_rate"),
        *_keeping("refusal_rate"),
        Measure("refusal_rate", ("utility/triviaqa", "utility/bbh", "utility/fluency")),
        *_forgetting("leak_rate"),
        *_forgetting("answer_probability"),
        *_keeping("answer_probability"),
        *(Measure(f"mia_{attack}", _MIA) for attack in _ATTACKS),
        *(Measure(f"auc_{attack}", _MIA, "forget against retain") for attack in _ATTACKS),
        Measure("choice_accuracy", ("utility/mmlu",)),
        Measure(bbh, ("utility/bbh",)),
        Measure("mc1", ("utility/truthfulqa",)),
        Measure("mc2", ("utility/truthfulqa",)),
        Measure("token_f1", ("utility/triviaqa",)),
        Measure("exact_match", ("utility/triviaqa",)),
        Measure("ngram_entropy", ("utility/fluency",)),
    ]


def _forgetting(metric: str) -> list[Measure]:
    return [
        Measure(metric, (*_FORGET[:2], *_LEVEL3)),
        Measure(metric, _LEVEL3, pooled=_FORGET[2]),
        Measure(metric, _FORGET, pooled="forget/all", average=True),
    ]


def _keeping(metric: str) -> list[Measure]:
    return [
        Measure(metric, _BOUNDARY),
        Measure(metric, _BOUNDARY, pooled="boundary/all", average=True),
    ]


# Percent: forget FB, QA, AA, all; neighbours FB, QA, all.
_RULE_TABLE = {
    "original": (85.6, 70.3, 74.7, 76.9, 93.1, 82.0, 87.6),
    "GA": (72.0, 64.6, 68.5, 68.4, 85.0, 74.7, 79.8),
    "GA + GDR": (72.6, 64.0, 69.7, 68.8, 86.2, 76.5, 81.4),
    "GA + KLR": (70.7, 57.5, 69.9, 66.1, 80.5, 70.5, 75.5),
    "NPO": (46.6, 39.0, 35.3, 40.3, 79.2, 70.9, 75.1),
    "NPO + GDR": (52.2, 43.9, 42.9, 46.3, 82.5, 70.5, 76.5),
    "NPO + KLR": (52.5, 40.6, 43.2, 45.4, 83.2, 72.1, 77.6),
    "SimNPO": (42.1, 36.1, 42.2, 40.1, 82.8, 70.3, 76.5),
    "SimNPO + GDR": (51.1, 39.2, 50.7, 47.0, 83.6, 75.3, 79.5),
    "SimNPO + KLR": (44.6, 35.4, 44.6, 41.5, 82.9, 71.4, 77.1),
    "Rejection Steering": (77.1, 43.0, 51.2, 57.1, 83.2, 71.6, 77.4),
    "RULE, PPO": (30.7, 15.3, 36.0, 27.4, 75.7, 72.1, 73.9),
    "RULE, GRPO": (28.0, 16.8, 38.3, 27.7, 76.2, 71.3, 73.7),
    "RULE, REINFORCE++": (20.2, 12.6, 35.0, 22.6, 67.3, 61.2, 64.2),
}
_RULE_SOURCE = (
    "Zhang et al., Reinforcement UnLEarning, arXiv 2506.07171, RWKU table: Llama-3-8B-Instruct, "
    "mean of the first 10 targets"
)

PUBLISHED = [
    Published(model, "rouge_l_recall_rwku", group, round(percent / 100, 3), _RULE_SOURCE)
    for model, line in _RULE_TABLE.items()
    for group, percent in zip(
        (*_FORGET, "forget/all", *_BOUNDARY, "boundary/all"), line, strict=True
    )
]
"""Of RULE's paper. RWKU's own tables are images and PDF; none of their numbers was read."""
