"""Texts as a model reads them: to token ids, to padded batches, to logits before each token."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from trl.trainer.utils import pad

from lethe import model as models
from lethe.stages._pairs import Pair, Text

KINDS = ("answer", "refusal", "retain")


class Collator:
    """Pairs to tensors: prompts padded on the left, completions on the right."""

    def __init__(self, pad_token: int) -> None:
        self.pad_token = pad_token

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
        """Tensors of a batch, its rows by kind.

        Returns:
            prompt, prompt_mask (B, P); completion, mask (B, T); kind (B,), an index of `KINDS`;
            reference (N,) of all completion tokens, NaN where a text has none, if any has.
        """
        columns = zip(*pairs, strict=True)
        rows = [
            (kind, text) for kind, texts in enumerate(columns) for text in texts if text is not None
        ]
        prompts = [torch.tensor(text.prompt) for _, text in rows]
        completions = [torch.tensor(text.completion) for _, text in rows]
        batch = {
            "prompt": pad(prompts, self.pad_token, padding_side="left"),
            "prompt_mask": pad([torch.ones_like(p) for p in prompts], 0, padding_side="left"),
            "completion": pad(completions, self.pad_token, padding_side="right"),
            "mask": pad([torch.ones_like(c) for c in completions], 0, padding_side="right"),
            "kind": torch.tensor([kind for kind, _ in rows]),
        }
        if any(text.reference for _, text in rows):
            known = [t.reference or (math.nan,) * len(t.completion) for _, t in rows]
            batch["reference"] = torch.tensor([value for row in known for value in row])
        return batch


def read(model: Any, inputs: dict[str, Any], layer: int | None) -> dict[str, torch.Tensor]:
    """Logits before each of the N completion tokens, the tokens, and states after a layer."""
    mask_BT = torch.cat([inputs["prompt_mask"], inputs["mask"]], dim=1)
    width = inputs["mask"].size(1)
    read = model(
        input_ids=torch.cat([inputs["prompt"], inputs["completion"]], dim=1),
        attention_mask=mask_BT,
        position_ids=(mask_BT.cumsum(1) - 1).clamp(min=0),
        logits_to_keep=width + 1,
        use_cache=False,
        output_hidden_states=layer is not None,
    )
    wanted_BT = inputs["mask"].bool()
    found = {
        "logits": read.logits[:, :-1][wanted_BT].float(),
        "labels": inputs["completion"][wanted_BT],
    }
    if layer is not None:
        # The first of the hidden states is the embedding.
        found["hidden"] = read.hidden_states[layer + 1][:, -width - 1 : -1][wanted_BT].float()
    return found


def text(tokenizer: Any, prompt: Any, completion: str) -> Text:
    """A prompt and its completion as token ids, as the model is asked and answers.

    Args:
        tokenizer: The model's.
        prompt: A row's.
        completion: An answer or refusal; the end-of-sequence token is put behind it.
    """
    # Behind a chat template's marker a text opens; behind the plain "Answer:" it goes on.
    said = completion if tokenizer.chat_template else f" {completion}"
    ids = tokenizer.encode(said, add_special_tokens=False)
    ends = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    return Text(tuple(models.render(tokenizer, prompt)), (*ids, *ends))
