"""The training files released with RULE (Zhang et al., arXiv 2506.07171), and their noise.

reject_target.json: 300 questions with refusals (Rejection Steering);
rl_rejection_with_fb_neighbor_target.json: 1,200 prompts to refuse or to answer (ReBO);
reject_with_fb_neighbor_target.json: the four forms of each question, tied together. Their order
differs, so they are joined on the prompts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lethe import data
from lethe.data import Row, Scope, prompt_key
from lethe.plug import LetheError
from lethe.records import records
from lethe.synthesis import filters

STEERING, REBO = "rejection_steering", "rebo"

_SCOPES: dict[str, Scope] = {"<reject>": "forget", "<normal>": "boundary"}


def text(place: str, record: dict[str, Any], field: str) -> str:
    """A field that must be there, as text.

    Raises:
        LetheError: It is missing, empty, or neither text nor a number.
    """
    value = record.get(field)
    if not isinstance(value, str | int | float) or not str(value).strip():
        raise LetheError(f"{place}: {field}: missing, or not text")
    return str(value)


def steering(file: Path, subject: str) -> list[Row]:
    """Rows for Rejection Steering, of reject_target.json or of RWKU's own reject.json.

    Raises:
        LetheError: A file or field is missing, or a record is about another target.
    """
    rows = []
    for n, (place, record) in enumerate(records(file), 1):
        _same_subject(place, text(place, record, "subject"), subject)
        rows.append(
            Row(
                id=f"{file.parent.name}/{file.stem}/{n}",
                prompt=text(place, record, "instruction"),
                scope="forget",
                refusal=text(place, record, "output"),
                subject=subject,
                stages=(STEERING,),
                source=place,
            )
        )
    return rows


def joined(file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Form and group of every prompt, from the records that tie a question's four forms together.

    Without the file, a prompt's own blank tells the form and every prompt is its own group.
    """
    forms: dict[str, str] = {}
    groups: dict[str, str] = {}
    for place, record in records(file) if file.is_file() else ():
        question = text(place, record, "instruction")
        prompts = [(question, "question"), (record.get("FB_instruction"), "cloze")]
        for field, name in (("neighbor_question", "question"), ("FB_neighbor_question", "cloze")):
            pair = record.get(field)
            prompts.append((pair.get("question") if isinstance(pair, dict) else None, name))
        for prompt, name in prompts:
            if isinstance(prompt, str):
                forms.setdefault(prompt_key(prompt), name)
                groups.setdefault(prompt_key(prompt), prompt_key(question))
    return forms, groups


def rebo(file: Path, subject: str, forms: dict[str, str]) -> Iterator[Row]:
    """Rows for ReBO, of ["<reject>", refusal, target] and ["<normal>", answer] records.

    Args:
        file: rl_rejection_with_fb_neighbor_target.json.
        subject: What must be forgotten.
        forms: Form of each prompt by its key, from `joined`; else its own blank tells.

    Raises:
        LetheError: A file or field is missing, or a record is about another target.
    """
    for n, (place, record) in enumerate(records(file), 1):
        prompt = text(place, record, "prompt")
        solution = record.get("solution")
        if not isinstance(solution, list) or len(solution) < 2 or solution[0] not in _SCOPES:
            raise LetheError(f"{place}: solution: not [<reject> or <normal>, text, ...]")
        scope = _SCOPES[solution[0]]
        if scope == "forget" and len(solution) > 2:
            _same_subject(place, str(solution[2]), subject)
        reply = str(solution[1] or "").strip() or None
        yield Row(
            id=f"{file.parent.name}/{file.stem}/{n}",
            prompt=prompt,
            scope=scope,
            answer=reply if scope == "boundary" else None,
            refusal=reply if scope == "forget" else None,
            subject=subject,
            form=forms.get(prompt_key(prompt), "cloze" if "_" in prompt else "question"),
            stages=(REBO,),
            source=place,
        )


def _same_subject(place: str, found: str, subject: str) -> None:
    if prompt_key(found) != prompt_key(subject):
        raise LetheError(f"{place}: is about {found!r}, but the probes are about {subject!r}")


def cleaned(
    steering: list[Row], rebo: list[Row], probes: set[str], subjects: Sequence[str]
) -> tuple[list[Row], dict[str, int]]:
    """The training rows, each prompt once with the stages that may use it, and what was dropped.

    Args:
        steering: From `steering`.
        rebo: From `rebo`.
        probes: Keys of the test prompts, on which nothing may be trained.
        subjects: What must be forgotten; a boundary query must not name it.
    """
    rows, noise = steering + rebo, {}
    known = filters.Known(tuple(subjects))
    rows = [row for row in rows if prompt_key(row.prompt) not in probes]
    noise["dropped_probes_in_training"] = len(steering) + len(rebo) - len(rows)
    checks = {
        "dropped_placeholders": filters.placeholder,
        "dropped_without_answer": filters.missing_answer,
        "dropped_boundary_naming_target": filters.touches_target,
    }
    for name, faulty in checks.items():
        rows, rejected = filters.clean(rows, known, [faulty])
        noise[name] = len(rejected)
    rows, noise["dropped_contradictory_rows"] = data.drop_contradictions(rows)
    # A question stands in both files by design; only a repeat inside one file is noise.
    per_file = [data.drop_duplicates(r for r in rows if r.stages == (s,)) for s in (STEERING, REBO)]
    noise["dropped_duplicate_rows"] = sum(dropped for _, dropped in per_file)
    return data.drop_duplicates([row for kept, _ in per_file for row in kept])[0], noise
