"""Spans of OpenTelemetry on which Sentry has the say, and was not asked."""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.sources.sentry.current import is_streaming

_PROCESSOR = "sentry_sdk.integrations.opentelemetry.span_processor"


def unasked() -> str | None:
    """Why Sentry's span processor asks nobody for a decision; None where it does, or is not used.

    With ``instrumenter="otel"`` it is Sentry that keeps a span or drops it, but its processor does
    nothing without a DSN, nor where spans are sent one by one.
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    processor = getattr(sys.modules.get(_PROCESSOR), "SentrySpanProcessor", None)
    if not hasattr(processor, "instance"):  # nobody has made one
        return None
    client = sdk.get_client()
    options = client.options if client.is_active() else {}
    if options.get("instrumenter") != "otel":
        return None
    if is_streaming():
        return "its span processor does nothing where trace_lifecycle is 'stream'"
    return None if options.get("dsn") else "its span processor does nothing without a DSN"
