"""Formats are told by what is there."""

from __future__ import annotations

import base64
import codecs
import gzip
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.encoding.contents import read
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import SpanData

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

RESOURCE_SPANS = [
    {
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [
            {
                "scope": {"name": "app"},
                "spans": [
                    {
                        "traceId": TRACE,
                        "spanId": SPAN,
                        "name": "GET /",
                        "kind": 2,
                        "startTimeUnixNano": "1000000",
                        "endTimeUnixNano": "2000000",
                    }
                ],
            }
        ],
    }
]
OTLP = {"resourceSpans": RESOURCE_SPANS}
JAEGER = {
    "traceID": TRACE,
    "spans": [
        {
            "traceID": TRACE,
            "spanID": SPAN,
            "operationName": "GET /",
            "startTime": 1_000,
            "duration": 1_000,
            "processID": "p1",
            "tags": [
                {"key": "span.kind", "value": "server"},
                {"key": "otel.library.name", "value": "app"},
            ],
        }
    ],
    "processes": {"p1": {"serviceName": "shop"}},
}
ZIPKIN = {
    "traceId": TRACE,
    "id": SPAN,
    "name": "GET /",
    "kind": "SERVER",
    "timestamp": 1_000,
    "duration": 1_000,
    "localEndpoint": {"serviceName": "shop"},
    "tags": {"otel.library.name": "app"},
}
DATADOG = {
    "trace_id": int(TRACE[16:], 16),
    "span_id": int(SPAN, 16),
    "parent_id": 0,
    "name": "GET /",
    "service": "shop",
    "start": 1_000_000,
    "duration": 1_000_000,
    "meta": {"span.kind": "server", "component": "app", "_dd.p.tid": TRACE[:16]},
}
ONE = SpanData(
    name="GET /",
    trace_id=TRACE,
    span_id=SPAN,
    parent_id=None,
    start_ns=1_000_000,
    end_ns=2_000_000,
    kind="server",
    service="shop",
    resource={"service.name": "shop"},
    scope="app",
    source="file",
)


def packed(value: object) -> bytes:
    return json.dumps(value).encode()


def seen(data: bytes) -> list[SpanData]:
    """The spans, without attributes: formats differ in those."""
    return [span._replace(attributes={}) for span in read(data, "file")]


def as_tempo(value: Any) -> Any:
    """As its API writes ids."""
    if isinstance(value, list):
        return [as_tempo(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key.endswith("Id") else as_tempo(one)
        for key, one in value.items()
    }


@pytest.mark.parametrize(
    "value",
    [
        OTLP,
        [OTLP],
        {"resource_spans": RESOURCE_SPANS},
        as_tempo({"batches": RESOURCE_SPANS}),
        as_tempo({"trace": {"resourceSpans": RESOURCE_SPANS}, "metrics": {}}),
        {"trace": {"batches": RESOURCE_SPANS}},
        {"result": {"resourceSpans": RESOURCE_SPANS}},
        {"data": [JAEGER], "errors": None},
        [JAEGER],
        JAEGER,
        [ZIPKIN],
        [[ZIPKIN]],
        ZIPKIN,
        [[DATADOG]],
        [[], [DATADOG]],
        [DATADOG],
        DATADOG,
        {"traces": [[DATADOG]]},
        {"chunks": [{"spans": [DATADOG]}]},
        {"resourceMetrics": [], **OTLP},
        [{"resourceLogs": []}, OTLP],
    ],
)
def test_one_span_in_every_format(value: object) -> None:
    """Is the same span."""
    assert seen(packed(value)) == [ONE]


@pytest.mark.parametrize("one", [OTLP, JAEGER, ZIPKIN, DATADOG, [ZIPKIN]])
def test_documents_in_a_row(one: object) -> None:
    """One on each line, blank ones between them, or each on several."""
    line = json.dumps(one)

    assert seen(f"{line}\r\n\n{line}\n".encode()) == [ONE, ONE]
    assert seen(f"{json.dumps(one, indent=2)}\n{line}".encode()) == [ONE, ONE]


@pytest.mark.parametrize(
    "wrap",
    [
        gzip.compress,
        lambda data: gzip.compress(data[:40]) + gzip.compress(data[40:]),
        lambda data: codecs.BOM_UTF8 + data,
        lambda data: data.decode().encode("utf-16"),
        lambda data: codecs.BOM_UTF16_BE + data.decode().encode("utf-16-be"),
        lambda data: b" \r\n\t" + data + b"\n",
        lambda data: gzip.compress(codecs.BOM_UTF8 + data),
    ],
)
def test_wrappings(wrap: Callable[[bytes], bytes]) -> None:
    """gzip, also in parts, and marks of an encoding."""
    assert seen(wrap(packed(OTLP))) == [ONE]


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"[]", b"[[]]", b'{"resourceSpans":[]}',
                                  b'{"data":[]}', b'{"data":null}', b"[]\n[]",
                                  b'{"resourceMetrics":[{}]}\n{"resource_logs":[{}]}',
                                  b'{"resourceProfiles":[{}]}', b'[{"resourceLogs":[5]}]',
                                  b'{"batches":null}', b'{"trace":{}}', b'{"result":{}}',
                                  b'{"trace":{},"metrics":{"inspectedBytes":"12"}}',
                                  b'{"trace":null,"status":"COMPLETE"}',
                                  b'{"data":null,"errors":[{"code":404}]}'])  # fmt: skip
def test_documents_without_a_span(data: bytes) -> None:
    """Have none; whoever needs one has to look."""
    assert read(data, "file") == read(data, "file", is_answer=True) == []


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ({"trace": OTLP, "status": "PARTIAL", "message": "too\nlarge"}, "status", "too large"),
        ({"trace": OTLP, "status": 1}, "status", "it does not say why"),
        ({"trace": {}, "status": "PARTIAL", "message": 5}, "status", "it does not say why"),
        ({**OTLP, "status": "PARTIAL", "message": "busy"}, "status", "busy"),
        ({"data": [JAEGER], "errors": ["busy"]}, "errors[0]", "busy"),
    ],
)
def test_a_part_of_a_trace(value: object, where: str, why: str) -> None:
    """Is none, unless who asks wants to hear of it, also where it is packed."""
    said = f"the backend gives only a part: {why}"
    with pytest.raises(Malformed) as caught:
        read(packed(value), "file")
    assert (caught.value.where, caught.value.why) == (where, said)
    with pytest.raises(Malformed, match=f"^line 2, {re.escape(where)}: {said}$"):
        read(packed(OTLP) + b"\n" + packed(value), "file")

    parts: list[str] = []
    read(gzip.compress(packed(value)), "file", is_answer=True, parts=parts)
    assert parts == [said]


@pytest.mark.parametrize("status", ["COMPLETE", 0, None])
def test_a_whole_trace(status: object) -> None:
    """As Tempo says itself."""
    value = {"trace": OTLP, "status": status, "message": "", "metrics": {}}

    assert seen(packed(value)) == [ONE]


@pytest.mark.parametrize("data", [b"{}", b'{"metrics":{}}', b'{"status":"COMPLETE"}'])
def test_answers_in_which_nothing_is_said_of_a_trace(data: bytes) -> None:
    """Have none; in a file they may be of anything."""
    assert read(data, "file", is_answer=True) == []
    with pytest.raises(Malformed, match="is no trace of a known format"):
        read(data, "file")


@pytest.mark.parametrize("data", [b'{"message":"no"}', b'{"metrics":{},"x":1}',
                                  b'{"status":"error","message":"no"}'])  # fmt: skip
def test_answers_that_say_something_else(data: bytes) -> None:
    """Are refused as such, and not asked for again."""
    with pytest.raises(Malformed, match="is no trace of a known format"):
        read(data, "file", is_answer=True)


@pytest.mark.parametrize(
    "line", [b'{"resourceMetrics":[{"x":[5]}]}', b'{"resourceLogs":[]}', b'{"resource_profiles":5}']
)
def test_other_signals_of_the_same_file(line: bytes) -> None:
    """Are passed over, as the collector writes them side by side."""
    data = b"\n".join((line, packed(OTLP), line))

    assert seen(data) == [ONE]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"{",
            "line 1, column 2: it is no JSON: Expecting property name enclosed in double quotes",
        ),
        (b"hello", "line 1, column 1: it is no JSON: Expecting value"),
        (b'\n\n{"a" 1}', "line 3, column 6: it is no JSON: Expecting ':' delimiter"),
        (b"[]\n[]\n[", "line 3, column 2: it is no JSON: Expecting value"),
        (b"null", "null is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog"),
        (
            b'"' + b"x" * 50 + b'"',
            f'"{"x" * 39}… is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog',
        ),
        (
            b'{"' + b"x" * 50 + b'":1}',
            f"an object with '{'x' * 39}… is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (b'"x"', '"x" is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog'),
        (b"{}", "an empty object is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog"),
        (
            b'{"a":1,"b":2,"c":3,"d":4}',
            "an object with 'a', 'b', 'c', ... is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b"[[], 1]",
            "[1]: 1 is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b"[[[]]]",
            "[0]: an array is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b"[" * 600 + b"]" * 600,
            "[0][0]: an array is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b'[[], [{"x":1}]]',
            "[1][0]: an object with 'x' is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            packed(JAEGER["spans"]),
            "[0]: it is a span of Jaeger's by itself; the trace that it is of is needed: "
            '{"traceID": ..., "spans": [...], "processes": {...}}',
        ),
        (
            b'{"traces":[{"traceID":"1"}]}',
            "an object with 'traces' is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b'{"trace":{},"status":"no"}',
            "an object with 'trace', 'status' is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            b'{"data":null,"errors":[{"code":500,"msg":"no storage"}]}',
            "errors[0]: the backend says: no storage",
        ),
        (
            b'{"data":{"trace":1}}',
            "an object with 'data' is no trace of a known format: OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (
            packed(OTLP) + b'\n{"x": 1}\n',
            "line 2: an object with 'x' is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog",
        ),
        (b'[{"resourceSpans":[]},{"x":1}]', "[1]: it has no resourceSpans"),
        (
            packed(OTLP) + b'\n[{"resourceSpans":[5]}]\n',
            "line 2, [0].resourceSpans[0]: 5 is not usable; an object is needed",
        ),
        (
            b'{"trace":{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a"}]}]}]}}',
            "trace.resourceSpans[0].scopeSpans[0].spans[0].traceId: "
            "'a' is not usable; 32 hex digits are needed",
        ),
        ('{"näme": 1}'.encode("latin-1"), "byte 3: it is no UTF-8"),
        (codecs.BOM_UTF16_LE + b"\x00", "byte 2: it is no UTF-16"),
        (b"\x1f\x8b\x08", "its gzip ends too early"),
        (gzip.compress(b"[]")[:-1], "its gzip ends too early"),
        (b"\x12\x00", "it is no text, and no OTLP protobuf that holds a span"),
        (b"\x00" * 4, "it is no text, and no OTLP protobuf that holds a span"),
        (b"\x00\x00\x00\x09\x0a", "byte 0: the message that begins here ends too early"),
        (
            b'[{"trace_id":1,"span_id":1,"start":' + b"9" * 5_000 + b"}]",
            None,
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_no_trace_is_refused(data: bytes, message: str | None) -> None:
    """With the place and the reason."""
    with pytest.raises(Malformed) as caught:
        read(data, "file")

    assert message is None or str(caught.value) == message


def test_a_damaged_gzip_is_refused() -> None:
    """By its checksum."""
    data = bytearray(gzip.compress(packed(OTLP)))
    data[-5] ^= 0xFF

    with pytest.raises(Malformed, match=r"^its gzip is damaged: "):
        read(bytes(data), "file")


def test_json_nested_too_deeply_is_refused() -> None:
    """It does not end the test run."""
    with pytest.raises(Malformed, match=r"^line 1: its JSON cannot be read: "):
        read(b"[" * 200_000, "file")


def protobuf(name: str = "GET /") -> bytes:
    pb = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    common = pytest.importorskip("opentelemetry.proto.common.v1.common_pb2")
    service = common.KeyValue(key="service.name", value=common.AnyValue(string_value="shop"))
    span = pb.Span(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        name=name,
        kind=2,
        start_time_unix_nano=1_000_000,
        end_time_unix_nano=2_000_000,
    )
    scoped = pb.ScopeSpans(scope=common.InstrumentationScope(name="app"), spans=[span])
    group = pb.ResourceSpans(scope_spans=[scoped])
    group.resource.attributes.append(service)
    data: bytes = pb.TracesData(resource_spans=[group]).SerializeToString()
    return data


def test_protobuf_is_told_from_text() -> None:
    """Also gzipped, and in messages with their sizes before them, as the collector writes them."""
    sized = len(protobuf()).to_bytes(4, "big") + protobuf()

    assert seen(protobuf()) == [ONE]
    assert seen(gzip.compress(protobuf())) == [ONE]
    assert seen(sized + sized) == [ONE, ONE]


@pytest.mark.parametrize("first", [b"{", b"["])
def test_protobuf_that_begins_like_json_is_protobuf(first: bytes) -> None:
    """A line break and a bracket are a tag and a length."""
    size = len(protobuf("")) - 2 + 2  # less those of the outer field, and those of the name
    data = protobuf("x" * (first[0] - size))

    assert data[:2] == b"\n" + first
    assert len(seen(data)) == 1


def test_damaged_protobuf_is_refused() -> None:
    """And not read up to the damage."""
    data = protobuf()

    for length in range(2, len(data)):  # a line break by itself is an empty text
        with pytest.raises(Malformed):
            read(data[:length], "file")


WORDS = """
    resourceSpans scopeSpans spans batches trace result data traceID spanID traceId spanId id
    trace_id span_id start duration startTime references tags logs processes process meta
    metrics kind timestamp annotations value key attributes events links status localEndpoint
    port span_links span_events startTimeUnixNano traces chunks error errors code msg
    status message priority tid resourceMetrics
"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | KEYS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


WHOLE = [
    OTLP,
    [JAEGER],
    {"data": [JAEGER], "errors": [{"code": 1, "msg": ""}]},
    [ZIPKIN],
    [[DATADOG]],
    {"traces": [[DATADOG]]},
    {"chunks": [{"spans": [DATADOG], "tags": {"_dd.p.tid": TRACE[:16]}, "priority": 1}]},
    {"trace": OTLP, "status": "COMPLETE", "metrics": {}},
]


def survives(data: bytes) -> None:
    try:
        spans = read(data, "file", is_answer=True)
    except Malformed:
        return
    except ModuleNotFoundError:  # without the library that reads protobuf
        assert data.startswith(b"\n")
        return
    for span in spans:
        assert int(span.trace_id, 16) >> 128 == int(span.span_id, 16) >> 64 == 0
        assert (len(span.trace_id), len(span.span_id)) == (32, 16)
        assert isinstance(span.start_ns, int)
        assert span.end_ns is None or isinstance(span.end_ns, int)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing else happens."""
    survives(data)


@given(VALUES)
def test_any_json_is_read_or_refused(value: object) -> None:
    """Nothing else happens."""
    survives(packed(value))


@given(st.data())
def test_any_damage_to_a_trace_is_read_or_refused(data: st.DataObject) -> None:
    """Wherever any value is put in the place of another."""
    value = json.loads(packed(data.draw(st.sampled_from(WHOLE))))
    inside = value
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inside[key], dict | list) or not inside[key] or data.draw(st.booleans()):
            break
        inside = inside[key]
    inside[key] = data.draw(VALUES)

    survives(packed(value))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_any_damage_to_protobuf_is_read_or_refused(at: int, data: bytes) -> None:
    """Wherever any bytes are put in the place of others."""
    whole = protobuf()

    survives(whole[: at % len(whole)] + data + whole[at % len(whole) + len(data) :])


def test_protobuf_without_the_library_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to install."""
    data = protobuf()
    for name in [one for one in sys.modules if one.startswith("opentelemetry.proto")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.collector.trace.v1", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install pytest-traces\[otlp\]"):
        read(data, "file")
