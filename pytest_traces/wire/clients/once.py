"""One request is recorded once, however many clients carry it.

requests calls urllib3, and urllib3 calls http.client. Whoever is called first begins the
record. The next one below that sends the same method to the same URL carries it on, and
ends it, since it stands closer to the wire. A second time below is another request: a retry.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from pytest_traces.model import Headers, SpanRef
from pytest_traces.recording import Exchange, Journal
from pytest_traces.recording.traffic import begin_request, current_spans
from pytest_traces.wire.clients.transports import NETWORK, Carrier, role_of, serving

_PORTS = {"http": 80, "https": 443}


class Call(NamedTuple):
    """Where a client was called: the headers that it was given, and the spans current there."""

    headers: Headers
    current: tuple[SpanRef, ...]


class Flight:
    """A request on its way down through the layers of clients."""

    __slots__ = ("_method", "_url", "exchange", "is_carried")

    def __init__(self, exchange: Exchange, method: str, url: str) -> None:
        self.exchange = exchange
        #: Whether a layer below has taken it over.
        self.is_carried = False
        self._method = method
        self._url = url

    def is_for(self, method: str, url: str) -> bool:
        """Whether this is the same method and the same URL, however that is written."""
        return method.upper() == self._method.upper() and (
            url == self._url or _parts(url, self._url) == _parts(self._url, self._url)
        )

    def land(
        self,
        *,
        headers: Headers | None = None,
        status: int | None = None,
        error: BaseException | str | None = None,
        through: str | None = None,
    ) -> None:
        """It is answered, or has failed; says nothing if a layer below has said so."""
        if self.exchange.data.end_ns is None:
            text = describe(error) if isinstance(error, BaseException) else error
            self.exchange.end(headers=headers, status=status, error=text, through=through)

    def withdraw(self, journal: Journal) -> None:
        """It was not this request after all that is sent: no recording has it any more."""
        for window in journal.windows:
            if self.exchange in window.requests:
                window.requests.remove(self.exchange)


class Sending:
    """A call of a client whose transport may send any number of requests, in passes.

    ``request`` is the client's; its attributes are as they were when the client was called.
    """

    __slots__ = ("_outcomes", "flight", "method", "request", "text", "url")

    def __init__(self, flight: Flight, request: Any, text: str) -> None:
        self.flight = flight
        self.request = request
        self.method = request.method
        self.url = request.url
        self.text = text
        self._outcomes: list[object] = []

    def note(self, *outcomes: object) -> None:
        """What a pass came back with that was not the client's request, as it seems."""
        if not self.flight.is_carried:
            self._outcomes += outcomes

    def ends_with(self, *outcomes: object) -> bool:
        """Whether the client gets what one of those passes came back with; then forgets them."""
        noted, self._outcomes = self._outcomes, []
        return any(one is not None and one is other for one in outcomes for other in noted)


#: The request that the layer above is sending, in this context.
flying: ContextVar[Flight | None] = ContextVar("pytest_traces_flying", default=None)
#: The call of the client in this context, whose request is about to be sent.
called: ContextVar[Call | None] = ContextVar("pytest_traces_called", default=None)
#: The call of a client in this context whose transport sends.
sending: ContextVar[Sending | None] = ContextVar("pytest_traces_sending", default=None)


def note_call(journal: Journal, headers: Headers) -> Call:
    """What to remember of the place where a client is called."""
    return Call(headers, current_spans(journal))


def take_off(
    journal: Journal,
    client: str,
    method: str,
    url: str,
    headers: Headers,
    *,
    carrier: Carrier = NETWORK,
) -> Flight:
    """Begin the record of a request, or carry on the one of the layer above."""
    above = flying.get()
    if above is not None and above.is_for(method, url):
        if not above.is_carried:
            above.is_carried = True
            return Flight(above.exchange, method, url)
        client = above.exchange.data.client  # it asked for a retry
    exchange = begin_request(
        journal,
        client=client,
        method=method,
        url=url,
        headers=headers,
        through=carrier.through,
    )
    call = called.get()
    if call is not None:
        early, current = call
        exchange.data = exchange.data._replace(added_early=early, current=current)
    role = role_of(carrier, exchange.data)
    if role != "outgoing":
        exchange.data = exchange.data._replace(role=role)
    return Flight(exchange, method, url)


class Below:
    """A block in which the layers below are called: what they find set in this context."""

    __slots__ = ("_call", "_flight", "_is_served", "_sending", "_tokens")

    def __init__(
        self,
        flight: Flight | None = None,
        *,
        call: Call | None = None,
        of: Sending | None = None,
        is_served: bool = False,
    ) -> None:
        self._flight = flight
        self._call = call
        self._sending = of
        self._is_served = is_served
        self._tokens: list[tuple[ContextVar[Any], Token[Any]]] = []

    def __enter__(self) -> None:
        # Most often nothing is set, and nothing has to be.
        if flying.get() is not self._flight:
            self._tokens.append((flying, flying.set(self._flight)))
        if called.get() is not self._call:
            self._tokens.append((called, called.set(self._call)))
        if sending.get() is not self._sending:
            self._tokens.append((sending, sending.set(self._sending)))
        if self._is_served:
            self._tokens.append((serving, serving.set(True)))

    def __exit__(self, *_: object) -> None:
        for variable, token in reversed(self._tokens):
            # A coroutine that nobody awaits to its end is closed in another context.
            with suppress(ValueError):
                variable.reset(token)


def bound(function: Any, owner: object) -> Callable[..., Any]:
    """What ``owner.name`` would have been: somebody may have put any object in its place."""
    get = getattr(type(function), "__get__", None)
    return function if get is None else get(function, owner, type(owner))  # type: ignore[no-any-return]


def describe(error: BaseException) -> str:
    """The name of an error's class, and its text."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # an error of the application may do anything
        return name
    return f"{name}: {text}" if text else name


def _parts(url: str, above: str) -> tuple[object, ...]:
    """What two spellings of one URL have in common."""
    try:
        parts = urlsplit(url)
    except ValueError:  # the client will say so itself
        return (url,)
    where: tuple[object, ...] = ()
    # Other schemes, as that of a socket in the file system, are HTTP for the layer below.
    if above.startswith(("http:", "https:")):
        try:
            port = parts.port
        except ValueError:
            port = None
        where = (parts.scheme, (parts.hostname or "").rstrip("."), port or _PORTS.get(parts.scheme))
    return (*where, unquote(parts.path or "/"), unquote(parts.query))
