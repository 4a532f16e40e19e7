"""``ot-tracer-*`` of the OpenTracing basic tracers.

The tracers never wrote their headers down; what is known of them is in OpenTelemetry's Propagators
API, "OT Trace", and in opentracing/basictracer-python.
"""

from __future__ import annotations

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of
from pytest_traces.settings import BadValue

NAME = "ottrace"
LIMIT = 128

TRACE_ID = "ot-tracer-traceid"
SPAN_ID = "ot-tracer-spanid"
SAMPLED = "ot-tracer-sampled"
_SOURCE = "OpenTracing basic tracer"
_STATES = {"true": True, "false": False, "1": True, "0": False}
_STATE = f"ot-tracer-sampled must be true or false ({_SOURCE})"


def read(headers: Headers) -> SpanContext | None:
    """The context of the ``ot-tracer-*`` headers; trace ids of 64 and 128 bits are read.

    Raises:
        InvalidContext: a header is missing, is there twice, or breaks a rule.
    """
    trace, span, sampled = (
        headers.only(NAME, name, limit=LIMIT) for name in (TRACE_ID, SPAN_ID, SAMPLED)
    )
    given = trace or span or sampled
    if given is None:
        return None
    if trace is None or span is None:
        missing = TRACE_ID if trace is None else SPAN_ID
        raise given.invalid(NAME, f"the header {missing} is required beside it ({_SOURCE})")
    state = None if sampled is None else _STATES.get(sampled.text.lower())
    if sampled is not None and state is None:
        raise sampled.invalid(NAME, _STATE)
    return SpanContext(
        _id(trace, "trace id", (16, 32)).rjust(32, "0"),
        _id(span, "span id", (16,)),
        sampled=state,
        format=NAME,
    )


def _id(header: Header, name: str, lengths: tuple[int, ...]) -> str:
    fault = fault_of(header.text, lengths, any_case=True)
    if fault:
        raise header.invalid(NAME, f"the {name} {fault} ({_SOURCE})", (0, len(header.text)))
    return header.text.lower()


def write(context: SpanContext) -> dict[str, str]:
    """The headers. The trace id is cut to its last 64 bits, which is all that the format has.

    Raises:
        BadValue: those are all zero.
    """
    trace_id = context.trace_id[16:]
    if not trace_id.strip("0"):
        raise BadValue("trace_id", context.trace_id, "ottrace needs its last 16 digits")
    written = {TRACE_ID: trace_id, SPAN_ID: str(context.span_id)}
    if context.sampled is not None:
        written[SAMPLED] = "true" if context.sampled else "false"
    return written


FORMAT = Format(NAME, (TRACE_ID, SPAN_ID), (SAMPLED,), read, write)
