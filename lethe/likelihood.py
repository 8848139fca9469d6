"""Rows in, token log-probabilities out: one teacher-forced forward pass, batched by length."""

from collections.abc import Callable, Sequence
from typing import Any


def answer_logprobs(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[str],
    *,
    prefix: str = "",
    batch_size: int = 64,
    progress: Callable[[int], object] | None = None,
) -> list[list[float]]:
    """Log-probabilities (nats) of each answer's tokens and the end token behind its prompt.

    The text after the prompt is `prefix` and then the answer; only the answer's tokens and the
    closing end-of-sequence token are scored (TOFU's convention, arXiv 2401.06121).

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompts: Token ids of each prompt, unpadded, ending where the answer begins.
        answers: Reference answers.
        prefix: Text forced before every answer.
        batch_size: Rows in one forward pass.
        progress: Called with the number of rows just finished.

    Returns:
        One list for each row, one number for each token.
    """
    import torch

    # Behind a chat template's marker a text opens; behind the plain "Answer:" it goes on.
    goes_on = not tokenizer.chat_template
    forced = _ids(tokenizer, prefix, goes_on) if prefix else []
    ends = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    scored = [[*_ids(tokenizer, answer, goes_on or bool(prefix)), *ends] for answer in answers]
    whole = [[*p, *forced, *s] for p, s in zip(prompts, scored, strict=True)]
    order = sorted(range(len(whole)), key=lambda i: (len(whole[i]), i))
    out: list[list[float]] = [[] for _ in whole]
    pad = tokenizer.pad_token_id
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        width = max(len(whole[i]) for i in rows)
        ids_BT = torch.full((len(rows), width), pad)
        mask_BT = torch.zeros(len(rows), width, dtype=torch.long)
        for b, i in enumerate(rows):
            ids_BT[b, : len(whole[i])] = torch.tensor(whole[i])
            mask_BT[b, : len(whole[i])] = 1
        ids_BT, mask_BT = ids_BT.to(model.device), mask_BT.to(model.device)
        with torch.no_grad():
            logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
        logps_BTV = torch.log_softmax(logits_BTV[:, :-1].float(), dim=-1)
        picked_BT = logps_BTV.gather(2, ids_BT[:, 1:, None])[:, :, 0].cpu()
        for b, i in enumerate(rows):
            last = len(whole[i]) - 1
            out[i] = picked_BT[b, last - len(scored[i]) : last].tolist()
        if progress:
            progress(len(rows))
    return out


def _ids(tokenizer: Any, text: str, after_text: bool) -> list[int]:
    """Token ids of a text without special tokens, with its leading space where text precedes."""
    return tokenizer.encode(f" {text}" if after_text else text, add_special_tokens=False)
