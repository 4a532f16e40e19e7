"""What carries a request, whose request it is, and which are exports of telemetry."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_traces.wire.clients.transports import name_of, served

httpx = pytest.importorskip("httpx")


async def app(scope, receive, send):
    """An ASGI application that asks the application in its state, if any."""
    assert scope["type"] == "http"
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def calling(other):
    """An ASGI application that calls another one first."""

    async def front(scope, receive, send):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=other)) as client:
            await client.get("http://other/")
        await app(scope, receive, send)

    return front


def wsgi(environ, start_response):
    """A WSGI application."""
    start_response("200 OK", [])
    return [b"ok"]


def call(one, library=httpx):
    """Call an application as a test does."""

    async def go():
        async with library.AsyncClient(transport=library.ASGITransport(app=one)) as client:
            await client.get("http://app/")

    asyncio.run(go())


def outline(sent):
    """Who sent what through what."""
    return [(one.url, one.role, one.through) for one in sent()]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_test_that_holds_the_transport(library, sent):
    """Its requests are incoming."""
    lib = pytest.importorskip(library)
    call(app, lib)
    with lib.Client(transport=lib.WSGITransport(app=wsgi)) as client:
        client.get("http://app/")
    assert outline(sent) == [
        ("http://app/", "incoming", f"{library}.ASGITransport"),
        ("http://app/", "incoming", f"{library}.WSGITransport"),
    ]


def test_an_application_that_holds_one(sent):
    """What it sends while it serves is outgoing; then the test's requests are incoming again."""
    call(calling(app))
    call(app)
    assert [(url, role) for url, role, _ in outline(sent)] == [
        ("http://app/", "incoming"),
        ("http://other/", "outgoing"),
        ("http://app/", "incoming"),
    ]


def test_after_an_error(sent):
    """An application that fails leaves nothing behind."""

    async def broken(scope, receive, send):
        raise LookupError("broken")

    for _ in range(2):
        with pytest.raises(LookupError):
            call(broken)
    assert [(one.role, one.error) for one in sent()] == [("incoming", "LookupError: broken")] * 2


def test_where_a_span_is_current(sent, provider):
    """Who has a span is part of the trace, so even a test sends outgoing requests then."""
    with provider.get_tracer("app").start_as_current_span("work"):
        call(app)
    assert outline(sent) == [("http://app/", "outgoing", "httpx.ASGITransport")]


def test_an_application_called_by_hand(sent):
    """Whoever calls one in a context of its own can say so."""

    async def go():
        with served():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
                await client.get("http://app/")

    asyncio.run(go())
    assert [one.role for one in sent()] == ["outgoing"]


def starlette_app(other):
    """A Starlette application with a sync and an async endpoint that call another one."""
    applications = pytest.importorskip("starlette.applications")
    responses = pytest.importorskip("starlette.responses")
    routing = pytest.importorskip("starlette.routing")

    async def asynchronous(request):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=other)) as client:
            await client.get("http://other/")
        return responses.PlainTextResponse("ok")

    def synchronous(request):
        with httpx.Client(transport=httpx.WSGITransport(app=wsgi)) as client:
            client.get("http://third/")
        return responses.PlainTextResponse("ok")

    async def socket(websocket):
        await websocket.accept()
        await websocket.close()

    return applications.Starlette(
        routes=[
            routing.Route("/async", asynchronous),
            routing.Route("/sync", synchronous),
            routing.WebSocketRoute("/socket", socket),
        ]
    )


@pytest.mark.parametrize("entered", [False, True])
def test_the_test_client(entered, sent, provider):
    """Starlette's sends incoming requests, a span or not; what its application sends is outgoing."""
    testclient = pytest.importorskip("starlette.testclient")
    client = testclient.TestClient(starlette_app(app))
    if entered:
        with client:
            client.get("/async")
            client.get("/sync")
    else:
        client.get("/async")
        with provider.get_tracer("app").start_as_current_span("work"):
            client.get("/sync")
    name = "starlette.testclient.TestClient"
    assert outline(sent) == [
        ("http://testserver/async", "incoming", name),
        ("http://other/", "outgoing", "httpx.ASGITransport"),
        ("http://testserver/sync", "incoming", name),
        ("http://third/", "outgoing", "httpx.WSGITransport"),
    ]


def test_subclasses_of_the_test_client(sent):
    """FastAPI's is Starlette's; a suite's own has its own name."""
    testclient = pytest.importorskip("starlette.testclient")

    class Client(testclient.TestClient):
        __test__ = False

    Client(app).get("/a")
    assert outline(sent) == [("http://testserver/a", "incoming", "starlette.testclient.Client")]


def test_a_websocket_of_the_test_client(sent):
    """Its handshake is a request that was answered."""
    testclient = pytest.importorskip("starlette.testclient")
    with testclient.TestClient(starlette_app(app)).websocket_connect("/socket"):
        pass
    assert [(one.status, one.error, one.role) for one in sent()] == [(101, None, "incoming")]


def test_a_test_client_in_an_application(sent):
    """Where it stands for another service while the application serves, it sends outgoing ones."""
    testclient = pytest.importorskip("starlette.testclient")

    def front(environ, start_response):
        testclient.TestClient(app).get("/charge")
        return wsgi(environ, start_response)

    with httpx.Client(transport=httpx.WSGITransport(app=front)) as client:
        client.get("http://app/")
    assert [one.role for one in sent()] == ["incoming", "outgoing"]


def test_names():
    """A class is called as its library's users call it."""
    assert name_of(httpx.ASGITransport) == "httpx.ASGITransport"
    assert name_of(type("Own", (), {"__module__": "tests.app"})) == "tests.app.Own"
    assert name_of(type("Own", (), {"__module__": "_app"})) == "_app.Own"


def test_a_transport_around_another_one(sent):
    """That of an older instrumentation is seen through."""
    around = type("Around", (httpx.BaseTransport,), {"__module__": "opentelemetry.instrumentation"})

    class Own(around):
        __module__ = around.__module__

        def __init__(self):
            self._transport = httpx.WSGITransport(app=wsgi)

        def handle_request(self, request):
            return self._transport.handle_request(request)

    with httpx.Client(transport=Own()) as client:
        client.get("http://app/")
    assert outline(sent) == [("http://app/", "incoming", "httpx.WSGITransport")]


def test_without_the_private_method(server, sent, monkeypatch):
    """A library that has no way to ask for the transport is recorded nevertheless."""
    monkeypatch.setattr("pytest_traces.wire.clients.httpx._CHOOSE", "nothing")
    httpx.get(f"{server.url}/a")
    assert outline(sent) == [(f"{server.url}/a", "outgoing", None)]


@pytest.fixture
def exporter(server):
    """OpenTelemetry's exporter by HTTP, to the server."""
    module = pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    one = module.OTLPSpanExporter(endpoint=f"{server.url}/v1/traces")
    yield one
    one.shutdown()


@pytest.mark.parametrize("kind", ["SimpleSpanProcessor", "BatchSpanProcessor"])
def test_exports_of_opentelemetry(kind, exporter, provider, sent):
    """What a processor sends by an exporter is an export, from whatever thread."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    provider.add_span_processor(getattr(export, kind)(exporter))
    provider.get_tracer("app").start_span("work").end()
    provider.force_flush()
    assert {one.role for one in sent()} == {"export"}


def test_an_export_by_hand(exporter, provider, sent):
    """Without a processor it is one, too."""
    span = provider.get_tracer("app").start_span("work")
    span.end()
    exporter.export([span])
    assert {one.role for one in sent()} == {"export"}


def test_exports_of_sentry(server, sent):
    """What Sentry's worker sends is an export."""
    transport = {
        "__name__": "sentry_sdk.transport",
        "httpx": httpx,
        "url": f"{server.url}/envelope",
    }
    exec("def send():\n    httpx.post(url)", transport)
    thread = threading.Thread(target=transport["send"], name="sentry-sdk.BackgroundWorker")
    thread.start()
    thread.join()
    assert [one.role for one in sent()] == ["export"]


def test_what_an_application_suppresses(server, sent):
    """A request of the application's own is outgoing, told to keep silent or not."""
    context = pytest.importorskip("opentelemetry.context")
    token = context.attach(context.set_value("suppress_instrumentation", True))
    httpx.get(f"{server.url}/a")
    context.detach(token)
    assert [(one.role, one.suppressed) for one in sent()] == [("outgoing", True)]
