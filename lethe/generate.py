"""Prompts in, completions out: one path for evaluation and for on-policy rollouts.

On the CPU a Llama-shaped model is decoded by `_llama.Decoder` (identical prompts are read once,
finished rows leave the batch); anything else goes through `transformers`' own `generate`.
Left out: beams, tools.
"""

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from lethe import batches

if TYPE_CHECKING:
    from torch import Tensor

    from lethe._llama import Decoder

_PIECES: WeakKeyDictionary[Any, list[str]] = WeakKeyDictionary()
SHARED = 8
"""Prompts that begin with so many equal tokens stand together, and those are read once."""


def complete(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    seed: int = 0,
    batch_size: batches.Size = 64,
) -> list[str]:
    """The texts that `completions` gives, in the order of the prompts."""
    texts: list[str] = [""] * len(prompts)
    for rows, found in completions(
        model,
        tokenizer,
        prompts,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        batch_size=batch_size,
    ):
        for row, text in zip(rows, found, strict=True):
            texts[row] = text
    return texts


def completions(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    stop: Sequence[str] = (),
    temperature: float = 0.0,
    seed: int = 0,
    batch_size: batches.Size = 64,
    share: tuple[int, int] = (0, 1),
    skip: Container[int] = (),
    together: bool = False,
) -> Iterator[tuple[list[int], list[str]]]:
    """Complete prompts, in batches of like length.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompts: Token ids of each prompt, unpadded.
        max_new_tokens: Longest completion, in tokens.
        stop: A completion ends before the first of these texts.
        temperature: 0 is greedy.
        seed: For sampling; equal seeds give equal completions.
        batch_size: Prompts decoded at once; halved where memory is short.
        share: (i, n): every n-th batch from the i-th on, for one of n processes.
        skip: Indices of prompts that are done; a batch of these alone is left out.
        together: As `lethe.batches.done`.

    Yields:
        Indices of prompts, and their completions without special tokens and outer white space.
    """
    from lethe import _llama

    ends = stop_tokens(model, tokenizer)
    planned = _planned(prompts, max_new_tokens, batch_size)
    place = {row: n for n, row in enumerate(row for batch in planned for row in batch)}
    todo = batches.left(planned, share, skip)
    stops = Stops(tokenizer, stop) if stop and todo else None
    decoder = _llama.Decoder(model) if todo and _llama.fits(model) else None

    def work(rows: list[int]) -> list[str]:
        ids = sample(
            model,
            [prompts[i] for i in rows],
            stop=ends,
            stops=stops,
            pad=tokenizer.pad_token_id,
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed + place[rows[0]],
            decoder=decoder,
        )
        decoded = tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [cut(text, stop).strip() for text in decoded]

    yield from batches.done(todo, work, together=together)


def _planned(
    prompts: Sequence[Sequence[int]], new: int, batch_size: batches.Size
) -> list[list[int]]:
    """Batches of prompts that begin alike, and within those of like length."""
    planned = []
    for alike in _alike(prompts):
        lengths = [len(prompts[i]) + new for i in alike]
        planned += [[alike[k] for k in batch] for batch in batches.batches(lengths, batch_size)]
    return planned


def _alike(prompts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Indices of prompts by their first `SHARED` tokens; those that share them with few together.

    >>> _alike([[1] * 8 + [2], [3], [1] * 8 + [4], [1] * 8 + [5], [1] * 8 + [6], [3, 1]])
    [[1, 5], [0, 2, 3, 4]]
    """
    found: dict[tuple[int, ...], list[int]] = {}
    for i, prompt in enumerate(prompts):
        found.setdefault(tuple(prompt[:SHARED]), []).append(i)
    several = [members for members in found.values() if len(members) >= 4]
    rest = sorted(i for members in found.values() if len(members) < 4 for i in members)
    return [members for members in (rest, *several) if members]


def cut(text: str, stop: Sequence[str]) -> str:
    r"""A text up to the first of the stop texts.

    >>> cut(" Bo\nQuestion: Who?", ["Question:", "\n"])
    ' Bo'
    """
    return text[: min((at for at in map(text.find, stop) if at >= 0), default=len(text))]


class Stops:
    """Texts that end a completion, looked for only behind a token that could close one."""

    def __init__(self, tokenizer: Any, texts: Sequence[str]) -> None:
        """Find the tokens that hold the last character of a stop text.

        Args:
            tokenizer: The model's.
            texts: The stop texts, none of them empty.
        """
        self.tokenizer, self.texts = tokenizer, tuple(texts)
        # A character of several bytes may be closed by a token that is no whole character.
        closing = {text[-1] for text in texts} | (
            {"\ufffd"} if not "".join(texts).isascii() else set()
        )
        pieces = _pieces(tokenizer)
        self.watched = {token for token, piece in enumerate(pieces) if closing & set(piece)}

    def met(self, ids: Sequence[int]) -> bool:
        """Whether a completion, given by its tokens, holds a stop text."""
        if not ids or ids[-1] not in self.watched:
            return False
        text = self.tokenizer.decode(ids, skip_special_tokens=True)
        return any(stop in text for stop in self.texts)


def _pieces(tokenizer: Any) -> list[str]:
    """Every token as text; kept, for a large vocabulary takes seconds."""
    known = _PIECES.get(tokenizer)
    if known is None or len(known) != len(tokenizer):
        known = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
        _PIECES[tokenizer] = known
    return known


def stop_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends a completion: the tokenizer's and the generation config's."""
    ends = getattr(model.generation_config, "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends]
    return sorted({token for token in (*ends, tokenizer.eos_token_id) if token is not None})


def sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    stop: Sequence[int],
    pad: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    stops: Stops | None = None,
    decoder: "Decoder | None" = None,
    first: int = 0,
) -> list[list[int]]:
    """Complete one batch of prompts; identical prompts are read once.

    Args:
        model: A causal language model.
        prompts: Token ids of each prompt, unpadded; repeat a prompt to draw from it again.
        stop: Tokens that end a completion; the one met is kept, as TRL expects.
        pad: Padding token.
        max_new_tokens: Longest completion, in tokens.
        temperature: 0 is greedy.
        seed: Of the draw.
        stops: Texts that end a completion; the one met is kept.
        decoder: Made of the model's present weights, for several batches; None makes one.
        first: Place of the first prompt in a larger batch, whose draws these are then (by the
            decoder; `transformers` draws by the batch alone).

    Returns:
        Token ids of each completion.
    """
    import torch

    from lethe import _llama

    with torch.no_grad():
        if decoder or _llama.fits(model):
            decoder = decoder or _llama.Decoder(model)
            return decoder.sample(
                prompts, set(stop), max_new_tokens, temperature, seed, stops, first
            )
        return _stock(model, prompts, stop, pad, max_new_tokens, temperature, seed + first, stops)


def _stock(
    model: Any,
    prompts: Sequence[Sequence[int]],
    stop: Sequence[int],
    pad: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    stops: Stops | None,
) -> list[list[int]]:
    """The same through `transformers`' `generate`."""
    import torch
    from transformers import GenerationConfig

    from lethe._llama import inner

    ids_BT, mask_BT = left_pad(prompts, pad)
    choice = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    devices = [model.device] if model.device.type == "cuda" else []
    was_training, base = model.training, inner(model)
    model.eval()
    # What a released model likes to sample with (a repetition penalty, say) is not asked for here.
    liked, base.generation_config = base.generation_config, GenerationConfig()
    try:
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(seed)
            out_BT = base.generate(
                input_ids=ids_BT.to(model.device),
                attention_mask=mask_BT.to(model.device),
                max_new_tokens=max_new_tokens,
                pad_token_id=pad,
                eos_token_id=list(stop),
                stopping_criteria=_criteria(stops, ids_BT.size(1)),
                **(choice if temperature > 0 else {"do_sample": False}),
            )
    finally:
        base.generation_config = liked
        model.train(was_training)
    ids = [_until_stop(row, set(stop)) for row in out_BT[:, ids_BT.size(1) :].tolist()]
    return [_until_met(row, stops) for row in ids] if stops else ids


def _criteria(stops: Stops | None, start: int) -> Any:
    """The stop texts as `transformers` asks for them; a completion begins at `start`."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Met(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            met = [stops is not None and stops.met(row) for row in input_ids[:, start:].tolist()]
            return torch.tensor(met, device=input_ids.device)

    return StoppingCriteriaList([Met()] if stops else [])


def _until_met(ids: list[int], stops: Stops) -> list[int]:
    """Ids up to and with the token that closes the first stop text; padding behind it is gone."""
    return next((ids[: n + 1] for n in range(len(ids)) if stops.met(ids[: n + 1])), ids)


def _until_stop(ids: list[int], stop: set[int]) -> list[int]:
    """Ids up to and with the first stop token.

    >>> _until_stop([5, 6, 2, 0, 0], {2})
    [5, 6, 2]
    """
    end = next((i + 1 for i, token in enumerate(ids) if token in stop), len(ids))
    return ids[:end]


def left_pad(prompts: Sequence[Sequence[int]], pad: int) -> "tuple[Tensor, Tensor]":
    """Prompts as one (ids_BT, mask_BT) pair of integer tensors, padded on the left."""
    import torch

    width = max(len(prompt) for prompt in prompts)
    ids_BT = torch.full((len(prompts), width), pad)
    mask_BT = torch.zeros(len(prompts), width, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids_BT[row, width - len(prompt) :] = torch.tensor(list(prompt), dtype=torch.long)
        mask_BT[row, width - len(prompt) :] = 1
    return ids_BT, mask_BT
