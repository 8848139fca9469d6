"""Distance by a text-embedding model, in place of names and ties: what a prompt means counts.

A prompt's distance is 1 minus the largest cosine of its embedding with that of a plain question
about the target, in [0, 1]. Embeddings are mean-pooled last hidden states, the usual reading of
sentence encoders; a model that wants an instruction before a text does not get it. Run here with
a small untrained encoder only; *not run here* with a real one.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lethe.data import Row
from lethe.plug import LetheError

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 64


def load(path: str) -> Callable[[Sequence[Row]], list[float]]:
    """Load an encoder.

    Args:
        path: A local folder or a Hub id.

    Returns:
        A function that gives each row's distance, 0 for what must be forgotten; among the rows must
        be a forget row of form question.

    Raises:
        LetheError: It cannot be loaded.
    """
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        model = AutoModel.from_pretrained(path, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise LetheError(f"embedding: {path}: cannot be loaded: {error}") from error
    model.eval()
    return lambda rows: _distances(model, tokenizer, rows)


def _distances(model: Any, tokenizer: Any, rows: Sequence[Row]) -> list[float]:
    import torch

    prompts = [str(row.prompt) for row in rows]
    batches = [prompts[i : i + _BATCH] for i in range(0, len(prompts), _BATCH)]
    with torch.no_grad():
        embedded_ND = torch.cat([_embedded(model, tokenizer, batch) for batch in batches])
    plain = [i for i, row in enumerate(rows) if row.scope == "forget" and row.form == "question"]
    cosine_N = (embedded_ND @ embedded_ND[plain].T).amax(dim=1)
    return [
        0.0 if row.scope == "forget" else round(min(1.0, max(0.0, 1 - cosine)), 4)
        for row, cosine in zip(rows, cosine_N.tolist(), strict=True)
    ]


def _embedded(model: Any, tokenizer: Any, texts: list[str]) -> "Tensor":
    """Unit vectors (len(texts), width) of texts."""
    import torch

    read = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    hidden_NTD = model(**read).last_hidden_state
    mask_NT1 = read["attention_mask"][:, :, None].to(hidden_NTD.dtype)
    mean_ND = (hidden_NTD * mask_NT1).sum(1) / mask_NT1.sum(1).clamp(min=1)
    return torch.nn.functional.normalize(mean_ND, dim=1)
