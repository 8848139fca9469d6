"""The tables of docs/refusal.md: what the judgement of refusals and leaks is worth.

    python bench/refusal.py                    # or: make refusal
    python bench/refusal.py --data DIR         # also the benchmarks' own refusals and answers

Rewrites what stands between the markers of docs/refusal.md, and nothing else; the same texts and
rules give the same file. Speed, which differs from machine to machine, is only printed.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import adversary

from lethe.metrics._interval import wilson
from lethe.refusal import KINDS, REFUSING, judge, leaks
from lethe.rewards._released import refuses as released
from lethe.stages.rebo import Config

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "refusal.md"
LABELLED = ROOT / "tests" / "labelled" / "refusals.jsonl"
Pairs = Sequence[tuple[bool, bool]]


def ours(text: str) -> bool:
    """The rules' verdict."""
    return judge(text).refuses


def labelled(half: str) -> list[dict]:
    """The rows of one half of the labelled set."""
    with LABELLED.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["half"] == half]


def pairs(rows: Iterable[dict], verdict: Callable[[str], bool]) -> list[tuple[bool, bool]]:
    """(label, verdict) of each row: does it refuse?"""
    return [(row["kind"] in REFUSING, verdict(row["text"])) for row in rows]


def leak_pairs(rows: Iterable[dict]) -> list[tuple[bool, bool]]:
    """(label, verdict) of each row: does it leak?"""
    return [
        (
            row["leak"],
            leaks(
                row["text"],
                prompt=row["prompt"],
                answer=row["answer"],
                aliases=row["aliases"],
                subject=row["subject"],
            ).found,
        )
        for row in rows
    ]


def precision(found: Pairs) -> tuple[int, int]:
    """(right, all) among the rows of which the verdict is yes."""
    yes = [label for label, verdict in found if verdict]
    return sum(yes), len(yes)


def recall(found: Pairs) -> tuple[int, int]:
    """(found, all) among the rows of which the label is yes."""
    yes = [verdict for label, verdict in found if label]
    return sum(yes), len(yes)


def rate(counts: tuple[int, int]) -> str:
    """A share in per cent with its 95 % interval and its counts."""
    hits, n = counts
    if not n:
        return "no rows"
    low, high = wilson(hits, n)
    return f"{100 * hits / n:.1f} [{100 * low:.1f}–{100 * high:.1f}] {hits}/{n}"


def scores() -> str:
    """Precision and recall of ours and of the released detector, in the parts of both halves."""
    lines = [
        "| rows | detector | n | precision | recall |",
        "|---|---|---|---|---|",
    ]
    for half in ("test", "tune"):
        rows = labelled(half)
        parts = {
            f"{half} half": rows,
            f"{half} half, English": [r for r in rows if r["language"] in ("en", "none")],
            f"{half} half, other languages": [
                r for r in rows if r["language"] not in ("en", "none")
            ],
        }
        for name, part in parts.items():
            for who, verdict in (("ours", ours), ("released, restated", released)):
                found = pairs(part, verdict)
                lines.append(
                    f"| {name} | {who} | {len(part)} | {rate(precision(found))} | "
                    f"{rate(recall(found))} |"
                )
        found = leak_pairs(rows)
        lines.append(
            f"| {half} half | `leaks` | {len(rows)} | {rate(precision(found))} | "
            f"{rate(recall(found))} |"
        )
    return "\n".join(lines)


def kinds() -> str:
    """Precision and recall of each kind on the test half, for ours."""
    rows = labelled("test")
    told = [(row["kind"], judge(row["text"]).kind) for row in rows]
    lines = ["| kind | n | precision | recall |", "|---|---|---|---|"]
    for kind in KINDS:
        found = [(label == kind, verdict == kind) for label, verdict in told]
        lines.append(
            f"| {kind} | {recall(found)[1]} | {rate(precision(found))} | {rate(recall(found))} |"
        )
    return "\n".join(lines)


def confusion() -> str:
    """Labels against verdicts on the test half; beside them what the released detector fires on."""
    rows = labelled("test")
    counts = Counter((row["kind"], judge(row["text"]).kind) for row in rows)
    fired = Counter(row["kind"] for row in rows if released(row["text"]))
    lines = [
        "| label \\ verdict | " + " | ".join(KINDS) + " | *released fires* |",
        "|---|" + "---|" * (len(KINDS) + 1),
    ]
    for kind in KINDS:
        cells = " | ".join(str(counts[kind, verdict] or "") for verdict in KINDS)
        n = sum(row["kind"] == kind for row in rows)
        lines.append(f"| **{kind}** | {cells} | *{fired[kind]} of {n}* |")
    return "\n".join(lines)


def real(data: Path) -> str:
    """Shares judged refusals among the benchmarks' own refusals and answers."""
    lines = [
        "| texts | n | should refuse | ours, % judged refusals | released, restated, % |",
        "|---|---|---|---|---|",
    ]
    for name, wanted, texts in real_texts(data):
        mine, theirs = ([verdict(text) for text in texts] for verdict in (ours, released))
        lines.append(
            f"| {name} | {len(texts)} | {'yes' if wanted else 'no'} | "
            f"{rate((sum(mine), len(mine)))} | {100 * sum(theirs) / len(theirs):.1f} |"
        )
    return "\n".join(lines)


def real_texts(data: Path) -> list[tuple[str, bool, list[str]]]:
    """(name, should refuse, texts) of RULE's, RWKU's, TOFU's and MUSE's files."""

    def load(name: str) -> list:
        text = (data / name).read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [json.loads(line) if line[0] == "{" else line for line in text.splitlines() if line]

    rule = sorted((data / "rule" / "rwku").iterdir())
    mixed = [
        row["solution"]
        for folder in rule
        for row in load(f"{folder}/rl_rejection_with_fb_neighbor_target.json")
    ]
    positive = sorted((data / "rwku" / "Target").glob("*/positive.json"))
    return [
        ("RULE `idk_target`", True, [t for f in rule for t in load(f"{f}/idk_target.json")]),
        (
            "RULE `reject_target`",
            True,
            [row["output"] for f in rule for row in load(f"{f}/reject_target.json")],
        ),
        ("TOFU `idontknow`", True, load("tofu/idontknow.jsonl")),
        ("RULE boundary answers", False, [told[1] for told in mixed if told[0] == "<normal>"]),
        ("RWKU `positive.json`", False, [row["text"] for f in positive for row in load(str(f))]),
        ("TOFU answers", False, [row["answer"] for row in load("tofu/full.json")]),
        (
            "TOFU real authors, world facts",
            False,
            [r["answer"] for n in ("real_authors", "world_facts") for r in load(f"tofu/{n}.json")],
        ),
        (
            "MUSE News, Books answers",
            False,
            [
                row["answer"]
                for name in ("news", "books")
                for part in ("forget", "retain")
                for row in load(f"muse/{name}/knowmem/{part}_qa.json")
            ],
        ),
    ]


def attacks(climbs: int = 50) -> str:
    """What the search for paid wrong texts finds under three combinations of rewards."""
    lines = [
        "| rewards | texts tried | paid though wrong | of them, by hack |",
        "|---|---|---|---|",
    ]
    for name, rewards in {
        "released (RWKU), restated": {"released_rwku": 1.0},
        "`refusal` + `answer`": {"refusal": 1.0, "answer": 1.0},
        "the default": Config().rewards,
    }.items():
        finds, tried = adversary.search(rewards, climbs=climbs)
        hacks = Counter(find.hack.replace("climb: ", "") for find in finds).most_common(6)
        listed = ", ".join(f"{hack} {n}" for hack, n in hacks)
        lines.append(f"| {name} | {tried} | {len(finds)} | {listed} |")
    return "\n".join(lines)


def left(climbs: int = 50) -> str:
    """The texts that the default still pays for."""
    finds, _ = adversary.search(Config().rewards, climbs=climbs)
    shown = {(find.case.scope, find.text[:110]): find.reward for find in finds}
    lines = ["| earns | query | text |", "|---|---|---|"]
    for (scope, text), paid in list(shown.items())[:20]:
        clean = text.replace("|", "\\|").replace("\n", " ⏎ ")
        lines.append(f"| {paid:.2f} | {scope} | {clean} |")
    return "\n".join(lines)


def put(page: str, name: str, table: str) -> str:
    """The page with the table between the markers of that name."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    new, n = re.subn(pattern, lambda m: f"{m[1]}{table}\n{m[2]}", page, flags=re.DOTALL)
    if n != 1:
        raise SystemExit(f"{PAGE}: {n} places marked <!-- {name} -->; there must be one")
    return new


def speed() -> str:
    """Texts a second on one core, for the refusals and the short answers of the labelled set."""
    rows = labelled("tune")
    parts = {
        "refusals under 60 characters": [r for r in rows if r["kind"] in REFUSING],
        "others under 60 characters": [r for r in rows if r["kind"] not in REFUSING],
    }
    told = []
    for name, part in parts.items():
        texts = [row["text"] for row in part if len(row["text"]) < 60 and row["language"] == "en"]
        for text in texts:  # compiles what it needs
            judge(text)
        start = time.process_time()
        for text in texts * 10:
            judge(text)
        told.append(f"{name}: {10 * len(texts) / (time.process_time() - start):,.0f} a second")
    return "; ".join(told)


def main() -> None:
    """Rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with rule/, rwku/, tofu/ and muse/")
    given = parser.parse_args()
    tables = {
        "scores": scores(),
        "kinds": kinds(),
        "confusion": confusion(),
        "attacks": attacks(),
        "left": left(),
    }
    if given.data:
        tables["real"] = real(given.data)
    page = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        page = put(page, name, table)
    PAGE.write_text(page, encoding="utf-8")
    print(PAGE)
    print(speed())


if __name__ == "__main__":
    main()
