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

from pytest_traces.model import RequestData, Role
from pytest_traces.recording import Journal
from pytest_traces.recording.traffic import current_spans

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_TEST_CLIENTS = ("starlette.testclient", "aiohttp.test_utils", "rest_framework.test")
_IN_PROCESS = ("ASGI", "WSGI")
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
    if type(transport).__module__.startswith("opentelemetry."):
        transport = getattr(transport, "_transport", transport)
    kinds = type(transport).__mro__
    mock = _mock_of(transport, method)
    if mock is not None:
        return Carrier(mock)
    for one in (*type(client).__mro__, *kinds):
        if one.__module__ in _TEST_CLIENTS:
            name = type(client).__name__ if one in type(client).__mro__ else one.__name__
            return Carrier(f"{one.__module__}.{name}", is_in_process=True, is_test_client=True)
    if is_plain(transport):
        return NETWORK
    in_process = any(word in kind.__name__ for kind in kinds for word in _IN_PROCESS)
    return Carrier(name_of(type(transport)), is_in_process=in_process)


def is_plain(transport: object) -> bool:
    """Whether it is a client's own way to the network."""
    kind = type(transport)
    return kind.__module__.partition(".")[0] in _LIBRARIES and kind.__name__ in {
        "HTTPTransport",
        "AsyncHTTPTransport",
        "HTTPAdapter",
    }


def name_of(kind: type) -> str:
    """``httpx.ASGITransport`` for a class that its library keeps in a private module."""
    parts = kind.__module__.split(".")
    private = next((at for at, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join([*(parts[:private] or parts), kind.__name__])


def _mock_of(transport: object, method: str) -> str | None:
    library = _MOCKS.get(type(transport).__module__.partition(".")[0])
    function = getattr(type(transport), method, None)
    function = getattr(function, "__wrapped__", function)  # below the hook on requests
    library = library or _MOCKS.get(str(getattr(function, "__module__", "")).partition(".")[0])
    return library or (_respx_below(transport) if is_plain(transport) else None)


def _respx_below(transport: object) -> str | None:
    """respx patches what httpx sends with, and pytest-httpx2 what httpx2 does, by way of respx."""
    mocks: Any = sys.modules.get("respx.mocks")
    below = _BELOW.get(type(transport).__module__.partition(".")[0])
    mocker = None if mocks is None or below is None else mocks.Mocker.registry.get(below)
    return "respx" if getattr(mocker, "routers", None) else None


def role_of(journal: Journal, carrier: Carrier) -> Role:
    """Whose request it is; exporters are told apart afterwards."""
    if not carrier.is_in_process or serving.get():
        return "outgoing"
    if carrier.is_test_client or not current_spans(journal):
        return "incoming"
    return "outgoing"


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
