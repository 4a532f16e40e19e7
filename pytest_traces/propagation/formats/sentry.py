"""``sentry-trace`` and the ``sentry-*`` members of ``baggage`` (Sentry, Trace Propagation)."""

from __future__ import annotations

import re

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Pairs, Problem, SpanContext
from pytest_traces.propagation.formats.format import Format
from pytest_traces.propagation.members import (
    BaggageMember,
    check_member,
    members_of,
    write_members,
)
from pytest_traces.settings import BadValue

NAME = "sentry"
LIMIT = 256

_SOURCE = "Sentry, Trace Propagation"
_FORM = (
    "the header must be 32 and 16 lower-case hex digits and, if wanted, 1 or 0, with hyphens "
    f"({_SOURCE})"
)
_STRICT = re.compile("([0-9a-f]{32})-([0-9a-f]{16})(?:-([01]))?")
#: What the SDK for Python reads all the same.
_LENIENT = re.compile("([0-9a-f]{32})-?([0-9a-f]{16})?-?([01])?")
_FORGIVEN = f"{_FORM}; the SDKs read this one all the same"
_ONCE = f"the header must be there once; the SDKs read the first ({_SOURCE})"
_PREFIX = "sentry-"


def read(headers: Headers) -> SpanContext | None:
    """The context of ``sentry-trace``, with the dynamic sampling context as extra.

    What the grammar does not have and the SDK for Python reads nevertheless is a problem, and
    the trace is continued, since that SDK continues it: a trace without a span, a missing
    hyphen, several headers.

    Raises:
        InvalidContext: the header breaks a rule.
    """
    found = headers.all("sentry-trace")
    if not found:
        return None
    header = found[0]
    if len(header.value) > LIMIT:
        raise header.invalid(NAME, f"no sentry-trace has more than {LIMIT} characters ({_SOURCE})")
    problems = [other.problem(_ONCE) for other in found[1:2]]
    trace_id, span_id, sampled = _fields(header, problems)
    extra, broken = _sampling_context(headers)
    return SpanContext(
        trace_id,
        span_id,
        sampled={"1": True, "0": False}.get(sampled or ""),
        extra=extra,
        format=NAME,
        problems=(*problems, *broken),
    )


def _fields(header: Header, problems: list[Problem]) -> tuple[str, str | None, str | None]:
    text = header.text
    found = _STRICT.fullmatch(text)
    if found is None:
        # Proxies join several headers with commas.
        first = next((part for one in text.split(",") if (part := one.strip(" \t"))), "")
        if first.startswith("00-") and first.endswith("-00"):
            first = first[3:-3]
        found = _LENIENT.fullmatch(first)
        if found is None:
            raise header.invalid(NAME, _FORM)
        problems.append(header.problem(_FORGIVEN))
    return found[1], found[2], found[3]


def _sampling_context(headers: Headers) -> tuple[Pairs, tuple[Problem, ...]]:
    """The members of ``baggage`` that are Sentry's; other members are none of its business."""
    # A process is given the header as the variable SENTRY_BAGGAGE.
    members, broken = members_of(headers.all("baggage", "sentry-baggage"))
    own = {one.key: one.value for one in members if one.key.startswith(_PREFIX)}
    return tuple(own.items()), tuple(one for one in broken if _is_own(one))


def _is_own(problem: Problem) -> bool:
    start, end = problem.span or (0, 0)
    return problem.value[start:end].lstrip().startswith(_PREFIX)


def write(context: SpanContext) -> dict[str, str]:
    """``sentry-trace``, and ``baggage`` if the context has a dynamic sampling context.

    Raises:
        BadValue: an extra member whose name does not begin with ``sentry-``; a decision for a
            trace without a span.
    """
    parts = [context.trace_id]
    if context.span_id is not None:
        parts.append(context.span_id)
    elif context.sampled is not None:
        raise BadValue("sampled", context.sampled, "sentry-trace has it only beside a span id")
    if context.sampled is not None:
        parts.append("1" if context.sampled else "0")
    written = {"sentry-trace": "-".join(parts)}
    own = context.extra if context.format == NAME else ()
    for name, _ in own:
        if not name.startswith(_PREFIX):
            raise BadValue("extra", name, "the members of Sentry begin with 'sentry-'")
    members = [check_member(BaggageMember(name, value)) for name, value in own]
    if members:
        written["baggage"] = write_members(members)
    return written


FORMAT = Format(NAME, ("sentry-trace",), ("baggage",), read, write, partial=True)
