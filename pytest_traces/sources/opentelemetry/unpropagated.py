"""Why OpenTelemetry added no context to a request, as far as its own state shows it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, NamedTuple

from pytest_traces.sources.advice import Advice, Sending

_PREFIX = "opentelemetry.instrumentation."


class _Client(NamedTuple):
    instrumentation: str
    instrumentor: str


_CLIENTS = {
    "httpx": _Client("httpx", "HTTPXClientInstrumentor"),
    "requests": _Client("requests", "RequestsInstrumentor"),
    "urllib3": _Client("urllib3", "URLLib3Instrumentor"),
    "aiohttp": _Client("aiohttp_client", "AioHttpClientInstrumentor"),
    "http.client": _Client("urllib", "URLLibInstrumentor"),
}
#: What takes an httpx request below the transport that the instrumentation wraps; everything
#: else does so instead of it.
_BELOW = (None, "respx")


def explain(sending: Sending) -> Advice | None:
    """The instrumentation that is missing, was bypassed, or has nothing to inject with."""
    if "opentelemetry.trace" not in sys.modules or sending.source not in (None, "opentelemetry"):
        return None
    if sending.has_client_span:
        return _without_propagator()
    client = _CLIENTS.get(sending.client)
    return None if client is None else _without_span(client, sending)


def _without_span(client: _Client, sending: Sending) -> Advice | None:
    excluding = _exclusion(client, sending.url)
    if excluding is not None:
        return Advice(f"{excluding} leaves {sending.url} out of instrumentation")
    if not _is_instrumented(client):
        is_used = _PREFIX + client.instrumentation in sys.modules
        cause = f"this client of {sending.client} is not instrumented"
        if not is_used:
            cause = f"nothing instruments {sending.client} here"
        return Advice(cause, _call(client, sending))
    if client.instrumentation == "httpx" and sending.through not in _BELOW:
        return Advice(
            f"it left through {sending.through}, which OpenTelemetry's httpx instrumentation does "
            "not wrap",
            f"{client.instrumentor}.instrument_client(client)",
        )
    return None


def _call(client: _Client, sending: Sending) -> str:
    call = f"{client.instrumentor}().instrument()"
    if client.instrumentation == "httpx" and sending.through not in _BELOW:
        call = f"{client.instrumentor}.instrument_client(client)"
    try:
        installed = find_spec(_PREFIX + client.instrumentation) is not None
    except (ImportError, ValueError):
        installed = False
    distribution = client.instrumentation.replace("_", "-")
    return call if installed else f"{call}, of opentelemetry-instrumentation-{distribution}"


def _exclusion(client: _Client, url: str) -> str | None:
    """The environment variable by which a URL is left out: expressions, separated by commas."""
    library = client.instrumentation.upper()
    for name in (f"OTEL_PYTHON_{library}_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS"):
        given = os.environ.get(name, "")
        for one in filter(None, (part.strip() for part in given.split(","))):
            with suppress(re.error):
                if re.search(one, url):
                    return name
    return None


def _is_instrumented(client: _Client) -> bool:
    module: Any = sys.modules.get(_PREFIX + client.instrumentation)
    instrumentor = getattr(module, client.instrumentor, None)
    return bool(instrumentor and instrumentor().is_instrumented_by_opentelemetry)


def _without_propagator() -> Advice | None:
    propagate: Any = sys.modules.get("opentelemetry.propagate")
    try:
        fields = propagate.get_global_textmap().fields
    except AttributeError:  # not imported
        return None
    except Exception:  # noqa: BLE001  # a propagator of the application's own
        return None
    if fields:
        return None
    return Advice(
        "the global propagator of OpenTelemetry writes no header",
        "set OTEL_PROPAGATORS=tracecontext,baggage, or call set_global_textmap(...)",
    )
