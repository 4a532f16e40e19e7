"""The optional fields: kind, service, scope, flags, attributes, events, links."""

import enum
from types import SimpleNamespace

import pytest

from pytest_traces import UnreadableSpan
from pytest_traces.model import KINDS, Event, Link
from pytest_traces.sources.handwritten.reading import read_span

SECONDS = 1_700_000_000


class Kind(enum.Enum):
    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


class Side(enum.Enum):
    HERE = "server"


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_in_every_spelling(kind, fields):
    """In any case, as an enum, as the SDK prints it and as protobuf names it."""
    spellings = [
        kind,
        kind.upper(),
        kind.title(),
        Kind[kind.upper()],
        f"SpanKind.{kind.upper()}",
        f"SPAN_KIND_{kind.upper()}",
    ]
    for one in spellings:
        assert read_span({**fields, "kind": one}).kind == kind
        assert read_span({**fields, "spanKind": one}).kind == kind


@pytest.mark.parametrize("kind", [None, "SPAN_KIND_UNSPECIFIED", "internal"])
def test_a_span_without_kind_is_internal(kind, fields):
    """So OpenTelemetry has it."""
    assert read_span({**fields, "kind": kind}).kind == "internal"
    assert read_span(fields).kind == "internal"


def test_an_enum_is_read_by_its_value_too(fields):
    """Its name may be a word of the application's own."""
    assert read_span({**fields, "kind": Side.HERE}).kind == "server"


@pytest.mark.parametrize("kind", [0, 1, 2, "spam", True, ""])
def test_numbers_and_other_words_are_no_kind(kind, fields):
    """The SDK and the protocol number the kinds differently."""
    with pytest.raises(UnreadableSpan, match="a kind is one of internal, server, client"):
        read_span({**fields, "kind": kind})


@pytest.mark.parametrize(
    ("given", "service"),
    [
        ({"service": "agency"}, "agency"),
        ({"service": SimpleNamespace(name="agency")}, "agency"),
        ({"service_name": "agency"}, "agency"),
        ({"serviceName": "agency"}, "agency"),
        ({"resource": {"service.name": "agency"}}, "agency"),
        ({"service": "prices", "resource": {"service.name": "agency"}}, "prices"),
        ({}, None),
    ],
)
def test_the_service_in_every_place(given, service, fields):
    """As a field of its own, or in the resource."""
    assert read_span({**fields, **given}).service == service


@pytest.mark.parametrize(
    "given",
    [
        {"scope": "app.tracing"},
        {"scopeName": "app.tracing"},
        {"instrumentation_scope": SimpleNamespace(name="app.tracing", version="1")},
    ],
)
def test_the_scope_in_every_place(given, fields):
    """As text, or as an object that has a name."""
    assert read_span({**fields, **given}).scope == "app.tracing"


@pytest.mark.parametrize("name", ["attributes", "tags", "meta"])
def test_attributes_under_each_of_their_names(name, fields):
    """Their keys become text."""
    assert read_span({**fields, name: {"a": 1, 2: "b"}}).attributes == {"a": 1, "2": "b"}


def test_attributes_are_copied(fields):
    """What the application does with its mapping later changes nothing."""
    given = {"a": 1}
    span = read_span({**fields, "attributes": given})
    given.clear()

    assert span.attributes == {"a": 1}


def test_flags(fields):
    """A span is sampled and its parent local, unless it says otherwise."""
    assert (read_span(fields).sampled, read_span(fields).remote_parent) == (True, False)
    for name in ("remote_parent", "remoteParent"):
        assert read_span({**fields, name: True}).remote_parent
    for no in (False, 0):
        assert not read_span({**fields, "sampled": no}).sampled
    assert read_span({**fields, "sampled": None}).sampled


def test_events_in_every_shape(fields):
    """Names, mappings and objects, with or without a time, under both names."""
    at = SECONDS * 10**9 + 1_000_000
    shapes = [
        "retry",
        {"name": "retry"},
        {"name": "retry", "timestamp": SECONDS * 1_000 + 1, "attributes": {"n": 1}},
        {"event": "retry", "time_ns": at},
        {"name": "retry", "timeUnixNano": str(at)},
        SimpleNamespace(name="retry", time="2023-11-14T22:13:20.001Z", attributes=None),
        Event("retry", at, {"n": 1}),
    ]
    expected = (
        Event("retry"),
        Event("retry"),
        Event("retry", at, {"n": 1}),
        Event("retry", at),
        Event("retry", at),
        Event("retry", at),
        Event("retry", at, {"n": 1}),
    )

    assert read_span({**fields, "events": shapes}).events == expected
    assert read_span({**fields, "logs": tuple(shapes)}).events == expected


def test_links_in_every_shape(fields):
    """Mappings and objects that have both ids, of their own or in a context."""
    shapes = [
        {"trace_id": "AB", "span_id": 1},
        {"traceId": "AB", "spanId": 1, "attributes": {"why": "batch"}},
        SimpleNamespace(context=SimpleNamespace(trace_id=0xAB, span_id=1), attributes=None),
        Link("ab", "1"),
    ]
    trace_id, span_id = "ab".rjust(32, "0"), "1".rjust(16, "0")

    assert read_span({**fields, "links": shapes}).links == (
        Link(trace_id, span_id),
        Link(trace_id, span_id, {"why": "batch"}),
        Link(trace_id, span_id),
        Link(trace_id, span_id),
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"events": [7]}, "events: 7 is not usable; an event is a text, or has a name that is one"),
        ({"events": [("retry", 1)]},
         "events: ('retry', 1) is not usable; an event is a text, or has a name that is one"),
        ({"events": {"retry": 1}}, "events: {'retry': 1} is not usable; it is a list"),
        ({"events": [{"name": "retry", "time": 5}]},
         'events.time: 5 is not usable; with unit="ms" it lies outside the years 1990 to 2100; times '
         "count from 1970-01-01, so those of a monotonic clock cannot be used"),
        ({"events": [{"name": "retry", "attributes": 5}]},
         "events.attributes: 5 is not usable; it is a mapping of names to values"),
        ({"links": ["ab"]}, "links: 'ab' is not usable; a link has a trace id and a span id"),
        ({"links": [{"trace_id": 1}]},
         "links: {'trace_id': 1} is not usable; a link has a trace id and a span id"),
        ({"links": [{"trace_id": 1, "span_id": "?"}]},
         "links.span_id: '?' is not usable; an id is a UUID, or up to 16 hex digits that are not all "
         "zeros, as text or as an integer"),
        ({"resource": "agency"},
         "resource: 'agency' is not usable; it is a mapping of names to values"),
        ({"scope": 5}, "scope: 5 is not usable; it is a text"),
        ({"status_description": 5, "status": "error"},
         "status_description: 5 is not usable; it is a text"),
    ],
)  # fmt: skip
def test_a_wrong_detail_is_named(given, reason, fields):
    """The field and its part, what was given, and what it should be."""
    with pytest.raises(UnreadableSpan) as caught:
        read_span({**fields, **given})
    assert caught.value.reason == reason
