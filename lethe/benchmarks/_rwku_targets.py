"""Which of RWKU's people, and where their files are: Target/<n_Name>/ in a folder or on the Hub."""

import re
from collections.abc import Sequence
from pathlib import Path

from lethe.benchmarks import _hub
from lethe.plug import LetheError, choices

HUB = "jinzhuoran/RWKU"


def folders(
    target: str, folder: Path | None, hub: bool, revision: str | None, files: Sequence[str]
) -> list[Path]:
    """The folders of the targets.

    Args:
        target: A path where there is neither `folder` nor `hub`; else names such as
            1_Stephen_King parted by commas, or all.
        folder: Holds the targets, or `Target/` with them.
        hub: Download them; also done where bare names have no folder to be in.
        revision: Branch, tag or commit of the Hub data set.
        files: What is wanted of each target, without `.json`.

    Raises:
        LetheError: There is no such folder or target, or it cannot be downloaded.
    """
    if hub or (folder is None and _bare(target)):
        names = ["*"] if target == "all" else _split(target)
        wanted = [f"Target/{name}/{file}.json" for name in names for file in files]
        return _chosen(target, _hub.fetch(HUB, wanted, revision))
    if folder is not None:
        return _chosen(target, _hub.folder(folder, HUB, (), revision))
    place = Path(target).expanduser()
    if not place.is_dir():
        hint = "give an RWKU target folder, or bare names with `folder:` or `source: hub`"
        raise LetheError(f"{target}: no such folder; {hint}")
    return [place]


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


def _chosen(target: str, root: Path) -> list[Path]:
    root = root / "Target" if (root / "Target").is_dir() else root
    known = {
        place.name: place for place in root.iterdir() if (place / "forget_level1.json").exists()
    }
    names = sorted(known, key=_number) if target == "all" else _names(target, known)
    if not names:
        raise LetheError(f"{root}: holds no RWKU targets, folders such as 1_Stephen_King")
    for name in names:
        if name not in known:
            raise LetheError(f"{root}: no target {name!r}; {choices(name, known)}")
    return [known[name] for name in names]


def _names(target: str, known: dict[str, Path]) -> list[str]:
    return [target] if target in known else list(dict.fromkeys(_split(target)))


def _bare(target: str) -> bool:
    """Whether a target is named as RWKU names its folders, and is no path of a folder here.

    >>> _bare("1_Stephen_King"), _bare("all"), _bare("data/Target/1_Stephen_King")
    (True, True, False)
    """
    named = all(re.fullmatch(r"\d+_[^/\\]+", name) for name in _split(target))
    return (named or target == "all") and not Path(target).is_dir()


def _split(target: str) -> list[str]:
    """Names have commas themselves; but each begins with its number.

    >>> _split("10_Prince_Harry,_Duke_of_Sussex, 1_Stephen_King")
    ['10_Prince_Harry,_Duke_of_Sussex', '1_Stephen_King']
    """
    return [name.strip() for name in re.split(r",\s*(?=\d+_)", target)]


def _number(name: str) -> tuple[int, str]:
    number = re.match(r"\d+", name)
    return int(number[0]) if number else 0, name
