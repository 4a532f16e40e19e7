"""One request that a route of a stand-in answers, and the span that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import cast

import httpx
import respx
from respx.models import AllMockedAssertionError as NotMocked
from respx.models import PassThrough, ResolvedRoute, SideEffectError

from pytest_traces.recording import Journal
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.faults import UnroutedRequest, exhausted
from pytest_traces.wire.stand_in.labels import path_of
from pytest_traces.wire.stand_in.patience import Patience
from pytest_traces.wire.stand_in.received import Received
from pytest_traces.wire.stand_in.spans import ServerSpan, never_arrived


class Visit:
    """A request on its way through a route, as a context manager.

    However the block is left, the span is ended as the server would have ended it, or when the
    client has given up waiting; it is taken back where no server would have had one. A block that
    is left because, after all, the route did not want the request, goes on behind it.
    """

    def __init__(
        self,
        received: Received,
        route: respx.Route,
        *,
        journal: Journal,
        service: str,
        address: Address,
        patience: Patience,
        forget: Callable[[Received], object],
        record: Callable[..., object],
        complain: Callable[[str], object],
    ) -> None:
        self._address = address
        self._received = received
        self._route = route
        self._patience = patience
        self._is_answered = False
        self._forget = forget
        self._record = record
        self._complain = complain
        self._span = ServerSpan(journal, service, address, received)
        self._name_by(route)

    def answered(self, resolved: ResolvedRoute) -> httpx.Response:
        """The route has this answer."""
        response = cast(httpx.Response, resolved.response)  # respx has seen to it
        if resolved.route is not None and resolved.route is not self._route:
            self._name_by(resolved.route)
        self._received.status = response.status_code
        self._span.answered(response.status_code)
        self._is_answered = True
        return response

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        __tracebackhide__ = True
        if error is None:
            return False
        if self._patience.is_over:
            self._given_up()
            return False
        if _is_unwanted(error):
            self._span.withdraw()
            return True
        if isinstance(error, StopIteration) or isinstance(error.__cause__, StopIteration):
            self._span.withdraw()
            fault = exhausted(self._address, self._route)
            self._complain(fault)
            raise UnroutedRequest(fault) from None
        if isinstance(error, PassThrough):
            self._span.withdraw()
            self._forget(self._received)
        elif never_arrived(error):
            self._span.withdraw()
        elif isinstance(error, Exception):
            self._span.failed(error)
        else:
            self._span.abandoned()
        return False

    def _given_up(self) -> None:
        """The answer came too late, or it did not come: the route was called all the same."""
        if not self._is_answered:
            self._span.abandoned()
            self._record(self._received.request, route=self._route)

    def _name_by(self, route: respx.Route) -> None:
        path = path_of(route, self._received.request, self._address)
        full = None if path is None else self._address.path + path
        self._span.name_by(self._received.method, path, full)


def _is_unwanted(error: BaseException) -> bool:
    """Whether no route took the request; a side effect may have sent one that was not mocked."""
    return isinstance(error, NotMocked) and not isinstance(error.__cause__, SideEffectError)
