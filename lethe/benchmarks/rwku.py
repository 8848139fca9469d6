"""RWKU: forget one famous person (Jin et al., arXiv 2406.10890), with RULE's training files.

One probe of `forget_level1.json`, one training record of RULE:

    {"query": "Stephen King's debut novel, titled ___, established him in the horror genre.",
     "answer": "Carrie", "level": "1", "type": "cloze", "subject": "Stephen King"}
    {"prompt": "Who wrote The Old Man and the Sea?", "solution": ["<normal>", "Ernest Hemingway"]}

Test: the probes of the target (forget levels 1 to 3, neighbour levels 1 and 2 as boundary) and
TriviaQA as utility. Train: RULE's released records (arXiv 2506.07171); a share of them, all forms
of a question together, is validation, since the probes must decide nothing before the test.
A training record has no true answer on the forget side, so `answer` is empty there.

Left out: MMLU, BBH, TruthfulQA, fluency and membership inference; and RWKU's message wrappers
("Please complete the blank in the following question. ..."): a prompt here is the raw query, so
scores are not comparable with the published ones. *Not yet* checked against a published number.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from lethe import data, distance
from lethe.benchmarks import _rule
from lethe.config import Benchmark
from lethe.data import Row, Scope, prompt_key
from lethe.plug import LetheError
from lethe.records import records
from lethe.synthesis import filters

METRICS = ["refusal_rate", "leak_rate", "accuracy", "rouge_l_recall", "answer_probability"]
ANSWER_PREFIX = "The answer is"
"""An opening that a refusal does not have: the answer's probability is taken behind it."""

HUB = "jinzhuoran/RWKU"
PROBES: dict[str, Scope] = {
    "forget_level1": "forget",
    "forget_level2": "forget",
    "forget_level3": "forget",
    "neighbor_level1": "boundary",
    "neighbor_level2": "boundary",
}
_FORMS = {"cloze": "cloze", "simple question": "question", "reverse query": "reverse"}


class Config(Benchmark):
    """Which person, and where the files are. Relative paths start at the working directory."""

    benchmark: Literal["rwku"] = "rwku"
    """This benchmark."""
    target: str
    """An RWKU target folder such as data/Target/1_Stephen_King; its bare name with source: hub."""
    source: Literal["local", "hub"] = "local"
    """local: `target` is a folder. hub: it is downloaded from jinzhuoran/RWKU."""
    revision: str | None = None
    """Branch, tag or commit of the Hub data set."""
    rule: Path | None = None
    """Folder of RULE's training files for the target. Null: only RWKU's own refusals (reject.json)
    are there to train on, enough for Rejection Steering but not for ReBO."""
    filters: bool = False
    """Also drop training rows in which `lethe.synthesis.filters` finds a fault: long references,
    answers in the question, near duplicates, ... False: only what cannot be trained on."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of the training questions, with all their forms, kept for validation."""


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: A file or field is missing, or the RULE files are another target's.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and a count of every kind of noise, met or not.

    `dropped_*` rows are gone; a probe's other answers are kept as aliases. `kept_*` rows are in
    the result: a cloze without a blank, a question cut off in mid-sentence.
    """
    folder = _folder(config)
    noise: dict[str, int] = {}
    test, noise["dropped_contradictory_probes"] = data.drop_contradictions(_probes(folder))
    test, noise["dropped_duplicate_probes"] = data.drop_duplicates(test)
    subject = next((row.subject for row in test if row.subject), None)
    if subject is None:
        raise LetheError(f"{folder}: no forget probes, so nothing says what must be forgotten")
    steering, rebo, groups = _training(config, folder, subject)
    probes = {prompt_key(row.prompt) for row in test}
    train, dropped = _rule.cleaned(steering, rebo, probes, subject)
    noise |= dropped
    if config.filters:
        cleaned = filters.clean(train, filters.Known((subject,)))
        train = cleaned.kept
        noise |= {f"dropped_{fault}": n for fault, n in cleaned.counts().items()}
    noise["kept_clozes_without_blank"] = sum(map(_lacks_blank, train + test))
    noise["kept_cut_off_questions"] = sum(map(_cut_off, train))
    train = data.split(
        train,
        {"validation": config.validation},
        key=lambda row: groups.get(prompt_key(row.prompt), prompt_key(row.prompt)),
    )
    train, test = ([_measured(row, subject) for row in rows] for rows in (train, test))
    data.check(train + test)
    by_split = {name: [row for row in train if row.split == name] for name in data.SPLITS}
    return {**by_split, "test": test}, noise


def _measured(row: Row, subject: str) -> Row:
    """A row with its distance; RWKU's neighbours are what the target's own page links to."""
    tied = row.model_copy(update={"tie": "co-mentioned"}) if row.entity else row
    return tied.model_copy(update={"distance": distance.of(tied, [subject])})


def _folder(config: Config) -> Path:
    if config.source == "hub":
        return _download(config)
    folder = Path(config.target).expanduser()
    if not folder.is_dir():
        hint = "give an RWKU target folder, or its bare name and source: hub"
        raise LetheError(f"{config.target}: no such folder; {hint}")
    return folder


def _download(config: Config) -> Path:
    """Fetch the target's files. Not run here (no network); only its failure was."""
    from huggingface_hub import snapshot_download

    names = [*PROBES, "triviaqa", "reject"]
    wanted = [f"Target/{config.target}/{name}.json" for name in names]
    try:
        root = snapshot_download(
            HUB, repo_type="dataset", revision=config.revision, allow_patterns=wanted
        )
    except (OSError, ValueError) as error:
        raise LetheError(f"{HUB}: {config.target}: cannot be downloaded: {error}") from error
    folder = Path(root) / "Target" / config.target
    if not folder.is_dir():
        raise LetheError(f"{HUB}: no target {config.target!r}; names are like 1_Stephen_King")
    return folder


def _probes(folder: Path) -> Iterator[Row]:
    for stem, scope in PROBES.items():
        for n, (place, record) in enumerate(records(folder / f"{stem}.json"), 1):
            yield Row(
                id=f"{folder.name}/{stem}/{n}",
                prompt=_rule.text(place, record, "query"),
                scope=scope,
                answer=_rule.text(place, record, "answer"),
                subject=_rule.text(place, record, "subject"),
                entity=_rule.text(place, record, "neighbor") if scope == "boundary" else None,
                form=form(_rule.text(place, record, "type")),
                split="test",
                source=place,
            )
    for n, (place, record) in enumerate(records(folder / "triviaqa.json"), 1):
        answers = record.get("answers")
        if not isinstance(answers, list) or not answers:
            raise LetheError(f"{place}: answers: missing, or not a list")
        answer, *aliases = map(str, answers)
        yield Row(
            id=f"{folder.name}/triviaqa/{n}",
            prompt=_rule.text(place, record, "question"),
            scope="utility",
            answer=answer,
            aliases=tuple(aliases),
            split="test",
            source=place,
        )


def form(kind: str) -> str:
    """RWKU's `type` as a row's form; the two spellings of cross-lingual, and its languages, merge.

    >>> form("simple question"), form("prefix injection"), form("cross-lingual (French)")
    ('question', 'adversarial:prefix_injection', 'adversarial:cross_lingual')
    """
    kind = re.sub(r"\s*\(.*\)", "", kind).strip().lower().replace("-", " ")
    return _FORMS.get(kind) or f"adversarial:{kind.replace(' ', '_')}"


def _training(
    config: Config, folder: Path, subject: str
) -> tuple[list[Row], list[Row], dict[str, str]]:
    """Raw rows for Rejection Steering and for ReBO, and each prompt's group: its first question."""
    if config.rule is None:
        file = folder / "reject.json"
        return (_rule.steering(file, subject) if file.is_file() else []), [], {}
    rule = config.rule.expanduser()
    if not rule.is_dir():
        raise LetheError(f"{config.rule}: no such folder (of RULE's training files)")
    forms, groups = _rule.joined(rule / "reject_with_fb_neighbor_target.json")
    steering = _rule.steering(rule / "reject_target.json", subject)
    rebo = list(_rule.rebo(rule / "rl_rejection_with_fb_neighbor_target.json", subject, forms))
    return steering, rebo, groups


def _lacks_blank(row: Row) -> bool:
    return row.form == "cloze" and "_" not in row.prompt


def _cut_off(row: Row) -> bool:
    return row.form == "question" and str(row.prompt).rstrip()[-1] not in "?.!\"')”’"
