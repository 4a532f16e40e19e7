"""Spans in a format that is told by what is there, never by the name of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pytest_traces.encoding import datadog, jaeger, otlp_json, otlp_proto, zipkin
from pytest_traces.encoding.documents import Document, documents, text_of, unpacked
from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.lists import elements, first_object
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.partial import note_part
from pytest_traces.encoding.zipkin_reports import Told
from pytest_traces.model import SpanData

FORMATS = "OTLP, Jaeger, Zipkin v2, Datadog"

Decode = Callable[[object, str], list[SpanData]]

_SPAN_KEYS = ("resourceSpans", "resource_spans", "batches")
#: Other signals, which the collector may write into the same file; they have no spans.
_OTHER_KEYS = tuple(
    key
    for word in ("Metrics", "Logs", "Profiles")
    for key in (f"resource{word}", f"resource_{word.lower()}")
)
_OTLP_KEYS = frozenset((*_SPAN_KEYS, *_OTHER_KEYS))
#: Where Tempo and Jaeger put OTLP in their answers.
_AROUND = ("trace", "result")
#: What Tempo says beside that, and with which status.
_BESIDE = {"metrics", "status", "message"}
_PARTIAL = ("PARTIAL", 1)
_STATUSES = (None, "COMPLETE", 0, *_PARTIAL)
_DEEPEST_ARRAY = 2
_SHOWN = 40
_SIZE = 4
#: The tag of the only field that a message of traces has.
_RESOURCE_SPANS = b"\n"


class _Reading(NamedTuple):
    """How documents are read; spans of Zipkin's are made when all of them are."""

    source: str
    is_answer: bool
    parts: list[str] | None
    told: list[Told]


def read(
    data: bytes, source: str, *, is_answer: bool = False, parts: list[str] | None = None
) -> list[SpanData]:
    """The spans in these bytes, which may be gzipped; none where there is no document at all.

    Args:
        data: a whole file, or the body of an answer.
        source: where the spans come from, by their own account.
        is_answer: whether a backend was asked for a trace: one that it does not have may then be
            an object in which nothing is said of any.
        parts: gets what the backend says where it gives a trace only in part. Without it such
            an answer is an error.

    Raises:
        Malformed: they are no traces, or not whole ones, with the place and the reason.
        ModuleNotFoundError: they are protobuf, and opentelemetry-proto is not installed.
    """
    data = unpacked(data)
    text = text_of(data)
    if text is None:
        return _read_protobuf(data, source)
    reading = _Reading(source, is_answer, parts, [])
    spans = [span for one in documents(text) for span in _read_document(one, reading)]
    return spans + zipkin.spans_of(reading.told)


def _read_document(document: Document, reading: _Reading) -> list[SpanData]:
    try:
        return _read_json(document.value, reading)
    except Malformed as error:
        place = ", ".join(part for part in (document.where, error.where) if part)
        raise Malformed(place, error.why) from None


def _read_json(value: object, reading: _Reading) -> list[SpanData]:
    """The spans in parsed JSON; none in an empty array."""
    source = reading.source
    if isinstance(value, Mapping):
        _look_for_part(value, reading)
        for key in _AROUND:
            if _is_otlp(value.get(key)):
                return _below(key, otlp_json.decode, value[key], source)
        if _is_answer_of_jaeger(value):
            return jaeger.decode(value, source, reading.parts)
        if _has_no_trace(value, reading.is_answer):
            return []
    root = Node(value)
    sample = first_object(root)
    for looks_right, decode in _DECODERS:
        if sample is not None and looks_right(sample.value):
            return decode(value, source)
    if sample is not None and zipkin.looks_like_span(sample.value):
        reading.told.extend(zipkin.told_in(value, source))
        return []
    if isinstance(value, list) and all(one == [] for one in value):
        return []
    raise _unknown(sample or _first_of(root))


def _look_for_part(value: Mapping[str, object], reading: _Reading) -> None:
    """Tempo says so where a trace is too large, or a store did not answer."""
    is_answer = reading.is_answer or any(key in value for key in (*_AROUND, *_SPAN_KEYS))
    if is_answer and value.get("status") in _PARTIAL:
        status = Node(value).field("status")
        note_part(status or Node(value), value.get("message"), reading.parts)


def _has_no_trace(value: Mapping[str, object], is_answer: bool) -> bool:
    """Whether Tempo tells in this way that it has no trace, or Jaeger in OTLP."""
    around = [value[key] for key in _AROUND if key in value]
    return (
        bool(around or is_answer)
        and value.keys() <= _BESIDE.union(_AROUND)
        and all(one in (None, {}) for one in around)
        and value.get("status") in _STATUSES
        and ("message" not in value or "status" in value)
    )


def _first_of(root: Node) -> Node:
    """What stands in an array before anything else, where that is no empty array."""
    node = root
    for _ in range(_DEEPEST_ARRAY):
        node = next((one for one in elements(node) if one.value != []), node)
    return node


def _unknown(node: Node) -> Malformed:
    if jaeger.looks_like_span(node.value):
        return Malformed(
            node.where,
            "it is a span of Jaeger's by itself; the trace that it is of is needed: "
            '{"traceID": ..., "spans": [...], "processes": {...}}',
        )
    what = _described(node.value)
    return Malformed(node.where, f"{what} is no trace of a known format: {FORMATS}")


def _is_otlp(value: object) -> bool:
    return isinstance(value, Mapping) and not _OTLP_KEYS.isdisjoint(value)


def _is_answer_of_jaeger(value: Mapping[str, object]) -> bool:
    if "data" not in value:
        return False
    traces = value["data"]
    sample = first_object(Node(traces))
    return traces in (None, []) or (sample is not None and jaeger.looks_like_trace(sample.value))


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
        keys = ", ".join(_short(repr(key)) for key in list(value)[:3])
        more = ", ..." if len(value) > 3 else ""
        return f"an object with {keys}{more}" if value else "an empty object"
    return "an array" if isinstance(value, list) else _short(json.dumps(value))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_DECODERS: tuple[tuple[Callable[[object], bool], Decode], ...] = (
    (_is_otlp, _otlp),
    (jaeger.looks_like_trace, jaeger.decode),
    (datadog.looks_like_span, datadog.decode),
    (datadog.looks_like_payload, datadog.decode),
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
