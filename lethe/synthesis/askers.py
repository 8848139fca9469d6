"""Who can be asked: a model in this process or one behind an endpoint, with one call for both.

Every reply is kept in a file the moment it is there (`lethe.replies`); what is on file is not asked
again, so a killed synthesis goes on without paying twice.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from lethe import config, endpoint, generate, replies, runs
from lethe.endpoint import Budget, Endpoint, Messages
from lethe.replies import Reply

Progress = Callable[[Reply], object]


class Asker(Protocol):
    """Answers chats."""

    name: str
    """The model's, for a row's provenance."""

    def ask(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[Reply]:
        """One reply for each chat, in order; text is None where there was none."""
        ...

    def on_file(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[bool]:
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

    def ask(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[Reply]:
        """See `Asker`. Raises as `lethe.endpoint.ask`."""
        how = {"temperature": temperature, "max_tokens": max_tokens}
        return endpoint.ask(
            self._settings.model_copy(update=how),
            questions,
            cache=self._cache,
            schema=schema,
            seeds=seeds,
            budget=self._budget,
            progress=self._progress,
        )

    def on_file(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[bool]:
        """See `Asker`."""
        how = self._settings.model_copy(
            update={"temperature": temperature, "max_tokens": max_tokens}
        )
        return endpoint.on_file(how, questions, self._cache, schema=schema, seeds=seeds)


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

    def ask(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[Reply]:
        """See `Asker`; `schema` is not enforced.

        A batch's draws hang together, so one of which anything is missing is drawn anew: going on
        gives what never having been stopped would have given.
        """
        keys = self._keys(questions, seeds, temperature, max_tokens)
        known = replies.read(self._cache)
        found: list[Reply] = []
        for start in range(0, len(keys), self.BATCH):
            batch = slice(start, start + self.BATCH)
            if all(key in known for key in keys[batch]):
                fresh = [known[key] for key in keys[batch]]
            else:
                fresh = self._drawn(questions[batch], seeds[start], temperature, max_tokens)
                for key, reply in zip(keys[batch], fresh, strict=True):
                    replies.append(self._cache, key, reply)
            for reply in fresh:
                self._progress(reply)
            found += fresh
        return found

    def on_file(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        *,
        temperature: float,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
    ) -> list[bool]:
        """See `Asker`."""
        known = replies.read(self._cache)
        return [key in known for key in self._keys(questions, seeds, temperature, max_tokens)]

    def _keys(
        self,
        questions: Sequence[Messages],
        seeds: Sequence[int],
        temperature: float,
        max_tokens: int,
    ) -> list[str]:
        how = (self._weights, temperature, max_tokens)
        return [
            replies.key_of(*how, [dict(message) for message in question], seed)
            for question, seed in zip(questions, seeds, strict=True)
        ]

    def _drawn(
        self, questions: Sequence[Messages], seed: int, temperature: float, max_tokens: int
    ) -> list[Reply]:
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
            max_new_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            batch_size=len(prompts),
        )
        written = [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
        return [
            Reply(text, None, len(prompt), n, False)
            for text, prompt, n in zip(texts, prompts, written, strict=True)
        ]
