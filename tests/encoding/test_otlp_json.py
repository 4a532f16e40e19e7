"""OTLP/JSON: every field, every way to write it, and what is refused where."""

from __future__ import annotations

import math
from base64 import b64encode
from typing import Any

import pytest

from pytest_traces.encoding import json_node
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_json import decode
from pytest_traces.model import Event, Link, SpanData

TRACE_ID, SPAN_ID, PARENT_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "e" * 16


def trace(*spans: dict[str, Any], **resource_spans: Any) -> dict[str, Any]:
    """An export of one scope."""
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}], **resource_spans}]}


def span(**fields: Any) -> dict[str, Any]:
    """A span with valid ids."""
    return {"traceId": TRACE_ID, "spanId": SPAN_ID, **fields}


def one(**fields: Any) -> SpanData:
    """What a span with these fields is read as."""
    [found] = decode(trace(span(**fields)), "otlp")
    return found


def valued(value: Any) -> Any:
    """What a value of an attribute is read as."""
    return one(attributes=[{"key": "k", "value": value}]).attributes["k"]


def test_every_field():
    """Nothing that a span has here is lost."""
    given = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "shop", "version": "1"},
                        "spans": [
                            span(
                                parentSpanId=PARENT_ID,
                                name="POST /checkout",
                                kind=2,
                                startTimeUnixNano="1544712660000000000",
                                endTimeUnixNano="1544712661000000000",
                                flags=0x300,
                                traceState="a=b",
                                attributes=[{"key": "n", "value": {"intValue": "7"}}],
                                events=[
                                    {
                                        "name": "paid",
                                        "timeUnixNano": "1544712660500000000",
                                        "attributes": [{"key": "ok", "value": {"boolValue": True}}],
                                    }
                                ],
                                links=[
                                    {
                                        "traceId": TRACE_ID,
                                        "spanId": PARENT_ID,
                                        "attributes": [{"key": "why", "value": {}}],
                                    }
                                ],
                                status={"code": 2, "message": "declined"},
                            )
                        ],
                    }
                ],
            }
        ]
    }
    assert decode(given, "file") == [
        SpanData(
            name="POST /checkout",
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            parent_id=PARENT_ID,
            start_ns=1544712660000000000,
            end_ns=1544712661000000000,
            kind="server",
            status="error",
            status_description="declined",
            attributes={"n": 7},
            events=(Event("paid", 1544712660500000000, {"ok": True}),),
            links=(Link(TRACE_ID, PARENT_ID, {"why": None}),),
            service="cart",
            resource={"service.name": "cart"},
            scope="shop",
            source="file",
            remote_parent=True,
        )
    ]


def test_nothing_but_ids():
    """All else has its default; null is as good as absent."""
    bare = SpanData("", TRACE_ID, SPAN_ID, None, 0, None, source="otlp")
    fields = ("parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
              "events", "links", "status", "flags", "unknown")  # fmt: skip
    assert one() == bare
    assert one(**dict.fromkeys(fields)) == bare
    empty = {"resource": None, "scopeSpans": [{"scope": None, "spans": [span()]}]}
    assert decode({"resourceSpans": [empty]}, "otlp") == [bare]


@pytest.mark.parametrize("given", [{}, {"resourceSpans": None}, {"resourceLogs": [7]}, trace()])
def test_no_spans(given):
    """An empty export is one."""
    assert decode(given, "otlp") == []


def test_snake_case():
    """Parsers of protobuf's JSON accept the original names of fields, too."""
    given = {
        "resource_spans": [
            {
                "scope_spans": [
                    {
                        "spans": [
                            {
                                "trace_id": TRACE_ID,
                                "span_id": SPAN_ID,
                                "parent_span_id": PARENT_ID,
                                "start_time_unix_nano": 5,
                                "end_time_unix_nano": 6,
                                "attributes": [{"key": "k", "value": {"string_value": "v"}}],
                            }
                        ]
                    }
                ]
            }
        ]
    }
    [found] = decode(given, "otlp")
    assert (found.parent_id, found.start_ns, found.end_ns) == (PARENT_ID, 5, 6)
    assert found.attributes == {"k": "v"}


def test_keys_of_old():
    """Exports of before OTLP 0.19 name scopes otherwise; Tempo names the whole otherwise."""
    library = {"name": "shop"}
    given = {
        "batches": [
            {
                "instrumentationLibrarySpans": [
                    {"instrumentationLibrary": library, "spans": [span()]}
                ]
            }
        ]
    }
    [found] = decode(given, "file")
    assert found.scope == "shop"


@pytest.mark.parametrize("parent", [None, "", "0" * 16])
def test_a_root(parent):
    """Its parent is absent, empty, or zeros."""
    assert one(parentSpanId=parent).parent_id is None


def test_ids_in_upper_case():
    """They are hex in either case."""
    assert one(traceId=TRACE_ID.upper(), spanId=SPAN_ID.upper())[1:3] == (TRACE_ID, SPAN_ID)


def test_ids_in_base64():
    """A backend that lets protobuf write its JSON has them; an exporter that does is wrong."""
    ids = {
        "traceId": b64encode(bytes.fromhex(TRACE_ID)).decode(),
        "spanId": b64encode(bytes.fromhex(SPAN_ID)).decode(),
    }
    assert one(**ids)[1:3] == (TRACE_ID, SPAN_ID)
    rejected: list[str] = []
    assert decode(trace(ids), "otlp", rejected) == []
    assert rejected == [
        "traceId: 'W47/95gDgQPSabYzgT/GDA==' is not usable; 32 hex digits are needed"
    ]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (0, "internal"), (1, "internal"), (2, "server"), (3, "client"), (4, "producer"),
        (5, "consumer"), (6, "internal"), (-1, "internal"), ("3", "client"),
        ("SPAN_KIND_UNSPECIFIED", "internal"), ("SPAN_KIND_INTERNAL", "internal"),
        ("SPAN_KIND_SERVER", "server"), ("SPAN_KIND_CONSUMER", "consumer"),
    ],
)  # fmt: skip
def test_kinds(given, kind):
    """They are numbers or names; what later versions add is taken for internal."""
    assert one(kind=given).kind == kind


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, "unset"), ({"code": 0}, "unset"), ({"code": 1}, "ok"), ({"code": 2}, "error"),
        ({"code": 9}, "unset"), ({"code": "STATUS_CODE_OK"}, "ok"),
        ({"code": "STATUS_CODE_ERROR"}, "error"), ({"code": "STATUS_CODE_UNSET"}, "unset"),
    ],
)  # fmt: skip
def test_statuses(given, status):
    """So are statuses."""
    assert one(status=given).status == status


@pytest.mark.parametrize(
    "given", ["1600000000000000001", 1600000000000000001, "1600000000000000001.0"]
)
def test_times(given):
    """They are strings of digits, or numbers; no digit is lost."""
    assert one(startTimeUnixNano=given, endTimeUnixNano=given)[4:6] == (1600000000000000001,) * 2


@pytest.mark.parametrize(("given", "time"), [("1.6e18", 16 * 10**17), (1.6e18, 16 * 10**17)])
def test_times_with_an_exponent(given, time):
    """As JSON has numbers."""
    assert one(startTimeUnixNano=given).start_ns == time


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"stringValue": ""}, ""),
        ({"stringValue": "ö"}, "ö"),
        ({"boolValue": False}, False),
        ({"intValue": "-9223372036854775808"}, -(2**63)),
        ({"intValue": 7}, 7),
        ({"doubleValue": 7}, 7.0),
        ({"doubleValue": "1.5"}, 1.5),
        ({"doubleValue": "-Infinity"}, -math.inf),
        ({"bytesValue": "+/8="}, b"\xfb\xff"),
        ({"bytesValue": "-_8"}, b"\xfb\xff"),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "x"}, {}]}}, (1, "x", None)),
        ({"arrayValue": {}}, ()),
        ({"kvlistValue": {"values": [{"key": "a", "value": {"intValue": 1}}]}}, {"a": 1}),
        ({"kvlistValue": {}}, {}),
        ({}, None),
        (None, None),
        ({"stringValue": None, "intValue": 3}, 3),
        ({"laterValue": 3}, None),
    ],
)
def test_values(given, value):
    """A value has the type that it says, and a type that nobody can change."""
    found = valued(given)
    assert (found, type(found) in (dict, list)) == (value, False)
    assert isinstance(found, bool) == isinstance(value, bool)
    assert isinstance(found, float) == isinstance(value, float)


def test_not_a_number():
    """It is one of the floats."""
    assert math.isnan(valued({"doubleValue": "NaN"}))


def test_a_repeated_key():
    """The last value counts."""
    pairs = [{"key": "k", "value": {"intValue": number}} for number in (1, 2)]
    assert one(attributes=pairs).attributes == {"k": 2}


SPAN = "resourceSpans[0].scopeSpans[0].spans[0]"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (7, "7 is not usable; an object is needed"),
        ({"resourceSpans": {}}, "resourceSpans: {} is not usable; an array is needed"),
        ({"resourceSpans": [None]},
         "resourceSpans[0]: None is not usable; an object is needed"),
        (trace("x"), f"{SPAN}: 'x' is not usable; an object is needed"),
        (trace(span(), resource=[]),
         "resourceSpans[0].resource: [] is not usable; an object is needed"),
        (trace(span(), {}), "resourceSpans[0].scopeSpans[0].spans[1]: "
         "the trace id has 0 bytes where 16 are needed"),
        (trace(span(traceId="0" * 32)), f"{SPAN}: the trace id is all zeros"),
        (trace(span(spanId="abc")),
         f"{SPAN}.spanId: 'abc' is not usable; 16 hex digits are needed"),
        (trace(span(spanId="ab" * 7)), f"{SPAN}: the span id has 7 bytes where 8 are needed"),
        (trace(span(spanId=" " * 16)),
         f"{SPAN}.spanId: '                ' is not usable; 16 hex digits are needed"),
        (trace(span(spanId="é=" * 6)), f"{SPAN}.spanId: 'é=é=é=é=é=é=' is not usable; base64 is needed"),
        (trace(span(traceId=7)), f"{SPAN}.traceId: 7 is not usable; 32 hex digits are needed"),
        (trace(span(parentSpanId="ab")),
         f"{SPAN}: the parent's span id has 1 byte where 8 are needed"),
        (trace(span(name=7)), f"{SPAN}.name: 7 is not usable; a string is needed"),
        (trace(span(kind="SERVER")), f"{SPAN}.kind: 'SERVER' is not usable; it is a number, or one "
         "of SPAN_KIND_UNSPECIFIED, SPAN_KIND_INTERNAL, SPAN_KIND_SERVER, SPAN_KIND_CLIENT, "
         "SPAN_KIND_PRODUCER, SPAN_KIND_CONSUMER"),
        (trace(span(startTimeUnixNano="yesterday")), f"{SPAN}.startTimeUnixNano: 'yesterday' is not "
         "usable; a whole number is needed, or a string of its digits"),
        (trace(span(startTimeUnixNano=1.5)), f"{SPAN}.startTimeUnixNano: 1.5 is not usable; "
         "a whole number is needed, or a string of its digits"),
        (trace(span(startTimeUnixNano=True)), f"{SPAN}.startTimeUnixNano: True is not usable; "
         "a whole number is needed, or a string of its digits"),
        (trace(span(endTimeUnixNano="-1")),
         f"{SPAN}.endTimeUnixNano: '-1' is not usable; it does not fit into 64 bits"),
        (trace(span(endTimeUnixNano=2**64)),
         f"{SPAN}.endTimeUnixNano: {2**64} is not usable; it does not fit into 64 bits"),
        (trace(span(endTimeUnixNano="1e999")),
         f"{SPAN}.endTimeUnixNano: '1e999' is not usable; it does not fit into 64 bits"),
        (trace(span(endTimeUnixNano="1e999999")), f"{SPAN}.endTimeUnixNano: '1e999999' is not usable; "
         "a whole number is needed, or a string of its digits"),
        (trace(span(attributes={"k": "v"})),
         f"{SPAN}.attributes: {{'k': 'v'}} is not usable; an array is needed"),
        (trace(span(events=[{"timeUnixNano": {}}])), f"{SPAN}.events[0].timeUnixNano: {{}} is not "
         "usable; a whole number is needed, or a string of its digits"),
        (trace(span(links=[{"traceId": "xyz"}])),
         f"{SPAN}.links[0].traceId: 'xyz' is not usable; 32 hex digits are needed"),
    ],
)  # fmt: skip
def test_what_is_malformed(given, message):
    """It is refused with its place, what stands there, and what is allowed."""
    with pytest.raises(Malformed) as caught:
        decode(given, "file")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("v", "value: 'v' is not usable; an object is needed"),
        ({"stringValue": 7}, "value.stringValue: 7 is not usable; a string is needed"),
        ({"boolValue": 1}, "value.boolValue: 1 is not usable; true or false is needed"),
        ({"intValue": 2**63}, f"value.intValue: {2**63} is not usable; it does not fit into 64 bits"),
        ({"doubleValue": True}, "value.doubleValue: True is not usable; a number is needed"),
        ({"doubleValue": 10**400}, f"value.doubleValue: {str(10**400)[:40]}… is not usable; "
         "a number is needed"),
        ({"bytesValue": "abcde"}, "value.bytesValue: 'abcde' is not usable; base64 is needed"),
        ({"bytesValue": 7}, "value.bytesValue: 7 is not usable; base64 is needed"),
        ({"intValue": 1, "stringValue": "1"}, "value: {'intValue': 1, 'stringValue': '1'} is not "
         "usable; a value has one type"),
        ({"arrayValue": []}, "value.arrayValue: [] is not usable; an object is needed"),
        ({"arrayValue": {"values": [None]}},
         "value.arrayValue.values[0]: None is not usable; an object is needed"),
    ],
)  # fmt: skip
def test_malformed_values(value, message):
    """So are values of attributes."""
    with pytest.raises(Malformed) as caught:
        valued(value)
    assert str(caught.value) == f"{SPAN}.attributes[0].{message}"


def test_a_number_longer_than_any(monkeypatch):
    """Its text is refused as it stands, since to convert a million digits takes seconds."""
    monkeypatch.setattr(json_node, "Decimal", lambda text: 1 / 0)
    for text in ("1" * 65, "0." + "0" * 999_998, "-" + "9" * 1_000_000):
        with pytest.raises(Malformed, match=r"… is not usable; a whole number is needed"):
            one(endTimeUnixNano=text)


def test_a_number_as_long_as_may_be():
    """Zeros that say nothing are no fault of a number that is not long."""
    assert one(endTimeUnixNano="0" * 63 + "7").end_ns == 7


def test_values_within_values():
    """There is an end to it."""
    value: Any = {"intValue": 1}
    for _ in range(48):
        value = {"arrayValue": {"values": [value]}}
    assert valued(value)
    with pytest.raises(Malformed) as caught:
        valued({"arrayValue": {"values": [value]}})
    assert str(caught.value) == f"{SPAN}.attributes[0]: its value is nested too deeply"


def test_spans_that_are_left_out():
    """A receiver keeps the others, and knows why."""
    rejected: list[str] = []
    bad = [span(traceId=""), span(spanId="0" * 16), span(spanId="x"), span(parentSpanId="ab")]
    found = decode(trace(*bad, span(name="good")), "otlp", rejected)
    assert [one.name for one in found] == ["good"]
    assert rejected == [
        "the trace id has 0 bytes where 16 are needed",
        "the span id is all zeros",
        "spanId: 'x' is not usable; 16 hex digits are needed",
        "the parent's span id has 1 byte where 8 are needed",
    ]


def test_what_is_no_span_is_not_left_out():
    """It makes the whole malformed."""
    with pytest.raises(Malformed):
        decode(trace("x"), "otlp", [])
