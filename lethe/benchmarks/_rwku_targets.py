"""Which of RWKU's people, and where their files are: Target/<n_Name>/ in a folder or on the Hub."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lethe.benchmarks import _hub
from lethe.plug import LetheError, choices

HUB = "jinzhuoran/RWKU"


def folders(
    targets: Sequence[str],
    folder: Path | None,
    hub: bool,
    revision: str | None,
    files: Sequence[str],
) -> list[Path]:
    """The folders of the targets.

    Args:
        targets: Paths where there is neither `folder` nor `hub`; else names such as
            1_Stephen_King, or all.
        folder: Holds the targets, or `Target/` with them.
        hub: Download them; also done where bare names have no folder to be in.
        revision: Branch, tag or commit of the Hub data set.
        files: What is wanted of each target, without `.json`.

    Raises:
        LetheError: There is no such folder or target, or it cannot be downloaded.
    """
    if hub or (folder is None and all(map(_bare, targets))):
        names = ["*"] if list(targets) == ["all"] else targets
        wanted = [f"Target/{name}/{file}.json" for name in names for file in files]
        return _chosen(targets, _hub.fetch(HUB, wanted, revision))
    if folder is not None:
        return _chosen(targets, _hub.folder(folder, HUB, (), revision))
    for target in targets:
        if not Path(target).expanduser().is_dir():
            hint = "give an RWKU target folder, or bare names with `folder:` or `source: hub`"
            raise LetheError(f"{target}: no such folder; {hint}")
    return [Path(target).expanduser() for target in dict.fromkeys(targets)]


def rule_folder(rule: Path, target: Path, several: bool) -> Path:
    """RULE's training files of a target: `rule` itself, or the folder of that name in it.

    Raises:
        LetheError: There is no such folder.
    """
    own = rule.expanduser() / target.name
    place = own if several or own.is_dir() else rule.expanduser()
    if not place.is_dir():
        raise LetheError(f"{place if several else rule}: no such folder (of RULE's training files)")
    return place


def _chosen(targets: Sequence[str], root: Path) -> list[Path]:
    root = root / "Target" if (root / "Target").is_dir() else root
    known = {
        place.name: place for place in root.iterdir() if (place / "forget_level1.json").exists()
    }
    all_of_them = list(targets) == ["all"]
    names = sorted(known, key=_number) if all_of_them else list(dict.fromkeys(targets))
    if not names:
        raise LetheError(f"{root}: holds no RWKU targets, folders such as 1_Stephen_King")
    for name in names:
        if name not in known:
            raise LetheError(f"{root}: no target {name!r}; {choices(name, known)}")
    return [known[name] for name in names]


def _bare(target: str) -> bool:
    """Whether a target is named as RWKU names its folders, and is no path of a folder here.

    >>> _bare("1_Stephen_King"), _bare("all"), _bare("data/Target/1_Stephen_King")
    (True, True, False)
    """
    named = re.fullmatch(r"\d+_[^/\\]+", target) is not None
    return (named or target == "all") and not Path(target).is_dir()


def named(given: Any) -> Any:
    """Targets as a list, of which a text may name several; what is neither is left as it is.

    Names have commas themselves; but each begins with its number.

    >>> named("10_Prince_Harry,_Duke_of_Sussex, 1_Stephen_King")
    ['10_Prince_Harry,_Duke_of_Sussex', '1_Stephen_King']
    """
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return given
    return [name.strip() for text in texts for name in re.split(r",\s*(?=\d+_)", text)]


def _number(name: str) -> tuple[int, str]:
    number = re.match(r"\d+", name)
    return int(number[0]) if number else 0, name
