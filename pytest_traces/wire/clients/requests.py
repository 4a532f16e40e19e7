"""requests: each call of an adapter, whatever kind of adapter that is.

``Session.send`` contains the redirects that follow it, and some kinds of authentication go
past it, so it says only where the client was called. The adapter sends: its class is hooked
when a session that has one is used, since that class may be anybody's, and ``responses`` puts
a function of its own in the place of the hook while it is active.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, Flight, bound, note_call, take_off
from pytest_traces.wire.clients.transports import Carrier, carrier_of
from pytest_traces.wire.clients.urllib3 import headers_of

_MARK = "_pytest_traces_hooks"
#: How requests-mock says that somebody else has to answer.
_PASSED_ON = ("_RunRealHTTP", "NoMockAddress")


class RequestsHooks:
    """Wraps ``Session.send``, and ``send`` of the adapters."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches
        self._lock = threading.Lock()
        #: What a mock has refused and may yet be sent.
        self._refused: WeakKeyDictionary[Any, Flight] = WeakKeyDictionary()

    def install(self, module: ModuleType) -> None:
        """Hook requests, or requests-mock, whose adapter no session has among its own."""
        if hasattr(module, "Session"):
            self._patches.replace(module.Session, "send", self._wrap_session)
            self._patches.replace(module.adapters.HTTPAdapter, "send", self._wrap_adapter)
        else:
            self._patches.replace(module.Adapter, "send", self._wrap_adapter)

    def _hook_adapter(self, kind: type) -> None:
        owner = next((one for one in kind.__mro__ if "send" in vars(one)), None)
        if owner is None or getattr(vars(owner)["send"], _MARK, None) is self:
            return
        with self._lock:
            self._patches.replace_once(owner, "send", self._wrap_adapter)

    def _wrap_session(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        def send(session: Any, request: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            if not windows:
                return bound(original, session)(request, **kwargs)
            with suppress(Exception):  # an adapter of the application may be anything
                for adapter in list(session.adapters.values()):
                    self._hook_adapter(type(adapter))
            call = note_call(self._journal, headers_of(getattr(request, "headers", None)))
            with Below(call=call):
                return bound(original, session)(request, **kwargs)

        return send

    def _wrap_adapter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        def send(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            below = bound(original, adapter)
            if not windows:
                return below(request, *args, **kwargs)
            flight, carrier = self._take_off(adapter, request)
            through, is_served = carrier.through, carrier.is_in_process
            try:
                with Below(None if is_served else flight, is_served=is_served):
                    response = below(request, *args, **kwargs)
            except BaseException as error:
                flight.land(headers=headers_of(request.headers), error=error, through=through)
                if type(error).__name__ in _PASSED_ON:
                    self._refused[request] = flight
                raise
            headers = headers_of(request.headers)
            flight.land(headers=headers, status=response.status_code, through=through)
            return response

        setattr(send, _MARK, self)
        return send

    def _take_off(self, adapter: Any, request: Any) -> tuple[Flight, Carrier]:
        refused = self._refused.pop(request, None)
        if refused is not None:
            refused.withdraw(self._journal)
        carrier = carrier_of(None, adapter, "send")
        # What carried it is said at the end, by whoever is closest to the wire.
        named_later = carrier._replace(through=None)
        headers = headers_of(request.headers)
        return (
            take_off(
                self._journal, "requests", request.method, request.url, headers, carrier=named_later
            ),
            carrier,
        )
