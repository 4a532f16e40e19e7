"""Check 6: members of tracestate and baggage that were asked for, or that came in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from pytest_traces.model import Headers
from pytest_traces.propagation import InvalidContext, extract, extract_baggage
from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.incoming import Incoming
from pytest_traces.settings import BadValue
from pytest_traces.shape.values import value_matches

#: A list that is full may lose its oldest members (W3C Trace Context, 3.3.1.1).
_FULL = 32


class Asked(NamedTuple):
    """Members that have to be there, whether or not they came in."""

    tracestate: Mapping[str, object] = {}
    baggage: Mapping[str, object] = {}


def read_asked(tracestate: object, baggage: object) -> Asked:
    """The arguments of an assertion.

    Raises:
        BadValue: something that is no mapping of texts, or an empty one.
    """
    return Asked(_members("tracestate", tracestate), _members("baggage", baggage))


def _members(where: str, given: object) -> Mapping[str, object]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise BadValue(where, given, 'it is a mapping of what has to be there: {"tenant": "acme"}')
    if not given:
        raise BadValue(where, given, "name at least one member, or leave it out")
    for key, value in given.items():
        if value is None or isinstance(value, bool | int | float | bytes):
            raise BadValue(f"{where}[{key!r}]", value, "a member of a header is a text")
    return given


def check_parts(headers: Headers, asked: Asked, incoming: Incoming | None) -> list[Fault]:
    """What is missing, and what is wrong with the baggage itself."""
    state, baggage = _tracestate(headers), extract_baggage(headers)
    came_state = _tracestate(incoming.headers) if incoming is not None else {}
    came_baggage = extract_baggage(incoming.headers) if incoming is not None else {}
    faults = [
        Fault("dropped", None, one.header, one.value, one.span, rule=one.rule)
        for one in baggage.problems
    ]
    faults += _lost("tracestate", headers, state, asked.tracestate, kept=False)
    faults += _lost("baggage", headers, baggage, asked.baggage, kept=False)
    # Each vendor changes the value of its own member; which is whose, nobody else can tell.
    kept_state = dict.fromkeys(came_state) if len(state) < _FULL else {}
    faults += _lost("tracestate", headers, state, kept_state, kept=True)
    return faults + _lost("baggage", headers, baggage, came_baggage, kept=True)


def _lost(
    name: Literal["tracestate", "baggage"],
    headers: Headers,
    there: Mapping[str, str],
    wanted: Mapping[str, object],
    *,
    kept: bool,
) -> list[Fault]:
    members = [
        (key, None if value is None else _text(value))
        for key, value in wanted.items()
        if key not in there or (value is not None and not _is_value(value, there[key]))
    ]
    if not members:
        return []
    fault = Fault(name, members=tuple(members), kept=kept)
    sent = next(((key, value) for key, value in headers if key.lower() == name), None)
    return [fault if sent is None else fault._replace(header=sent[0], value=sent[1])]


def _is_value(wanted: object, there: str) -> bool:
    """OpenTelemetry for Python writes a space as ``+``, which other receivers read as a plus."""
    return value_matches(wanted, there) or value_matches(wanted, there.replace("+", " "))


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _tracestate(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    try:
        context = extract(list(headers), "tracecontext")
    except InvalidContext:
        return {}
    return dict(context.tracestate) if context is not None else {}
