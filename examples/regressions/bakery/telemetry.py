"""What the bakery tells OpenTelemetry, by OpenTelemetry's own instrumentation packages."""

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


def tracer_provider() -> TracerProvider:
    """A deployment adds a span processor with its exporter here; the tests need none."""
    return TracerProvider(resource=Resource.create({SERVICE_NAME: "bakery"}))


def instrument_client(client: httpx.AsyncClient, provider: TracerProvider) -> None:
    """A client span for each request."""
    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)


@contextmanager
def instrumented(app: FastAPI, engine: Engine, provider: TracerProvider) -> Iterator[None]:
    """A span for each request to the bakery, for each statement, and for each connection.

    Without `exclude_spans`, each ASGI message would be a span too: ``GET /orders http send``.
    """
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=provider, exclude_spans=["send", "receive"]
    )
    statements = SQLAlchemyInstrumentor()
    statements.instrument(engine=engine, tracer_provider=provider)
    try:
        yield
    finally:
        # It changes SQLAlchemy for the whole process.
        statements.uninstrument()
