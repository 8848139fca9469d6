"""Questions to an OpenAI-compatible endpoint: at once, retried, cached, paid for only once.

The official client does the talking: it retries timeouts, 408, 409, 429 and 5xx with back-off and
heeds Retry-After. With a cache file every reply is appended to it the moment it arrives, so a
killed run asks only what is still open, and the same questions give the same replies.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lethe import replies
from lethe.config import Endpoint as Endpoint
from lethe.plug import LetheError
from lethe.replies import Reply

Messages = Sequence[dict[str, str]]
_LATE = "no reply in"
_TOO_DEAR = Reply(None, "over the budget", 0, 0, False)


def cost(price: tuple[float, float], read: int, written: int) -> float:
    """What tokens cost at a price of a million read and of a million written.

    >>> cost((2.0, 10.0), read=500_000, written=100_000)
    2.0
    """
    return (read * price[0] + written * price[1]) / 1e6


class Budget:
    """What may be spent: every question is reserved at its worst before it is asked."""

    def __init__(self, limit: float, price: tuple[float, float], spent: float = 0.0) -> None:
        """Start with what was spent before.

        Args:
            limit: Most to spend, in the currency of the price.
            price: Of a million tokens read, and of a million tokens written.
            spent: Spent already.
        """
        self.limit, self.price, self.spent = limit, price, spent
        self._lock = threading.Lock()
        self._reserved = 0.0

    def reserve(self, body: dict[str, Any]) -> float | None:
        """The most that a request can cost, held back; None if that is more than is left."""
        most = cost(self.price, *self._most(body))
        with self._lock:
            if self.spent + self._reserved + most > self.limit:
                return None
            self._reserved += most
            return most

    def settle(self, reserved: float, body: dict[str, Any], reply: Reply) -> Reply:
        """Count what a request did cost: its worst, where the server may bill and does not say.

        Returns:
            The reply with the tokens that were counted.
        """
        silent = not reply.prompt_tokens and not reply.completion_tokens
        if silent and (reply.text is not None or (reply.error or "").startswith(_LATE)):
            read, written = self._most(body)
            reply = reply._replace(prompt_tokens=read, completion_tokens=written)
        with self._lock:
            self._reserved -= reserved
            self.spent += cost(self.price, reply.prompt_tokens, reply.completion_tokens)
        return reply

    @staticmethod
    def _most(body: dict[str, Any]) -> tuple[int, int]:
        """Tokens that a request can come to; a token has at least a byte."""
        return sum(len(m["content"].encode()) for m in body["messages"]), body["max_tokens"]


def ask(
    endpoint: Endpoint,
    questions: Sequence[Messages],
    *,
    cache: Path | None = None,
    schema: dict[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
    budget: Budget | None = None,
    progress: Callable[[Reply], object] = lambda reply: None,
) -> list[Reply]:
    """Ask every question once and give the replies in order.

    Args:
        endpoint: Where to ask.
        questions: Chats, each a list of {"role", "content"}.
        cache: A JSON Lines file of replies; read first, appended to as replies arrive. Its key
            is everything that was sent. What failed is asked again, but what it cost is kept.
        schema: JSON schema that replies should follow, as `response_format`; a server that
            answers 400 to it is asked again without.
        seeds: One for each question, sent along; equal questions with different seeds are asked
            apart.
        budget: What may be spent; a question that could cost more than is left is not asked.
        progress: Called with each reply as it arrives, from this thread.

    Returns:
        One `Reply` a question. A question that failed after every try has text None and the
        reason; the others are not lost.

    Raises:
        LetheError: The `openai` package is missing, the server cannot be reached, or it rejects
            the key, the model or the first question: asking on would only repeat that. Or the
            budget is used up; what was asked until then is in the cache.
    """
    bodies = [
        _body(endpoint, question, schema, seeds[i] if seeds else None)
        for i, question in enumerate(questions)
    ]
    keys = [replies.key_of(endpoint.base_url, body) for body in bodies]
    known = replies.read(cache) if cache else {}
    open_keys = {key: body for key, body in zip(keys, bodies, strict=True) if key not in known}
    for key in dict.fromkeys(keys):
        if key in known:
            progress(known[key])
    fresh: dict[str, Reply] = {}
    if open_keys:
        for key, reply in _fetch(endpoint, open_keys, cache, budget, worked=bool(known)):
            fresh[key] = reply
            progress(reply)
    if budget and any(reply is _TOO_DEAR for reply in fresh.values()):
        raise LetheError(
            f"{endpoint.base_url}: the budget of {budget.limit:g} is used up: {budget.spent:.2f} "
            "spent, and the next question could cost more than is left; what was answered is kept"
        )
    return [known.get(key) or fresh[key] for key in keys]


def found(
    endpoint: Endpoint,
    questions: Sequence[Messages],
    cache: Path,
    *,
    schema: dict[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[Reply | None]:
    """What the cache holds of each question; the arguments are those of `ask`."""
    known = replies.read(cache)
    seeds_or_none = seeds or [None] * len(questions)
    bodies = [
        _body(endpoint, question, schema, seed)
        for question, seed in zip(questions, seeds_or_none, strict=True)
    ]
    return [known.get(replies.key_of(endpoint.base_url, body)) for body in bodies]


def on_file(
    endpoint: Endpoint,
    questions: Sequence[Messages],
    cache: Path,
    *,
    schema: dict[str, Any] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[bool]:
    """Whether `ask` would find each question's reply in the cache; the arguments are its own."""
    there = found(endpoint, questions, cache, schema=schema, seeds=seeds)
    return [reply is not None for reply in there]


def _body(
    endpoint: Endpoint, question: Messages, schema: dict[str, Any] | None, seed: int | None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": list(question),
        "temperature": endpoint.temperature,
        "max_tokens": endpoint.max_tokens,
    }
    if seed is not None:
        body["seed"] = seed
    if schema is not None:
        form = {"name": "reply", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _fetch(
    endpoint: Endpoint,
    bodies: dict[str, dict[str, Any]],
    cache: Path | None,
    budget: Budget | None,
    worked: bool,
) -> Iterator[tuple[str, Reply]]:
    """Yield (key, reply) as they arrive; whatever is fatal, or Ctrl-C, stops the rest.

    What is under way then is still put on file, for it will have been paid for: a fatal error
    waits for it, and so does the end of the process after Ctrl-C.
    """
    _knock(endpoint)
    client = _client(endpoint)
    stop, lock, met = threading.Event(), threading.Lock(), _Met()
    if worked:
        met.worked.set()

    def one(key: str) -> Reply:
        if stop.is_set():
            return Reply(None, "stopped", 0, 0, False)
        reply = _paid(client, endpoint, bodies[key], budget, met)
        if cache and (reply.text is not None or reply.prompt_tokens or reply.completion_tokens):
            with lock:
                replies.append(cache, key, reply)
        return reply

    pool = ThreadPoolExecutor(max_workers=min(endpoint.concurrency, len(bodies)))
    try:
        waiting = {pool.submit(one, key): key for key in bodies}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
        client.close()
    except LetheError:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
        client.close()
        raise
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _knock(endpoint: Endpoint) -> None:
    """Say at once that nobody listens there; the client would try for a quarter of a minute."""
    try:
        address = urlsplit(endpoint.base_url)
    except ValueError as error:
        raise LetheError(f"{endpoint.base_url}: no address of a server: {error}") from error
    if address.hostname is None or address.scheme not in ("http", "https"):
        raise LetheError(
            f"{endpoint.base_url}: no address of a server, as http://localhost:8000/v1"
        )
    if getproxies().get(address.scheme) and not proxy_bypass(address.hostname):
        return
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), timeout=endpoint.timeout).close()
    except (OSError, ValueError) as error:
        raise LetheError(
            f"{endpoint.base_url}, model {endpoint.model}: cannot be reached: {error}"
        ) from error


def _client(endpoint: Endpoint) -> Any:
    try:
        import openai
    except ImportError as error:
        raise LetheError(
            "asking an endpoint needs the openai package: pip install 'lethe-unlearn[endpoint]'"
        ) from error
    return openai.OpenAI(
        base_url=endpoint.base_url,
        api_key=_key(endpoint) or "none",
        timeout=endpoint.timeout,
        max_retries=endpoint.retries,
    )


def _key(endpoint: Endpoint) -> str:
    """The key, "" without one.

    Raises:
        LetheError: It cannot be sent; the client's own error would show it.
    """
    key = os.environ.get(endpoint.api_key_env, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise LetheError(
            f"{endpoint.api_key_env}: the key in it cannot be sent: it holds a line end, a "
            "typographic quote or the like"
        )
    return key


def _paid(
    client: Any, endpoint: Endpoint, body: dict[str, Any], budget: Budget | None, met: "_Met"
) -> Reply:
    """One question, if the budget allows it."""
    if budget is None:
        return _one(client, endpoint, body, met)
    reserved = budget.reserve(body)
    if reserved is None:
        return _TOO_DEAR
    return budget.settle(reserved, body, _one(client, endpoint, body, met))


class _Met:
    """What was learnt of a server in one call of `ask`."""

    def __init__(self) -> None:
        self.worked = threading.Event()
        """It answered some question: one that it rejects is that question's fault."""
        self.no_schema = threading.Event()
        """It answers only without a schema."""


def _one(client: Any, endpoint: Endpoint, body: dict[str, Any], met: _Met) -> Reply:
    import openai

    where = f"{endpoint.base_url}, model {endpoint.model}"
    tries = endpoint.retries + 1
    sent = _without_schema(body) if met.no_schema.is_set() else body
    try:
        reply = _reply(client.chat.completions.create(**sent))
        met.worked.set()
        return reply
    except openai.APITimeoutError:
        return Reply(None, f"{_LATE} {endpoint.timeout:g} s, {tries} times", 0, 0, False)
    except openai.APIConnectionError as error:
        reason = error.__cause__ or error
        raise LetheError(f"{where}: cannot be reached ({tries} tries): {reason}") from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise LetheError(
            f"{where}: does not accept the key in {endpoint.api_key_env}: "
            f"{_message(error, endpoint)}"
        ) from error
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        if "response_format" in sent:
            reply = _one(client, endpoint, _without_schema(body), met)
            met.no_schema.set()
            return reply
        rejects = f"rejects the question: {_message(error, endpoint)}"
        if met.worked.is_set():
            return Reply(None, rejects, 0, 0, False)
        raise LetheError(f"{where}: {rejects}") from error
    except openai.NotFoundError as error:
        raise LetheError(
            f"{where}: no such model or address: {_message(error, endpoint)}"
        ) from error
    except openai.APIStatusError as error:
        if error.status_code == 429 or error.status_code >= 500:
            return Reply(None, f"HTTP {error.status_code}, {tries} times", 0, 0, False)
        raise LetheError(
            f"{where}: HTTP {error.status_code}: {_message(error, endpoint)}"
        ) from error
    except (openai.OpenAIError, ValueError, TypeError, LookupError, AttributeError) as error:
        return Reply(None, f"not a chat completion: {error!r:.120}", 0, 0, False)


def _without_schema(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "response_format"}


def _message(error: Any, endpoint: Endpoint) -> str:
    """What the server says, without the key: some repeat it."""
    body = getattr(error, "body", None)
    told = str((body.get("message") if isinstance(body, dict) else None) or error)
    key = _key(endpoint)
    return (told.replace(key, "***") if key else told)[:300]


def _reply(completion: Any) -> Reply:
    """The first choice's text; anything that is no chat completion is a reply without text."""
    choices = getattr(completion, "choices", None)
    text = choices[0].message.content if choices else None
    usage = getattr(completion, "usage", None)
    counts = (getattr(usage, "prompt_tokens", 0) or 0, getattr(usage, "completion_tokens", 0) or 0)
    if not isinstance(text, str) or not text.strip():
        return Reply(None, "an empty reply, or not a chat completion", *counts, False)
    return Reply(text, None, *counts, False)
