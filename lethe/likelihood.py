"""Texts in, token log-probabilities out: one teacher-forced forward pass, batched by length.

Texts that a model reads in the same way (the choices of a multiple-choice question, one token
each) are read once. Logits are computed only where a token is scored.
"""

import inspect
from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lethe import batches
from lethe.protocol import Scored

if TYPE_CHECKING:
    from torch import Tensor

_LOGITS = {"cpu": 2**25, "cuda": 2**28}
"""Logits held at once, at most; what is made of them takes about six times that."""
_SHORT = 32
"""Targets up to so many tokens stand in batches of their own, as wide as that."""
_DIGITS = 9


class Request(NamedTuple):
    """A text to be scored behind a context, in tokens."""

    context: tuple[int, ...]
    target: tuple[int, ...]
    spread: bool = False
    """Whether mean and variance over the vocabulary are wanted."""

    @property
    def scorable(self) -> int:
        """How many of the target's tokens can be scored."""
        return len(self.target) - (not self.context)


def request(
    tokenizer: Any,
    context: Sequence[int],
    text: str,
    *,
    prefix: str = "",
    after_text: bool | None = None,
    end: bool = True,
    spread: bool = False,
) -> Request:
    """The tokens of a text and of what stands before it.

    Args:
        tokenizer: The model's.
        context: Token ids that end where the text (or `prefix`) begins.
        text: What is scored.
        prefix: Text forced before it, which is not.
        after_text: Whether the context ends with text, so that a space follows. None: it does
            unless there is a chat template, behind whose marker a text opens.
        end: Whether the end-of-sequence token closes the text and is scored (TOFU's convention,
            arXiv 2401.06121).
        spread: As in `Request`.
    """
    goes_on = not tokenizer.chat_template if after_text is None else after_text
    forced = encode(tokenizer, prefix, goes_on) if prefix else []
    ends = [tokenizer.eos_token_id] if end and tokenizer.eos_token_id is not None else []
    target = [*encode(tokenizer, text, goes_on or bool(prefix)), *ends]
    return Request((*context, *forced), tuple(target), spread)


def encode(tokenizer: Any, text: str, after_text: bool) -> list[int]:
    """Token ids of a text without special tokens, with its leading space where text precedes."""
    return tokenizer.encode(f" {text}" if after_text else text, add_special_tokens=False)


def score(
    model: Any,
    requests: Sequence[Request],
    *,
    pad: int,
    batch_size: batches.Size = 64,
    share: tuple[int, int] = (0, 1),
    skip: Container[int] = (),
) -> Iterator[tuple[list[int], list[Scored]]]:
    """Log-probabilities of each request's target tokens.

    A target's first token has none where the context is empty.

    Args:
        model: A causal language model.
        requests: What to score.
        pad: Padding token.
        batch_size: Rows in one forward pass; halved where memory is short.
        share: (i, n): every n-th batch from the i-th on, for one of n processes.
        skip: Indices of requests that are done; a batch of these alone is left out.

    Yields:
        Indices of requests, and what was found for each.
    """
    inputs: dict[tuple[int, ...], list[int]] = {}
    for i, (context, target, _) in enumerate(requests):
        inputs.setdefault((*context, *target)[:-1], []).append(i)
    if lone := inputs.pop((), []):
        yield lone, [Scored(logprobs=()) for _ in lone]
    read = list(inputs)
    wanted = [max(requests[i].scorable for i in inputs[ids]) for ids in read]
    lengths = [len(ids) for ids in read]
    room = max(1, _LOGITS.get(model.device.type, 2**25) // _vocabulary(model))

    def work(rows: list[int]) -> list[list[Scored]]:
        if len(rows) == 1 and wanted[rows[0]] > room:
            own = inputs[read[rows[0]]]
            return [[_in_pieces(model, read[rows[0]], requests[i], room) for i in own]]
        logits_BTV = _logits(model, [read[r] for r in rows], max(wanted[r] for r in rows), pad)
        members = [(b, requests[i]) for b, r in enumerate(rows) for i in inputs[read[r]]]
        found = iter(_scored(logits_BTV, members))
        return [[next(found) for _ in inputs[read[r]]] for r in rows]

    # A batch's logits reach as far back as its longest target: like targets stand together.
    planned: list[list[int]] = []
    for long in (False, True):
        part = [r for r in range(len(read)) if (wanted[r] > _SHORT) == long]
        limit = {"tokens": room} if long else {"rows": max(1, room // _SHORT)}
        cut = batches.batches([lengths[r] for r in part], batch_size, **limit)
        planned += [[part[k] for k in batch] for batch in cut]
    known = {r for r, ids in enumerate(read) if all(i in skip for i in inputs[ids])}
    for rows, found in batches.done(batches.left(planned, share, known), work):
        members = [i for r in rows for i in inputs[read[r]]]
        yield members, [scored for group in found for scored in group]


def _logits(model: Any, rows: Sequence[Sequence[int]], keep: int, pad: int) -> "Tensor":
    """Logits of the last `keep` positions of each row, (B, keep, V)."""
    import torch

    from lethe._llama import inner
    from lethe.generate import left_pad

    ids_BT, mask_BT = (x.to(model.device) for x in left_pad(rows, pad))
    known = inspect.signature(inner(model).forward).parameters
    options: dict[str, Any] = {"use_cache": False}
    if "position_ids" in known:
        options["position_ids"] = (mask_BT.cumsum(1) - 1).clamp(min=0)
    if "logits_to_keep" in known:
        options["logits_to_keep"] = keep
    with torch.no_grad():
        logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT, **options).logits
    return logits_BTV[:, -keep:]


def _vocabulary(model: Any) -> int:
    """How many logits a place has."""
    return int(model.get_output_embeddings().weight.size(0))


def _in_pieces(model: Any, ids: Sequence[int], request: Request, room: int) -> Scored:
    """The numbers of a target whose logits would not fit: read `room` tokens at a time."""
    import torch

    cache, found = None, Scored(logprobs=())
    first = len(ids) - request.scorable
    for start in range(0, len(ids), room):
        piece = torch.tensor([ids[start : start + room]], device=model.device)
        with torch.no_grad():
            out = model(input_ids=piece, past_key_values=cache, use_cache=True)
        cache, end = out.past_key_values, min(start + room, len(ids))
        if end > first:
            behind = len(ids) - end
            part = request.target[: len(request.target) - behind]
            n = end - max(start, first)
            here = _scored(out.logits, [(0, Request((0,), part[-n:], request.spread))])[0]
            found = _joined(found, here)
    return found


def _joined(one: Scored, other: Scored) -> Scored:
    pairs = ((getattr(one, key), getattr(other, key)) for key in _COLUMNS)
    values = [None if b is None else (*(a or ()), *b) for a, b in pairs]
    return Scored.model_construct(**dict(zip(_COLUMNS, values, strict=True)))


_COLUMNS = ("logprobs", "hits", "means", "variances")


def _scored(logits_BTV: "Tensor", members: Sequence[tuple[int, Request]]) -> list[Scored]:
    """The numbers of each target, given the row whose last place predicts its last token."""
    import torch

    lengths = [request.scorable for _, request in members]
    width, counted = logits_BTV.size(1), list(zip(members, lengths, strict=True))
    row_N, place_N, target_N = (
        torch.tensor(values, dtype=torch.long, device=logits_BTV.device)
        for values in (
            [b for (b, _), n in counted for _ in range(n)],
            [t for n in lengths for t in range(width - n, width)],
            [token for (_, request), n in counted for token in _last(request.target, n)],
        )
    )
    logps_NV = torch.log_softmax(logits_BTV[row_N, place_N].float(), dim=-1)
    picked = _split(logps_NV.gather(1, target_N[:, None])[:, 0], lengths)
    hits = _split(logps_NV.argmax(1) == target_N, lengths)
    means: Sequence[Any] = [None] * len(members)
    variances = means
    if any(request.spread for _, request in members):
        p_NV = logps_NV.exp()
        mean_N = (p_NV * logps_NV).sum(1)
        variance_N = (p_NV * (logps_NV - mean_N[:, None]).square()).sum(1)
        means, variances = _split(mean_N, lengths), _split(variance_N, lengths)
    return [
        Scored.model_construct(
            logprobs=picked[k],
            hits=hits[k],
            means=means[k] if request.spread else None,
            variances=variances[k] if request.spread else None,
        )
        for k, (_, request) in enumerate(members)
    ]


def _last(tokens: Sequence[int], n: int) -> Sequence[int]:
    return tokens[len(tokens) - n :]


def _split(values_N: "Tensor", lengths: Sequence[int]) -> list[tuple]:
    """A tuple of numbers for each target; of a float, the digits that float32 has."""
    flat: list = values_N.tolist()
    if values_N.is_floating_point():
        flat = [float(f"{value:.{_DIGITS}g}") for value in flat]
    out, start = [], 0
    for n in lengths:
        out.append(tuple(flat[start : start + n]))
        start += n
    return out
