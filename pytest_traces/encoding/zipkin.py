"""Traces as Zipkin's API version 2 takes and gives them.

The fields are those of openzipkin/zipkin-api, zipkin2-api.yaml; times are in microseconds. A client
and a server may share one span id: they stay two spans here. A span without a duration is one that
has not ended, as far as its reporter knew. One without a timestamp starts with the first that is
known of its annotations, of the other side of the same id, of its parent, of its trace; where it is
no part of a span that has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_traces.encoding.ids import SPAN_DIGITS, TRACE_DIGITS, hex_id, parent_hex_id
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import flattened, values_of
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_words import attributes_of
from pytest_traces.encoding.tags import Outcome, Tags, resource_with
from pytest_traces.encoding.times import length_us, time_us
from pytest_traces.encoding.zipkin_reports import Place, Told, joined, with_whole_ids
from pytest_traces.model import KINDS, Event, Kind, SpanData

_KINDS = KINDS[1:]  # what is internal has none
_NO_MESSAGE = ("", "true", "false")


def looks_like_span(value: object) -> bool:
    """Whether this is a span of Zipkin's, of version 1 or 2."""
    return isinstance(value, Mapping) and "traceId" in value and "id" in value


def decode(value: object, source: str) -> list[SpanData]:
    """The spans of a list, of a list of traces, or the one span that this is.

    Args:
        value: the parsed JSON.
        source: where the spans come from, by their own account.

    Raises:
        Malformed: something in it is not what it should be.
    """
    return spans_of(told_in(value, source))


def told_in(value: object, source: str) -> list[Told]:
    """The reports in one document of several, which :func:`spans_of` then takes together.

    Raises:
        Malformed: something in it is not what it should be.
    """
    return [_read(node, source) for _, node in flattened(Node(value))]


def spans_of(told: Sequence[Told]) -> list[SpanData]:
    """The spans that these are reports of."""
    return _started(joined(with_whole_ids(told)))


def _read(node: Node, source: str) -> Told:
    if node.field("binaryAnnotations") is not None:
        raise Malformed(node.where, "it is of Zipkin's version 1; version 2 is needed")
    service, here = _endpoint(node, "localEndpoint", "local")
    remote, there = _endpoint(node, "remoteEndpoint", "peer")
    tags = values_of(node, "tags")
    kind, outcome = _kind(node), _outcome(tags)
    scope = Tags(tags).scope()
    peer = {} if remote is None else {"peer.service": remote}
    start_ns = time_us(node, "timestamp") or None
    span = SpanData(
        name=node.text("name"),
        trace_id=hex_id(node, "traceId", TRACE_DIGITS),
        span_id=hex_id(node, "id", SPAN_DIGITS),
        parent_id=parent_hex_id(node, "parentId"),
        start_ns=start_ns or 0,
        end_ns=None,
        kind=kind,
        status=outcome.status,
        status_description=outcome.description,
        attributes=attributes_of({**here, **peer, **there, **tags}.items()),
        events=tuple(
            Event(one.text("value"), time_us(one, "timestamp")) for one in node.each("annotations")
        ),
        service=service,
        resource=resource_with(service),
        scope=scope,
        source=source,
    )
    is_shared = node.value.get("shared") is True
    return Told(span, start_ns, length_us(node, "duration"), _place(node), is_shared)


def _place(node: Node) -> Place:
    endpoint = node.field("localEndpoint") or Node({})
    return tuple(endpoint.text(key) or None for key in ("serviceName", "ipv4", "ipv6"))


def _started(told: list[Told]) -> list[SpanData]:
    """The spans with their times, where necessary by what is known of others."""
    known: dict[tuple[str, str | None], int] = {}
    for one in told:
        first, span = _first_known(one), one.span
        if first is not None:
            for key in ((span.trace_id, span.span_id), (span.trace_id, None)):
                known[key] = min(first, known.get(key, first))
    return [_timed(one, known) for one in told]


def _first_known(told: Told) -> int | None:
    if told.start_ns is not None:
        return told.start_ns
    return min((one.time_ns for one in told.span.events if one.time_ns), default=None)


def _timed(told: Told, known: Mapping[tuple[str, str | None], int]) -> SpanData:
    span, start_ns = told.span, _first_known(told)
    if start_ns is None:
        keys = [(span.trace_id, key) for key in (span.span_id, span.parent_id, None)]
        start_ns = next((known[key] for key in keys if key in known), 0)
    end_ns = None if told.length_ns is None else start_ns + told.length_ns
    return span._replace(start_ns=start_ns, end_ns=end_ns)


def _kind(node: Node) -> Kind:
    word, field = node.text("kind").lower(), node.field("kind")
    for kind in _KINDS:
        if word == kind:
            return kind
    if field is not None and word:
        raise field.fault(f"it is one of {', '.join(kind.upper() for kind in _KINDS)}")
    return "internal"


def _outcome(tags: dict[str, object]) -> Outcome:
    """The tag ``error`` being there tells of an error; its text, if any, says which."""
    text = str(tags.pop("error", "")).strip() if "error" in tags else None
    outcome = Tags(tags).outcome(is_error=text is not None)
    description = None if text is None or text.lower() in _NO_MESSAGE else text
    return outcome._replace(description=outcome.description or description)


def _endpoint(node: Node, name: str, side: str) -> tuple[str | None, dict[str, object]]:
    """The service of an endpoint, and its address."""
    endpoint = node.field(name)
    if endpoint is None:
        return None, {}
    address: dict[str, object] = {}
    for key in ("ipv6", "ipv4"):
        if text := endpoint.text(key):
            address[f"network.{side}.address"] = text
    if port := endpoint.whole("port", 16):
        address[f"network.{side}.port"] = port
    return endpoint.text("serviceName") or None, address
