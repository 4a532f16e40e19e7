"""Traces of Jaeger's query API."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_traces.encoding.jaeger import decode, looks_like_span, looks_like_trace
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import Event, Link, SpanData

TRACE = "0af7651916cd43dd8448eb211c80319c"


def tag(key: str, value: object, kind: str = "string") -> dict[str, object]:
    return {"key": key, "type": kind, "value": value}


def span(**fields: Any) -> dict[str, Any]:
    given = {"traceID": TRACE, "spanID": "a", "operationName": "GET", "startTime": 1_000_000}
    return {**given, "duration": 250, "processID": "p1", **fields}


def answer(*spans: Any) -> dict[str, Any]:
    processes = {"p1": {"serviceName": "shop", "tags": [tag("host.name", "web-1")]}}
    trace = {"traceID": TRACE, "spans": list(spans), "processes": processes, "warnings": None}
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def read(**fields: Any) -> SpanData:
    (only,) = decode(answer(span(**fields)), "file")
    return only


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def reference(kind: str, span_id: str, trace_id: str = TRACE) -> dict[str, str]:
    return {"refType": kind, "traceID": trace_id, "spanID": span_id}


def test_every_field_comes_through() -> None:
    """Microseconds become nanoseconds, tags fields and attributes, the process the resource."""
    found = read(
        references=[reference("CHILD_OF", "b7ad6b7169203331")],
        flags=1,
        tags=[
            tag("span.kind", "client"),
            tag("otel.scope.name", "app.http"),
            tag("otel.status_code", "ERROR"),
            tag("otel.status_description", "no route"),
            tag("error", True, "bool"),
            tag("http.status_code", 502, "int64"),
        ],
        logs=[{"timestamp": 1_000_100, "fields": [tag("event", "retry"), tag("n", 2, "int64")]}],
        warnings=None,
    )

    assert found == SpanData(
        name="GET",
        trace_id=TRACE,
        span_id="000000000000000a",
        parent_id="b7ad6b7169203331",
        start_ns=1_000_000_000,
        end_ns=1_000_250_000,
        kind="client",
        status="error",
        status_description="no route",
        attributes={"http.status_code": 502},
        events=(Event("retry", 1_000_100_000, {"n": 2}),),
        service="shop",
        resource={"service.name": "shop", "host.name": "web-1"},
        scope="app.http",
        source="file",
    )


def test_a_trace_by_itself_and_a_list_of_traces_are_read() -> None:
    """As the interface downloads them, and as scripts keep them."""
    whole = answer(span())

    assert (
        decode(whole["data"][0], "file") == decode(whole, "file") == decode(whole["data"], "file")
    )


def test_the_parent_is_the_first_child_of_reference_to_the_same_trace() -> None:
    """All others are links, also to other traces."""
    found = read(
        references=[
            reference("FOLLOWS_FROM", "c1"),
            reference("CHILD_OF", "c2", "ff"),
            reference("CHILD_OF", "c3"),
            reference("CHILD_OF", "c4"),
        ]
    )

    assert found.parent_id == "00000000000000c3"
    assert found.links == (
        Link(TRACE, "00000000000000c1", {"opentracing.ref_type": "follows_from"}),
        Link(f"{'ff':0>32}", "00000000000000c2", {"opentracing.ref_type": "child_of"}),
        Link(TRACE, "00000000000000c4", {"opentracing.ref_type": "child_of"}),
    )


def test_what_follows_from_a_span_is_below_it_where_nothing_else_is() -> None:
    """It stays a link, so that both kinds can be told apart."""
    found = read(
        references=[reference("FOLLOWS_FROM", "c1", "ff"), reference("FOLLOWS_FROM", "c2")]
    )

    assert found.parent_id == "00000000000000c2"
    assert len(found.links) == 2


@pytest.mark.parametrize(
    ("fields", "parent_id"),
    [
        ({}, None),
        ({"references": None}, None),
        ({"references": [reference("CHILD_OF", "0")]}, None),
        ({"parentSpanID": "0000000000000000"}, None),
        ({"parentSpanID": "0x0"}, None),
        ({"parentSpanID": " "}, None),
        ({"parentSpanID": "c5"}, "00000000000000c5"),
    ],
)
def test_spans_without_a_reference(fields: dict[str, Any], parent_id: str | None) -> None:
    """Zeros are no parent; older versions had a field for it."""
    assert read(**fields).parent_id == parent_id


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("5B8EFFF798038103D269B633813FC60C", "5b8efff798038103d269b633813fc60c"),
        ("3d269b633813fc60c", "0000000000000003d269b633813fc60c"),
        ("0x1f", f"{'1f':0>32}"),
        ("0" * 20 + TRACE, TRACE),
        ("0" * 968 + TRACE, TRACE),
        ("0X1F", f"{'1f':0>32}"),
    ],
)
def test_trace_ids_have_32_digits(given: str, found: str) -> None:
    """However many zeros they were written with."""
    assert read(traceID=given).trace_id == found


def test_names_may_stand_for_ids() -> None:
    """The same name for the same id, as that of a span and as that of a parent."""
    first = span(traceID="trace-1", spanID="span-1")
    second = span(
        traceID="trace-1", spanID="span-2", references=[reference("CHILD_OF", "span-1", "trace-1")]
    )
    above, below = decode(answer(first, second), "file")

    assert below.parent_id == above.span_id
    assert below.span_id != above.span_id
    assert below.trace_id == above.trace_id
    assert int(above.trace_id, 16)
    assert (len(above.trace_id), len(above.span_id)) == (32, 16)


def test_the_trace_id_of_the_whole_is_that_of_its_spans() -> None:
    """Where these have none."""
    assert read(traceID=None).trace_id == TRACE


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (tag("k", "7", "int64"), 7),
        (tag("k", "7.5", "float64"), 7.5),
        (tag("k", 7, "float64"), 7),
        (tag("k", "true", "bool"), True),
        (tag("k", "maybe", "bool"), "maybe"),
        (tag("k", "x", "int64"), "x"),
        (tag("k", "-7", "int64"), -7),
        (tag("k", "1_0", "int64"), "1_0"),
        (tag("k", " 7", "int64"), " 7"),
        (tag("k", "\u0661", "int64"), "\u0661"),
        (tag("k", "9" * 19, "int64"), "9" * 19),
        (tag("k", "9" * 5_000, "int64"), "9" * 5_000),
        (tag("k", "1_0.5", "float64"), "1_0.5"),
        (tag("k", " 7.5", "float64"), " 7.5"),
        (tag("k", "1e+06", "float64"), 1e6),
        (tag("k", "+Inf", "float64"), float("inf")),
        (tag("k", "-Inf", "float64"), float("-inf")),
        (tag("k", "AQI=", "binary"), b"\x01\x02"),
        (tag("k", "not base64", "binary"), "not base64"),
        (tag("k", "12"), "12"),
        (tag("k", [1, 2]), (1, 2)),
        ({"key": "k"}, None),
    ],
)
def test_values_have_the_type_that_their_tag_states(one: dict[str, Any], value: object) -> None:
    """Some write numbers as texts; what is none stays a text."""
    assert read(tags=[one]).attributes == {"k": value}


@pytest.mark.parametrize(
    ("tags", "status", "description"),
    [
        ([], "unset", None),
        ([tag("error", "true", "bool")], "error", None),
        ([tag("error", False, "bool")], "unset", None),
        ([tag("error", True, "bool"), tag("error.message", "gone")], "error", "gone"),
        ([tag("otel.status_code", "OK")], "ok", None),
        ([tag("otel.status_code", "ERROR")], "error", None),
        ([tag("otel.status_code", "UNSET")], "unset", None),
    ],
)
def test_statuses(tags: list[Any], status: str, description: str | None) -> None:
    """By the tag of OpenTelemetry, else by that of OpenTracing."""
    found = read(tags=tags)

    assert (found.status, found.status_description) == (status, description)


def test_an_unknown_kind_stays_an_attribute() -> None:
    """The span is internal."""
    found = read(tags=[tag("span.kind", "local")])

    assert found.kind == "internal"
    assert found.attributes == {"span.kind": "local"}


def test_an_error_of_opentracing_is_an_exception() -> None:
    """As other assertions look for it."""
    fields = [
        tag("event", "error"),
        tag("error.kind", "KeyError"),
        tag("message", "no such trip"),
        tag("stack", "..."),
        tag("level", "error"),
    ]
    found = read(logs=[{"timestamp": 5, "fields": fields}])

    assert found.events == (
        Event(
            "exception",
            5_000,
            {
                "exception.type": "KeyError",
                "exception.message": "no such trip",
                "exception.stacktrace": "...",
                "level": "error",
            },
        ),
    )


@pytest.mark.parametrize(
    ("fields", "name"),
    [([tag("message", "hello")], "hello"), ([tag("n", 1, "int64")], "log"), (None, "log")],
)
def test_logs_without_a_name(fields: list[Any] | None, name: str) -> None:
    """Have that of their message, or none of their own."""
    (event,) = read(logs=[{"timestamp": 5, "fields": fields}]).events

    assert event.name == name


def test_a_process_within_the_span_counts() -> None:
    """As Jaeger's storages keep it."""
    found = read(process={"serviceName": "bank"})

    assert (found.service, found.resource) == ("bank", {"service.name": "bank"})


def test_a_span_without_a_process_has_no_service() -> None:
    """Neither has any in a trace that tells of no processes."""
    assert read(processID=None).resource == {}
    assert read(processID="").service is None
    (only,) = decode({"traceID": TRACE, "spans": [span()], "processes": None}, "file")
    assert only.service is None


def test_a_span_without_a_duration_has_not_ended() -> None:
    """Nobody knows that it has."""
    assert read(duration=None).end_ns is None


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        (answer(span(startTime=None)), "data[0].spans[0]", "it has no startTime"),
        (
            answer(span(), span(startTime="soon")),
            "data[0].spans[1].startTime",
            "'soon' is not usable; a whole number is needed, or a string of its digits",
        ),
        (
            answer(span(startTime=-1)),
            "data[0].spans[0].startTime",
            "-1 is not usable; it does not fit into 54 bits",
        ),
        (answer(span(spanID=None)), "data[0].spans[0].spanID", "an id is needed"),
        (answer(span(spanID="")), "data[0].spans[0].spanID", "an id is needed"),
        (
            answer(span(spanID=7)),
            "data[0].spans[0].spanID",
            "7 is not usable; a string is needed",
        ),
        (
            answer(span(references=[reference("CHILD_OF", "")])),
            "data[0].spans[0].references[0].spanID",
            "an id is needed",
        ),
        (
            answer(span(tags="none")),
            "data[0].spans[0].tags",
            "'none' is not usable; an array is needed",
        ),
        (
            answer(None),
            "data[0].spans[0]",
            "None is not usable; an object is needed",
        ),
        (
            {"data": [{"spans": [], "traceID": "1"}, {"x": 1}]},
            "data[1]",
            "{'x': 1} is not usable; a trace has spans and processes",
        ),
        (
            {"data": None, "errors": [{"code": 500, "msg": "no storage"}]},
            "errors[0]",
            "the backend says: no storage",
        ),
        (
            {"data": [], "errors": [{"code": 404}, {"msg": "no storage"}]},
            "errors[1]",
            "the backend says: no storage",
        ),
        ({"data": None, "errors": ["x" * 999]}, "errors[0]", f"the backend says: {'x' * 200}"),
        ({"data": None, "errors": ["busy"]}, "errors[0]", "the backend says: busy"),
        (
            answer(span(), span(processID="p9")),
            "data[0].spans[1].processID",
            "'p9' is not usable; its trace has no such process",
        ),
        (
            {"traceID": TRACE, "spans": [span()], "processes": {"p1": None}},
            "spans[0].processID",
            "'p1' is not usable; its trace has no such process",
        ),
        (
            answer(span(processID=1)),
            "data[0].spans[0].processID",
            "1 is not usable; a string is needed",
        ),
        (
            answer(span()) | {"errors": [{"code": 500, "msg": "storage\ntimeout"}]},
            "errors[0]",
            "the backend gives only a part: storage timeout",
        ),
        (
            answer(span()) | {"errors": [{"msg": "trace not found", "traceID": "1"}]},
            "errors[0]",
            "the backend gives only a part: trace not found",
        ),
        (
            answer(span()) | {"errors": [{"code": 404, "msg": ""}]},
            "errors[0]",
            "the backend gives only a part: it does not say why",
        ),
        ({"data": None, "errors": [[]]}, "errors[0]", "[] is not usable; a string is needed"),
        (
            answer(span(tags=[tag("k", nested(600))])),
            "data[0].spans[0].tags[0].value",
            "its value is nested too deeply",
        ),
        (
            answer(span(operationName=nested(100_000))),
            "data[0].spans[0].operationName",
            "something that is nested deeply is not usable; a string is needed",
        ),
        (
            answer(span(spanID="0" * 1_001)),
            "data[0].spans[0].spanID",
            f"'{'0' * 39}… is not usable; an id has 1,000 characters at most",
        ),
    ],
)
def test_what_is_no_trace_is_refused(value: object, where: str, why: str) -> None:
    """With the place and the reason."""
    with pytest.raises(Malformed) as caught:
        decode(value, "file")

    assert (caught.value.where, caught.value.why) == (where, why)


def test_an_answer_without_traces_has_no_spans() -> None:
    """Nor is it an error."""
    assert decode({"data": None, "errors": None}, "file") == []
    assert decode({"data": []}, "file") == []


@pytest.mark.parametrize("code", [404, "404"])
@pytest.mark.parametrize("data", [None, []])
def test_a_trace_that_is_not_found_has_no_spans(data: object, code: object) -> None:
    """It is said with a status of its own, or with none."""
    assert decode({"data": data, "errors": [{"code": code, "msg": "not found"}]}, "file") == []


@pytest.mark.parametrize("errors", [None, []])
def test_an_answer_without_errors_is_whole(errors: object) -> None:
    """What is odd in a span is a warning of it."""
    whole = answer(span(warnings=["invalid parent span IDs=1; skipping clock skew adjustment"]))
    parts: list[str] = []

    assert len(decode(whole | {"errors": errors}, "file")) == 1
    assert len(decode(whole | {"errors": errors}, "file", parts)) == 1
    assert parts == []


def test_who_asks_again_gets_the_part() -> None:
    """And what the backend says of it."""
    errors = [{"code": 500, "msg": "x" * 999}, "busy"]
    parts: list[str] = []

    assert len(decode(answer(span()) | {"errors": errors}, "file", parts)) == 1
    assert parts == [
        f"the backend gives only a part: {'x' * 200}",
        "the backend gives only a part: busy",
    ]


def test_values_may_be_nested() -> None:
    """As deep as those of OTLP."""
    deep = read(tags=[tag("k", nested(49)), tag("m", {"a": [{"b": [1]}]})]).attributes

    assert str(deep["k"]).count("(") == 49
    assert deep["m"] == {"a": ({"b": (1,)},)}
    with pytest.raises(Malformed):
        read(tags=[tag("k", nested(50))])


def test_what_looks_like_a_trace() -> None:
    """Spans, and one more of its fields."""
    assert looks_like_trace({"spans": [], "processes": {}})
    assert looks_like_trace({"spans": [], "traceID": "1"})
    assert not looks_like_trace({"spans": []})
    assert not looks_like_trace([])
    assert looks_like_span(span())
    assert not looks_like_span({"spanID": "1"})
    assert not looks_like_span([])
