"""The model before any stage: where to get it, and what it thinks of texts."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from lethe import model as models
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.stages._pairs import Pair, Text
from lethe.stages._reading import Collator, read


class Reference:
    """The model before any stage: the policy with its adapter off, or a frozen copy."""

    def __init__(self, policy: Any, start: Checkpoint) -> None:
        """Prepare it; a copy is loaded at the first use only."""
        self.policy, self.start = policy, start
        self.shared = bool(start.spec.lora) and not is_adapter(start.original)
        self.copy: Any = None

    @contextlib.contextmanager
    def model(self) -> Iterator[Any]:
        """The original, in eval mode, for as long as the context lasts."""
        if self.shared:
            training = self.policy.training
            self.policy.eval()
            with self.policy.disable_adapter():
                yield self.policy
            self.policy.train(training)
            return
        if self.copy is None:
            self.copy = models.load(self.start.original, self.start.spec)
        self.copy.to(self.policy.device)
        yield self.copy

    def release(self) -> None:
        """Forget the copy: nothing will ask for it again."""
        self.copy = None


def with_reference(
    texts: list[Text], reference: Reference, tokenizer: Any, rows: int = 16
) -> list[Text]:
    """The texts with the log-probabilities that the original gives their completions."""
    collate, out = Collator(tokenizer.pad_token_id), []
    with torch.no_grad(), reference.model() as original:
        for start in range(0, len(texts), rows):
            chunk = texts[start : start + rows]
            inputs = collate([Pair(known, None, None) for known in chunk])
            inputs = {name: value.to(original.device) for name, value in inputs.items()}
            seen = read(original, inputs, None)
            logps_NV = seen["logits"].log_softmax(dim=-1)
            logps_N = logps_NV.gather(1, seen["labels"][:, None])[:, 0]
            lengths = [len(known.completion) for known in chunk]
            for known, own in zip(chunk, logps_N.split(lengths), strict=True):
                out.append(known._replace(reference=tuple(own.tolist())))
    return out
