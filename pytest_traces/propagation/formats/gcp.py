"""``X-Cloud-Trace-Context`` (Google Cloud, Trace context)."""

from __future__ import annotations

import re

from pytest_traces.propagation.carriers import Headers
from pytest_traces.propagation.context import Problem, SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of

NAME = "gcp"
LIMIT = 128

_SOURCE = "Google Cloud, Trace context"
_FORM = f"the header must be TRACE_ID/SPAN_ID;o=OPTIONS ({_SOURCE})"
_SPAN = f"the span id must be a decimal number from 1 to 18446744073709551615 ({_SOURCE})"
_OPTIONS = f"the options must be 0 or 1 ({_SOURCE})"
_LEGACY = f"the options are written 0 or 1, of other numbers the last bit counts ({_SOURCE})"
_DECIMAL = re.compile("[0-9]{1,20}")
_BYTE = re.compile("[0-9]{1,3}")


def read(headers: Headers) -> SpanContext | None:
    """The context of ``X-Cloud-Trace-Context``; without options the decision is the receiver's.

    Raises:
        InvalidContext: the header is there twice, or breaks a rule.
    """
    header = headers.only(NAME, "x-cloud-trace-context", limit=LIMIT)
    if header is None:
        return None
    text = header.text
    ids, semicolon, tail = text.partition(";")
    trace_id, slash, span = ids.partition("/")
    if not slash or (semicolon and not tail.startswith("o=")):
        raise header.invalid(NAME, _FORM)
    fault = fault_of(trace_id, (32,), any_case=True)
    if fault:
        where = (0, len(trace_id))
        raise header.invalid(NAME, f"the trace id {fault} ({_SOURCE})", where)
    number = int(span) if _DECIMAL.fullmatch(span) else 0
    if not 0 < number < 2**64:
        raise header.invalid(NAME, _SPAN, (len(trace_id) + 1, len(ids)))
    sampled = None
    problems: tuple[Problem, ...] = ()
    if semicolon:
        options = tail.removeprefix("o=")
        where = (len(text) - len(options), len(text))
        if not _BYTE.fullmatch(options):
            raise header.invalid(NAME, _OPTIONS, where)
        if int(options) > 1:
            problems = (header.problem(_LEGACY, where),)
        sampled = bool(int(options) & 1)
    return SpanContext(
        trace_id.lower(), f"{number:016x}", sampled=sampled, format=NAME, problems=problems
    )


def write(context: SpanContext) -> dict[str, str]:
    """The header; without a decision there are no options."""
    value = f"{context.trace_id}/{int(str(context.span_id), 16)}"
    if context.sampled is not None:
        value += f";o={int(context.sampled)}"
    return {"x-cloud-trace-context": value}


FORMAT = Format(NAME, ("x-cloud-trace-context",), (), read, write)
