"""What carries a request, and whose request it therefore is.

In one process both ends may be at home. A request that an application of this process answers
is *incoming* when the test itself sends it, and *outgoing* when the application does, to
another one:

- what is sent while such a request is being answered, in the same context, is outgoing;
- otherwise a client that only tests use sends incoming requests;
- so does a client on an ASGI or WSGI transport, unless a span is current: who has a span
  is part of the trace, and the header has to link the two.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import currentframe
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from pytest_traces.model import RequestData, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_TEST_CLIENTS = ("starlette.testclient", "aiohttp.test_utils", "rest_framework.test")
_IN_PROCESS = ("ASGI", "WSGI")
_PLAIN = ("HTTPTransport", "AsyncHTTPTransport", "HTTPAdapter")
_LIBRARIES = ("httpx", "httpx2", "requests", "urllib3", "aiohttp")
#: Modules that patch a transport's method or put a transport in its place.
_MOCKS = {
    "respx": "respx",
    "pytest_httpx": "pytest-httpx",
    "responses": "responses",
    "requests_mock": "requests-mock",
}
#: What carries the requests of a library's own transports.
_BELOW = {"httpx": "httpcore", "httpx2": "httpcore2"}
_TELEMETRY = ("opentelemetry.sdk.", "opentelemetry.exporter.", "sentry_sdk.transport")
_OTLP = ("/v1/traces", "/v1/metrics", "/v1/logs")
_FRAMES = 60


class Carrier(NamedTuple):
    """What carries a request; ``through`` is its name, None for the network."""

    through: str | None = None
    #: An application of this process answers, in the context of the caller or a copy of it.
    is_in_process: bool = False
    #: Only a test sends requests so.
    is_test_client: bool = False


NETWORK = Carrier()
#: What is known of a class of transports for good.
_known: WeakKeyDictionary[type, Carrier] = WeakKeyDictionary()
#: Whether this context answers a request that an in-process transport has brought.
serving: ContextVar[bool] = ContextVar("pytest_traces_serving", default=False)


@contextmanager
def served() -> Iterator[None]:
    """A block in which an application answers a request of this process.

    For who calls an application himself in a context of its own: what it sends is outgoing.
    """
    token = serving.set(True)
    try:
        yield
    finally:
        serving.reset(token)


def carrier_of(client: object, transport: object, method: str) -> Carrier:
    """What carries the requests of this client: a transport, by the name of its method."""
    kind = type(transport)
    if kind.__module__.startswith("opentelemetry."):
        kind = type(getattr(transport, "_transport", transport))
    carrier = _known.get(kind)
    if carrier is None:
        carrier = _known[kind] = _carrier_of_kind(kind)
    if carrier.is_in_process:
        if carrier.is_test_client and client is not None:
            module = (carrier.through or "").rpartition(".")[0]
            return carrier._replace(through=f"{module}.{type(client).__name__}")
        return carrier
    function = getattr(kind, method, None)
    function = getattr(function, "__wrapped__", function)  # below the hook on requests
    mock = _mock_in(getattr(function, "__module__", None))
    if kind.__module__.partition(".")[0] == "respx":  # with using="httpx" it has its own transport
        above = 'respx (using="httpx")'
        return Carrier(above if _respx_mocks("httpx") else _respx_below("httpx"))
    if mock is None and carrier is NETWORK:
        mock = _respx_below(kind.__module__.partition(".")[0])
    return carrier if mock is None else Carrier(mock)


def mock_below(function: object, library: str) -> str | None:
    """The mock that answers where this method of a library's own transport is called."""
    return _mock_in(getattr(function, "__module__", None)) or _respx_below(library)


def _carrier_of_kind(kind: type) -> Carrier:
    if kind.__name__ in _PLAIN and kind.__module__.partition(".")[0] in _LIBRARIES:
        return NETWORK
    for one in kind.__mro__:
        if one.__module__ in _TEST_CLIENTS:
            return Carrier(f"{one.__module__}.{one.__name__}", True, True)
    in_process = any(word in one.__name__ for one in kind.__mro__ for word in _IN_PROCESS)
    return Carrier(_mock_in(kind.__module__) or name_of(kind), in_process)


def name_of(kind: type) -> str:
    """``httpx.ASGITransport`` for a class that its library keeps in a private module."""
    parts = kind.__module__.split(".")
    private = next((at for at, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join([*(parts[:private] or parts), kind.__name__])


def _mock_in(module: object) -> str | None:
    return _MOCKS.get(module.partition(".")[0]) if isinstance(module, str) else None


def _respx_below(library: str) -> str | None:
    """respx patches what httpx sends with, and pytest-httpx2 what httpx2 does, by way of respx."""
    below = _BELOW.get(library)
    return "respx" if below is not None and _respx_mocks(below) else None


def _respx_mocks(what: str) -> bool:
    """Whether a router of the test's own is there; that of stand-ins lets others through."""
    mocks: Any = sys.modules.get("respx.mocks")
    mocker = None if mocks is None else mocks.Mocker.registry.get(what)
    return any(
        not type(router).__module__.startswith("pytest_traces.")
        for router in getattr(mocker, "routers", ())
    )


def role_of(carrier: Carrier, data: RequestData) -> Role:
    """Whose request it is."""
    if carrier.is_in_process and not serving.get():
        return "incoming" if carrier.is_test_client or not data.current else "outgoing"
    return "export" if is_export(data) else "outgoing"


def is_export(data: RequestData) -> bool:
    """Whether an exporter of telemetry sends it.

    An application may suppress instrumentation for requests of its own, so the stack decides;
    it is looked at only where there is reason to.
    """
    looks_so = (
        data.suppressed
        or data.url.endswith(_OTLP)
        or (data.thread is not None and data.thread.startswith("sentry"))
    )
    return looks_so and is_called_from(*_TELEMETRY)


def is_called_from(*modules: str, within: int = _FRAMES) -> bool:
    """Whether a module whose name begins so is on the stack."""
    frame: FrameType | None = currentframe()
    for _ in range(within):
        if frame is None:
            return False
        if (frame.f_globals.get("__name__") or "").startswith(modules):
            return True
        frame = frame.f_back
    return False
