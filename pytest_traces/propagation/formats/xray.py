"""``X-Amzn-Trace-Id`` (AWS X-Ray Developer Guide, Concepts, "Tracing header")."""

from __future__ import annotations

import re

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import SpanContext
from pytest_traces.propagation.formats.format import Format, fault_of, parts_of
from pytest_traces.settings import BadValue

NAME = "xray"
#: Load balancers of AWS rewrite a request of more than 7 KB of headers.
LIMIT = 7 * 1024

_SOURCE = "AWS X-Ray, Tracing header"
_FIELD = f"a field must be a name, '=' and a value, with ';' between fields ({_SOURCE})"
_TWICE = f"a field must be there once ({_SOURCE})"
_ROOT = f"the field Root must be there ({_SOURCE})"
_VERSION = f"the trace id must be 1-, 8 hex digits, - and 24 hex digits ({_SOURCE})"
_SAMPLED = f"Sampled must be 1, 0 or ? ({_SOURCE})"
_STATES = {"1": True, "0": False, "?": None}
_NAME = re.compile("[A-Za-z0-9_-]+")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e]*")

Parts = dict[str, tuple[str, tuple[int, int]]]


def read(headers: Headers) -> SpanContext | None:
    """The context of ``X-Amzn-Trace-Id``.

    Without the field Parent, as a load balancer writes it, the trace is known and no span of it.
    Without Sampled, or with ``?``, the decision is the receiver's. Other fields are extra.

    Raises:
        InvalidContext: the header is there twice, or breaks a rule.
    """
    header = headers.only(NAME, "x-amzn-trace-id", limit=LIMIT)
    if header is None:
        return None
    fields = _fields(header)
    if "Root" not in fields:
        raise header.invalid(NAME, _ROOT)
    span_id = None
    if "Parent" in fields:
        span_id, where = fields["Parent"]
        fault = fault_of(span_id, (16,), any_case=True)
        if fault:
            raise header.invalid(NAME, f"the parent id {fault} ({_SOURCE})", where)
        span_id = span_id.lower()
    state, where = fields.get("Sampled", ("?", (0, 0)))
    if state not in _STATES:
        raise header.invalid(NAME, _SAMPLED, where)
    return SpanContext(
        _trace_id(header, fields),
        span_id,
        sampled=_STATES[state],
        extra=tuple(
            (name, value)
            for name, (value, _) in fields.items()
            if name not in ("Root", "Parent", "Sampled")
        ),
        format=NAME,
    )


def _fields(header: Header) -> Parts:
    fields: Parts = {}
    for part, (_, end) in parts_of(header.text, ";"):
        text = part.strip(" \t")
        if not text:
            continue  # a ';' at the end
        start = end - len(part.lstrip(" \t"))
        name, sign, value = text.partition("=")
        if not sign or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise header.invalid(NAME, _FIELD, (start, start + len(text)))
        if name in fields:
            raise header.invalid(NAME, _TWICE, (start, start + len(text)))
        fields[name] = value, (start + len(name) + 1, start + len(text))
    return fields


def _trace_id(header: Header, fields: Parts) -> str:
    text, where = fields["Root"]
    version, *rest = text.split("-")
    if version != "1" or [len(one) for one in rest] != [8, 24]:
        raise header.invalid(NAME, _VERSION, where)
    trace_id = "".join(rest)
    fault = fault_of(trace_id, (32,), any_case=True)
    if fault:
        raise header.invalid(NAME, f"the trace id {fault} ({_SOURCE})", where)
    return trace_id.lower()


def write(context: SpanContext) -> dict[str, str]:
    """The header; without a decision there is no field Sampled.

    Raises:
        BadValue: an extra field that the header cannot hold.
    """
    fields = [("Root", f"1-{context.trace_id[:8]}-{context.trace_id[8:]}")]
    if context.span_id is not None:
        fields.append(("Parent", context.span_id))
    if context.sampled is not None:
        fields.append(("Sampled", "1" if context.sampled else "0"))
    known = {name for name, _ in fields}
    for name, value in context.extra if context.format == NAME else ():
        if name in known | {"Parent", "Sampled"} or not _NAME.fullmatch(name):
            raise BadValue(
                "extra", name, "it is the name of a field of its own, of A-Z a-z 0-9 _ -"
            )
        if not _VALUE.fullmatch(value):
            raise BadValue("extra", value, "it is printable ASCII without ';' and spaces")
        known.add(name)
        fields.append((name, value))
    return {"X-Amzn-Trace-Id": ";".join(f"{name}={value}" for name, value in fields)}


FORMAT = Format(NAME, ("x-amzn-trace-id",), (), read, write, partial=True)
