"""``x-datadog-*`` (Datadog, Trace Context Propagation; dd-trace-py where that says nothing)."""

from __future__ import annotations

import re

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Pairs, Problem, SpanContext
from pytest_traces.propagation.formats.format import Format, parts_of
from pytest_traces.settings import BadValue

NAME = "datadog"
#: What the tracers read, and write, of x-datadog-tags.
LIMIT = 512

TRACE_ID = "x-datadog-trace-id"
PARENT_ID = "x-datadog-parent-id"
PRIORITY = "x-datadog-sampling-priority"
ORIGIN = "x-datadog-origin"
TAGS = "x-datadog-tags"
#: The upper 64 bits of the trace id, which the trace id's own header has no room for.
UPPER = "_dd.p.tid"
_PREFIX = "_dd.p."
_SOURCE = "Datadog, Trace Context Propagation"
_TRACE_RULE = f"the trace id must be a decimal number of 64 bits, and not 0 ({_SOURCE})"
_PARENT_RULE = f"the parent id must be a decimal number of 64 bits ({_SOURCE})"
_PRIORITY_RULE = f"the sampling priority must be a whole number, -1 to 2 ({_SOURCE})"
_MISSING = f"the header {TRACE_ID} is required beside it ({_SOURCE})"
_LENGTH = f"the header must have at most {LIMIT} characters ({_SOURCE})"
_ONCE = "the header must be there once (RFC 9110, 5.3)"
_TAGS_RULE = f"the tags must be name=value, with commas ({_SOURCE})"
_UPPER_RULE = f"{UPPER} must be 16 lower-case hex digits ({_SOURCE})"
_DECIMAL = re.compile("[0-9]{1,20}")
_NUMBER = re.compile("-?[0-9]{1,9}")
_UPPER = re.compile("[0-9a-f]{16}")
_TAG = re.compile(r"([\x21-\x2b\x2d-\x3c\x3e-\x7e]+)=([\x20-\x2b\x2d-\x7e]+)")
_TEXT = re.compile(r"[\x20-\x7e]+")


def read(headers: Headers) -> SpanContext | None:
    """The context of the ``x-datadog-*`` headers.

    A parent id that is missing or 0 names no span: a browser or a synthetic test has none. The
    priority decides about sampling, and is extra where it is more than a yes or no (-1, 2).
    Tags that cannot be read are dropped, and the upper half of the trace id with them.

    Raises:
        InvalidContext: a number is missing or malformed, or a header is there twice.
    """
    trace, parent, priority = (
        headers.only(NAME, name, limit=LIMIT) for name in (TRACE_ID, PARENT_ID, PRIORITY)
    )
    if trace is None:
        others = headers.all(PARENT_ID, PRIORITY, ORIGIN, TAGS)
        if not others:
            return None
        raise others[0].invalid(NAME, _MISSING)
    low = _number(trace, _TRACE_RULE)
    if not low:
        raise trace.invalid(NAME, _TRACE_RULE, (0, len(trace.text)))
    span = 0 if parent is None else _number(parent, _PARENT_RULE)
    sampled, extra = _decision(priority)
    problems: list[Problem] = []
    origin = _first(headers, ORIGIN, problems)
    if origin is not None:
        extra += (("origin", origin.text),)
    upper, tags = _tags(_first(headers, TAGS, problems), problems)
    return SpanContext(
        f"{upper}{low:016x}",
        f"{span:016x}" if span else None,
        sampled=sampled,
        extra=extra + tags,
        format=NAME,
        problems=tuple(problems),
    )


def _first(headers: Headers, name: str, problems: list[Problem]) -> Header | None:
    """A header that only adds to the context: what cannot be read of it is left out."""
    found = [header for header in headers.all(name) if header.text]
    problems += [header.problem(_ONCE) for header in found[1:2]]
    if found and len(found[0].value) > LIMIT:
        problems.append(found[0].problem(_LENGTH))
        return None
    return found[0] if found else None


def _number(header: Header, rule: str) -> int:
    number = int(header.text) if _DECIMAL.fullmatch(header.text) else 2**64
    if number >= 2**64:
        raise header.invalid(NAME, rule, (0, len(header.text)))
    return number


def _decision(header: Header | None) -> tuple[bool | None, Pairs]:
    if header is None:
        return None, ()
    if not _NUMBER.fullmatch(header.text):
        raise header.invalid(NAME, _PRIORITY_RULE, (0, len(header.text)))
    priority = int(header.text)
    plain = priority in (0, 1)
    return priority > 0, () if plain else (("sampling_priority", str(priority)),)


def _tags(header: Header | None, problems: list[Problem]) -> tuple[str, Pairs]:
    """The upper half of the trace's id, and the other tags of the trace."""
    upper = "0" * 16
    if header is None:
        return upper, ()
    tags: dict[str, str] = {}
    for part, where in parts_of(header.text, ","):
        tag = _TAG.fullmatch(part.strip(" \t"))
        if tag is None:
            problems.append(header.problem(_TAGS_RULE, where))
            return upper, ()
        if tag[1].startswith(_PREFIX):
            tags[tag[1]] = tag[2]
    given = tags.pop(UPPER, upper)
    if _UPPER.fullmatch(given):
        upper = given
    else:
        problems.append(header.problem(_UPPER_RULE))
    return upper, tuple(tags.items())


def priority_of(context: SpanContext) -> int | None:
    """Datadog's sampling priority: -1 and 0 drop, 1 and 2 keep; None if nothing was decided.

    Raises:
        BadValue: the extra ``sampling_priority`` is no number, or contradicts ``sampled``.
    """
    given = dict(context.extra).get("sampling_priority") if context.format == NAME else None
    if given is None:
        decided = None if context.sampled is None else int(context.sampled)
        return 2 if context.debug else decided
    if not _NUMBER.fullmatch(given):
        raise BadValue("extra", given, "a sampling priority is a whole number, -1 to 2")
    if context.sampled not in (int(given) > 0, None):
        raise BadValue("extra", given, f"sampled={context.sampled} says otherwise")
    return int(given)


def write(context: SpanContext) -> dict[str, str]:
    """The headers. Tags that are longer than what the tracers read are left out.

    Raises:
        BadValue: an origin or a tag that a header cannot hold; a trace id whose last 64 bits
            are zero.
    """
    low = int(context.trace_id[16:], 16)
    if not low:
        raise BadValue("trace_id", context.trace_id, "datadog needs its last 16 digits")
    written = {TRACE_ID: str(low)}
    if context.span_id is not None:
        written[PARENT_ID] = str(int(context.span_id, 16))
    priority = priority_of(context)
    if priority is not None:
        written[PRIORITY] = str(priority)
    extra = dict(context.extra) if context.format == NAME else {}
    origin = extra.get("origin")
    if origin is not None:
        if not _TEXT.fullmatch(origin) or origin.strip(" ") != origin:
            raise BadValue("extra", origin, "an origin is printable ASCII")
        written[ORIGIN] = origin
    tags = [f"{name}={value}" for name, value in extra.items() if name.startswith(_PREFIX)]
    for tag in tags:
        if not _TAG.fullmatch(tag) or tag.strip(" ") != tag:
            raise BadValue("extra", tag, "a tag is printable ASCII without a comma")
    if not context.trace_id.startswith("0" * 16):
        tags.append(f"{UPPER}={context.trace_id[:16]}")
    line = ",".join(tags)
    if 0 < len(line) <= LIMIT:
        written[TAGS] = line
    return written


FORMAT = Format(NAME, (TRACE_ID, PARENT_ID), (PRIORITY, ORIGIN, TAGS), read, write, partial=True)
