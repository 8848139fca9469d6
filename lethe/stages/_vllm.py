"""vLLM as the engine of ReBO's rollouts, through TRL: settings, what TRL is told, what is refused.

`colocate`: an engine in every training process, on the same GPUs. `server`: one `vllm serve` on
GPUs of its own; docs/cluster.md has its command. Before each batch of rollouts TRL gives the engine
the policy's weights, an adapter merged. Left out: engines that sample while the policy trains.
*vLLM itself was not run here*; TRL's code that calls it was, with a stand-in for its server.
"""

import importlib.metadata
import importlib.util
import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from lethe import process
from lethe.config import Frozen
from lethe.plug import LetheError

Rollout = Literal["transformers", "vllm-colocate", "vllm-server"]
SUPPORTED = ("0.22.0", "0.31.0")  # by TRL 1.16
ONE_ENGINE = {
    "vllm-colocate": ("memory_share", "tensor_parallel", "max_length", "sleep"),
    "vllm-server": ("server_url", "group_port"),
}
# In TRL's generation_kwargs: each would break the group that a rollout is compared with. With a
# seed, all members of a colocated engine's group are the same text.
GROUP = ("logprobs", "n", "seed")


class Vllm(Frozen):
    """vLLM's engine. TRL's names: vllm_gpu_memory_utilization, vllm_tensor_parallel_size, ..."""

    memory_share: float = Field(default=0.3, gt=0, lt=1)
    """colocate: share of each GPU's memory that the engine takes, weights and KV cache."""
    tensor_parallel: int = Field(default=1, ge=1)
    """colocate: GPUs that one copy of the model is split over; divides the processes."""
    max_length: int | None = Field(default=None, ge=1)
    """colocate: longest prompt with its completion, in tokens; null takes what the model can. Set
    it where that is 128k: the engine wants KV cache for one such text."""
    sleep: bool = False
    """colocate: give the engine's memory back during the optimiser's step; costs time."""
    server_url: str = Field(default="http://localhost:8000", pattern=r"^https?://\S*[^/\s]$")
    """server: its address, as the training processes reach it."""
    group_port: int = Field(default=51216, ge=1, le=65535)
    """server: the port on which it is sent the weights."""
    importance_correction: bool = True
    """Weigh rollouts by how much likelier they are to the policy than to vLLM, which rounds
    otherwise; one more forward pass."""


OWNED = {
    "use_vllm",
    "vllm_enable_sleep_mode",
    "vllm_gpu_memory_utilization",
    "vllm_group_port",
    "vllm_importance_sampling_correction",
    "vllm_max_model_length",
    "vllm_mode",
    "vllm_server_base_url",
    "vllm_tensor_parallel_size",
}


def arguments(rollout: Rollout, settings: Vllm) -> dict[str, Any]:
    """What TRL's GRPOConfig is told; nothing without vLLM.

    >>> arguments("vllm-server", Vllm())["vllm_mode"], arguments("transformers", Vllm())
    ('server', {})
    """
    if rollout == "transformers":
        return {}
    return {
        "use_vllm": True,
        "vllm_mode": rollout.removeprefix("vllm-"),
        "vllm_gpu_memory_utilization": settings.memory_share,
        "vllm_tensor_parallel_size": settings.tensor_parallel,
        "vllm_max_model_length": settings.max_length,
        "vllm_enable_sleep_mode": settings.sleep,
        "vllm_server_base_url": settings.server_url,
        "vllm_group_port": settings.group_port,
        "vllm_importance_sampling_correction": settings.importance_correction,
    }


def check(rollout: Rollout, settings: Vllm, trainer: dict[str, Any], where: str) -> None:
    """Refuse what cannot work, before a weight is loaded.

    Args:
        rollout: The engine.
        settings: Its.
        trainer: The stage's `trainer:`.
        where: Opens the message.

    Raises:
        LetheError: Settings of another engine; processes that cannot share the model; keys that
            break a group.
    """
    changed = [name for name in settings.model_fields_set if _differs(settings, name)]
    for name in changed:
        users = [mode for mode, own in ONE_ENGINE.items() if name in own] or [*ONE_ENGINE]
        if rollout not in users:
            raise LetheError(
                f"{where}.vllm.{name}: is read by rollout {' and '.join(users)} alone, and it is "
                f"{rollout}"
            )
    if rollout == "transformers":
        return
    processes = process.share()[1]
    if rollout == "vllm-colocate" and processes % settings.tensor_parallel:
        raise LetheError(
            f"{where}.vllm.tensor_parallel: {settings.tensor_parallel} does not divide the "
            f"{processes} training processes; choices: "
            + ", ".join(str(n) for n in range(1, processes + 1) if processes % n == 0)
        )
    taken = [name for name in GROUP if name in (trainer.get("generation_kwargs") or {})]
    if taken:
        raise LetheError(
            f"{where}.trainer.generation_kwargs.{taken[0]}: is not for you to set with rollout "
            f"{rollout}: completions of a prompt would no longer be draws of their own"
        )
    mode = trainer.get("vllm_importance_sampling_mode", "sequence_mask")
    by_sequence = settings.importance_correction and str(mode).startswith("sequence")
    if trainer.get("loss_type") == "vespo" and by_sequence:
        raise LetheError(
            f"{where}.trainer.vllm_importance_sampling_mode: {mode!r} does not go with loss_type "
            "vespo; choices: token_mask, token_truncate"
        )


def _differs(settings: Vllm, name: str) -> bool:
    return getattr(settings, name) != Vllm.model_fields[name].default


def check_installed(rollout: Rollout, where: str) -> None:
    """Refuse a machine without vLLM and what talks to it.

    Raises:
        LetheError: vLLM is absent or of a version that TRL does not know.
    """
    if rollout == "transformers":
        return
    from packaging.version import Version

    if importlib.util.find_spec("vllm") is None:
        raise LetheError(
            f"{where}.rollout: {rollout} needs vLLM, which is not installed here: "
            'pip install "lethe-unlearn[vllm]" (Linux, CUDA); choices: transformers'
        )
    found = importlib.metadata.version("vllm")
    low, high = SUPPORTED
    if not Version(low) <= Version(Version(found).base_version) <= Version(high):
        raise LetheError(
            f"{where}.rollout: vLLM {found} is installed, and TRL knows {low} to {high}: "
            'pip install "lethe-unlearn[vllm]"; choices: transformers'
        )
    if rollout == "vllm-server" and importlib.util.find_spec("requests") is None:
        raise LetheError(
            f"{where}.rollout: {rollout} needs requests, which is not installed here: "
            'pip install "lethe-unlearn[vllm]"; choices: transformers, vllm-colocate'
        )


def check_engine(rollout: Rollout, settings: Vllm, where: str) -> None:
    """Refuse a machine without CUDA and a server that is not ready, before weights are loaded.

    Raises:
        LetheError: With the command that starts a right server.
    """
    if rollout == "transformers":
        return
    import torch

    if not torch.cuda.is_available():
        raise LetheError(
            f"{where}.rollout: {rollout} needs a CUDA GPU, and there is none here; "
            "choices: transformers"
        )
    if rollout == "vllm-server" and process.share()[0] == 0:
        check_server(settings, where)


def check_server(settings: Vllm, where: str, timeout: float = 10.0) -> None:
    """Refuse a vLLM server that is not there or was not started for training.

    Args:
        settings: Where it is.
        where: Opens the message.
        timeout: Seconds to wait for each of two answers. TRL would wait for four minutes.

    Raises:
        LetheError: It cannot be reached, has no development endpoints (which take the weights), or
            reports probabilities before temperature and filters.
    """
    url = settings.server_url
    here = f"{where}.vllm.server_url: {url}"
    try:
        _get(f"{url}/health", timeout)
    except (OSError, ValueError) as error:
        raise LetheError(f"{here}: no vLLM server answers ({error}); {_START}") from error
    try:
        found = json.loads(_get(f"{url}/server_info?config_format=json", timeout))
    except (OSError, ValueError) as error:
        raise LetheError(f"{here}: the server takes no weights ({error}); {_START}") from error
    mode = found.get("vllm_config", {}).get("model_config", {}).get("logprobs_mode")
    if settings.importance_correction and mode != "processed_logprobs":
        raise LetheError(
            f"{here}: its logprobs mode is {mode}, and vllm.importance_correction needs "
            f"processed_logprobs; {_START}"
        )


_START = (
    "start it with: VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --weight-transfer-config "
    '\'{"backend": "nccl"}\' --logprobs-mode processed_logprobs --max-logprobs -1'
)


def _get(url: str, timeout: float) -> bytes:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=timeout) as answer:
            return answer.read()
    except HTTPError as error:
        error.close()
        raise


def check_groups(prompt_ids: Sequence[Sequence[int]], group: int) -> None:
    """Make sure that a server is asked for every prompt: TRL sends each `group`-th alone.

    Args:
        prompt_ids: Of all processes, in order.
        group: Completions of a prompt.

    Raises:
        RuntimeError: Some group holds two prompts: the second would get the first's completions.

    >>> check_groups([[1], [1], [2, 3], [2, 3]], 2)
    >>> check_groups([[1], [2]], 2)
    Traceback (most recent call last):
    RuntimeError: rollout 1 has another prompt than rollout 0, and both are of one group of 2
    """
    for i, ids in enumerate(prompt_ids):
        first = i - i % group
        if list(ids) != list(prompt_ids[first]):
            raise RuntimeError(
                f"rollout {i} has another prompt than rollout {first}, and both are of one group "
                f"of {group}"
            )
    if len(prompt_ids) % group:
        raise RuntimeError(f"{len(prompt_ids)} rollouts are no whole groups of {group}")
