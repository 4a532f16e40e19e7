"""While a recording is open, nothing that Sentry has to send leaves the process.

What a client hands to a transport is counted and let go of, whenever the client was made; what
was waiting in a transport before waits until the recordings are over. A transport of the
application's own is left alone, and so is one of Sentry's in which the application has written
the sending anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.sentry.hooks import Hooks, named_like

#: The remark of a recording, with the kinds of what was held back.
HELD = "sentry held back"
_LEAVES = "what it sends leaves the process"
_WAITS = "what was waiting to be sent before the recording leaves the process"
_REPORTS = "reports of what was lost may leave after the recording"
#: Where a subclass of Sentry's transports may send in a way of its own.
_SENDING = ("_send_envelope", "_send_request", "_request", "_make_pool")


class Held:
    """Whether Sentry is held back, and who is told of it.

    It is so until what was collected has been emptied, a little longer than the last recording.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.is_open = True

    def note(self, kind: str) -> None:
        """Something of this kind was not sent."""
        for window in list(self._journal.windows):
            window.remark(HELD, kind)


class Holding:
    """Wraps what takes and what sends in Sentry's transports, and its Spotlight client."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._hooks = Hooks()
        #: Transports, each with an envelope that it had taken before.
        self._waiting: list[tuple[Any, Any]] = []
        self._is_taking = False

    @contextmanager
    def taking(self) -> Iterator[None]:
        """What transports are given here is from before the recording: they take it, and wait."""
        self._is_taking = True
        try:
            yield
        finally:
            self._is_taking = False

    @property
    def lost(self) -> list[str]:
        """What cannot be held back in this version."""
        return list(self._hooks.lost.values())

    def install(self, transport: ModuleType) -> None:
        """Hook every class of the module that sends over HTTP; twice is once."""
        base = getattr(transport, "HttpTransportCore", None) or transport.BaseHttpTransport
        self._put_report(base)
        for kind in list(vars(transport).values()):
            is_sender = isinstance(kind, type) and issubclass(kind, base)
            if is_sender and "capture_envelope" in vars(kind):
                self._hooks.replace(kind, "capture_envelope", self._wrap, _LEAVES)
                self._hooks.replace(kind, "_send_envelope", self._wrap_send, _WAITS)

    def install_spotlight(self, spotlight: ModuleType) -> None:
        """Hook the client of Spotlight, which sends where nobody has asked it not to."""
        client = spotlight.SpotlightClient
        self._hooks.replace(client, "capture_envelope", self._wrap_sending, _LEAVES)

    def uninstall(self) -> None:
        """Let everything go again, first of all what has waited."""
        self._hooks.undo()
        waiting, self._waiting = self._waiting, []
        for sender, envelope in waiting:
            # Closed meanwhile, it would be started again; its event loop may be gone.
            if getattr(getattr(sender, "_worker", None), "is_alive", False):
                with suppress(Exception):
                    sender.capture_envelope(envelope)

    def _put_report(self, base: type[Any]) -> None:
        self._hooks.replace(base, "record_lost_event", self._wrap_lost, _REPORTS)

    def _wrap(self, capture: Callable[..., Any]) -> Callable[..., Any]:
        hold_back = self._wrap_sending(capture)

        def take_or_hold_back(sender: Any, envelope: Any) -> Any:
            return (capture if self._is_taking else hold_back)(sender, envelope)

        return named_like(take_or_hold_back, capture)

    def _wrap_sending(self, capture: Callable[..., Any]) -> Callable[..., Any]:
        held = self._held

        def hold_back(sender: Any, envelope: Any) -> Any:
            if not held.is_open or _sends_in_its_own_way(type(sender)):
                return capture(sender, envelope)
            for kind in kinds_of(envelope):
                held.note(kind)
            return None

        return named_like(hold_back, capture)

    def _wrap_send(self, send: Callable[..., Any]) -> Callable[..., Any]:
        held = self._held

        def must_wait(sender: Any, envelope: Any) -> bool:
            if not held.is_open or _sends_in_its_own_way(type(sender)):
                return False
            self._waiting.append((sender, envelope))
            return True

        def send_later(sender: Any, envelope: Any) -> Any:
            return None if must_wait(sender, envelope) else send(sender, envelope)

        async def send_later_async(sender: Any, envelope: Any) -> Any:
            return None if must_wait(sender, envelope) else await send(sender, envelope)

        is_async = inspect.iscoroutinefunction(send)
        return named_like(send_later_async if is_async else send_later, send)

    def _wrap_lost(self, lose: Callable[..., Any]) -> Callable[..., Any]:
        held = self._held

        def lose_nothing(sender: Any, *args: Any, **kwargs: Any) -> Any:
            if not held.is_open or _sends_in_its_own_way(type(sender)):
                return lose(sender, *args, **kwargs)
            return None

        return named_like(lose_nothing, lose)


def _sends_in_its_own_way(kind: type[Any]) -> bool:
    """Whether the application has written the sending of this transport."""
    return any(
        name in vars(one)
        for one in kind.__mro__
        if not one.__module__.startswith("sentry_sdk.")
        for name in _SENDING
    )


def kinds_of(envelope: Any) -> list[str]:
    """What is in an envelope, in Sentry's words: ``event``, ``transaction``, ``span``, ..."""
    items = getattr(envelope, "items", None) or ()
    return [str(getattr(item, "type", None)) for item in items] or ["envelope"]
