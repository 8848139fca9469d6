"""To the Hub: the check that can be made before any work, and the upload (*not run here*).

The token is the environment's (`HF_TOKEN`) or that of `hf auth login`; it is read by the library
and never written.
"""

import os
import re
from pathlib import Path

from lethe.plug import LetheError


def check(name: str) -> None:
    """Refuse what cannot be uploaded to.

    Raises:
        LetheError: The name is not ORG/NAME, there is no token, or the Hub is switched off.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise LetheError(f"--push-to-hub: {name!r}: must be ORG/NAME, as in my-org/my-model")
    if os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE"):
        raise LetheError("--push-to-hub: HF_HUB_OFFLINE is set; unset it")
    from huggingface_hub import get_token

    if not get_token():
        raise LetheError("--push-to-hub: no token; set HF_TOKEN, or run: hf auth login")


def push(folder: Path, name: str, *, private: bool, endpoint: str | None = None) -> str:
    """Upload a folder as one commit; the repository is made if it is not there.

    Args:
        folder: What to upload.
        name: ORG/NAME.
        private: For a repository that is made; one that is there stays as open as it is.
        endpoint: Another Hub's address.

    Returns:
        The repository's address.

    Raises:
        LetheError: The Hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    # Its base is the error of the HTTP library, which is not the same one in every version.
    http: type[Exception] = HfHubHTTPError.__bases__[0]  # pyright: ignore[reportAssignmentType]
    api = HfApi(endpoint=endpoint)
    try:
        made = api.create_repo(name, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=name,
            folder_path=folder,
            commit_message="Export from Lethe",
            delete_patterns=["adapter_*", "*.safetensors*"],  # an earlier export's, of another kind
        )
    except (http, OSError, ValueError) as error:
        raise LetheError(f"--push-to-hub: {name}: {error}; the export is in {folder}") from error
    return str(made)
