"""Spans of any shape become the same value, or an error that names the field."""

import enum
from collections import ChainMap
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces import UnreadableSpan
from pytest_traces.model import SpanData
from pytest_traces.settings import NANOSECONDS, BadValue
from pytest_traces.sources.handwritten.reading import looks_like_span, read_span, shortened

SECONDS = 1_700_000_000
EXPECTED = SpanData(
    name="book",
    trace_id="ab" * 16,
    span_id="cd" * 8,
    parent_id="ef" * 8,
    start_ns=SECONDS * 10**9,
    end_ns=SECONDS * 10**9 + 25_000_000,
)
SNAKE = {
    "trace_id": "ab" * 16,
    "span_id": "cd" * 8,
    "parent_id": "ef" * 8,
    "name": "book",
    "start": SECONDS * 1_000,
    "end": SECONDS * 1_000 + 25,
}
CAMEL = {
    "traceId": "ab" * 16,
    "spanId": "cd" * 8,
    "parentId": "ef" * 8,
    "operationName": "book",
    "startTime": SECONDS * 1_000,
    "endTime": SECONDS * 1_000 + 25,
}


@dataclass
class DataSpan:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: float
    end: float


class TupleSpan(NamedTuple):
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: float
    end: float


class SlotSpan:
    __slots__ = ("end", "name", "parent_id", "span_id", "start", "trace_id")

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)


class SpanWithMethods:
    """As many tracers write it: the times beside methods of similar names."""

    def __init__(self) -> None:
        self.traceId, self.spanId, self.parentId = "ab" * 16, "cd" * 8, "ef" * 8
        self.name = "book"
        self.startTime, self.endTime = SECONDS * 1_000, SECONDS * 1_000 + 25

    def start(self) -> None:
        """Not a time."""

    def end(self) -> None:
        """Not a time."""

    def error(self, message: str) -> None:
        """Not an error."""

    def duration(self) -> float:
        """Not a number."""
        return 25.0


class BrokenSpan:
    trace_id, span_id, start, end = "ab" * 16, "cd" * 8, SECONDS * 1_000, None

    @property
    def name(self) -> str:
        raise RuntimeError("no request is handled")

    def __repr__(self) -> str:
        return "BrokenSpan()"


@pytest.mark.parametrize(
    "given",
    [
        SNAKE,
        CAMEL,
        MappingProxyType(SNAKE),
        ChainMap({}, SNAKE),
        SimpleNamespace(**SNAKE),
        SimpleNamespace(**CAMEL),
        DataSpan(**SNAKE),
        TupleSpan(**SNAKE),
        SlotSpan(**SNAKE),
        SpanWithMethods(),
        {**SNAKE, "parent_id": None, "parent": SlotSpan(span_id="ef" * 8)},
        {**SNAKE, "start": SECONDS * 1_000.0, "end": str(SECONDS * 1_000 + 25)},
        {**SNAKE, "end": None, "duration": 25},
        {**SNAKE, "end": None, "elapsed": timedelta(milliseconds=25)},
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_shape_is_the_same_span(given):
    """Mappings and objects of all kinds, in snake_case and in camelCase."""
    assert read_span(given) == EXPECTED


@pytest.mark.parametrize(
    ("start", "end", "factor"),
    [
        ("start_ns", "end_ns", 1_000_000),
        ("start_us", "end_us", 1_000),
        ("start_ms", "end_ms", 1),
        ("startMs", "endMs", 1),
        ("start_time_us", "end_time_us", 1_000),
        ("startTimeUnixNano", "endTimeUnixNano", 1_000_000),
        ("start_time_unix_nano", "end_time_unix_nano", 1_000_000),
        ("startTimeNs", "endTimeNs", 1_000_000),
        ("started_at_ms", "finished_at_ms", 1),
        ("startedAtMs", "finishedAtMs", 1),
    ],
)
def test_a_name_that_states_the_unit_goes_before_the_argument(start, end, factor):
    """``start_ns`` counts nanoseconds, whatever ``unit=`` says of bare numbers."""
    given = {name: value for name, value in SNAKE.items() if name not in ("start", "end")}
    given |= {start: SNAKE["start"] * factor, end: SNAKE["end"] * factor}

    assert read_span(given, unit="s") == EXPECTED


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
def test_bare_numbers_are_read_in_the_unit(unit):
    """The argument ``unit`` says what they count."""
    factor = NANOSECONDS["ms"] / NANOSECONDS[unit]
    given = {**SNAKE, "start": SNAKE["start"] * factor, "end": SNAKE["end"] * factor}

    assert read_span(given, unit=unit) == EXPECTED


def test_an_exported_opentelemetry_span_is_read():
    """As the SDK's console exporter prints it: ids in a context, times as text."""
    given = {
        "name": "book",
        "context": {"trace_id": "0x" + "ab" * 16, "span_id": "0x" + "cd" * 8, "trace_state": "[]"},
        "kind": "SpanKind.SERVER",
        "parent_id": "0x" + "ef" * 8,
        "start_time": "2023-11-14T22:13:20.000000Z",
        "end_time": "2023-11-14T22:13:20.025000Z",
        "status": {"status_code": "ERROR", "description": "sold out"},
        "attributes": {"http.route": "/book"},
        "events": [],
        "links": [],
        "resource": {"service.name": "agency"},
    }

    assert read_span(given) == EXPECTED._replace(
        kind="server",
        status="error",
        status_description="sold out",
        attributes={"http.route": "/book"},
        service="agency",
        resource={"service.name": "agency"},
    )


@pytest.mark.parametrize("end", [{"end": None}, {"duration": None}, {"end": None, "elapsed": None}])
def test_a_span_whose_end_is_none_is_open(end):
    """It says so itself; a span without any such field is refused."""
    given = {name: value for name, value in SNAKE.items() if name != "end"} | end

    assert read_span(given).end_ns is None


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SNAKE.items() if key != name}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            without("name"),
            "it has no name (looked for name, operation_name, operationName, operation)",
        ),
        (without("trace_id"), "it has no trace_id (looked for trace_id, traceId, trace)"),
        (without("span_id"), "it has no span_id (looked for span_id, spanId, id)"),
        (
            without("start"),
            "it has no start (looked for start, start_time, startTime, started_at, startedAt, "
            "timestamp)",
        ),
        (
            without("end"),
            "it has no end (looked for end, end_time, endTime, ended_at, endedAt, finished_at, "
            "finishedAt, duration, elapsed; None while the span is open)",
        ),
        ({**SNAKE, "name": None}, "its name is None"),
        ({**SNAKE, "name": 7}, "name: 7 is not usable; a name is a text"),
        ({**SNAKE, "trace_id": None}, "its trace_id is None"),
        (
            {**SNAKE, "trace_id": "?"},
            "trace_id: '?' is not usable; an id is a UUID, or up to 32 hex digits that are not all "
            "zeros, as text or as an integer",
        ),
        (
            {**SNAKE, "span_id": "0"},
            "span_id: '0' is not usable; an id is a UUID, or up to 16 hex digits that are not all "
            "zeros, as text or as an integer",
        ),
        (
            {**SNAKE, "parent_id": "?"},
            "parent_id: '?' is not usable; an id is a UUID, or up to 16 hex digits that are not "
            "all zeros, as text or as an integer",
        ),
        (
            {**SNAKE, "start": SECONDS},
            f'start: {SECONDS} is not usable; with unit="ms" it lies outside the years 1990 to '
            '2100; unit="s" would fit',
        ),
        (
            {**SNAKE, "end": "soon"},
            "end: 'soon' is not usable; a time is a number, an ISO 8601 text or a datetime",
        ),
        (
            {**SNAKE, "end": SECONDS * 1_000 - 1},
            "end: 1699999999999 is not usable; it lies before the start",
        ),
        (
            {**without("end"), "duration": -1},
            "duration: -1 is not usable; a duration in ms is a number, and not negative",
        ),
        (
            {**SNAKE, "kind": 2},
            "kind: 2 is not usable; a kind is one of internal, server, client, producer, consumer",
        ),
        (
            {**SNAKE, "status": "fine"},
            "status: 'fine' is not usable; a status is one of unset, ok, error",
        ),
        (
            {**SNAKE, "attributes": ["a"]},
            "attributes: ['a'] is not usable; it is a mapping of names to values",
        ),
        ({**SNAKE, "events": "boom"}, "events: 'boom' is not usable; it is a list"),
        ({**SNAKE, "service": 5}, "service: 5 is not usable; it is a text"),
    ],
)
def test_a_missing_or_wrong_field_is_named(given, message):
    """The whole message: the field, why, and what was given."""
    with pytest.raises(UnreadableSpan) as caught:
        read_span(given)
    shown = repr(given)
    assert str(caught.value) == (
        f"not a span: {message}\n  given: {shown if len(shown) <= 300 else shown[:297] + '...'}"
    )


def test_a_property_that_raises_is_named():
    """It is the application's error, not this package's."""
    with pytest.raises(UnreadableSpan) as caught:
        read_span(BrokenSpan())
    assert str(caught.value) == (
        "not a span: name: BrokenSpan() is not usable; reading it raises RuntimeError: no request "
        "is handled\n"
        "  given: BrokenSpan()"
    )
    assert caught.value.field == "name"


def test_what_is_no_span_at_all_is_named():
    """It looks for the name first."""
    with pytest.raises(UnreadableSpan) as caught:
        read_span("book")
    assert str(caught.value) == (
        "not a span: it has no name (looked for name, operation_name, operationName, operation)\n"
        "  given: 'book'"
    )


def test_a_bad_unit_is_an_error_of_its_own():
    """It is not the span's fault."""
    with pytest.raises(BadValue) as caught:
        read_span(SNAKE, unit="minutes")
    assert str(caught.value) == "unit: 'minutes' is not usable; a unit is one of ns, us, ms, s"


def test_an_object_is_shown_by_its_fields_without_addresses():
    """Slots as well as attributes, and other objects in them."""
    given = SlotSpan(name="book", parent_id=SlotSpan())

    assert (
        shortened(given)
        == f"SlotSpan with {{'name': 'book', 'parent_id': <{__name__}.SlotSpan object>}}"
    )
    assert shortened(SimpleNamespace(a=1)) == "namespace(a=1)"


def test_what_cannot_be_shown_is_shown_by_its_type():
    """A repr of the application may raise."""

    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shortened(Shy()) == "a Shy"


@pytest.mark.parametrize(
    ("given", "looks"),
    [
        (SNAKE, True),
        ({"name": "book", "trace_id": None, "id": 7}, True),
        ({"name": "book", "context": {"trace_id": 1}}, True),
        (TupleSpan(**SNAKE), True),
        ({"name": "book"}, False),
        ({"id": 7}, False),
        ("book", False),
        (7, False),
        (None, False),
        (SlotSpan, False),
        (BrokenSpan(), False),
    ],
)
def test_a_span_is_recognised_by_a_name_and_an_id(given, looks):
    """So that a span that lacks something else is reported, and other arguments are not."""
    assert looks_like_span(given) is looks


class Status(enum.Enum):
    GOOD = "ok"
    BAD = "error"


TEXT = st.text(min_size=1)
MOMENTS = st.integers(SECONDS * 10**9, (SECONDS + 10**6) * 10**9)


@given(
    name=TEXT,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    parent_id=st.none() | st.integers(1, 2**64 - 1),
    start=MOMENTS,
    took=st.none() | st.integers(0, 10**15),
    status=st.sampled_from(Status),
    attributes=st.dictionaries(TEXT, st.integers() | TEXT),
)
def test_a_span_round_trips(name, trace_id, span_id, parent_id, start, took, status, attributes):
    """Written with ids as numbers and times in nanoseconds, nothing of a span is lost."""
    end = None if took is None else start + took
    given = {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent_id,
        "name": name,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": end,
        "status": status,
        "attributes": attributes,
    }

    assert read_span(given) == SpanData(
        name=name,
        trace_id=f"{trace_id:032x}",
        span_id=f"{span_id:016x}",
        parent_id=None if parent_id is None else f"{parent_id:016x}",
        start_ns=start,
        end_ns=end,
        status=status.value,
        attributes=attributes,
    )


@given(MOMENTS, st.integers(0, 10**6))
def test_times_as_datetimes_are_the_same_span(start, microseconds):
    """Start and end as datetimes, or as their ISO text, or as numbers."""
    begin = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=start // 1_000)
    end = begin + timedelta(microseconds=microseconds)
    ids = {"name": "book", "trace_id": 1, "span_id": 2}
    first = start // 1_000

    spans = [
        read_span({**ids, "start": begin, "end": end}),
        read_span({**ids, "start": begin.isoformat(), "end": end.isoformat()}),
        read_span({**ids, "start": first, "end": first + microseconds}, unit="us"),
    ]

    assert spans[0] == spans[1] == spans[2]
