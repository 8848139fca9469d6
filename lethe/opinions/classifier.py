"""A text classifier's reading of refusals: any Hub or local sequence classification model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lethe.plug import LetheError, choices
from lethe.refusal import Opinion

LONGEST = 512
"""Tokens of a text that are read; refusals say so early."""


def opinion(
    model: str,
    *,
    labels: Sequence[str] = (),
    revision: str | None = None,
    batch_size: int = 32,
    progress: Callable[[int], object] = lambda n: None,
) -> Opinion:
    """Make a second opinion of a text classifier.

    Args:
        model: A Hub id or a folder with a sequence classification model (safetensors) and its
            tokenizer.
        labels: Labels of the model that mean a refusal; empty takes those whose name contains
            "refus", "reject" or "declin" and does not begin with "no".
        revision: Branch, tag or commit of a Hub model.
        batch_size: Texts a forward pass.
        progress: Called with the number of texts read, batch by batch.

    Returns:
        A function of texts; None for a text of blanks.

    Raises:
        LetheError: The model cannot be loaded, has no classification head or no such label, or
            which label means a refusal cannot be guessed.
    """
    net, tokenizer = _load(model, revision)
    wanted = _wanted(model, net.config.id2label, labels)
    room = getattr(net.config, "max_position_embeddings", None) or LONGEST
    longest = min(LONGEST, room, tokenizer.model_max_length)

    def read(texts: Sequence[str]) -> list[bool | None]:
        import torch

        found: list[bool | None] = [None] * len(texts)
        full = [i for i, text in enumerate(texts) if text.strip()]
        for start in range(0, len(full), batch_size):
            chosen = full[start : start + batch_size]
            batch = [texts[i] for i in chosen]
            inputs = tokenizer(
                batch, return_tensors="pt", padding=True, truncation=True, max_length=longest
            )
            with torch.inference_mode():
                logits = net(**inputs.to(net.device)).logits
            for i, label in zip(chosen, logits.argmax(-1), strict=True):
                found[i] = int(label) in wanted
            progress(len(batch))
        return found

    return read


def _load(model: str, revision: str | None) -> tuple[Any, Any]:
    if ("/" not in model or model.startswith((".", "/", "~"))) and not Path(model).is_dir():
        raise LetheError(f"{model}: no such folder (a classifier is a folder or a Hub id org/name)")
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
        net, info = AutoModelForSequenceClassification.from_pretrained(
            model, revision=revision, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise LetheError(
            f"{model}: cannot be loaded as a classifier: {str(error).splitlines()[0]}"
        ) from error
    if info["missing_keys"]:
        raise LetheError(f"{model}: has no classification head: {sorted(info['missing_keys'])[0]}")
    if tokenizer.pad_token is None:
        raise LetheError(f"{model}: its tokenizer has no padding token, so texts cannot be batched")
    return net.eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def _wanted(model: str, names: dict[int, str], labels: Sequence[str]) -> set[int]:
    for label in labels:
        if label not in names.values():
            raise LetheError(f"{model}: no label {label!r}; {choices(label, names.values())}")
    if labels:
        return {i for i, name in names.items() if name in labels}
    guessed = {
        i
        for i, name in names.items()
        if any(part in name.lower() for part in ("refus", "reject", "declin"))
        and not name.lower().startswith(("no", "non"))
    }
    if not guessed:
        raise LetheError(
            f"{model}: which label means a refusal? name it; {choices('', names.values())}"
        )
    return guessed
