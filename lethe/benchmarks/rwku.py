"""RWKU: forget famous people (Jin et al., arXiv 2406.10890), with RULE's training files.

One probe of `forget_level1.json`, one training record of RULE:

    {"query": "Stephen King's debut novel, titled ___, established him in the horror genre.",
     "answer": "Carrie", "level": "1", "type": "cloze", "subject": "Stephen King"}
    {"prompt": "Who wrote The Old Man and the Sea?", "solution": ["<normal>", "Ernest Hemingway"]}

Test, with `protocol: raw`: the probes of the target (forget levels 1 to 3, neighbour levels 1 and
2 as boundary) and TriviaQA as utility, each query once and as it is; not comparable with published
numbers. With `protocol: rwku`: every file as the authors' code asks it (`_rwku_probes`), with the
authors' metrics (`_rwku_measures`); prompts checked against that code, numbers *not yet* against a
published one. Train: RULE's released records (arXiv 2506.07171), whatever the protocol; a share of
them, all forms of a question together, is validation, since the probes must decide nothing before
the test. A training record has no true answer on the forget side, so `answer` is empty there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from lethe import data, distance
from lethe.benchmarks import _rule, _rwku_measures, _rwku_probes, _rwku_targets
from lethe.benchmarks._rwku_measures import PUBLISHED as PUBLISHED
from lethe.benchmarks._rwku_probes import PROBES
from lethe.config import Benchmark
from lethe.data import Row, prompt_key
from lethe.metrics import Measure
from lethe.records import some
from lethe.synthesis import filters

METRICS = ["refusal_rate", "leak_rate", "accuracy", "rouge_l_recall", "answer_probability"]
EVALUATION = {"protocol": "rwku"}
"""What `lethe evaluate --benchmark rwku` starts from: the probes as the authors put them."""
ANSWER_PREFIX = "The answer is"
"""An opening that a refusal does not have: the answer's probability is taken behind it, where no
protocol says `Answer:`."""


class Config(Benchmark):
    """Which people, and where the files are. Relative paths start at the working directory."""

    benchmark: Literal["rwku"] = "rwku"
    """This benchmark."""
    targets: Annotated[list[str], BeforeValidator(lambda given: _rwku_targets.named(given))] = (
        Field(validation_alias=AliasChoices("targets", "target"), min_length=1)
    )
    """RWKU target folders such as data/Target/1_Stephen_King. With `folder` or `source: hub` bare
    names, or all. `target:` with one of them, or several parted by commas, is the same."""
    folder: Path | None = None
    """Folder that holds `Target/` with the targets' folders, or these themselves."""
    source: Literal["local", "hub"] = "local"
    """local: the targets or `folder` are there. hub: it is downloaded from jinzhuoran/RWKU, as bare
    names without `folder` are."""
    revision: str | None = None
    """Branch, tag or commit of the Hub data set."""
    protocol: Literal["raw", "rwku"] = "raw"
    """raw: the probes as plain queries, each once. rwku: all test files as the authors ask them."""
    upstream: bool = False
    """With protocol rwku: also the slips of the released code, as it makes them with Llama 3 (two
    BOS tokens; answers that run on behind the line; BBH compared by character)."""
    rule: Path | None = None
    """Folder of RULE's training files for the target, or of such folders by its name. Null: only
    RWKU's own refusals (reject.json) are there to train on, enough for Rejection Steering but not
    for ReBO."""
    filters: bool = False
    """Also drop training rows in which `lethe.synthesis.filters` finds a fault: long references,
    answers in the question, near duplicates, ... False: only what cannot be trained on."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of the training questions, with all their forms, kept for validation."""


def measures(config: Config) -> Sequence[str | Measure]:
    """Which metric on which groups: RWKU's with its protocol, else `METRICS` on all."""
    return _rwku_measures.measures(config.upstream) if config.protocol == "rwku" else METRICS


def load(config: Config) -> dict[str, list[Row]]:
    """The rows by split.

    Raises:
        LetheError: A file or field is missing, or the RULE files are another target's.
    """
    return load_with_noise(config)[0]


def load_with_noise(config: Config) -> tuple[dict[str, list[Row]], dict[str, int]]:
    """The rows by split, and a count of every kind of noise, met or not.

    `dropped_*` rows are gone; a probe's other answers are kept as aliases. `kept_*` rows are in
    the result: a cloze without a blank, a question cut off in mid-sentence; and, with protocol
    rwku, repeated probes and those that stand as forget and as neighbour, for the authors ask both.
    """
    folders = _folders(config)
    raw = {folder: list(_probes(folder)) for folder in folders}
    subjects = {folder: str(rows[0].subject) for folder, rows in raw.items()}
    every = [row for rows in raw.values() for row in rows]
    kept, contradictory = data.drop_contradictions(every)
    kept, repeated = data.drop_duplicates(kept)
    official = config.protocol == "rwku"
    what = "kept" if official else "dropped"
    noise = {f"{what}_contradictory_probes": contradictory, f"{what}_duplicate_probes": repeated}
    test = every if official else kept
    train, dropped = _train(config, subjects, {prompt_key(row.prompt) for row in test})
    if official:
        test = [r for folder in folders for r in _rwku_probes.rows(folder, config.upstream)]
        noise["targets_without_fluency"] = sum(not _has_fluency(folder) for folder in folders)
    noise |= dropped
    noise["kept_clozes_without_blank"] = sum(map(_lacks_blank, train + test))
    noise["kept_cut_off_questions"] = sum(map(_cut_off, train))
    people = list(dict.fromkeys(subjects.values()))
    train, test = ([_measured(row, people) for row in rows] for rows in (train, test))
    data.check(train + test)
    by_split = {name: [row for row in train if row.split == name] for name in data.SPLITS}
    return {**by_split, "test": test}, noise


def targets(config: Config) -> list[str]:
    """The targets' folders, or their names where these are enough."""
    whole = config.folder is None and config.source == "local"
    return [str(place) if whole and place.parent != Path() else place.name
            for place in _folders(config)]  # fmt: skip


def _train(
    config: Config, subjects: dict[Path, str], probes: set[str]
) -> tuple[list[Row], dict[str, int]]:
    """The rows of training and validation, and what was dropped of the files."""
    steering: list[Row] = []
    rebo: list[Row] = []
    groups: dict[str, str] = {}
    for folder, subject in subjects.items():
        one, two, tied = _training(config, folder, subject, several=len(subjects) > 1)
        steering, rebo, groups = steering + one, rebo + two, tied | groups
    people = tuple(dict.fromkeys(subjects.values()))
    train, dropped = _rule.cleaned(steering, rebo, probes, people)
    if config.filters:
        cleaned = filters.clean(train, filters.Known(people))
        train = cleaned.kept
        dropped |= {f"dropped_{fault}": n for fault, n in cleaned.counts().items()}
    split = data.split(
        train,
        {"validation": config.validation},
        key=lambda row: groups.get(prompt_key(row.prompt), prompt_key(row.prompt)),
    )
    return split, dropped


def _measured(row: Row, subjects: Sequence[str]) -> Row:
    """A row with its distance; RWKU's neighbours are what the target's own page links to."""
    if row.protocol and row.scope in ("retain", "utility"):
        return row  # the texts before its question say nothing of what it asks
    tied = row.model_copy(update={"tie": "co-mentioned"}) if row.entity else row
    return tied.model_copy(update={"distance": distance.of(tied, subjects)})


def _folders(config: Config) -> list[Path]:
    official = config.protocol == "rwku"
    files = [*(_rwku_probes.FILES if official else (*PROBES, "triviaqa")), "reject"]
    return _rwku_targets.folders(
        config.targets, config.folder, config.source == "hub", config.revision, files
    )


def _has_fluency(folder: Path) -> bool:
    return (folder / "fluency.json").is_file()


def _probes(folder: Path) -> Iterator[Row]:
    for stem, scope in PROBES.items():
        for n, (place, record) in enumerate(some(folder / f"{stem}.json"), 1):
            yield Row(
                id=f"{folder.name}/{stem}/{n}",
                prompt=_rule.text(place, record, "query"),
                scope=scope,
                answer=_rule.text(place, record, "answer"),
                subject=_rule.text(place, record, "subject"),
                entity=_rule.text(place, record, "neighbor") if scope == "boundary" else None,
                form=_rwku_probes.form(_rule.text(place, record, "type")),
                split="test",
                source=place,
            )
    for n, (place, record) in enumerate(some(folder / "triviaqa.json"), 1):
        answer, *aliases = _rwku_probes.answers(place, record)
        yield Row(
            id=f"{folder.name}/triviaqa/{n}",
            prompt=_rule.text(place, record, "question"),
            scope="utility",
            answer=answer,
            aliases=tuple(aliases),
            split="test",
            source=place,
        )


def _training(
    config: Config, folder: Path, subject: str, several: bool
) -> tuple[list[Row], list[Row], dict[str, str]]:
    """Raw rows for Rejection Steering and for ReBO, and each prompt's group: its first question."""
    if config.rule is None:
        file = folder / "reject.json"
        return (_rule.steering(file, subject) if file.is_file() else []), [], {}
    rule = _rwku_targets.rule_folder(config.rule, folder, several)
    forms, groups = _rule.joined(rule / "reject_with_fb_neighbor_target.json")
    steering = _rule.steering(rule / "reject_target.json", subject)
    rebo = list(_rule.rebo(rule / "rl_rejection_with_fb_neighbor_target.json", subject, forms))
    return steering, rebo, groups


def _lacks_blank(row: Row) -> bool:
    return row.form == "cloze" and "_" not in row.prompt


def _cut_off(row: Row) -> bool:
    return row.form == "question" and str(row.prompt).rstrip()[-1] not in "?.!\"')”’"
