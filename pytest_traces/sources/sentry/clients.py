"""The hooks on Sentry's clients: what they make of an event, and which clients there are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any
from weakref import WeakSet

from pytest_traces.sources.sentry.book import Book
from pytest_traces.sources.sentry.errors import Errors
from pytest_traces.sources.sentry.events import Outcomes
from pytest_traces.sources.sentry.hooks import Hooks, named_like

_ERRORS = "its error events are not recorded"
_DROPS = "events that it drops are taken for sent"
_WHO = "what its processors drop is laid to before_send_transaction"


class Clients:
    """Wraps ``capture_event`` of clients, with and without ``init()``, and what it consists of.

    Not an event processor: a global one can never be removed, is not asked where ``init()`` was
    not called, and runs before ``before_send``, which may drop the event.
    """

    def __init__(self, book: Book, errors: Errors, outcomes: Outcomes) -> None:
        self._book = book
        self._journal = book.journal
        self._errors = errors
        self._outcomes = outcomes
        self._hooks = Hooks()
        self._seen: WeakSet[Any] = WeakSet()

    @property
    def lost(self) -> list[str]:
        """What this version does not let itself be told."""
        return list(self._hooks.lost.values())

    def install(self, module: ModuleType) -> None:
        """Hook the classes of the module; twice is once."""
        put, client = self._hooks.replace, module._Client
        put(module.BaseClient, "capture_event", self._wrap_capture, _ERRORS)
        put(client, "capture_event", self._wrap_capture, _ERRORS)
        put(client, "_prepare_event", self._wrap_prepare, _DROPS)
        put(client, "_should_sample_error", self._wrap_sample, _DROPS)
        put(client, "__init__", self._wrap_init, "clients made meanwhile are not flushed")

    def install_scope(self, module: ModuleType) -> None:
        """Hook what runs the processors of an event; twice is once."""
        self._hooks.replace(module.Scope, "apply_to_event", self._wrap_apply, _WHO)

    def uninstall(self) -> None:
        """Restore the classes."""
        self._hooks.undo()
        self._seen = WeakSet()

    def known(self) -> list[Any]:
        """The clients that have done something, and the one that is current or global."""
        return [*{id(one): one for one in (*self._seen, *_set_clients())}.values()]

    def _note(self, client: Any) -> None:
        with suppress(TypeError):  # one of the application's own, which cannot be kept
            self._seen.add(client)

    def _wrap_init(self, init: Callable[..., None]) -> Callable[..., None]:
        def init_and_note(client: Any, *args: Any, **kwargs: Any) -> None:
            self._note(client)
            with self._book.silence():
                init(client, *args, **kwargs)

        return named_like(init_and_note, init)

    def _wrap_capture(self, capture: Callable[..., Any]) -> Callable[..., Any]:
        windows, outcomes = self._journal.windows, self._outcomes

        def capture_and_record(client: Any, *args: Any, **kwargs: Any) -> Any:
            if not windows:
                return capture(client, *args, **kwargs)
            self._note(client)
            event = kwargs.get("event", args[0] if args else None)
            hint = kwargs.get("hint", args[1] if len(args) > 1 else None)
            around = self._errors.around(client)
            with outcomes.watch() as outcome:
                result = capture(client, *args, **kwargs)
            if isinstance(event, dict) and event.get("type") == "transaction":
                outcomes.hand_on(outcome)
            elif isinstance(event, dict):
                self._errors.captured(event, hint or {}, outcome, around)
            return result

        return named_like(capture_and_record, capture)

    def _wrap_prepare(self, prepare: Callable[..., Any]) -> Callable[..., Any]:
        outcomes = self._outcomes

        def prepare_and_tell(client: Any, *args: Any, **kwargs: Any) -> Any:
            prepared = prepare(client, *args, **kwargs)
            outcomes.prepared(prepared)
            return prepared

        return named_like(prepare_and_tell, prepare)

    def _wrap_apply(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        outcomes = self._outcomes

        def apply_and_tell(scope: Any, *args: Any, **kwargs: Any) -> Any:
            processed = apply(scope, *args, **kwargs)
            outcomes.processed(processed)
            return processed

        return named_like(apply_and_tell, apply)

    def _wrap_sample(self, sample: Callable[..., Any]) -> Callable[..., Any]:
        outcomes = self._outcomes

        def sample_and_tell(client: Any, *args: Any, **kwargs: Any) -> Any:
            is_kept = sample(client, *args, **kwargs)
            if not is_kept:
                outcomes.not_sampled()
            return is_kept

        return named_like(sample_and_tell, sample)


def _set_clients() -> list[Any]:
    """The global client, and that of the calling context."""
    module: Any = sys.modules.get("sentry_sdk.scope")
    scopes = [getattr(module, "_global_scope", None)]
    for name in ("_isolation_scope", "_current_scope"):
        variable = getattr(module, name, None)
        scopes.append(variable.get() if variable is not None else None)
    clients = (getattr(scope, "client", None) for scope in scopes)
    return [client for client in clients if client is not None]
