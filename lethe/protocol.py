"""How a benchmark asks a row where that is not the plain way, and what is recorded of a text.

A benchmark's own code decides what stands before and behind a question, how long the answer may be
and which texts' likelihoods are taken; a row carries that, so that one recorder serves all.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Protocol(BaseModel):
    """How one row is put to the model, and what is recorded."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    raw: bool = False
    """The prompt is the text as the model reads it: no chat template, no `Question: ... Answer:`.
    An empty prompt is the beginning of a text."""
    suffix: str = ""
    """Text behind the rendered prompt, which the model goes on from, such as `Answer:`. Without a
    chat template it stands in a line of its own."""
    suffix_apart: bool = False
    """A space parts the suffix from a chat template that does not end in white space."""
    bos_twice: bool = False
    """Put a second BOS token before a chat template's, as some released code does by mistake."""
    max_new_tokens: int | None = Field(default=None, ge=0)
    """Longest completion, in tokens. Null: the recipe's; 0: nothing is generated."""
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """A completion ends before the first of these."""
    texts: dict[str, tuple[str, ...]] = {}
    """Texts by name, whose likelihood behind the prompt (and suffix) is recorded. `answer` is what
    `Answered.logprobs` holds. A prompt without text before it leaves the first token out."""
    end: bool = True
    """Whether the end-of-sequence token closes each of `texts` and is scored (TOFU)."""
    spread: bool = False
    """Whether mean and variance of the log-probability over the vocabulary are recorded too, at
    each token (Min-K++)."""
    gradient: bool = False
    """Whether the norm of the loss's gradient is recorded too, at the price of a backward pass for
    each of `texts` (GradNorm)."""
    answer_tokens: int | None = Field(default=None, ge=1)
    """The reference answer is cut to so many of the model's tokens (MUSE's VerbMem)."""
    trained_on: bool = False
    """The benchmark asks what it trains on, for it measures what is left of that (TOFU): the prompt
    of a test row may stand in train and validation too."""


class Scored(BaseModel):
    """A text as a model saw it, teacher-forced: one number for each of its tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    logprobs: tuple[float, ...]
    """Log-probability of each token, in nats."""
    hits: tuple[bool, ...] = ()
    """Whether each token is the model's likeliest (the lowest id where several are)."""
    means: tuple[float, ...] | None = None
    """Mean of the log-probability over the vocabulary, under the model, at each token."""
    variances: tuple[float, ...] | None = None
    """Its variance."""
    gradient: float | None = None
    """Euclidean norm of the loss's gradient over all weights, the loss being the mean negative
    log-probability of the tokens (`lethe.gradient`)."""
