"""How much memory training and asking a model take: formulas, in bytes.

Activations are what autograd keeps of a Llama block as transformers computes it (RMSNorm in
float32, fused attention, gated MLP); another architecture keeps about as much. Counted are tensors
that grow with the model or the batch. Left out: the libraries themselves, the CUDA context, what an
allocator cannot give back, buffers of communication.
"""

from typing import NamedTuple

from lethe.estimate.shape import Shape

CHUNK = 1024
"""Tokens of prompts that the CPU's decoder reads at once."""
TILE = (4096, 32768)
"""Tokens and vocabulary of the logits that TRL's LM head holds at once."""
FLOAT, HALF = 4, 2
_BITS = {"nf4": 0.516, "int8": 1.0}
"""Bytes a parameter; of nf4 with its doubly quantised constants (arXiv 2305.14314)."""


class How(NamedTuple):
    """How a model is held and computed."""

    cuda: bool
    weight: int
    """Bytes of a parameter as it is loaded."""
    autocast: bool = False
    """Whether float32 weights compute in bfloat16: on CUDA, all of them trained."""
    checkpointing: bool = False
    """Whether activations are computed again in the backward pass."""
    eager: bool = False
    """Whether attention keeps its scores, heads x T x T of them."""
    quantization: str | None = None
    shards: int = 1
    """GPUs that weights, gradients and optimizer state are divided among (FSDP, ZeRO-3)."""

    @property
    def compute(self) -> int:
        """Bytes of a number on the way."""
        return HALF if self.autocast else self.weight


class Phase(NamedTuple):
    """What is held at once while a stage does one thing, in bytes on one device."""

    name: str
    weights: float = 0
    gradients: float = 0
    optimizer: float = 0
    copies: float = 0
    """Of the weights: a reference, the original, the decoder's."""
    cache: float = 0
    """Keys and values of what was read and written."""
    activations: float = 0
    logits: float = 0
    """And what is made of them: float32, tokens x vocabulary."""

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self[1:])


def base(shape: Shape, how: How) -> float:
    """The model's own weights, whole."""
    if how.quantization:
        few = shape.linear * _BITS[how.quantization]
        return few + (shape.parameters - shape.linear) * HALF
    return shape.parameters * how.weight


def adapters(shape: Shape) -> float:
    """LoRA's weights: float32 whatever lies beneath."""
    return shape.trained * FLOAT if shape.lora else 0


def _unit(shape: Shape) -> float:
    """Parameters that a sharded model gathers at once: two layers, and the embedding or head."""
    return 2 * shape.body / shape.layers + shape.head


def held(shape: Shape, how: How) -> float:
    """Weights on one device while training; sharded, with the layers that are gathered at once."""
    whole = base(shape, how) + adapters(shape)
    if how.shards == 1:
        return whole
    return whole / how.shards + _unit(shape) * how.compute


def casts(shape: Shape, how: How) -> float:
    """The bfloat16 copies of float32 weights that autocast keeps until the backward pass."""
    if not how.autocast or how.shards > 1:  # sharded, what is gathered is bfloat16 itself
        return 0
    return (shape.body + shape.head) * HALF


def gradients(shape: Shape, how: How) -> float:
    """One for each parameter that learns, in its own dtype."""
    each = FLOAT if shape.lora else how.weight
    return shape.trained * each / how.shards


def adam(shape: Shape, how: How) -> float:
    """AdamW's two moments, in the parameters' dtype.

    >>> shape = Shape(8, 8, 1, 2, 1, 2, 2, 4, 2, 4, False, True)
    >>> adam(shape, How(cuda=False, weight=4))
    64.0
    """
    return 2 * gradients(shape, how)


def kv(shape: Shape, how: How, tokens: float) -> float:
    """Keys and values of so many tokens.

    >>> llama = Shape(8_030_261_248, 0, 32, 4096, 32, 4096, 1024, 14336, 128256, 0, False, True)
    >>> kv(llama, How(cuda=True, weight=2), 1) == 2 * 32 * 8 * 128 * 2
    True
    """
    return 2 * shape.layers * shape.keys * tokens * how.compute


def layer(shape: Shape, how: How, *, masked: bool, context: float) -> float:
    """What autograd keeps of one token in one layer, beside its keys and values.

    Two norms keep their input, what they normalised (unless their weight is frozen) and what the
    linear layers behind them take; attention its queries and its result; the gated MLP its two
    inputs, the activation and the product.

    Args:
        shape: The model.
        how: The dtypes.
        masked: Whether attention is given a mask, kept in float32 on the CPU.
        context: Tokens that are attended to, for masks and scores.
    """
    wide, frozen = shape.hidden, shape.lora
    if how.autocast:  # float32 norms; each linear layer keeps a bfloat16 copy of its own input
        norms = wide * (4 * FLOAT + 5 * HALF)
    elif how.compute == HALF:
        norms = wide * (2 * FLOAT + (2 if frozen else 4) * HALF)
    else:
        norms = wide * (4 if frozen else 6) * FLOAT
    inside = (2 * shape.queries + 4 * shape.inner) * how.compute
    own = (shape.adapted + shape.ranks) / shape.layers * HALF if how.compute == HALF else 0
    low = own or shape.ranks / shape.layers * FLOAT
    mask = context * FLOAT if masked and not how.cuda else 0
    scores = 2 * shape.heads * context * how.compute if how.eager else 0
    return norms + inside + low + mask + scores


def kept(shape: Shape, how: How, tokens: float, attended: float, *, masked: bool) -> float:
    """All that a forward pass keeps for the backward pass, the LM head apart.

    Args:
        shape: The model.
        how: The dtypes, and whether layers are computed again.
        tokens: Tokens that go through the layers.
        attended: Tokens whose keys and values are kept: more than `tokens` where those of a
            prompt are handed to every member of its group.
        masked: As in `layer`. Heads that share keys then keep them once a head.
    """
    if not tokens:
        return 0
    keys = shape.queries if masked else shape.keys
    context = attended / tokens
    one = tokens * layer(shape, how, masked=masked, context=context)
    one += 2 * attended * keys * how.compute
    if not how.checkpointing:
        return shape.layers * one + 2 * tokens * shape.hidden * how.compute
    return one + shape.layers * tokens * shape.hidden * how.compute


def passing(shape: Shape, how: How, tokens: float) -> float:
    """What one layer needs where nothing is kept."""
    return tokens * (4 * shape.hidden + 4 * shape.inner) * how.compute


def tile(shape: Shape, how: How, tokens: float, *, trained: bool) -> float:
    """Logits in TRL's LM head, which never holds all; off CUDA its tile is worked on in torch.

    Args:
        shape: The model.
        how: Where it runs.
        tokens: Positions that the head sees: all off CUDA, those of completions on it.
        trained: Whether the head learns: its gradient is summed up in float32.
    """
    cells = min(tokens, TILE[0]) * min(shape.vocabulary, TILE[1])
    worked = cells * how.compute if how.cuda else 8 * cells * FLOAT
    return worked + (shape.head * FLOAT if trained else 0)
