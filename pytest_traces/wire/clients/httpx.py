"""httpx and httpx2: each request of a client, where the client hands it to a transport.

``_send_single_request`` is called once for each redirect and each round of authentication.
It is private, and the only place above every transport, so above every mock. What wraps a
transport may replace the headers, so they are read again when the request comes back. What
the library's own transports send below says more, where they are reached; see
:mod:`pytest_traces.wire.clients.httpx_passes`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.httpx_passes import PassHooks, fail, headers_of, land, stream_of
from pytest_traces.wire.clients.once import Below, Sending, bound, take_off
from pytest_traces.wire.clients.transports import NETWORK, Carrier, carrier_of

_CHOOSE = "_transport_for_url"
_METHOD = "_send_single_request"
#: How Starlette's test client says that a WebSocket was accepted.
_UPGRADE = "_Upgrade"


class HttpxHooks:
    """Wraps the method of both classes of clients, and those of the transports below."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches
        self._passes = PassHooks(journal, patches)

    def install(self, module: ModuleType) -> None:
        """Hook httpx, or httpx2."""
        name = module.__name__
        for kind, wrap in ((module.Client, self._wrap), (module.AsyncClient, self._wrap_async)):
            # Older instrumentation puts a subclass of its own in the place of the class.
            owner = next((one for one in kind.__mro__ if _METHOD in vars(one)), kind)
            self._patches.replace(owner, _METHOD, partial(wrap, name))
        self._passes.install(module)

    def _wrap(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        def send_and_record(client: Any, request: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, client)
            if not windows:
                return send(request)
            call, carrier = self._take_off(name, client, request, "handle_request")
            try:
                with _below(call, carrier):
                    response = send(request)
            except BaseException as error:
                self._fail(call, request, error)
                raise
            self._land(call, request, response)
            return response

        return send_and_record

    def _wrap_async(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        async def send_and_record(client: Any, request: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, client)
            if not windows:
                return await send(request)
            call, carrier = self._take_off(name, client, request, "handle_async_request")
            try:
                with _below(call, carrier):
                    response = await send(request)
            except BaseException as error:
                self._fail(call, request, error)
                raise
            self._land(call, request, response)
            return response

        return send_and_record

    def _take_off(
        self, name: str, client: Any, request: Any, method: str
    ) -> tuple[Sending, Carrier]:
        carrier = NETWORK
        choose = getattr(client, _CHOOSE, None)
        if choose is not None:
            carrier = carrier_of(client, choose(request.url), method)
        url, headers = str(request.url), headers_of(request)
        # A client of this family has no client above it: whatever flies here is another request.
        with Below():
            flight = take_off(self._journal, name, request.method, url, headers, carrier=carrier)
        return Sending(flight, request, url), carrier

    def _land(self, call: Sending, request: Any, response: Any) -> None:
        is_below = call.ends_with(response, stream_of(response))
        if call.flight.is_carried:
            return  # the pass below says how it ended
        if is_below:
            call.flight.withdraw(self._journal)  # it is a record as it was sent below
        else:
            land(call.flight, request, response)

    def _fail(self, call: Sending, request: Any, error: BaseException) -> None:
        is_below = call.ends_with(error)
        if call.flight.is_carried:
            return
        if is_below:
            call.flight.withdraw(self._journal)
        elif type(error).__name__ == _UPGRADE:
            call.flight.land(headers=headers_of(request), status=101)
        else:
            fail(call.flight, request, error)


def _below(call: Sending, carrier: Carrier) -> Below:
    """Below an application of this process there are only requests of its own."""
    if carrier.is_in_process:
        return Below(is_served=True)
    return Below(of=call)
