"""How many operations, rollouts and tokens a stage takes.

A multiplication with an addition is two operations: a token costs 2 N forward and 4 N backward, N
being the parameters it meets (arXiv 2001.08361), and attention 4 x layers x width for each token it
looks at. With adapters the weights beneath want no gradients: 2 N backward. Elementwise work is
left out.
"""

from typing import NamedTuple

from lethe.estimate.shape import Shape


class Work(NamedTuple):
    """What a stage does at most: `patience` stops nothing, `resample` all that it may sample anew.

    No completion ends early either.
    """

    steps: int = 0
    """Of the optimiser."""
    rollouts: int = 0
    """Completions that are sampled to learn from."""
    tokens: int = 0
    """Tokens that are sampled for them."""
    rollout: float = 0
    """Operations of sampling."""
    scoring: float = 0
    """Of what is asked of a reference."""
    update: float = 0
    """Of forward and backward passes."""
    looks: float = 0
    """Of looking at validation rows."""

    @property
    def total(self) -> float:
        """Operations of all."""
        return self.rollout + self.scoring + self.update + self.looks

    def plus(self, other: "Work") -> "Work":
        """Both."""
        counts = (a + b for a, b in zip(self[:3], other[:3], strict=True))
        return Work(*counts, *(a + b for a, b in zip(self[3:], other[3:], strict=True)))

    def times(self, n: int) -> "Work":
        """All of it so many times."""
        counts = (self.steps * n, self.rollouts * n, self.tokens * n)
        return Work(*counts, self.rollout * n, self.scoring * n, self.update * n, self.looks * n)


def forward(shape: Shape, tokens: float, heads: float, attended: float) -> float:
    """Operations of a forward pass.

    Args:
        shape: The model.
        tokens: Tokens that go through the layers.
        heads: Tokens that the LM head sees.
        attended: Sum over the tokens of how many each looks at.
    """
    products = 2 * shape.body * tokens + 2 * shape.head * heads
    return products + 4 * shape.layers * shape.queries * attended


def text(length: float, start: float = 0) -> float:
    """Sum over a text's tokens of how many each looks at, `start` tokens standing before it.

    >>> text(3), text(2, start=5)
    (6.0, 13.0)
    """
    return length * (length + 1) / 2 + length * start


def backward(shape: Shape, forwards: float, *, again: bool) -> float:
    """Operations of the backward pass of what took so many forward.

    Args:
        shape: The model; adapters need the gradients of states only, once.
        forwards: Operations of the forward pass.
        again: Whether it computes activations again.
    """
    return forwards * ((1 if shape.lora else 2) + again)


def sampling(
    shape: Shape, prompts: int, rows: int, prompt: float, new: float, *, shared: bool
) -> float:
    """Operations of completing prompts.

    Args:
        shape: The model.
        prompts: Distinct prompts.
        rows: Completions.
        prompt: Tokens of a prompt.
        new: Tokens of a completion.
        shared: Whether a prompt is read once for all of its completions.
    """
    read = prompts if shared else rows
    tokens = read * prompt + rows * (new - 1)  # what the last token leads to is not asked
    attended = read * text(prompt) + rows * text(new - 1, prompt)
    return forward(shape, tokens, rows * new, attended)
