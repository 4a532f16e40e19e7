"""What the shop tells OpenTelemetry, by OpenTelemetry's own instrumentation packages."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import Engine


def tracer_provider(service: str) -> TracerProvider:
    """The provider of one service.

    A deployment adds a span processor with its exporter here. The tests need none: pytest-traces
    records the spans of every provider, whether they are exported or not.
    """
    return TracerProvider(resource=Resource.create({SERVICE_NAME: service}))


def instrument_app(app: FastAPI, provider: TracerProvider) -> None:
    """A server span for each request.

    Without `exclude_spans`, each ASGI message would be a span too: ``POST /checkout http send``.
    """
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, exclude_spans=["send", "receive"]
    )


def instrument_client(client: httpx.Client, provider: TracerProvider) -> None:
    """A client span for each request, and its context in the request's ``traceparent`` header."""
    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)


@contextmanager
def instrumented(engine: Engine, provider: TracerProvider) -> Iterator[None]:
    """A client span for each statement, and one for each connection taken from the pool.

    Undone at the end, because this instrumentation changes SQLAlchemy for the whole process.
    """
    instrumentor = SQLAlchemyInstrumentor()
    instrumentor.instrument(engine=engine, tracer_provider=provider)
    try:
        yield
    finally:
        instrumentor.uninstrument()
