"""What the shop tells OpenTelemetry, in code; the others leave it to `opentelemetry-instrument`.

Where the spans go, under which name, and how soon: the environment says so (``OTEL_*``).
"""

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from sqlalchemy import Engine


def set_up(app: FastAPI, engine: Engine) -> None:
    """Spans for what the shop serves, asks and reads."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    # Without `exclude_spans`, each ASGI message would be a span too.
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["send", "receive"])
    HTTPXClientInstrumentor().instrument()
    SQLAlchemyInstrumentor().instrument(engine=engine)
