"""``uber-trace-id`` (Jaeger, Client Libraries, "Propagation Format").

Jaeger writes no case of letters and no number of digits: ids are hex numbers, filled with zeros
on the left by who reads them. Over HTTP the value may be URL-encoded.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Problem, SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of, parts_of

NAME = "jaeger"
#: More than the longest value with each of its characters URL-encoded.
LIMIT = 256

_SOURCE = "Jaeger, Propagation Format"
_FIELDS = f"the header must be trace id, span id, parent span id and flags, with colons ({_SOURCE})"
_FLAGS_RULE = f"the flags must be one byte as one or two hex digits ({_SOURCE})"
_PARENT_RULE = f"the parent span id must be 1 to 16 hex digits; receivers ignore it ({_SOURCE})"
_FLAGS = re.compile("[0-9A-Fa-f]{1,2}")
_SAMPLED, _DEBUG = 0x01, 0x02


def read(headers: Headers) -> SpanContext | None:
    """The context of ``uber-trace-id``. The debug flag counts only with the sampled one.

    Raises:
        InvalidContext: the header is there twice, or breaks a rule.
    """
    header = headers.only(NAME, "uber-trace-id", limit=LIMIT)
    if header is None:
        return None
    text = header.text
    # Positions in what was decoded are none in what was sent.
    encoded = "%" in text
    parts = parts_of(unquote(text) if encoded else text, ":")
    if len(parts) != 4:
        raise header.invalid(NAME, _FIELDS)
    where = [None if encoded else span for _, span in parts]
    trace_id, span_id, parent, flags = (part for part, _ in parts)
    for name, given, longest, span in (
        ("trace id", trace_id, 32, where[0]),
        ("span id", span_id, 16, where[1]),
    ):
        fault = _fault(given, longest)
        if fault:
            raise header.invalid(NAME, f"the {name} {fault} ({_SOURCE})", span)
    if not _FLAGS.fullmatch(flags):
        raise header.invalid(NAME, _FLAGS_RULE, where[3])
    bits = int(flags, 16)
    parent_id, problems = _parent(header, parent, where[2])
    sampled = bool(bits & _SAMPLED)
    return SpanContext(
        trace_id.lower().rjust(32, "0"),
        span_id.lower().rjust(16, "0"),
        sampled=sampled,
        debug=sampled and bool(bits & _DEBUG),
        parent_id=parent_id,
        format=NAME,
        problems=problems,
    )


def _fault(text: str, longest: int) -> str | None:
    if not 1 <= len(text) <= longest:
        return f"must have 1 to {longest} hex digits, not {len(text)} characters"
    return fault_of(text, (len(text),), any_case=True)


def _parent(
    header: Header, text: str, where: tuple[int, int] | None
) -> tuple[str | None, tuple[Problem, ...]]:
    """It is deprecated, and 0 for a root; nothing that stands there ends the trace."""
    fault = _fault(text, 16)
    if fault is None:
        return text.lower().rjust(16, "0"), ()
    if text and not text.strip("0"):
        return None, ()
    return None, (header.problem(_PARENT_RULE, where),)


def write(context: SpanContext) -> dict[str, str]:
    """The header; an undecided context is written as not sampled, there is no third state."""
    flags = (_SAMPLED if context.sampled else 0) | (_DEBUG if context.debug else 0)
    parent = context.parent_id or "0"
    return {"uber-trace-id": f"{context.trace_id}:{context.span_id}:{parent}:{flags:x}"}


FORMAT = Format(NAME, ("uber-trace-id",), (), read, write)
