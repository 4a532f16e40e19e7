"""Notes the headers that Sentry's queue integrations write into messages and read from them.

Sentry has one method for the headers of requests and of messages, so what is written counts only
where the span is that of a queue; what is read counts unless it is the environment of a WSGI
request. Other rooms tell the requests among the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Literal

from pytest_traces.recording import Journal
from pytest_traces.recording.traffic import note_carrier
from pytest_traces.sources.sentry.book import Book
from pytest_traces.sources.sentry.current import current_span
from pytest_traces.sources.sentry.hooks import Hooks, named_like
from pytest_traces.sources.sentry.kept import SOURCE
from pytest_traces.sources.sentry.queues import is_of_queue, outer_submit
from pytest_traces.sources.sentry.reading import key_of

_SENT = "messages that are sent with its headers are not seen"
_RECEIVED = "messages that are received with its headers are not seen"

Pairs = list[tuple[str, str]]


class Carriers:
    """Wraps what gives and what takes headers on ``Scope``."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._journal: Journal = book.journal
        self._hooks = Hooks()

    @property
    def lost(self) -> list[str]:
        """What this version does not let itself be told."""
        return list(self._hooks.lost.values())

    def install(self, module: ModuleType) -> None:
        """Hook the class of the module; twice is once."""
        put, scope = self._hooks.replace, module.Scope
        put(scope, "iter_trace_propagation_headers", self._wrap_iter, _SENT)
        put(scope, "get_traceparent", self._wrap_traceparent, _SENT)
        put(scope, "generate_propagation_context", self._wrap_generate, _RECEIVED)

    def uninstall(self) -> None:
        """Restore the class."""
        self._hooks.undo()

    def _wrap_iter(self, give: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def give_and_note(scope: Any, *args: Any, **kwargs: Any) -> Any:
            span = kwargs.get("span") or current_span()
            headers = give(scope, *args, **kwargs)
            if not windows or not is_of_queue(self._book, span):
                return headers
            return self._noting(headers, span)

        return named_like(give_and_note, give)

    def _noting(self, headers: Iterator[tuple[str, str]], span: Any) -> Iterator[tuple[str, str]]:
        given: Pairs = []
        for name, value in headers:
            given.append((name, value))
            yield name, value
        self._take_back(span)
        self._note("inject", given)

    def _wrap_traceparent(self, give: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def give_and_note(scope: Any, *args: Any, **kwargs: Any) -> Any:
            value = give(scope, *args, **kwargs)
            if windows and value and is_of_queue(self._book, current_span()):
                self._note("inject", [("sentry-trace", value)])
            return value

        return named_like(give_and_note, give)

    def _wrap_generate(self, generate: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def generate_and_note(scope: Any, *args: Any, **kwargs: Any) -> Any:
            incoming = args[0] if args else kwargs.get("incoming_data")
            if windows and _is_isolating(scope):
                for headers in _of_message(incoming):
                    self._note("extract", headers)
            return generate(scope, *args, **kwargs)

        return named_like(generate_and_note, generate)

    def _note(self, action: Literal["inject", "extract"], headers: Pairs) -> None:
        note_carrier(self._journal, SOURCE, action, headers)

    def _take_back(self, span: Any) -> None:
        """Celery's integration writes headers twice, and the inner ones are those that are sent."""
        outer = outer_submit(self._book, span)
        if outer is None:
            return
        key = key_of(outer)
        for window in self._journal.windows:
            for one in list(window.carriers):
                if one.action == "inject" and any(ref[1:] == key for ref in one.current):
                    window.carriers.remove(one)


def _is_isolating(scope: Any) -> bool:
    """Whether it is the isolation scope: streaming tells the current one of the same headers."""
    module: Any = sys.modules.get("sentry_sdk.scope")
    variable = getattr(module, "_isolation_scope", None)
    return variable is None or variable.get() is scope


def _of_message(incoming: Any) -> Iterator[Pairs]:
    """The headers, unless they are none, or those of a WSGI request."""
    if isinstance(incoming, Mapping) and "REQUEST_METHOD" not in incoming:
        items = list(incoming.items())
        yield [(k, v) for k, v in items if isinstance(k, str) and isinstance(v, str)]
