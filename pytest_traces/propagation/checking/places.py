"""Where in its headers a context says what."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pytest_traces.model import Headers
from pytest_traces.propagation import SpanContext

#: The headers of each format that carry trace id, span id and sampled bit.
_CARRYING = {
    "tracecontext": ("traceparent", "traceparent", "traceparent"),
    "b3": ("b3", "b3", "b3"),
    "b3multi": ("x-b3-traceid", "x-b3-spanid", "x-b3-sampled"),
    "jaeger": ("uber-trace-id", "uber-trace-id", "uber-trace-id"),
    "xray": ("x-amzn-trace-id", "x-amzn-trace-id", "x-amzn-trace-id"),
    "datadog": ("x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority"),
    "sentry": ("sentry-trace", "sentry-trace", "sentry-trace"),
    "gcp": ("x-cloud-trace-context", "x-cloud-trace-context", "x-cloud-trace-context"),
    "ottrace": ("ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled"),
}
Part = Literal["trace", "parent", "sampled"]
_PARTS: tuple[Part, ...] = ("trace", "parent", "sampled")


class Place(NamedTuple):
    """A part of a header as it was sent."""

    header: str
    value: str
    place: tuple[int, int] | None


def place_of(headers: Headers, name: str, context: SpanContext, part: Part) -> Place:
    """Where the headers say the trace id, the span id or the sampled bit of a context."""
    wanted = _CARRYING[name][_PARTS.index(part)]
    sent = next(((key, value) for key, value in headers if key.lower() == wanted), None)
    if sent is None:  # a part that may be left out
        wanted = _CARRYING[name][0]
        sent = next(((key, value) for key, value in headers if key.lower() == wanted), None)
        if sent is None:
            return Place(wanted, "", None)
        return Place(*sent, None)
    if part == "sampled":
        return Place(*sent, _sampled_place(name, sent[1]))
    begin = 0
    if part == "parent" and _CARRYING[name][0] == wanted:  # it stands behind the trace id
        trace = _id_place(sent[1], context.trace_id, 0)
        begin = 0 if trace is None else trace[1]
    wanted_id = context.trace_id if part == "trace" else context.span_id
    return Place(*sent, None if wanted_id is None else _id_place(sent[1], wanted_id, begin))


def _id_place(value: str, wanted: str, begin: int) -> tuple[int, int] | None:
    """The place of an id, in any of the ways in which formats write one."""
    number = int(wanted, 16)
    dashed = f"{wanted[:8]}-{wanted[8:]}"  # X-Ray's root
    short = number & 0xFFFF_FFFF_FFFF_FFFF
    for text in (wanted, dashed, wanted[-16:], str(short), f"{number:x}", f"{short:x}"):
        start = value.lower().find(text, begin)
        if start >= 0:
            return start, start + len(text)
    return None


def _sampled_place(name: str, value: str) -> tuple[int, int] | None:
    if name in ("tracecontext", "jaeger", "sentry"):
        return value.rfind("-" if name != "jaeger" else ":") + 1, len(value)
    if name == "b3":
        begin = value.find("-", value.find("-") + 1) + 1
        end = value.find("-", begin)
        return begin, len(value) if end < 0 else end
    if name in ("xray", "gcp"):
        begin = value.lower().find("sampled=" if name == "xray" else "o=")
        return None if begin < 0 else (begin, begin + len("sampled=1" if name == "xray" else "o=1"))
    return 0, len(value)
