"""What a recipe may say: the only place where a setting is declared.

A recipe is YAML (or the same objects built in Python). Its `data` and each of its `stages` name a
plug-in, whose own `Config` takes the remaining keys. Everything is frozen and closed: a wrong key,
type or name is an error with its place and the choices, before any weight is loaded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from lethe import plug, yaml12
from lethe.plug import LetheError

M = TypeVar("M", bound=BaseModel)


class Frozen(BaseModel):
    """A closed, immutable group of settings; the text under a field is its help."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Lora(Frozen):
    """Low-rank adapters instead of full fine-tuning (arXiv 2106.09685)."""

    rank: int = Field(default=16, ge=1)
    """Rank of the update."""
    alpha: int = Field(default=32, ge=1)
    """The update is scaled by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout on the adapter's input."""
    targets: str | list[str] = "all-linear"
    """Names of the layers that get an adapter."""


class Model(Frozen):
    """The model that must forget."""

    path: str
    """A local folder, a Hub id, or `world:<seed>` for the embedded model."""
    revision: str | None = None
    """Branch, tag or commit of a Hub model."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: float32 on the CPU; on CUDA bfloat16, float32 for what full fine-tuning trains."""
    attention: Literal["auto", "eager", "sdpa", "flash_attention_2", "flex_attention"] = "auto"
    """How attention is computed; auto leaves it to transformers."""
    quantization: Literal["nf4", "int8"] | None = None
    """Keep the base beneath the adapter in 4 or 8 bits (QLoRA, arXiv 2305.14314): needs `lora`, a
    CUDA GPU and bitsandbytes."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, about a
    third slower. `activation_checkpointing` is the same; a stage's `trainer:` may differ."""
    lora: Lora | None = None
    """Train adapters of this shape; null trains every weight."""
    freeze: list[str] = []
    """Parameters whose name contains one of these are not trained, such as embed_tokens or
    layers.0. (with its dot). Names are read there: what learns above them tells people apart."""
    chat_template: Path | None = None
    """A Jinja file that replaces the tokenizer's chat template."""

    @model_validator(mode="before")
    @classmethod
    def _either_name(cls, raw: Any) -> Any:
        """In transformers 5.23 it is called activation checkpointing."""
        if not isinstance(raw, Mapping) or "activation_checkpointing" not in raw:
            return raw
        if "gradient_checkpointing" in raw:
            raise LetheError("activation_checkpointing: is gradient_checkpointing; give one")
        other = {key: value for key, value in raw.items() if key != "activation_checkpointing"}
        return {**other, "gradient_checkpointing": raw["activation_checkpointing"]}

    @model_validator(mode="after")
    def _quantised_with_an_adapter(self) -> "Model":
        if self.quantization and self.lora is None:
            raise LetheError(
                f"quantization: {self.quantization} weights cannot be trained themselves; set "
                "lora, or leave quantization out"
            )
        return self

    @field_validator("path")
    @classmethod
    def _world_has_a_seed(cls, path: str) -> str:
        if not path:
            raise LetheError("must not be empty; a local folder, a Hub id or world:<seed>")
        if path.startswith("world:") and not re.fullmatch(r"world:\d+", path):
            raise LetheError(f"{path!r}: world:<seed> needs a whole number, as in world:0")
        return path


class Stage(Frozen):
    """One training stage. Each stage module has `class Config(Stage)` with its own settings."""

    stage: str
    """Which stage: a built-in name, a dotted module name, or a path ending in .py."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    """Seed of this stage; null takes the recipe's."""


class Benchmark(Frozen):
    """Where rows come from. Each benchmark module has `class Config(Benchmark)`."""

    benchmark: str = "files"
    """Which benchmark: a built-in name, a dotted module name, or a path ending in .py."""


class Attack(Frozen):
    """One attack. Each attack module has `class Config(Attack)` with its own settings."""

    attack: str
    """Which attack: a built-in name, a dotted module name, or a path ending in .py."""


class Endpoint(Frozen):
    """Where to ask, and how patiently."""

    base_url: str = "http://localhost:8000/v1"
    """The server's address up to /v1: vLLM, llama.cpp, `transformers serve`, a provider's."""
    model: str
    """The model's name there."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; a server that wants none needs none."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds to wait for one reply."""
    retries: int = Field(default=5, ge=0)
    """Further tries after a timeout, a refusal to serve (429) or a server's fault (5xx)."""
    concurrency: int = Field(default=8, ge=1)
    """Questions in flight at once."""
    temperature: float = Field(default=0.0, ge=0)
    """0 takes the likeliest words."""
    max_tokens: int = Field(default=512, ge=1)
    """Longest reply, in tokens."""


class Judge(Endpoint):
    """A model that rates answers for naturalness: docs/naturalness.md."""

    temperature: float = Field(default=0.7, ge=0)
    """Above 0, so that samples of one answer may differ; their agreement is reported."""
    max_tokens: int = Field(default=1024, ge=1)
    """Longest reply, in tokens; what a model thinks aloud counts."""
    samples: int = Field(default=3, ge=1)
    """How often each answer is rated, with seeds 0, 1, ...; an answer's rating is their mean."""
    limit: int | None = Field(default=100, ge=1)
    """At most this many rows of each group are rated, the first ones; null rates all. A model
    costs rows x samples questions."""

    @field_validator("model")
    @classmethod
    def _named(cls, model: str) -> str:
        if not model.strip():
            raise LetheError("must not be empty; the judge's name at its server")
        return model

    @field_validator("base_url")
    @classmethod
    def _no_key_in_it(cls, url: str) -> str:
        if "@" in url or "?" in url:  # the address stands in the run folder and in errors
            raise LetheError("must hold no key; put it into the variable that api_key_env names")
        return url

    @field_validator("api_key_env")
    @classmethod
    def _no_key(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise LetheError("must be the name of an environment variable, not a key")
        return name

    @model_validator(mode="after")
    def _samples_differ(self) -> "Judge":
        if self.samples > 1 and self.temperature == 0:
            raise LetheError("temperature: 0 repeats one rating; set it above 0, or samples to 1")
        return self


class Evaluate(Frozen):
    """How every model of the run is measured, on the test rows only."""

    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = 64
    """Prompts a forward pass; halved where memory is short. auto: by their length, up to 256."""
    max_new_tokens: int = Field(default=32, ge=1)
    """Longest answer, in tokens; decoding is greedy."""
    metrics: list[str] = []
    """Which metrics; empty takes the benchmark's own."""
    prefix: str | None = None
    """Text forced before the reference answer when its probability is taken; null: benchmark's."""
    limit: int | None = Field(default=None, ge=1)
    """At most this many rows of each group; null takes all."""
    samples: int = Field(default=0, ge=0)
    """Completions drawn of each forget row at temperature 1, for leak_at_1 and leak_at_k."""
    reference: Path | None = None
    """A finished run (or its eval/<model> folder) of a model that never knew what must be
    forgotten, on the same rows: what forget quality and PrivLeak compare with."""
    models: Literal["all", "last"] = "all"
    """last: only what the last stage makes, for sweeps that measure the original once."""
    judge: Judge | None = None
    """A model behind an OpenAI-compatible endpoint that rates how natural the answers are; null:
    none. Readability, helpfulness, truthfulness, naturalness and judge_agreement are then
    measured too."""

    @field_validator("metrics")
    @classmethod
    def _metrics_exist(cls, metrics: list[str]) -> list[str]:
        for name in metrics:
            plug.function("metric", name)
        return metrics


class _Inside(ValueError):
    """Carries a plug-in's own validation errors out to where its place in the recipe is known."""

    def __init__(self, model: type[BaseModel], error: ValidationError) -> None:
        super().__init__(str(error))
        self.model, self.error = model, error


def _plugged(kind: str, key: str, default: str | None, raw: Any) -> Any:
    """Turn a name or a mapping into the `Config` of the module it names."""
    if isinstance(raw, Frozen):
        return raw
    raw = {key: raw} if isinstance(raw, str) else raw
    if not isinstance(raw, Mapping):
        raise LetheError(f"must be a name, or a mapping with `{key}:`, not {raw!r}")
    name = raw.get(key, default)
    if not isinstance(name, str):
        raise LetheError(f"`{key}:` is missing; {plug.choices('', plug.names(kind))}")
    config = plug.member(kind, name, "Config")
    # A user's file declares its short name; the recipe must keep the name that finds it.
    own = config.model_fields[key].default
    try:
        made = config.model_validate({**raw, key: own if isinstance(own, str) else name})
    except ValidationError as error:
        raise _Inside(config, error) from error
    return made.model_copy(update={key: name})


def _stage(raw: Any) -> Any:
    return _plugged("stage", "stage", None, raw)


def _attack(raw: Any) -> Any:
    return _plugged("attack", "attack", None, raw)


def _benchmark(raw: Any) -> Any:
    return _plugged("benchmark", "benchmark", "files", raw)


class Recipe(Frozen):
    """A whole run: a model, rows, stages in order, and how to measure."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Names the run folder: letters, digits, dots, dashes and underscores."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """The run is a function of the recipe and this number."""
    model: Model
    """Which model, how it is loaded, and which of its weights learn."""
    data: Annotated[SerializeAsAny[Benchmark], BeforeValidator(_benchmark)]
    """Where the rows come from: `benchmark:` and its settings."""
    after: Path | None = None
    """A finished run whose last model this one starts from, whose targets (and those of the runs
    before it) stay forgotten, and are asked about too: docs/targets.md."""
    stages: list[Annotated[SerializeAsAny[Stage], BeforeValidator(_stage)]]
    """What is done, in order: each a stage's name, or `stage:` and its settings."""
    evaluate: Evaluate = Evaluate()
    """How every model is measured."""
    attacks: list[Annotated[SerializeAsAny[Attack], BeforeValidator(_attack)]] = []
    """What is tried on every measured model: each an attack's name, or `attack:` and settings."""
    out: Path | None = None
    """The run folder; null is runs/<name>."""
    report_to: list[Literal["trackio", "wandb", "tensorboard", "mlflow"]] = []
    """Trackers that are told how training goes; what they are told changes nothing of the run."""


def load(path: Path | str) -> Recipe:
    """Read a recipe file.

    Raises:
        LetheError: `file: dotted.path: message`, one line a problem.
    """
    return from_dict(yaml12.load(Path(path)), str(path))


def from_dict(raw: Any, where: str = "recipe") -> Recipe:
    """Validate plain data as a recipe; `where` opens every error line.

    Raises:
        LetheError: `where: dotted.path: message`, one line a problem.
    """
    return validated(Recipe, raw, where)


def validated(model: type[M], raw: Any, where: str) -> M:
    """Validate plain data; errors become one `LetheError`."""
    if not isinstance(raw, Mapping):
        raise LetheError(f"{where}: must be a mapping of keys, not {raw!r:.60}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = [f"{where}: {line}" for line in _lines(_problems(model, error))]
        raise LetheError("\n".join(lines)) from error


def plain(recipe: BaseModel) -> dict[str, Any]:
    """The settings as plain data, every default written out."""
    return recipe.model_dump(mode="json", warnings=False)


def dump(recipe: Recipe) -> str:
    """The recipe as YAML with every default; `load` gives an equal recipe back."""
    return yaml12.dumps(plain(recipe))


_BRANCH = re.compile(r"constrained-\w+|(list|dict|literal)\[.*\]|str|int|float|bool")
"""What pydantic puts into a place for each type that a value might have had."""


def _problems(
    model: type[BaseModel], error: ValidationError, prefix: tuple = ()
) -> Iterator[tuple[str, str]]:
    """Where something is wrong, and what; nowhere is where several keys do not fit together."""
    for problem in error.errors(include_url=False):
        cause = problem.get("ctx", {}).get("error")
        place = (*prefix, *problem["loc"])
        if isinstance(cause, _Inside):
            yield from _problems(cause.model, cause.error, place)
            continue
        where = ".".join(part for part in map(str, place) if not _BRANCH.fullmatch(part))
        yield where, _message(model, problem, cause)


def _lines(problems: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A line a place."""
    found: dict[str, list[str]] = {}
    for where, message in problems:
        found.setdefault(where, []).append(message)
    for where, messages in found.items():
        yield ": ".join(filter(None, [where, _either(messages)]))


def _either(messages: list[str]) -> str:
    """One message where a value is wrong for each type that it might have had.

    >>> _either(["should be at most 8, not 9", "should be a valid list, not 9"])
    'should be at most 8, or should be a valid list, not 9'
    >>> _either(["is gone", "is gone"])
    'is gone'
    """
    parts = [message.rpartition(", not ") for message in dict.fromkeys(messages)]
    same = all(said and given == parts[-1][2] for said, _, given in parts)
    before = [said if same else said + word + given for said, word, given in parts[:-1]]
    return ", or ".join([*before, "".join(parts[-1])])


def _message(model: type[BaseModel], problem: Any, cause: object) -> str:
    if isinstance(cause, ValueError):
        return str(cause)
    if problem["type"] == "extra_forbidden":
        *inner, key = problem["loc"]
        return f"unknown key; {plug.choices(str(key), _model_at(model, inner).model_fields)}"
    if problem["type"] == "missing":
        return "this key is required"
    given = repr(problem["input"])
    shown = given if len(given) <= 60 else given[:57] + "..."
    return f"{re.sub('^[A-Z][a-z]+ should', 'should', problem['msg'])}, not {shown}"


def _model_at(model: type[BaseModel], loc: list) -> type[BaseModel]:
    for part in loc:
        if part in model.model_fields:
            model = next(models_in(model.model_fields[str(part)].annotation), model)
    return model


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The groups of settings that a field's type mentions.

    >>> [model.__name__ for model in models_in(Lora | None)]
    ['Lora']
    """
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)
