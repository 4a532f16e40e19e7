"""The headers of carriers of every shape."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import httpx
import pytest

textmap = pytest.importorskip("opentelemetry.propagators.textmap")
headers = pytest.importorskip("pytest_traces.sources.opentelemetry.headers")

FIELDS = {"traceparent", "tracestate"}


class Items:
    """Headers that are no mapping, as those of Werkzeug and of the standard library."""

    def items(self):
        return iter([("a", "1"), ("a", "2")])


class Attributes(textmap.Getter):
    """Reads attributes, and knows no names, as Celery's does."""

    def get(self, carrier, key):
        value = getattr(carrier, key, None)
        return None if value is None else [value]

    def keys(self, carrier):
        return []


class Nested(textmap.Getter, textmap.Setter):
    """Reads and writes the attributes of an SQS message."""

    def get(self, carrier, key):
        return [carrier[key]["StringValue"]] if key in carrier else None

    def keys(self, carrier):
        return list(carrier)

    def set(self, carrier, key, value):
        carrier[key] = {"DataType": "String", "StringValue": value}


@pytest.mark.parametrize(
    ("carrier", "pairs"),
    [
        ({"a": "1", "b": ["2", b"3"]}, [("a", "1"), ("b", "2"), ("b", "3")]),
        (httpx.Headers([("a", "1"), ("a", "2")]), [("a", "1"), ("a", "2")]),
        ([("a", b"1"), ("b", None), (b"c", bytearray(b"\xff"))], [("a", "1"), ("c", "\ufffd")]),
        ((["a", "1"], ["a", "1", "2"], "ab"), [("a", "1")]),
        (Items(), [("a", "1"), ("a", "2")]),
        ({"retries": 0, "eager": False, "limit": 1.5}, [("retries", "0"), ("eager", "False"), ("limit", "1.5")]),
        ({"none": None, "table": {"a": "1"}, "object": object(), "nested": [["a"]]}, []),
        ({1: "a", None: "b"}, [("1", "a")]),
        (None, []),
        (object(), []),
        ("text", []),
    ],
)  # fmt: skip
def test_pairs(carrier, pairs):
    """Text, bytes and numbers are headers, one for each value of a list; nothing else is."""
    assert list(headers.pairs_of(carrier)) == pairs


def test_read_by_default():
    """Without a getter, or with the default one, all that is in the carrier counts."""
    for getter in (None, textmap.default_getter):
        assert list(headers.read({"A": "1"}, getter, FIELDS)) == [("A", "1")]


def test_read_by_a_getter_without_names():
    """A getter that knows no names is asked for the fields of the propagator."""
    carrier = SimpleNamespace(traceparent="x", other="y")
    assert list(headers.read(carrier, Attributes(), FIELDS)) == [("traceparent", "x")]


def test_read_by_a_getter_with_names():
    """A getter that knows the names is asked for each once, and for the fields besides."""
    carrier = {"Traceparent": {"StringValue": "x"}, "traceparent": {"StringValue": "y"}}
    carrier["a"] = {"StringValue": "1"}
    assert list(headers.read(carrier, Nested(), FIELDS)) == [("Traceparent", "x"), ("a", "1")]


@pytest.mark.parametrize("names", [None, 1, NotImplementedError(), [1, None]])
def test_read_where_there_are_no_names(names):
    """A getter whose names are useless, or which raises for them, is still read by the fields."""

    class Getter(Attributes):
        def keys(self, carrier):
            if isinstance(names, Exception):
                raise names
            return names

    carrier = SimpleNamespace(traceparent="x")
    assert list(headers.read(carrier, Getter(), FIELDS)) == [("traceparent", "x")]


def test_read_where_other_headers_are_unreadable():
    """A header that nobody asks the getter for may be one that it cannot read."""
    carrier = {"traceparent": {"StringValue": "x"}, "picture": {"BinaryValue": b""}}
    assert list(headers.read(carrier, Nested(), FIELDS)) == [("traceparent", "x")]


def test_read_where_a_field_is_unreadable():
    """Where the getter fails for what the propagator asks, that is told."""
    with pytest.raises(AttributeError):
        list(headers.read(object(), SimpleNamespace(), FIELDS))


def test_written_by_default():
    """With no setter of the application's own, what is in the carrier afterwards was written."""
    assert headers.noting(None) is None
    assert headers.noting(textmap.default_setter) is None
    assert list(headers.written({"a": "1"}, None)) == [("a", "1")]


def test_written_by_a_setter():
    """What a setter was told counts, however it writes that; the rest is read from the carrier."""
    setter = headers.noting(Nested())
    carrier = {"a": "1"}
    setter.set(carrier, "traceparent", "x")
    assert carrier["traceparent"]["StringValue"] == "x"
    assert list(headers.written(carrier, setter)) == [("traceparent", "x"), ("a", "1")]


def test_written_in_bytes():
    """A list of pairs with bytes, as Kafka's, has each header once."""
    setter = headers.noting(
        SimpleNamespace(set=lambda carrier, key, value: carrier.append((key, value.encode())))
    )
    carrier = [("a", b"1")]
    setter.set(carrier, "traceparent", "x")
    assert list(headers.written(carrier, setter)) == [("traceparent", "x"), ("a", "1")]


def test_setter_keeps_its_other_names():
    """Whatever else an application's propagator asks of its own setter is there."""
    setter = headers.noting(SimpleNamespace(prefix="app-", lock=threading.Lock()))
    assert setter.prefix == "app-"
    assert isinstance(setter, textmap.Setter)
    with pytest.raises(AttributeError):
        setter.missing  # noqa: B018
