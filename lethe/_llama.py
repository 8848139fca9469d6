"""A bare decoder for Llama-shaped models on the CPU: the rollout engine of ReBO where no GPU is.

It reads the model's own weights (LoRA deltas merged on the fly), reads identical prompts once,
keeps keys and values in one preallocated tensor a layer, and lets finished rows leave the batch.
Greedy output equals `transformers`' token for token. Left out: dropout, sliding windows, biases in
the MLP, quantised weights; `fits` says no to those and the caller falls back to `generate`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

FAMILIES = {"llama", "mistral", "qwen2"}


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
    layer = base.model.layers[0]
    linears = (layer.self_attn.q_proj, layer.mlp.gate_proj)
    return all(_is_linear(module) for module in linears)


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
    ) -> list[list[int]]:
        """Complete prompts; arguments and result as in `generate.sample`."""
        import torch

        from lethe.generate import left_pad

        distinct = list(dict.fromkeys(tuple(prompt) for prompt in prompts))
        place = {prompt: i for i, prompt in enumerate(distinct)}
        rows = torch.tensor([place[tuple(prompt)] for prompt in prompts])
        ids_UP, mask_UP = left_pad(distinct, 0)
        start = ids_UP.size(1)
        positions_UP = (mask_UP.cumsum(1) - 1).clamp(min=0)
        # Every draw of the batch is made now, so that a row's luck does not hang on the others'.
        draws = torch.Generator().manual_seed(seed)
        luck_BT = torch.rand(len(prompts), max_new_tokens, generator=draws)

        cache, hidden_UD = self._prefill(ids_UP, mask_UP, positions_UP, start + max_new_tokens)
        cache = [(k[rows], v[rows]) for k, v in cache]
        hidden_BD, position_B = hidden_UD[rows], positions_UP[rows, -1]
        open_BT = torch.zeros(len(prompts), start + max_new_tokens, dtype=torch.bool)
        open_BT[:, :start] = mask_UP[rows].bool()

        out: list[list[int]] = [[] for _ in prompts]
        alive = torch.arange(len(prompts))
        for t in range(max_new_tokens):
            token_B = self._pick(hidden_BD, luck_BT[alive, t], temperature)
            for row, token in zip(alive.tolist(), token_B.tolist(), strict=True):
                out[row].append(token)
            going = torch.tensor([token not in stop for token in token_B.tolist()])
            if t + 1 == max_new_tokens or not going.any():
                break
            if not going.all():
                keep = going.nonzero()[:, 0]
                cache = [(k[keep], v[keep]) for k, v in cache]
                alive, token_B, position_B = alive[keep], token_B[keep], position_B[keep]
                open_BT = open_BT[keep]
            position_B = position_B + 1
            open_BT[:, start + t] = True
            hidden_BD = self._step(token_B, position_B, cache, open_BT, start + t)
        return out

    def _pick(self, hidden_BD: "Tensor", luck_B: "Tensor", temperature: float) -> "Tensor":
        """Next tokens: the likeliest, or the one where the cumulative probability passes luck."""
        import torch

        logits_BV = hidden_BD @ self.head.T
        if temperature == 0.0:
            return logits_BV.argmax(-1)
        mass_BV = torch.softmax(logits_BV / temperature, -1).cumsum_(-1)
        target_B1 = luck_B[:, None] * mass_BV[:, -1:]
        return torch.searchsorted(mass_BV, target_B1, right=True)[:, 0].clamp(
            max=mass_BV.size(1) - 1
        )

    def _prefill(
        self, ids_UP: "Tensor", mask_UP: "Tensor", positions_UP: "Tensor", room: int
    ) -> "tuple[list[tuple[Tensor, Tensor]], Tensor]":
        """Read the prompts: keys and values with room for the completions, last hidden states."""
        import torch

        length = ids_UP.size(1)
        causal_PP = torch.ones(length, length, dtype=torch.bool).tril()
        # A padding position sees itself alone, so that its softmax is not empty.
        seen_U1PP = (causal_PP & mask_UP[:, None].bool()) | torch.eye(length, dtype=torch.bool)
        x = self.embedding[ids_UP]
        cos, sin = self.rotary(x, positions_UP)
        cache = []
        for layer in self.layers:
            q, k, v = self._qkv(layer, x, cos, sin)
            keys = k.new_zeros(k.size(0), k.size(1), room, k.size(3))
            values = torch.zeros_like(keys)
            keys[:, :, :length], values[:, :, :length] = k, v
            cache.append((keys, values))
            x = self._finish(layer, x, self._attend(q, k, v, seen_U1PP[:, None]))
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
        seen = open_BT[:, None, None, : place + 1]
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
        q, k, v = joint.split([self.heads, self.groups, self.groups], dim=1)
        return _rotate(q, cos, sin), _rotate(k, cos, sin), v

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


def _rotate(x: "Tensor", cos: "Tensor", sin: "Tensor") -> "Tensor":
    """Rotary position embedding in Llama's half-split layout; x is (B, heads, T, width)."""
    import torch

    left, right = x.chunk(2, dim=-1)
    return x * cos[:, None] + torch.cat([-right, left], dim=-1) * sin[:, None]
