"""Texts as a model reads them: to token ids, to padded batches, to logits before each token.

Rows are padded on the right and read without attention mask: what is causal never looks at the
padding. On the CPU rows of like length are read together, and nowhere does the LM head see more
than the places before completion tokens.
"""

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from lethe import model as models
from lethe.stages._pairs import Pair, Text

KINDS = ("answer", "refusal", "retain")
FORWARD = 48
"""What one more forward pass costs on a CPU, in tokens of a small model."""


class Collator:
    """Pairs to tensors: prompt and completion in one row, padded on the right."""

    def __init__(self, pad_token: int) -> None:
        self.pad_token = pad_token

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
        """Tensors of a batch, its rows by kind.

        Returns:
            ids (B, T); scored (B, T), which of them are of a completion; length and kind (B,), an
            index of `KINDS`; reference (N,) of all completion tokens, NaN where a text has none,
            if any has.
        """
        columns = zip(*pairs, strict=True)
        rows = [
            (kind, text) for kind, texts in enumerate(columns) for text in texts if text is not None
        ]
        ids = [torch.tensor(text.prompt + text.completion) for _, text in rows]
        places = [torch.arange(len(row)) for row in ids]
        scored = [p >= len(text.prompt) for p, (_, text) in zip(places, rows, strict=True)]
        batch = {
            "ids": pad_sequence(ids, batch_first=True, padding_value=self.pad_token),
            "scored": pad_sequence(scored, batch_first=True, padding_value=False),
            "length": torch.tensor([len(row) for row in ids]),
            "kind": torch.tensor([kind for kind, _ in rows]),
        }
        if any(text.reference for _, text in rows):
            known = [t.reference or (math.nan,) * len(t.completion) for _, t in rows]
            batch["reference"] = torch.tensor([value for row in known for value in row])
        return batch


def read(model: Any, inputs: dict[str, torch.Tensor], layer: int | None) -> dict[str, torch.Tensor]:
    """What a model makes of a collated batch.

    Args:
        model: A causal language model, not wrapped.
        inputs: ids, scored and length of a batch.
        layer: The layer whose states are wanted, from 0.

    Returns:
        labels (N,) and row (N,) of the completion tokens; before each of them logits (N, V) in
        float32, and hidden (N, D), the states after the layer.
    """
    ids, scored = inputs["ids"], inputs["scored"]
    lengths = inputs["length"].tolist()
    groups = [list(range(len(lengths)))] if ids.is_cuda else chunks(lengths, FORWARD)
    read = [_read(model, ids, scored, max(lengths[i] for i in own), own, layer) for own in groups]
    if len(read) == 1:
        return read[0]
    found = {name: torch.cat([part[name] for part in read]) for name in read[0]}
    order_N = found["row"].argsort(stable=True)
    return {name: value[order_N] for name, value in found.items()}


def _read(
    model: Any, ids: torch.Tensor, scored: torch.Tensor, width: int, rows: list[int], layer: Any
) -> dict[str, torch.Tensor]:
    rows_B = torch.tensor(rows, device=ids.device)
    ids_BT, scored_BT = ids[rows_B, :width], scored[rows_B, :width]
    # The logits that predict a token are those of the place before it.
    before_BT = scored_BT.roll(-1, dims=1)
    before_BT[:, -1] = False
    with _head_at(model, before_BT):
        seen = model(input_ids=ids_BT, use_cache=False, output_hidden_states=layer is not None)
    found = {
        "logits": seen.logits[0].float(),
        "labels": ids_BT[scored_BT],
        "row": rows_B.repeat_interleave(scored_BT.sum(dim=1)),
    }
    if layer is not None:
        # The first of the hidden states is the embedding.
        found["hidden"] = seen.hidden_states[layer + 1][before_BT].float()
    return found


@contextlib.contextmanager
def _head_at(model: Any, wanted_BT: torch.Tensor) -> Iterator[None]:
    """The LM head gets the states of these places alone, as one row of N."""
    head = model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][wanted_BT][None],))
    try:
        yield
    finally:
        hook.remove()


def chunks(lengths: Sequence[int], price: int) -> list[list[int]]:
    """Rows of like length together, so that padded tokens and forward passes cost least.

    Args:
        lengths: Of the rows.
        price: Of a forward pass, in tokens.

    >>> chunks([9, 2, 8, 2, 2, 2], price=4)
    [[0, 2], [1, 3, 4, 5]]
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    best = [(0, 0)]
    for end in range(1, len(order) + 1):
        best.append(
            min(
                (best[start][0] + lengths[order[start]] * (end - start) + price, start)
                for start in range(end)
            )
        )
    cuts = [len(order)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    return [sorted(order[start:end]) for end, start in itertools.pairwise(cuts)][::-1]


def text(tokenizer: Any, prompt: Any, completion: str) -> Text:
    """A prompt and its completion as token ids, as the model is asked and answers.

    Args:
        tokenizer: The model's.
        prompt: A row's.
        completion: An answer or refusal; the end-of-sequence token is put behind it.
    """
    return Text(tuple(models.render(tokenizer, prompt)), tuple(reply(tokenizer, completion)))


def reply(tokenizer: Any, text: str) -> list[int]:
    """The token ids of a whole reply, as a model would have written it, with its end token."""
    # Behind a chat template's marker a text opens; behind the plain "Answer:" it goes on.
    said = text if tokenizer.chat_template else f" {text}"
    ends = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return [*tokenizer.encode(said, add_special_tokens=False), *ends]
