"""Which function does which kind of job. Apps register theirs in their ``jobs`` module with ``@handler``."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True)
class Handler:
    kind: str
    title: str
    run: Callable[..., dict | None]
    told: Callable[[dict], str] | None = None


class JobRefused(Exception):
    """The job cannot succeed however often it is tried; the Chinese text is shown to the user."""


_handlers: dict[str, Handler] = {}


def handler(kind: str, *, title: str, told: Callable[[dict], str] | None = None):
    """Decorator: ``f(job: RunningJob) -> dict | None`` does jobs of ``kind``; ``title`` is its Chinese name on screen.

    The returned dict becomes ``Job.result``; ``{"url": "/…"}`` in it is offered as a link, ``{"text": "…"}`` is what
    came of it in words; ``told`` makes these words from a result without text.
    """

    def register(function):
        known = _handlers.get(kind)
        if known and (known.run.__module__, known.run.__qualname__) != (function.__module__, function.__qualname__):
            raise ValueError(f"job kind {kind!r} has two handlers: {known.run!r} and {function!r}")
        _handlers[kind] = Handler(kind, title, function, told)
        return function

    return register


def find(kind: str) -> Handler:
    """The handler of ``kind``; LookupError for an unknown kind."""
    if kind not in _handlers:
        autodiscover_modules("jobs")
    if kind not in _handlers:
        raise LookupError(f"no handler for job kind {kind!r}")
    return _handlers[kind]


def title(kind: str) -> str:
    try:
        return find(kind).title
    except LookupError:
        return kind


def told(kind: str, result: dict | None) -> str:
    """What came of a job of ``kind`` in words; "" where nothing has been said."""
    if not result:
        return ""
    if result.get("text"):
        return str(result["text"])
    try:
        words = find(kind).told
    except LookupError:
        return ""
    return words(result) if words else ""
