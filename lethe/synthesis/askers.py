"""Who can be asked: a model in this process or one behind an endpoint, with one call for both.

Every reply is kept in a file the moment it is there (`lethe.replies`); what is on file is not asked
again, so a killed synthesis goes on without paying twice.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lethe import config, endpoint, generate, replies, runs
from lethe.endpoint import Budget, Endpoint, Messages
from lethe.replies import Reply

Progress = Callable[[Reply], object]


class How(NamedTuple):
    """How a reply is to be drawn."""

    temperature: float
    """0 takes the likeliest words."""
    max_tokens: int
    """Longest reply."""
    schema: dict[str, Any] | None = None
    """JSON schema that it should follow; a model here is not held to it."""


class Asker(Protocol):
    """Answers chats."""

    name: str
    """The model's, for a row's provenance."""

    def ask(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[Reply]:
        """One reply for each chat, in order; text is None where there was none."""
        ...

    def on_file(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[bool]:
        """Whether each reply is there already."""
        ...


class Remote:
    """A model behind an OpenAI-compatible endpoint."""

    def __init__(
        self, settings: Endpoint, cache: Path, budget: Budget | None, progress: Progress
    ) -> None:
        """Ask there; see `lethe.endpoint.ask` for the rest."""
        self.name = settings.model
        self._settings, self._cache, self._budget = settings, cache, budget
        self._progress = progress

    def ask(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[Reply]:
        """See `Asker`. Raises as `lethe.endpoint.ask`."""
        return endpoint.ask(
            self._set(how),
            questions,
            cache=self._cache,
            schema=how.schema,
            seeds=seeds,
            budget=self._budget,
            progress=self._progress,
        )

    def on_file(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[bool]:
        """See `Asker`."""
        return endpoint.on_file(
            self._set(how), questions, self._cache, schema=how.schema, seeds=seeds
        )

    def _set(self, how: How) -> Endpoint:
        update = {"temperature": how.temperature, "max_tokens": how.max_tokens}
        return self._settings.model_copy(update=update)


class Local:
    """A model in this process, loaded with the first question that is not on file."""

    BATCH = 32

    def __init__(self, path: str, spec: config.Model, cache: Path, progress: Progress) -> None:
        """Ask a model here.

        Args:
            path: Folder or Hub id of the weights.
            spec: How to load it.
            cache: The file of replies; other weights under one path have other replies there.
            progress: Called with each reply.
        """
        self.name = spec.path
        self._path, self._spec = path, spec
        folder = Path(path).expanduser()
        template = spec.chat_template and spec.chat_template.read_text(encoding="utf-8")
        weights = runs.fingerprint(folder) if folder.is_dir() else [path, spec.revision]
        self._weights = [weights, template]
        self._cache, self._progress = cache, progress
        self._loaded: tuple[Any, Any] | None = None

    def ask(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[Reply]:
        """See `Asker`.

        A batch's draws hang together, so one of which anything is missing is drawn anew: going on
        gives what never having been stopped would have given.
        """
        keys = self._keys(questions, seeds, how)
        known = replies.read(self._cache)
        found: list[Reply] = []
        for start in range(0, len(keys), self.BATCH):
            batch = slice(start, start + self.BATCH)
            if all(key in known for key in keys[batch]):
                fresh = [known[key] for key in keys[batch]]
            else:
                fresh = self._drawn(questions[batch], seeds[start], how)
                for key, reply in zip(keys[batch], fresh, strict=True):
                    replies.append(self._cache, key, reply)
            for reply in fresh:
                self._progress(reply)
            found += fresh
        return found

    def on_file(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[bool]:
        """See `Asker`."""
        known = replies.read(self._cache)
        return [key in known for key in self._keys(questions, seeds, how)]

    def _keys(self, questions: Sequence[Messages], seeds: Sequence[int], how: How) -> list[str]:
        drawn = (self._weights, how.temperature, how.max_tokens)
        return [
            replies.key_of(*drawn, [dict(message) for message in question], seed)
            for question, seed in zip(questions, seeds, strict=True)
        ]

    def _drawn(self, questions: Sequence[Messages], seed: int, how: How) -> list[Reply]:
        from lethe import model as models

        if self._loaded is None:
            tokenizer = models.tokenizer(self._path, self._spec)
            self._loaded = models.load(self._path, self._spec), tokenizer
        model, tokenizer = self._loaded
        prompts = [models.render(tokenizer, [dict(m) for m in question]) for question in questions]
        texts = generate.complete(
            model,
            tokenizer,
            prompts,
            max_new_tokens=how.max_tokens,
            temperature=how.temperature,
            seed=seed,
            batch_size=len(prompts),
        )
        written = [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
        return [
            Reply(text, None, len(prompt), n, False)
            for text, prompt, n in zip(texts, prompts, written, strict=True)
        ]
