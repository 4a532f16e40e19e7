"""The span of Sentry that is current, asked without making a scope that was not there."""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.recording import SpanKey


def current_span() -> Any:
    """The current span, of either life; None where there is none.

    ``get_current_scope()`` would make a scope and leave it in the context of whoever asks, so
    the context variables behind it are read (private, the same from 2.20 to 2.75).
    """
    module: Any = sys.modules.get("sentry_sdk.scope")
    if module is None:
        return None
    # What start_span looks at, in this order.
    for name in ("_current_scope", "_isolation_scope"):
        variable = getattr(module, name, None)
        scope = variable.get() if variable is not None else None
        span = getattr(scope, "_span", None)
        if span is not None:
            return span
    return None


def current_key() -> SpanKey | None:
    """Its trace id and span id, if it has any."""
    span = current_span()
    if span is None or type(span).__name__ == "NoOpSpan":
        return None
    trace_id, span_id = getattr(span, "trace_id", None), getattr(span, "span_id", None)
    # Before 2.65 the ids of a streamed span that is not sampled are zeros.
    return (trace_id, span_id) if trace_id and span_id and span_id.strip("0") else None


def is_streaming() -> bool:
    """Whether the client of the calling context sends each span by itself."""
    sdk: Any = sys.modules.get("sentry_sdk")
    try:
        options = sdk.get_client().options or {}
    except AttributeError:  # not imported, or only in part
        return False
    chosen = options.get("trace_lifecycle")
    if chosen is None:
        chosen = (options.get("_experiments") or {}).get("trace_lifecycle")
    return bool(chosen == "stream")
