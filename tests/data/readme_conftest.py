"""The shop of the README: a real FastAPI application, instrumented, with a service beside it."""

import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import fastapi
import httpx
import pytest
from fastapi.testclient import TestClient
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

tracer = trace.get_tracer("shop")


class InItsOwnContext(httpx.BaseTransport):
    """Calls the service as another process would: nothing but the headers goes with a request."""

    def __init__(self, service: TestClient) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer: Any = contextvars.Context().run(
            self._service.request, request.method, request.url.path, headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code)


def instrumented() -> fastapi.FastAPI:
    app = fastapi.FastAPI()
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["send", "receive"])
    return app


def payments() -> fastapi.FastAPI:
    app = instrumented()

    @app.post("/charge")
    def charge() -> None:
        return None

    return app


def publish(context: contextvars.Context) -> None:
    def send() -> None:
        with tracer.start_as_current_span("orders publish", kind=trace.SpanKind.PRODUCER):
            propagate.inject({})

    sender = threading.Thread(target=context.run, args=[send], name="sender")
    sender.start()
    sender.join()


@pytest.fixture
def context_is_lost() -> bool:
    return False


@pytest.fixture
def items_are_lazy() -> bool:
    return False


def query(name: str, statement: str) -> None:
    said = {"db.statement": statement}
    with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=said):
        pass


@pytest.fixture
def client(context_is_lost: bool, items_are_lazy: bool) -> Iterator[TestClient]:
    app = instrumented()
    bank = httpx.Client(transport=InItsOwnContext(TestClient(payments())), base_url="http://bank")
    HTTPXClientInstrumentor.instrument_client(bank)

    @app.post("/checkout")
    def checkout() -> None:
        with tracer.start_as_current_span("SELECT orders", kind=trace.SpanKind.CLIENT):
            pass
        if items_are_lazy:
            for number in range(17, 22):
                query("SELECT items", f"SELECT * FROM items WHERE id = {number}")
        bank.post("/charge")
        publish(contextvars.Context() if context_is_lost else contextvars.copy_context())

    with bank:
        yield TestClient(app)


@pytest.fixture
def gateway_is_loud() -> bool:
    return False


class Gateway(httpx.HTTPTransport):
    """What lies between the shop and the services; a loud one writes in upper case."""

    def __init__(self, *, loud: bool) -> None:
        super().__init__()
        self._loud = loud

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._loud:
            request.headers["traceparent"] = request.headers["traceparent"].upper()
        return super().handle_request(request)


@pytest.fixture
def shop(gateway_is_loud: bool, respx_mock: Any) -> Iterator[TestClient]:
    app = instrumented()
    payments = httpx.Client(transport=Gateway(loud=gateway_is_loud), base_url="http://payments")
    HTTPXClientInstrumentor.instrument_client(payments)
    respx_mock.post("https://mail.example/send").respond(202)

    @app.post("/checkout")
    def checkout() -> None:
        payments.post("/charge")
        httpx.post("https://mail.example/send")

    with payments:
        yield TestClient(app)


@pytest.fixture
def store() -> Iterator[Any]:
    """A Flask application with Sentry; its errors answer 500."""
    import flask
    import sentry_sdk
    from sentry_sdk.integrations.flask import FlaskIntegration

    def keep(context: dict[str, Any]) -> bool:
        return "/health" not in context.get("wsgi_environ", {}).get("PATH_INFO", "")

    sentry_sdk.init(traces_sampler=keep, integrations=[FlaskIntegration()])
    app = flask.Flask("store")

    @app.get("/health")
    def health() -> str:
        return "well"

    @app.post("/order")
    def order() -> str:
        raise LookupError("sold out")

    yield app.test_client()
    sentry_sdk.init()
