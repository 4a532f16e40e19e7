"""B3 in several headers: ``X-B3-TraceId`` and its kin (openzipkin/b3-propagation, README)."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Problem, SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of

NAME = "b3multi"
#: Longer than any value of B3, with room for what a lenient receiver forgives.
LIMIT = 128

TRACE_ID = "x-b3-traceid"
SPAN_ID = "x-b3-spanid"
PARENT_ID = "x-b3-parentspanid"
SAMPLED = "x-b3-sampled"
FLAGS = "x-b3-flags"
_ALL = (TRACE_ID, SPAN_ID, SAMPLED, PARENT_ID, FLAGS)

_SOURCE = "B3, Multiple Headers"
ALONE = (
    "a sampling decision without ids continues no trace; the receiver starts one of its own "
    "(B3, Identifiers)"
)
_FIRST = f"a header must be there once; the first value wins ({_SOURCE})"
_SAMPLED_RULE = f"the sampling state must be 1 or 0 ({_SOURCE}, Sampling State)"
_WORD = f"the sampling state is written 1 or 0, true and false are forgiven ({_SOURCE})"
#: A root has no parent id at all; some write that as a zero.
ZERO_PARENTS = ("0", "0" * 16)
ZERO_PARENT = "a root has no parent id, where 0 stands (B3, ParentSpanId)"


def read(headers: Headers) -> SpanContext | None:
    """The context of the ``X-B3-*`` headers.

    Raises:
        InvalidContext: an id is missing or malformed, or there is a sampling state alone.
    """
    problems: list[Problem] = []
    found = {name: _first(headers, name, problems) for name in _ALL}
    trace, span = found[TRACE_ID], found[SPAN_ID]
    present = [header for header in found.values() if header is not None]
    if not present:
        return None
    if trace is None or span is None:
        given = trace or span
        if given is None:
            raise present[0].invalid(NAME, ALONE)
        missing = "X-B3-SpanId" if span is None else "X-B3-TraceId"
        raise given.invalid(NAME, f"the header {missing} is required beside it ({_SOURCE})")
    debug, sampled = _decision(found[FLAGS], found[SAMPLED], problems)
    return SpanContext(
        _id(trace, "trace id", (16, 32)).rjust(32, "0"),
        _id(span, "span id", (16,)),
        sampled=sampled,
        debug=debug,
        parent_id=_parent(found[PARENT_ID], problems),
        format=NAME,
        problems=tuple(problems),
    )


def _first(headers: Headers, name: str, problems: list[Problem]) -> Header | None:
    found: Sequence[Header] = headers.all(name)
    if not found:
        return None
    problems.extend(header.problem(_FIRST) for header in found[1:2])
    header = found[0]
    if len(header.value) > LIMIT:
        raise header.invalid(NAME, f"no header of B3 has more than {LIMIT} characters ({_SOURCE})")
    return header


def _id(header: Header, name: str, lengths: tuple[int, ...]) -> str:
    fault = fault_of(header.text, lengths)
    if fault:
        raise header.invalid(NAME, f"the {name} {fault} ({_SOURCE})", (0, len(header.text)))
    return header.text


def _parent(header: Header | None, problems: list[Problem]) -> str | None:
    if header is None:
        return None
    if header.text in ZERO_PARENTS:
        problems.append(header.problem(ZERO_PARENT))
        return None
    return _id(header, "parent span id", (16,))


def _decision(
    flags: Header | None, sampled: Header | None, problems: list[Problem]
) -> tuple[bool, bool | None]:
    """Debug and sampled. Debug implies an accept decision; other flags are ignored."""
    if flags is not None and flags.text == "1":
        return True, True
    if sampled is None:
        return False, None
    text = sampled.text.lower()
    if text in ("true", "false"):
        problems.append(sampled.problem(_WORD))
    elif text not in ("1", "0"):
        raise sampled.invalid(NAME, _SAMPLED_RULE, (0, len(text)))
    return False, text in ("1", "true")


def short(trace_id: str) -> str:
    """A trace id of 64 bits has 16 digits, as the tracers that have such ids write it."""
    return trace_id[16:] if trace_id.startswith("0" * 16) else trace_id


def write(context: SpanContext) -> dict[str, str]:
    """The headers, in lower case as for transports where the case counts."""
    written = {TRACE_ID: short(context.trace_id), SPAN_ID: str(context.span_id)}
    if context.parent_id is not None:
        written[PARENT_ID] = context.parent_id
    if context.debug:
        written[FLAGS] = "1"
    elif context.sampled is not None:
        written[SAMPLED] = "1" if context.sampled else "0"
    return written


FORMAT = Format(NAME, (TRACE_ID, SPAN_ID), (SAMPLED, PARENT_ID, FLAGS), read, write)
