"""What can be set about synthesis; a recipe's `data` section and the command line share it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from lethe.config import Frozen
from lethe.endpoint import Endpoint
from lethe.plug import LetheError


class Writer(Endpoint):
    """Where the generator is, and how it writes."""

    temperature: float = Field(default=0.7, ge=0)
    """Of what it writes; verdicts on premises are taken at 0."""
    max_tokens: int = Field(default=1536, ge=1)
    """Longest reply, in tokens: a list of ten questions with answers and clozes must fit in."""


class Settings(Frozen):
    """What must be forgotten, who writes the rows, and how many."""

    target: str = Field(min_length=1)
    """The name of what must be forgotten."""
    aliases: list[str] = []
    """Other names that mean the target; a boundary row may hold none of them."""
    kind: str | None = None
    """What the target is, as in person, book or company; it helps a generator that is a model."""
    out: Path | None = None
    """Where the rows go; null is data/<target>."""
    generator: Literal["templates", "model", "endpoint"] | None = None
    """Who writes: wordings over facts or documents, the model itself, or an endpoint. Null: the
    endpoint if one is named, else templates if there are facts, else the model."""
    facts: Path | None = None
    """A table of entity, attribute, value: JSON Lines, JSON, CSV or Parquet. For templates."""
    wordings: Path | None = None
    """YAML: for an attribute, `questions` and `clozes` with {entity}, `reverse` with {value}."""
    documents: list[Path] = []
    """Texts about the target (.txt, .md, or rows with `text`): facts are taken from them."""
    endpoint: Writer | None = None
    """An OpenAI-compatible server that writes."""
    price: tuple[float, float] | None = None
    """Of a million tokens that the endpoint reads, and of a million that it writes."""
    budget: float | None = Field(default=None, gt=0)
    """Most to spend at the endpoint for these rows, in the currency of the price."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The rows are a function of the settings, the generator's replies and this number."""
    questions: int = Field(default=60, ge=1)
    """Questions about the target, before forms and filters."""
    neighbours: int = Field(default=24, ge=1)
    """Entities near the target."""
    per_neighbour: int = Field(default=10, ge=1)
    """Questions about each, half of them questions about the target with the name replaced."""
    refusals: int = Field(default=40, ge=1)
    """Different refusals."""
    voice: Literal["own", "composed"] | None = None
    """own: refusals that the model itself gives about invented names. composed: written ones.
    Null: its own if there are at least five, filled up with written ones if it knows few."""
    adversarial: float = Field(default=0.5, ge=0, le=1)
    """Share of the plain questions, to refuse and to answer alike, that are also asked in an
    adversarial coat. Those about the target in validation and test get every coat; 0: none."""
    languages: list[str] = ["French", "German", "Spanish"]
    """Languages of cross-lingual queries; a generator that is a model translates."""
    answers: Literal["model", "endpoint", "generator"] | None = None
    """Whose reference answers boundary rows get. model: the original model's own, so that what is
    retained is its own behaviour. endpoint: the same, where the endpoint serves the original model.
    Null: the model's if there is one, else the generator's."""
    hint: str | None = None
    """Put behind a prompt when the model is asked for its short answer; null: words that ask for
    one, but nothing for an embedded model, which knows no such words."""
    samples: int = Field(default=5, ge=0)
    """Further answers drawn at temperature 0.7, with which the likeliest must agree."""
    agreement: float = Field(default=0.6, ge=0, le=1)
    """Least share of those samples that say what the likeliest answer says."""
    check_premises: bool = True
    """Have a generator that is a model say whether each question's premise is sound."""
    longest_answer: int = Field(default=12, ge=1)
    """Words of the longest reference answer."""
    exclude: list[Path] = []
    """Files of rows whose prompts must not come up, such as a benchmark's probes."""
    embedding: str | None = None
    """A local or Hub text-embedding model that measures distance, in place of names and ties."""
    hold_out: Literal["facts", "wordings"] | None = None
    """What of the target validation and test have to themselves: facts, or only wordings of facts
    that are trained on too. Null: wordings for templates, which ask for few facts in many words;
    else facts. Neighbours are held out whole."""
    validation: float = Field(default=0.2, ge=0, lt=1)
    """Share of the facts (or wordings), and of the neighbours, kept for validation."""
    test: float = Field(default=0.2, ge=0, lt=1)
    """Share of the facts (or wordings), and of the neighbours, kept for the test."""

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        if self.budget is not None and (self.endpoint is None or self.price is None):
            raise LetheError("budget: needs endpoint and price, or nothing can be counted")
        if self.generator == "endpoint" and self.endpoint is None:
            raise LetheError("generator: endpoint: which one? set endpoint.model and base_url")
        if self.generator == "templates" and not (self.facts or self.documents):
            raise LetheError("generator: templates: need facts or documents to be made from")
        if self.wordings and not self.facts:
            raise LetheError("wordings: go with facts")
        if self.validation + self.test >= 1:
            raise LetheError("validation, test: their sum must leave something to train on")
        if (self.price and min(self.price) < 0) or (self.endpoint is None and self.price):
            raise LetheError("price: two numbers of at least 0, and an endpoint that asks them")
        for key in ("questions", "neighbours"):  # before anything is paid for
            held = sum(share > 0 for share in (self.validation, self.test))
            if getattr(self, key) <= held:
                raise LetheError(
                    f"{key}: {getattr(self, key)} are too few for validation {self.validation:g} "
                    f"and test {self.test:g}, which take one each at least"
                )
        return self

    def writer(self, model: bool) -> Literal["templates", "model", "endpoint"]:
        """Who writes.

        Args:
            model: Whether there is a model.

        Raises:
            LetheError: Nobody can.
        """
        if self.generator == "model" and not model:
            raise LetheError("generator: model: but no model is given")
        if self.generator:
            return self.generator
        if self.endpoint:
            return "endpoint"
        if self.facts or (self.documents and not model):
            return "templates"
        if model:
            return "model"
        raise LetheError(
            f"{self.target}: nobody to write rows: give a model, an endpoint, facts or documents"
        )

    def answerer(self, model: bool) -> Literal["model", "endpoint", "generator"]:
        """Whose answers boundary rows get.

        Args:
            model: Whether there is a model.

        Raises:
            LetheError: Whoever shall answer is not there.
        """
        chosen = self.answers or ("model" if model else "generator")
        if (chosen == "model" and not model) or (chosen == "endpoint" and not self.endpoint):
            raise LetheError(f"answers: {chosen}: but no {chosen} is given")
        return chosen
