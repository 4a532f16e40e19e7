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
def client(context_is_lost: bool) -> Iterator[TestClient]:
    app = instrumented()
    bank = httpx.Client(transport=InItsOwnContext(TestClient(payments())), base_url="http://bank")
    HTTPXClientInstrumentor.instrument_client(bank)

    @app.post("/checkout")
    def checkout() -> None:
        with tracer.start_as_current_span("SELECT orders", kind=trace.SpanKind.CLIENT):
            pass
        bank.post("/charge")
        publish(contextvars.Context() if context_is_lost else contextvars.copy_context())

    with bank:
        yield TestClient(app)
