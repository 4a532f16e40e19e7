"""Spans in a format that is told by what is there, never by the name of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from pytest_traces.encoding import datadog, jaeger, otlp_json, otlp_proto, zipkin
from pytest_traces.encoding.documents import Document, documents, text_of, unpacked
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import elements
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import SpanData

FORMATS = "OTLP, Jaeger, Zipkin v2, Datadog"

Decode = Callable[[object, str], list[SpanData]]

_OTLP_KEYS = ("resourceSpans", "resource_spans", "batches")
#: Where Tempo and Jaeger put OTLP in their answers.
_AROUND = ("trace", "result")
_SIZE = 4
#: The tag of the only field that a message of traces has.
_RESOURCE_SPANS = b"\n"


def read(data: bytes, source: str) -> list[SpanData]:
    """The spans in these bytes, which may be gzipped; none where there is no document at all.

    Args:
        data: a whole file, or the body of an answer.
        source: where the spans come from, by their own account.

    Raises:
        Malformed: they are no traces, with the place and the reason.
        ModuleNotFoundError: they are protobuf, and opentelemetry-proto is not installed.
    """
    data = unpacked(data)
    text = text_of(data)
    if text is None:
        return _read_protobuf(data, source)
    return [span for one in documents(text) for span in _read_document(one, source)]


def _read_document(document: Document, source: str) -> list[SpanData]:
    try:
        return read_json(document.value, source)
    except Malformed as error:
        place = ", ".join(part for part in (document.where, error.where) if part)
        raise Malformed(place, error.why) from None


def read_json(value: object, source: str) -> list[SpanData]:
    """The spans in parsed JSON; none in an empty array.

    Raises:
        Malformed: they are no traces, with the place and the reason.
    """
    if isinstance(value, Mapping):
        for key in _AROUND:
            if _is_otlp(value.get(key)):
                return _below(key, otlp_json.decode, value[key], source)
        if _is_answer_of_jaeger(value):
            return jaeger.decode(value, source)
    sample = _sample(value)
    for looks_right, decode in _DECODERS:
        if looks_right(sample):
            return decode(value, source)
    if isinstance(value, list) and all(one == [] for one in value):
        return []
    raise Malformed("", f"{_described(sample or value)} is no trace of a known format: {FORMATS}")


def _is_otlp(value: object) -> bool:
    return isinstance(value, Mapping) and any(key in value for key in _OTLP_KEYS)


def _is_answer_of_jaeger(value: Mapping[str, object]) -> bool:
    if "data" not in value:
        return False
    traces = value["data"]
    return traces in (None, []) or jaeger.looks_like_trace(_sample(traces))


def _sample(value: object) -> object:
    """The first object in arrays of arrays, or the one that this is; None if there is none."""
    for node in elements(Node(value)):
        for inner in elements(node):
            if isinstance(inner.value, Mapping):
                return inner.value
    return None


def _otlp(value: object, source: str) -> list[SpanData]:
    """One request, or an array of them."""
    spans: list[SpanData] = []
    for node in elements(Node(value)):
        if not _is_otlp(node.value):
            raise Malformed(node.where, "it has no resourceSpans")
        spans += _below(node.where, otlp_json.decode, node.value, source)
    return spans


def _below(place: str, decode: Decode, value: object, source: str) -> list[SpanData]:
    """What is decoded there; an error names the place as seen from the top."""
    try:
        return decode(value, source)
    except Malformed as error:
        raise Malformed(
            ".".join(part for part in (place, error.where) if part), error.why
        ) from None


def _described(value: object) -> str:
    """What some JSON is, in a few words."""
    if isinstance(value, Mapping):
        keys = ", ".join(repr(key) for key in list(value)[:3])
        more = ", ..." if len(value) > 3 else ""
        return f"an object with {keys}{more}" if value else "an empty object"
    return "an array of something else" if isinstance(value, list) else json.dumps(value)[:40]


_DECODERS: tuple[tuple[Callable[[object], bool], Decode], ...] = (
    (_is_otlp, _otlp),
    (jaeger.looks_like_trace, jaeger.decode),
    (zipkin.looks_like_span, zipkin.decode),
    (datadog.looks_like_span, datadog.decode),
)


def _read_protobuf(data: bytes, source: str) -> list[SpanData]:
    """One message, or several with their sizes before them, as the collector writes files."""
    messages = list(_messages(data))
    spans: list[SpanData] = []
    # Anything else is told without the library that reads them.
    if all(one.startswith(_RESOURCE_SPANS) for one in messages):
        spans += [span for one in messages for span in otlp_proto.decode(one, source)]
    if not spans:
        raise Malformed("", "it is no text, and no OTLP protobuf that holds a span")
    return spans


def _messages(data: bytes) -> Iterator[bytes]:
    if data[0]:  # no size: that would be one of 16 MiB or more
        yield data
        return
    at = 0
    while at < len(data):
        end = at + _SIZE + int.from_bytes(data[at : at + _SIZE], "big")
        if end > len(data):
            raise Malformed(f"byte {at}", "the message that begins here ends too early")
        yield data[at + _SIZE : end]
        at = end
