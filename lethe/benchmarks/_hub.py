"""A benchmark's files: a local folder in the layout of its Hub data set, or the data set itself."""

from collections.abc import Sequence
from pathlib import Path

from lethe.plug import LetheError


def folder(given: Path | None, repo: str, patterns: Sequence[str], revision: str | None) -> Path:
    """Where the files are.

    Args:
        given: A local folder; None: they are downloaded, or taken from the Hub's cache.
        repo: The Hub data set.
        patterns: The files wanted of it.
        revision: Branch, tag or commit of it; None: its main branch.

    Raises:
        LetheError: No such folder, or it cannot be downloaded.
    """
    if given is not None:
        place = given.expanduser()
        if not place.is_dir():
            raise LetheError(
                f"{given}: no such folder; a local copy of {repo}, or none for the Hub"
            )
        return place
    return fetch(repo, patterns, revision)


def fetch(repo: str, patterns: Sequence[str], revision: str | None) -> Path:
    """Download files of a Hub data set. Not run here (no network); only its failure was."""
    from huggingface_hub import snapshot_download

    try:
        root = snapshot_download(
            repo, repo_type="dataset", revision=revision, allow_patterns=list(patterns)
        )
    except (OSError, ValueError) as error:
        raise LetheError(f"{repo}: cannot be downloaded: {error}") from error
    return Path(root)
