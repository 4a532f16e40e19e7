"""``traceparent`` and ``tracestate`` (W3C Trace Context Level 2)."""

from __future__ import annotations

import re

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Problem, SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of, parts_of
from pytest_traces.propagation.formats.tracestate import read_tracestate, write_tracestate

NAME = "tracecontext"
#: Of a later version a header may be longer than the 55 characters of version 00.
LIMIT = 512

_SOURCE = "W3C Trace Context"
_SAMPLED, _RANDOM = 0x01, 0x02
_BYTE = re.compile("[0-9a-f]{2}")
_VERSION = f"the version must be two lower-case hex digits and a dash ({_SOURCE}, 3.2.2.1)"
_FORBIDDEN = f"the version ff is forbidden ({_SOURCE}, 3.2.2.1)"
_FIELDS = (
    f"the header must be version, trace id, parent id and flags, with dashes ({_SOURCE}, 3.2.2)"
)
_TRAILING = f"nothing may follow the flags in version 00 ({_SOURCE}, 3.2.2.2)"
_FLAGS = f"the flags must be two lower-case hex digits ({_SOURCE}, 3.2.2.5)"
_OTHER_FLAGS = f"flags other than 01 and 02 must be zero ({_SOURCE}, 3.2.2.5.3)"


def read(headers: Headers) -> SpanContext | None:
    """The context of ``traceparent``, with the members of ``tracestate``.

    A header of a later version is read as far as version 00 goes, and of its flags the sampled
    bit (3.2.4). ``tracestate`` is looked at only if ``traceparent`` is valid, and cannot
    invalidate it (3.3).

    Raises:
        InvalidContext: ``traceparent`` is there twice, or breaks a rule.
    """
    header = headers.only(NAME, "traceparent", limit=LIMIT)
    if header is None:
        return None
    trace_id, span_id, flags, problems = _fields(header)
    members, broken = read_tracestate(headers.all("tracestate"))
    return SpanContext(
        trace_id,
        span_id,
        sampled=bool(flags & _SAMPLED),
        flags=flags,
        tracestate=members,
        format=NAME,
        problems=problems + broken,
    )


def _fields(header: Header) -> tuple[str, str, int, tuple[Problem, ...]]:
    parts = parts_of(header.text, "-")
    version, where = parts[0]
    if not _BYTE.fullmatch(version):
        raise header.invalid(NAME, _VERSION, where)
    if version == "ff":
        raise header.invalid(NAME, _FORBIDDEN, where)
    if len(parts) < 4:
        raise header.invalid(NAME, _FIELDS)
    for (text, where), digits, name, section in zip(
        parts[1:3], (32, 16), ("trace id", "parent id"), ("3.2.2.3", "3.2.2.4"), strict=True
    ):
        fault = fault_of(text, (digits,))
        if fault:
            raise header.invalid(NAME, f"the {name} {fault} ({_SOURCE}, {section})", where)
    flags, where = parts[3]
    if not _BYTE.fullmatch(flags):
        raise header.invalid(NAME, _FLAGS, where)
    bits = int(flags, 16)
    problems: tuple[Problem, ...] = ()
    if version != "00":
        bits &= _SAMPLED  # what other bits a later version has is not known here
    elif len(parts) > 4:
        raise header.invalid(NAME, _TRAILING, (where[1], len(header.text)))
    elif bits & ~(_SAMPLED | _RANDOM):
        problems = (header.problem(_OTHER_FLAGS, where),)
    return parts[1][0], parts[2][0], bits, problems


def write(context: SpanContext) -> dict[str, str]:
    """``traceparent`` of version 00, and ``tracestate`` if there is any.

    An undecided context is written as not sampled, as 3.2.2.5.1 has it; flags that are not
    defined are written as zero (3.2.2.5.3).

    Raises:
        BadValue: ``tracestate`` cannot hold what is in it.
    """
    bits = (context.flags or 0) & _RANDOM | (_SAMPLED if context.sampled else 0)
    written = {"traceparent": f"00-{context.trace_id}-{context.span_id}-{bits:02x}"}
    if context.tracestate:
        written["tracestate"] = write_tracestate(context.tracestate)
    return written


FORMAT = Format(NAME, ("traceparent",), ("tracestate",), read, write)
