"""What a loss is given, and the two retain losses that go with any method.

Every loss here and in the methods' files is a mean over rows of a mean (or sum) over a row's
completion tokens, its end token among them; prompts are never scored. Where a source averages over
all tokens of a batch instead, ours differs from it by the weight of long rows, and in return does
not depend on how a batch is cut into micro batches or processes.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Part(NamedTuple):
    """The completion tokens of one kind of row in a batch: N tokens of B rows."""

    logits_NV: "Tensor"
    """Before each token, float32."""
    labels_N: "Tensor"
    """The tokens."""
    row_N: "Tensor"
    """Which row each belongs to, 0 .. B-1, in order."""
    reference_N: "Tensor | None" = None
    """The original's log-probability of each token."""
    teacher_NV: "Tensor | None" = None
    """The original's logits before each token."""
    hidden_ND: "Tensor | None" = None
    """States after the layer that the method asked for, at the token before each."""
    original_ND: "Tensor | None" = None
    """The original's."""

    def logps_N(self) -> "Tensor":
        """Log-probability (nats) of each token."""
        logps_NV = self.logits_NV.log_softmax(dim=-1)
        return logps_NV.gather(1, self.labels_N[:, None])[:, 0]

    def sums_B(self, values_N: "Tensor") -> "Tensor":
        """Sum over each row's tokens."""
        return values_N.new_zeros(self.rows).index_add(0, self.row_N, values_N)

    def means_B(self, values_N: "Tensor") -> "Tensor":
        """Mean over each row's tokens."""
        return self.sums_B(values_N) / self.lengths_B().clamp(min=1)

    def place_N(self) -> "Tensor":
        """Place of each token in its row, from 0."""
        lengths_B = self.lengths_B()
        starts_B = lengths_B.cumsum(0) - lengths_B
        return self.row_N.new_ones(len(self.row_N)).cumsum(0) - 1 - starts_B[self.row_N]

    def lengths_B(self) -> "Tensor":
        """Tokens of each row."""
        return self.row_N.bincount(minlength=self.rows)

    @property
    def rows(self) -> int:
        """B."""
        return int(self.row_N[-1]) + 1


class Batch(NamedTuple):
    """What a loss is computed from; a method's `NEEDS` decides which parts are there."""

    answer: Any = None
    """`Part` of the forget rows with what must be forgotten."""
    refusal: Any = None
    """`Part` of the same rows with a refusal."""
    retain: Any = None
    """`Part` of the retain rows."""


def nll(part: Part) -> "Tensor":
    """Mean cross-entropy (nats) of the completions: what gradient descent on them minimises."""
    return -part.means_B(part.logps_N()).mean()


def kl(part: Part) -> "Tensor":
    """KL(original || model) over the whole vocabulary, mean over tokens, then rows.

    Source: the KL of TOFU (arXiv 2401.06121, section 4), which averages over prompts and padding
    too; ours is of the completion alone.
    """
    teacher_NV = part.teacher_NV
    if teacher_NV is None:
        raise TypeError("kl: the part has no teacher logits")
    teacher_NV = teacher_NV.log_softmax(dim=-1)
    gap_NV = teacher_NV - part.logits_NV.log_softmax(dim=-1)
    return part.means_B((teacher_NV.exp() * gap_NV).sum(dim=-1)).mean()
