"""The server span of a request that the test answers."""

from __future__ import annotations

import secrets
import threading

import httpx

from pytest_traces.model import Event, SpanData
from pytest_traces.recording import Clock, Journal
from pytest_traces.settings import PLAYED
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.received import Received

SCOPE = "pytest-traces"


class ServerSpan:
    """A server span from a request's arrival to its answer.

    Its parent is the span that the request's headers name, and nothing else of this process is
    looked at: without a valid header it is the root of a trace of its own.
    """

    def __init__(self, journal: Journal, service: str, address: Address, seen: Received) -> None:
        self._journal = journal
        context = seen.context
        parent = None if context is None else context.span_id
        self._data = SpanData(
            name=seen.method,
            trace_id=secrets.token_hex(16) if context is None else context.trace_id,
            span_id=secrets.token_hex(8),
            parent_id=parent,
            start_ns=Clock.time_ns(),
            end_ns=None,
            kind="server",
            attributes=_attributes(address, seen),
            service=service,
            resource={"service.name": service},
            scope=SCOPE,
            source=PLAYED,
            sampled=context is None or context.sampled is not False,
            remote_parent=parent is not None,
            thread=threading.current_thread().name,
        )
        self._number = journal.put(self._data)

    def name_by(self, method: str, path: str | None, route: str | None) -> None:
        """Name it as a server's instrumentation does, after the route.

        Args:
            method: of the request.
            path: as the route was declared; None for a route of any path.
            route: the same with the base URL's path, for the attribute.
        """
        name = method if path is None else f"{method} {path}"
        attributes = dict(self._data.attributes)
        if route is not None:
            attributes["http.route"] = route
        self._replace(self._data._replace(name=name, attributes=attributes))

    def answered(self, status: int) -> None:
        """It ends with this status; 500 and above are errors of the server."""
        self._end({"http.response.status_code": status}, str(status) if status >= 500 else None)

    def failed(self, error: BaseException) -> None:
        """It ends without an answer, by this exception."""
        kind = _type_of(error)
        attributes = {"exception.type": kind, "exception.message": str(error)}
        event = Event("exception", Clock.time_ns(), attributes)
        self._data = self._data._replace(
            events=(event,), status_description=f"{type(error).__name__}: {error}".rstrip(": ")
        )
        self._end({}, kind)

    def abandoned(self) -> None:
        """It ends without an answer: the caller waits for none any more."""
        self._end({}, None)

    def withdraw(self) -> None:
        """The request never arrived, so there never was a span."""
        self._journal.entries.pop(self._number, None)
        if self._journal.waiters:
            self._journal.wake()

    def _end(self, attributes: dict[str, object], error_type: str | None) -> None:
        known = {**self._data.attributes, **attributes}
        if error_type is not None:
            known["error.type"] = error_type
        self._replace(
            self._data._replace(
                end_ns=max(Clock.time_ns(), self._data.start_ns),
                status="unset" if error_type is None else "error",
                attributes=known,
            )
        )

    def _replace(self, data: SpanData) -> None:
        self._data = data
        self._journal.replace(self._number, data)


def _attributes(address: Address, seen: Received) -> dict[str, object]:
    """OpenTelemetry's names (Semantic Conventions for HTTP Spans, "HTTP server")."""
    attributes: dict[str, object] = {
        "http.request.method": seen.method,
        "url.scheme": address.scheme,
        "url.path": seen.path,
        "server.address": address.host,
        "server.port": address.port,
    }
    query = seen.request.url.query
    if query:
        attributes["url.query"] = query.decode("ascii")
    return attributes


def _type_of(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"


#: What a client raises before the request has arrived anywhere.
_BEFORE_ARRIVAL = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def never_arrived(error: BaseException) -> bool:
    """Whether the exception says that the request reached no server."""
    return isinstance(error, _BEFORE_ARRIVAL)
