"""What of a model decides memory and operations, read off its modules: no weights are needed."""

from typing import Any, NamedTuple

from lethe import _llama


class Shape(NamedTuple):
    """The sizes of a causal language model. Widths are in numbers, not bytes."""

    parameters: int
    """Of the model itself, without adapters; tied embeddings count once."""
    trained: int
    """Parameters that learn: all, those that are not frozen, or the adapters' alone."""
    layers: int
    hidden: int
    """Width of the residual stream."""
    heads: int
    queries: int
    """Heads times their width."""
    keys: int
    """The same of keys, and of values: less than `queries` where heads share them."""
    inner: int
    """Width of the MLP."""
    vocabulary: int
    linear: int
    """Parameters of the linear layers, the LM head apart: what can be kept in few bits."""
    tied: bool
    """Whether the LM head is the embedding."""
    decoder: bool
    """Whether `lethe._llama` decodes it on the CPU."""
    adapted: int = 0
    """Numbers that go into the adapters of all layers, a token."""
    ranks: int = 0
    """Sum of the adapters' ranks."""

    @property
    def head(self) -> int:
        """Parameters of the LM head."""
        return self.vocabulary * self.hidden

    @property
    def body(self) -> int:
        """Parameters that a token is multiplied with before the head."""
        return self.parameters - self.head * (1 if self.tied else 2)

    @property
    def lora(self) -> bool:
        """Whether adapters are trained."""
        return self.ranks > 0

    @property
    def copied(self) -> int:
        """Parameters that the CPU's decoder keeps once more, joined for fewer and larger products.

        Queries, keys and values are one matrix there, gate and up another; with adapters every
        matrix is one of its own, the change added.
        """
        if self.lora:
            return self.linear
        joined = self.queries + 2 * self.keys + 2 * self.inner
        return self.layers * self.hidden * joined


def of(net: Any) -> Shape:
    """Read the sizes off a model, which may lie on the meta device and bear PEFT adapters.

    Of a mixture of experts all experts count, as if each token went through all.
    """
    import torch
    from transformers.pytorch_utils import Conv1D

    base = _llama.inner(net)
    config = base.config.get_text_config()
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    named = dict(net.named_parameters())
    own = {name: weight for name, weight in named.items() if ".lora_" not in name}
    embedding, head = base.get_input_embeddings().weight, base.get_output_embeddings()
    linear = (torch.nn.Linear, Conv1D)
    modules = [(name, m) for name, m in net.named_modules() if isinstance(m, linear)]
    adapters: list[Any] = [m for name, m in modules if ".lora_A." in name]
    return Shape(
        parameters=sum(weight.numel() for weight in own.values()),
        trained=sum(weight.numel() for weight in named.values() if weight.requires_grad),
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=heads,
        queries=heads * width,
        keys=groups * width,
        inner=_inner(config),
        vocabulary=head.weight.size(0),
        linear=sum(
            m.weight.numel() for name, m in modules if ".lora_" not in name and m is not head
        ),
        tied=head.weight is embedding,
        decoder=_decodes(config),
        adapted=sum(m.in_features for m in adapters),
        ranks=sum(m.out_features for m in adapters),
    )


def _inner(config: Any) -> int:
    """Width of the MLP; GPT-2 and its like leave it out, and mean four times the hidden size."""
    for name in ("intermediate_size", "n_inner", "ffn_dim"):
        if found := getattr(config, name, None):
            return int(found)
    return 4 * config.hidden_size


def _decodes(config: Any) -> bool:
    return (
        config.model_type in _llama.FAMILIES
        and not getattr(config, "sliding_window", None)
        and config.hidden_act == "silu"
    )
