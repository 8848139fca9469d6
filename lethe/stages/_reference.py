"""The model before any stage: where to get it, and what it thinks of texts."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from trl.trainer.utils import use_adapter

from lethe import model as models
from lethe import process
from lethe.locate import is_adapter
from lethe.model import Checkpoint
from lethe.stages._pairs import Pair, Text
from lethe.stages._reading import Collator, read

REF = "ref"
"""What TRL calls an adapter that serves as reference; `_selection.save` leaves it out."""


class Reference:
    """The model before any stage: with LoRA the policy without its adapter, else a frozen copy."""

    def __init__(self, policy: Any, start: Checkpoint) -> None:
        """Prepare it; what must be loaded is loaded at the first use only."""
        self.policy, self.start = policy, start
        self.shared, self.held = bool(start.spec.lora), False
        self.copy: Any = None

    @contextlib.contextmanager
    def model(self) -> Iterator[Any]:
        """The original, in eval mode, for as long as the context lasts."""
        if self.shared:
            if not self.held:
                hold(self.policy, self.start.original)
                self.held = True
            with as_held(self.policy):
                yield self.policy
            return
        if self.copy is None:
            process.load_whole()
            self.copy = models.load(self.start.original, self.start.spec)
        self.copy.to(self.policy.device)
        yield self.copy

    def release(self) -> None:
        """Forget it: nothing will ask for it again."""
        self.copy = None
        if self.held:
            _forget(self.policy)
            self.held = False


def hold(policy: Any, original: str) -> None:
    """Make the original what the policy is with its adapter off, or with the one called REF on.

    Args:
        policy: With an adapter; a REF that TRL put there, a copy of that adapter, goes.
        original: A folder or Hub id: the adapter's base, or an adapter over that base.
    """
    _forget(policy)
    if is_adapter(original):
        with _as_it_was(policy):
            policy.load_adapter(original, adapter_name=REF)


@contextlib.contextmanager
def as_held(policy: Any) -> Iterator[None]:
    """The policy is the original, in eval mode, for as long as the context lasts."""
    with _as_it_was(policy), use_adapter(policy, REF if REF in policy.peft_config else None):
        policy.eval()
        yield


def _forget(policy: Any) -> None:
    if REF in policy.peft_config:
        with _as_it_was(policy):
            policy.delete_adapter(REF)


@contextlib.contextmanager
def _as_it_was(policy: Any) -> Iterator[None]:
    """Keep what learns, and the mode: PEFT sets a whole adapter free that it switches on again.

    `freeze` would not hold, and a policy that is given another adapter is left in eval mode.
    """
    training = policy.training
    before = [(weight, weight.requires_grad) for weight in policy.parameters()]
    yield
    for weight, learns in before:
        weight.requires_grad_(learns)
    policy.train(training)


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
