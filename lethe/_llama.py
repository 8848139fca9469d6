"""A bare decoder for Llama-shaped models on the CPU: the rollout engine of ReBO where no GPU is.

It reads the model's own weights (LoRA deltas merged on the fly), reads identical prompts once,
keeps keys and values in one preallocated tensor a layer, and lets finished rows leave the batch.
Greedy output equals `transformers`' token for token. Left out: dropout, sliding windows, biases
(but those of q, k and v), other activations than SiLU, quantised weights; `fits` says no to those
and the caller falls back to `generate`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

    from lethe.generate import Stops

FAMILIES = {"llama", "mistral", "qwen2"}
LEAVE = 0.75
CHUNK = 1024
"""Tokens of prompts read at once."""


def inner(model: Any) -> Any:
    """The causal language model inside a PEFT wrapper, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def fits(model: Any) -> bool:
    """Whether `Decoder` can run this model: a float Llama, Mistral or Qwen2 on the CPU."""
    import torch

    base = inner(model)
    if base.device.type != "cpu" or base.config.model_type not in FAMILIES:
        return False
    if base.dtype != torch.float32 or getattr(base.config, "sliding_window", None):
        return False
    if base.config.hidden_act != "silu" or hasattr(base.get_input_embeddings(), "base_layer"):
        return False
    attention, mlp = base.model.layers[0].self_attn, base.model.layers[0].mlp
    without_bias = (attention.o_proj, mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    return _is_linear(attention.q_proj) and all(
        _is_linear(module) and module.bias is None for module in without_bias
    )


def _is_linear(module: Any) -> bool:
    import torch

    return type(getattr(module, "base_layer", module)) is torch.nn.Linear


def _weight(module: Any) -> "Tensor":
    """A linear layer's weight, with the deltas of its active adapters."""
    if not hasattr(module, "base_layer"):
        return module.weight
    weight = module.base_layer.weight
    if module.disable_adapters:
        return weight
    for adapter in module.active_adapters:
        if adapter in module.lora_A:  # an adapter need not reach every layer
            weight = weight + module.get_delta_weight(adapter)
    return weight


class _Layer(NamedTuple):
    norm_attention: "Tensor"
    qkv: "Tensor"
    qkv_bias: "Tensor | None"
    out: "Tensor"
    norm_mlp: "Tensor"
    gate_up: "Tensor"
    down: "Tensor"


class Decoder:
    """A snapshot of a model's weights, laid out for decoding."""

    def __init__(self, model: Any) -> None:
        """Gather the weights.

        Args:
            model: A model that `fits`.
        """
        import torch

        base = inner(model)
        self.config = config = base.config
        self.heads, self.groups = config.num_attention_heads, config.num_key_value_heads
        self.width = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.embedding = base.get_input_embeddings().weight
        self.norm, self.eps = base.model.norm.weight, config.rms_norm_eps
        self.head = base.get_output_embeddings().weight
        self.rotary = base.model.rotary_emb
        self.layers = []
        for layer in base.model.layers:
            attention = layer.self_attn
            parts = (attention.q_proj, attention.k_proj, attention.v_proj)
            bias = getattr(parts[0], "base_layer", parts[0]).bias
            self.layers.append(
                _Layer(
                    layer.input_layernorm.weight,
                    torch.cat([_weight(part) for part in parts]),
                    None
                    if bias is None
                    else torch.cat([getattr(p, "base_layer", p).bias for p in parts]),
                    _weight(attention.o_proj),
                    layer.post_attention_layernorm.weight,
                    torch.cat([_weight(layer.mlp.gate_proj), _weight(layer.mlp.up_proj)]),
                    _weight(layer.mlp.down_proj),
                )
            )

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        stop: set[int],
        max_new_tokens: int,
        temperature: float,
        seed: int,
        stops: "Stops | None" = None,
        first: int = 0,
    ) -> list[list[int]]:
        """Complete prompts; arguments and result as in `generate.sample`."""
        import torch

        distinct = list(dict.fromkeys(tuple(prompt) for prompt in prompts))
        place = {prompt: i for i, prompt in enumerate(distinct)}
        rows = torch.tensor([place[tuple(prompt)] for prompt in prompts])
        # Every draw of the batch is made now, so that a row's luck does not hang on the others'.
        draws = torch.Generator().manual_seed(seed)
        luck_BT = torch.rand(first + len(prompts), max_new_tokens, generator=draws)[first:]

        read, mask_UP, hidden_UD = self._read(distinct)
        start = mask_UP.size(1)
        room = start + max_new_tokens
        cache = [(_with_room(k[rows], room), _with_room(v[rows], room)) for k, v in read]
        hidden_BD, position_B = hidden_UD[rows], mask_UP.sum(1)[rows] - 1
        open_BT = torch.zeros(len(prompts), room, dtype=torch.bool)
        open_BT[:, :start] = mask_UP[rows].bool()

        out_BT = torch.zeros(len(prompts), max_new_tokens, dtype=torch.long)
        length_B = torch.full((len(prompts),), max_new_tokens)
        ends = torch.tensor(sorted(stop))
        watched = torch.tensor(sorted(stops.watched) if stops else [], dtype=torch.long)
        row_B = torch.arange(len(prompts))
        going_B = torch.ones(len(prompts), dtype=torch.bool)
        for t in range(max_new_tokens):
            token_B = self._pick(hidden_BD, luck_BT[row_B, t], temperature)
            out_BT[row_B, t] = token_B
            ended_B = going_B & torch.isin(token_B, ends)
            if stops:
                ended_B |= going_B & _met(stops, out_BT[row_B, : t + 1], watched)
            length_B[row_B[ended_B]] = t + 1
            going_B = going_B & ~ended_B
            going = int(going_B.sum())
            if t + 1 == max_new_tokens or not going:
                break
            # Leaving costs a copy of the cache, so finished rows leave a quarter at a time.
            if going <= LEAVE * len(row_B):
                keep = going_B.nonzero()[:, 0]
                for i, (k, v) in enumerate(cache):  # one by one: two whole caches are too many
                    cache[i] = _kept(k, keep, start + t), _kept(v, keep, start + t)
                row_B, token_B, position_B = row_B[keep], token_B[keep], position_B[keep]
                open_BT, going_B = open_BT[keep], going_B[keep]
            position_B = position_B + 1
            open_BT[:, start + t] = True
            hidden_BD = self._step(token_B, position_B, cache, open_BT, start + t)
        return [ids[:n] for ids, n in zip(out_BT.tolist(), length_B.tolist(), strict=True)]

    def _pick(self, hidden_BD: "Tensor", luck_B: "Tensor", temperature: float) -> "Tensor":
        """Next tokens: the likeliest, or the one where the cumulative probability passes luck."""
        import torch

        logits_BV = hidden_BD @ self.head.T
        if temperature == 0.0:
            return logits_BV.argmax(-1)
        if temperature != 1.0:
            logits_BV = logits_BV / temperature
        mass_BV = torch.softmax(logits_BV, -1).cumsum_(-1)
        target_B1 = luck_B[:, None] * mass_BV[:, -1:]
        return torch.searchsorted(mass_BV, target_B1, right=True)[:, 0].clamp(
            max=mass_BV.size(1) - 1
        )

    def _read(
        self, prompts: Sequence[tuple[int, ...]]
    ) -> "tuple[list[tuple[Tensor, Tensor]], Tensor, Tensor]":
        """Keys and values of each layer, their mask, and last hidden states, of different prompts.

        What all begin with is read once. The rest is read a few prompts at a time, so that what
        they pass through stays in the CPU's caches. Padding stands between the two.
        """
        import torch

        from lethe.generate import left_pad

        shared = _shared(prompts)
        before: list[tuple[Tensor, Tensor]] = []
        if shared:
            ids_1P = torch.tensor([prompts[0][:shared]])
            before, _ = self._prefill(ids_1P, torch.ones_like(ids_1P), [])
        ids_UP, mask_UP = left_pad([prompt[shared:] for prompt in prompts], 0)
        size = max(1, CHUNK // ids_UP.size(1))
        parts = zip(ids_UP.split(size), mask_UP.split(size), strict=True)
        found = [self._prefill(ids, mask, before) for ids, mask in parts]
        layers = zip(*(cache for cache, _ in found), strict=True)
        cache = [
            (torch.cat([k for k, _ in part]), torch.cat([v for _, v in part])) for part in layers
        ]
        if before:
            cache = [_behind(old, new) for old, new in zip(before, cache, strict=True)]
        mask_UP = torch.cat([mask_UP.new_ones(len(mask_UP), shared), mask_UP], dim=1)
        return cache, mask_UP, torch.cat([hidden for _, hidden in found])

    def _prefill(
        self,
        ids_UP: "Tensor",
        mask_UP: "Tensor",
        before: "list[tuple[Tensor, Tensor]]",
    ) -> "tuple[list[tuple[Tensor, Tensor]], Tensor]":
        """Read texts behind what all of them begin with: their keys, values, last hidden states."""
        import torch

        length, start = ids_UP.size(1), before[0][0].size(2) if before else 0
        causal_PP = torch.ones(length, length, dtype=torch.bool).tril()
        # A padding position sees itself alone, so that its softmax is not empty.
        seen_UPP = (causal_PP & mask_UP[:, None].bool()) | torch.eye(length, dtype=torch.bool)
        seen_UPT = torch.cat([seen_UPP.new_ones(*seen_UPP.shape[:2], start), seen_UPP], dim=2)
        x = self.embedding[ids_UP]
        cos, sin = self.rotary(x, (mask_UP.cumsum(1) - 1).clamp(min=0) + start)
        cache = []
        for i, layer in enumerate(self.layers):
            q, k, v = self._qkv(layer, x, cos, sin)
            cache.append((k, v))
            keys, values = _behind(before[i], (k, v)) if before else (k, v)
            x = self._finish(layer, x, self._attend(q, keys, values, seen_UPT[:, None]))
        return cache, self._rms(x[:, -1], self.norm)

    def _step(
        self,
        token_B: "Tensor",
        position_B: "Tensor",
        cache: "list[tuple[Tensor, Tensor]]",
        open_BT: "Tensor",
        place: int,
    ) -> "Tensor":
        """Read one token a row, at `place` in the cache; last hidden states (B, D)."""
        x = self.embedding[token_B][:, None]
        cos, sin = self.rotary(x, position_B[:, None])
        # As numbers, once for all layers: attention would turn truths into numbers in each.
        seen = x.new_zeros(len(token_B), 1, 1, place + 1)
        seen.masked_fill_(~open_BT[:, None, None, : place + 1], float("-inf"))
        for layer, (keys, values) in zip(self.layers, cache, strict=True):
            q, k, v = self._qkv(layer, x, cos, sin)
            keys[:, :, place], values[:, :, place] = k[:, :, 0], v[:, :, 0]
            mixed = self._attend(q, keys[:, :, : place + 1], values[:, :, : place + 1], seen)
            x = self._finish(layer, x, mixed)
        return self._rms(x[:, -1], self.norm)

    def _qkv(
        self, layer: _Layer, x: "Tensor", cos: "Tensor", sin: "Tensor"
    ) -> "tuple[Tensor, Tensor, Tensor]":
        """Rotated queries and keys, and values, each (B, heads, T, width)."""
        from torch.nn.functional import linear

        joint = linear(self._rms(x, layer.norm_attention), layer.qkv, layer.qkv_bias)
        joint = joint.view(*x.shape[:2], -1, self.width).transpose(1, 2)
        qk, v = joint.split([self.heads + self.groups, self.groups], dim=1)
        q, k = _rotate(qk, cos, sin).split([self.heads, self.groups], dim=1)
        return q, k, v

    def _attend(self, q: "Tensor", k: "Tensor", v: "Tensor", seen: "Tensor") -> "Tensor":
        from torch.nn.functional import scaled_dot_product_attention

        shared = self.heads != self.groups
        return scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=shared)

    def _finish(self, layer: _Layer, x: "Tensor", mixed: "Tensor") -> "Tensor":
        """The rest of a block: output projection and gated MLP, with their residuals."""
        from torch.nn.functional import silu

        x = x + mixed.transpose(1, 2).reshape(*x.shape[:2], -1) @ layer.out.T
        gate, up = (self._rms(x, layer.norm_mlp) @ layer.gate_up.T).chunk(2, dim=-1)
        return x + (silu(gate) * up) @ layer.down.T

    def _rms(self, x: "Tensor", weight: "Tensor") -> "Tensor":
        from torch.nn.functional import rms_norm

        return rms_norm(x, weight.shape, weight, self.eps)


def _met(stops: "Stops", ids_BT: "Tensor", watched: "Tensor") -> "Tensor":
    """Which rows' last token closes a stop text, as truths (B,)."""
    import torch

    met_B = torch.isin(ids_BT[:, -1], watched)
    for b in met_B.nonzero()[:, 0].tolist():
        met_B[b] = stops.met(ids_BT[b].tolist())
    return met_B


def _rotate(x: "Tensor", cos: "Tensor", sin: "Tensor") -> "Tensor":
    """Rotary position embedding in Llama's half-split layout; x is (B, heads, T, width)."""
    import torch

    left, right = x.chunk(2, dim=-1)
    return x * cos[:, None] + torch.cat([-right, left], dim=-1) * sin[:, None]


def _shared(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all prompts begin with, if that is worth reading them apart.

    >>> _shared([(1,) * 9 + (2,), (1,) * 9]), _shared([(1, 2), (1, 3)]), _shared([(1,) * 99])
    (8, 0, 0)
    """
    from lethe.generate import SHARED

    if len(prompts) == 1:
        return 0
    first, last = min(prompts), max(prompts)
    pairs = enumerate(zip(first, last, strict=False))
    equal = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
    equal = min(equal, min(map(len, prompts)) - 1)  # each keeps a token to go on from
    return equal if equal >= SHARED else 0


def _behind(old: "tuple[Tensor, Tensor]", new: "tuple[Tensor, Tensor]") -> "tuple[Tensor, Tensor]":
    """Keys and values (B, groups, T, width) behind those of one text that all begin with."""
    import torch

    k, v = (torch.cat([a.expand(len(b), -1, -1, -1), b], 2) for a, b in zip(old, new, strict=True))
    return k, v


def _with_room(x: "Tensor", room: int) -> "Tensor":
    """Keys or values (B, groups, T, width) at the beginning of a tensor with `room` places."""
    roomy = x.new_empty(x.size(0), x.size(1), room, x.size(3))
    roomy[:, :, : x.size(2)] = x
    return roomy


def _kept(x: "Tensor", rows: "Tensor", used: int) -> "Tensor":
    """Some rows of a layer's keys or values; places from `used` on are blank."""
    return _with_room(x[:, :, :used][rows], x.size(2))
