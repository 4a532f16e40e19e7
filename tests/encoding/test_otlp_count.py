"""Exports that have too many messages, and those that have not."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.encoding import otlp_count
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_count import WHOLE, exceeds, is_too_much, is_too_much_json

MANY = 10**9
MIB = 1 << 20


def nested(content: bytes, *tags: int) -> bytes:
    """It as a field of messages within each other, the innermost first."""
    for tag in tags:
        digits, size = [], len(content)
        while size > 127:
            digits.append(size & 127 | 128)
            size >>= 7
        content = bytes([tag, *digits, size]) + content
    return content


def span(rest: bytes = b"", seed: random.Random = random.Random(7)) -> bytes:  # noqa: B008
    """An ordinary one of 66 bytes, with random ids and times."""
    name = nested(b"GET /a/b", 0x2A)
    ids = nested(seed.randbytes(16), 0x0A) + nested(seed.randbytes(8), 0x12)
    times = b"\x39" + seed.randbytes(8) + b"\x41" + seed.randbytes(8)
    return nested(ids + name + b"\x30\x02" + times + rest, 0x12)


def attribute(key: bytes, text: bytes) -> bytes:
    """One of a span."""
    return nested(nested(key, 0x0A) + nested(text, 0x0A, 0x12), 0x4A)


def export(spans: list[bytes], size: int) -> bytes:
    """These spans again and again."""
    whole = b"".join(spans)
    return nested(whole * (size // len(whole)), 0x12, 0x0A)


def test_small_exports():
    """They are cheap, whatever is in them."""
    assert not is_too_much(b"\n\0" * 100_000)
    assert not is_too_much_json(b"{" * 200_000)


DOCUMENT = json.dumps({"id": "22", "when": "2022-02-22", "lines": [2, 22, 222]}).encode()


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"".join(attribute(b"http.request.%d" % n, b"value %d" % n) for n in range(5)),
        b"".join(attribute(b"document.%d" % n, DOCUMENT * 5) for n in range(5)),
        b"".join(attribute(b"key.%d" % n, b'"2' * 1500) for n in range(128)),
        attribute(b"text", "Zürich 京都市".encode() * 10),
    ],
    ids=["nothing", "attributes", "documents", "large attributes", "other letters"],
)
def test_31_mib_of_ordinary_spans(rest):
    """However often bytes of their ids, times and texts look like the begin of a message."""
    some = min(500, 31 * MIB // (len(rest) + 80))
    body = export([span(rest) for _ in range(some)], 31 * MIB)
    assert len(body) > 30 * MIB
    assert not is_too_much(body)


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [0x0A],
        [0x12, 0x0A],
        [0x0A, 0x0A],
        [0x1A, 0x0A, 0x12, 0x0A],
        [0x12, 0x12, 0x0A],
        [0x12, 0x4A, 0x12, 0x12, 0x0A],
        [0x2A, 0x12, 0x4A, 0x12, 0x12, 0x0A],
    ],
)
@pytest.mark.parametrize("empty", [b"%c\0", b"%c\x80\0", b"%c\x80\x80\x80\0\0"])
def test_empty_messages(monkeypatch, tags, empty):
    """Many of them are refused on each level, with tags that are longer than needed, too."""
    monkeypatch.setattr(otlp_count, "SMALL", 0)
    monkeypatch.setattr(otlp_count, "_SPANS", 100)
    monkeypatch.setattr(otlp_count, "_MOST_MESSAGES", 1000)
    monkeypatch.setattr(otlp_count, "_MOST_FIELDS", 2000)
    for tag in range(10, 0x7B, 8):
        is_message = otlp_count.WHOLE
        for one in reversed(tags):
            is_message = is_message[one]
        if tag in is_message:
            start = tag if empty == b"%c\0" or empty.endswith(b"%c\x80\0") else tag | 0x80
            unit = empty % start
            assert is_too_much(nested(unit * 4000, *tags))


def test_32_mib_of_empty_messages():
    """Nobody comes to parse them."""
    for tags in ([], [0x12, 0x0A], [0x12, 0x4A, 0x12, 0x12, 0x0A]):
        assert is_too_much(nested(b"\n\0" * (16 * MIB - 50), *tags))


def test_other_fields():
    """They take nothing when they are parsed, but those of upper levels are counted."""
    numbers = b"\x28\0" * (16 * MIB - 50)
    assert not is_too_much(nested(numbers, 0x12, 0x12, 0x0A))
    assert is_too_much(numbers)
    assert is_too_much(nested(b"\x28\x12" * (16 * MIB - 50), 0x12, 0x12, 0x0A))


@pytest.mark.parametrize(
    "body",
    [b"\n", b"\n\5abc", b"\n\2\x0a\5", b"\x0b\x0c", b"\x29abc", b"\xff" * 20, b"\n\xff", b"\n\2\x28\xff\1",
     b"\n\1\x2d"],
)  # fmt: skip
def test_garbage(body):
    """What is no message is refused as such."""
    with pytest.raises(Malformed) as caught:
        exceeds(body, WHOLE, MANY, MANY)
    assert str(caught.value) == "it is no OTLP protobuf of traces"


def message_class():
    """That of protobuf's own."""
    name = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
    return pytest.importorskip(name).ExportTraceServiceRequest


class TestOracle:
    """What is counted is what protobuf finds."""

    def test_every_message_is_known(self):
        """Fields that are messages, or repeated, are those of the protocol."""
        message, seen = message_class(), {}

        def compare(descriptor, table):
            if descriptor.full_name in seen:
                assert seen[descriptor.full_name] is table
                return
            seen[descriptor.full_name] = table
            known = {tag >> 3 for tag in table}
            for field in descriptor.fields:
                is_repeated = getattr(field, "is_repeated", None)
                if is_repeated is None:
                    is_repeated = field.label == field.LABEL_REPEATED
                if field.message_type is not None:
                    assert field.number in known, field.full_name
                    compare(field.message_type, table[field.number << 3 | 2])
                elif is_repeated:
                    assert field.number in known, field.full_name

        compare(message.DESCRIPTOR, WHOLE)
        assert "opentelemetry.proto.trace.v1.Span.Link" in seen

    @given(st.lists(st.integers(0, 4), min_size=5, max_size=5), st.integers(0, 2**63))
    def test_any_export(self, numbers, value):
        """The limit is exact, to the message and to the field."""
        resources, scopes, spans, attributes, values = numbers
        request, messages, fields = message_class()(), 0, 0
        for _ in range(resources):
            resource_spans = request.resource_spans.add(schema_url="x")
            messages, fields = messages + 1, fields + 2
            for _ in range(scopes):
                scope_spans = resource_spans.scope_spans.add()
                messages, fields = messages + 1, fields + 1
                for _ in range(spans):
                    one = scope_spans.spans.add(name="n" * (value % 300), kind=2)
                    messages, fields = messages + 1, fields + 2 + bool(one.name)
                    for _ in range(attributes):
                        added = one.attributes.add(key="k").value.array_value
                        added.SetInParent()
                        messages, fields = messages + 3, fields + 4
                        for _ in range(values):
                            added.values.add(int_value=value)
                            messages, fields = messages + 1, fields + 2
        body = request.SerializeToString()
        assert not exceeds(body, WHOLE, fields, messages)
        if messages:
            assert exceeds(body, WHOLE, fields, messages - 1)
            assert exceeds(body, WHOLE, fields - 1, messages)


def ordinary_json(size: int, text: str = "GET /a/b") -> bytes:
    """Spans with five attributes."""
    attributes = [{"key": f"http.request.{n}", "value": {"stringValue": text}} for n in range(5)]
    one = {
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
        "spanId": "00f067aa0ba902b7",
        "name": "GET /a/b",
        "kind": 2,
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000000000000",
        "attributes": attributes,
    }
    spans = json.dumps(one).encode() + b","
    spans = (spans * (size // len(spans)))[:-1]
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[%s]}]}]}' % spans


@pytest.mark.parametrize("text", ["GET /a/b", '{"a":[{}],"b":"\\\\"}', "{,[" * 50])
def test_31_mib_of_ordinary_json(text):
    """Whatever stands in its texts, which are not counted."""
    assert not is_too_much_json(ordinary_json(31 * MIB, text))


@pytest.mark.parametrize("unit", [b"{},", b"[],", b'"",', b"0,", b'{"":{}},', rb'"\"\\",'])
def test_empty_json(unit):
    """Values that grow when they are parsed are refused."""
    assert is_too_much_json(b'{"resourceSpans":[%s0]}' % (unit * (32 * MIB // len(unit))))
