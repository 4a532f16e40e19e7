"""Beside OpenTelemetry's instrumentation: client spans, headers, and who finds whom."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature

import httpx
import pytest

pytest.importorskip("opentelemetry.instrumentation.httpx")
pytest.importorskip("opentelemetry.instrumentation.fastapi")
pytest.importorskip("opentelemetry.instrumentation.flask")

import fastapi
import flask
import respx
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider

#: Its module-level tracer is that of an application.
PROVIDER = TracerProvider()
TRACER = PROVIDER.get_tracer("shop")


@pytest.fixture
def instrumented() -> Iterator[None]:
    """Every client of httpx, by its transports."""
    HTTPXClientInstrumentor().instrument(tracer_provider=PROVIDER)
    yield
    HTTPXClientInstrumentor().uninstrument()


@pytest.fixture(params=["blocking", "asynchronous"])
def call(request, in_async_client):
    """Calls a URL from below a span of the application, with a client of either kind."""

    def call(url, *, strip: bool = False, instrument: bool = False):
        async def drop_async(request: httpx.Request) -> None:
            request.headers.pop("traceparent", None)

        if request.param == "blocking":
            with httpx.Client(transport=Stripping() if strip else None) as client:
                if instrument:
                    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=PROVIDER)
                with TRACER.start_as_current_span("POST /checkout"):
                    return client.get(url)

        async def main(client):
            if instrument:
                HTTPXClientInstrumentor.instrument_client(client, tracer_provider=PROVIDER)
            with TRACER.start_as_current_span("POST /checkout"):
                return await client.get(url)

        return in_async_client(main, transport=AsyncStripping() if strip else None)

    return call


class Stripping(httpx.HTTPTransport):
    """A proxy that lets no ``traceparent`` through; behind the instrumentation, as proxies are."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._pool = _without_header(self._pool, "handle_request")
        return super().handle_request(request)


class AsyncStripping(httpx.AsyncHTTPTransport):
    """The same for asynchronous clients."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._pool = _without_header(self._pool, "handle_async_request")
        return await super().handle_async_request(request)


def _without_header(pool, method):
    send = getattr(type(pool), method)

    class Pool(type(pool)):
        pass

    def strip(self, request):
        request.headers = [pair for pair in request.headers if pair[0].lower() != b"traceparent"]
        return send(self, request)

    setattr(Pool, method, strip)
    pool.__class__ = Pool
    return pool


HEALTHY = """
    POST /checkout
    └─ GET
       └─ GET /stock/{article}
"""
BROKEN = """
    POST /checkout
    └─ GET
    GET /stock/{article}
"""


@pytest.mark.parametrize("using", [None, "httpcore", "httpx"])
def test_a_route_is_below_the_client_span_of_instrumented_transports(
    act, play, instrumented, call, using
):
    """Also beside a router of respx, whichever way that one intercepts."""
    play("http://inventory").get(path__regex="^/stock/(?P<article>[^/]+)$")
    with respx.mock(using=using):
        assert call("http://inventory/stock/tea").status_code == 200
    act.assert_tree(HEALTHY)
    assert act.get("GET").kind == "client"


def test_a_route_is_below_the_client_span_of_an_instrumented_client(act, play, call):
    """With ``instrument_client``."""
    play("http://inventory").get(path__regex="^/stock/(?P<article>[^/]+)$")
    call("http://inventory/stock/tea", instrument=True)
    act.assert_tree(HEALTHY)


def test_a_route_whose_header_was_lost_is_a_root(act, play, instrumented, call):
    """The span that is current in this process does not help."""
    play("http://inventory").get(path__regex="^/stock/(?P<article>[^/]+)$")
    call("http://inventory/stock/tea", strip=True)
    act.assert_tree(BROKEN)


def test_without_instrumentation_the_span_is_a_root(act, play, call):
    """There was no header."""
    play("http://inventory").get("/stock")
    call("http://inventory/stock")
    act.assert_tree("POST /checkout\nGET /stock")


@pytest.fixture(params=["fastapi", "asgi", "flask"])
def inventory(request):
    """An instrumented application, and its own span below the server's."""
    parameters = signature(FastAPIInstrumentor.instrument_app).parameters
    if request.param != "flask" and "exclude_spans" not in parameters:
        pytest.skip("before 0.49b0 each ASGI message was a span of its own")
    if request.param == "flask":
        app = flask.Flask("inventory")

        @app.get("/stock/<article>")
        def stock(article):
            with TRACER.start_as_current_span("SELECT stock"):
                return {"article": article}

        FlaskInstrumentor().instrument_app(app, tracer_provider=PROVIDER)
        return app
    if request.param == "fastapi":
        app = fastapi.FastAPI()

        @app.get("/stock/{article}")
        async def stock_async(article: str):
            with TRACER.start_as_current_span("SELECT stock"):
                return {"article": article}

        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=PROVIDER, exclude_spans=["send", "receive"]
        )
        return app

    async def plain(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        with TRACER.start_as_current_span("SELECT stock"):
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b'{"article":"tea"}'})

    return OpenTelemetryMiddleware(
        plain,
        tracer_provider=PROVIDER,
        default_span_details=lambda scope: ("GET /stock/{article}", {}),
        exclude_spans=["send", "receive"],
    )


def test_an_app_finds_its_caller_in_the_header(act, play, instrumented, call, inventory):
    """Its server span is a remote child of the client span; the stand-in records none."""
    payments = play("http://inventory", app=inventory)
    assert call("http://inventory/stock/tea").json() == {"article": "tea"}

    server = act.get("SELECT stock").parent
    assert server is not None
    assert server.kind == "server"
    assert server.remote_parent
    assert server.source == "opentelemetry"
    assert server.parent is act.get("GET")
    assert len(act.spans) == 4
    (received,) = payments.requests
    assert received.context.span_id == act.get("GET").span_id
    assert received.status == 200


def test_an_app_does_not_find_its_caller_anywhere_else(act, play, instrumented, call, inventory):
    """With the header lost its server span is the root of another trace.

    In the caller's context the instrumentation would have made it an internal child.
    """
    play("http://inventory", app=inventory)
    assert call("http://inventory/stock/tea", strip=True).json() == {"article": "tea"}

    server = act.get("SELECT stock").parent
    assert server is not None
    assert (server.kind, server.parent_id, server.remote_parent) == ("server", None, False)
    assert server.trace_id != act.get("POST /checkout").trace_id


def test_the_same_through_the_url(act, play, instrumented, call, inventory):
    """Over the network there is no other way."""
    url = play("http://inventory", app=inventory).url
    assert call(f"{url}/stock/tea").json() == {"article": "tea"}
    server = act.get("SELECT stock").parent
    assert server is not None
    assert server.remote_parent
    assert server.parent is act.get("GET")


def test_instrumented_threads_bring_no_context(act, play, instrumented, call, inventory):
    """The instrumentation of threads hands the caller's context on to those that it starts."""
    threading = pytest.importorskip("opentelemetry.instrumentation.threading")
    threading.ThreadingInstrumentor().instrument()
    try:
        inventory_stand_in = play("http://inventory", app=inventory)
        with TRACER.start_as_current_span("who asks first"):
            url = inventory_stand_in.url
        call("http://inventory/stock/tea", strip=True)
        call(f"{url}/stock/tea", strip=True)
    finally:
        threading.ThreadingInstrumentor().uninstrument()

    servers = [span.parent for span in act.find("SELECT stock")]
    assert [(server.kind, server.parent_id) for server in servers] == [("server", None)] * 2
