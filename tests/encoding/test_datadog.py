"""Traces as Datadog's tracers send them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_traces.encoding.datadog import decode, looks_like_payload, looks_like_span
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import Event, Link, SpanData

UPPER = "69faf94800000000"


def span(**fields: Any) -> dict[str, Any]:
    given = {"name": "web.request", "resource": "GET /", "service": "shop", "type": "web"}
    ids = {"trace_id": 7, "span_id": 1, "parent_id": 0, "start": 1_000, "duration": 20, "error": 0}
    return {**given, **ids, **fields}


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def read(**fields: Any) -> SpanData:
    (only,) = decode([[span(**fields)]], "file")
    return only


def test_every_field_comes_through() -> None:
    """The operation is the name; tags and numbers are attributes."""
    found = read(
        parent_id=3,
        error=1,
        meta={
            "span.kind": "server",
            "component": "flask",
            "error.type": "builtins.KeyError",
            "error.message": "'trip'",
            "error.stack": "Traceback",
            "_dd.p.tid": UPPER,
        },
        metrics={"_sampling_priority_v1": 1, "http.status_code": 500},
    )

    assert found == SpanData(
        name="web.request",
        trace_id=f"{UPPER}0000000000000007",
        span_id="0000000000000001",
        parent_id="0000000000000003",
        start_ns=1_000,
        end_ns=1_020,
        kind="server",
        status="error",
        status_description="'trip'",
        attributes={
            "resource.name": "GET /",
            "span.type": "web",
            "_sampling_priority_v1": 1,
            "http.status_code": 500,
            "component": "flask",
            "error.type": "builtins.KeyError",
            "error.message": "'trip'",
            "error.stack": "Traceback",
        },
        events=(
            Event(
                "exception",
                1_020,
                {
                    "exception.type": "builtins.KeyError",
                    "exception.message": "'trip'",
                    "exception.stacktrace": "Traceback",
                },
            ),
        ),
        service="shop",
        resource={"service.name": "shop"},
        scope="flask",
        source="file",
    )


def test_chunks_lists_and_single_spans_are_read() -> None:
    """As payloads, as what a script has kept, as a line."""
    assert decode(span(), "file") == decode([span()], "file") == decode([[span()], []], "file")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (18_446_744_073_709_551_615, "f" * 16),
        ("18446744073709551615", "f" * 16),
        (-1, "f" * 16),
        ("-2", "f" * 15 + "e"),
        (-(1 << 63), "8" + "0" * 15),
        ("12", "000000000000000c"),
    ],
)
def test_ids_are_decimal(given: object, found: str) -> None:
    """As numbers or as texts, of 64 bits, below zero as Java prints them."""
    assert read(span_id=given, parent_id=given)[2:4] == (found, found)
    assert read(trace_id=given).trace_id == found.rjust(32, "0")


@pytest.mark.parametrize("given", [0, None, "0"])
def test_roots(given: object) -> None:
    """Have no parent, or number 0."""
    assert read(parent_id=given).parent_id is None


def test_the_upper_half_of_a_trace_id_is_that_of_the_whole_chunk() -> None:
    """It stands in one span; a chunk without it is like the others of its trace."""
    told = span(meta={"_dd.p.tid": UPPER.upper()})
    chunks = [[span(span_id=2), told], [span(span_id=3)], [span(trace_id=8)]]

    assert [one.trace_id for one in decode(chunks, "file")] == [
        *3 * [f"{UPPER}0000000000000007"], f"{8:032x}",
    ]  # fmt: skip


def test_two_traces_may_differ_in_the_upper_half_alone() -> None:
    """If both say so."""
    chunks = [[span(meta={"_dd.p.tid": UPPER})], [span(meta={"_dd.p.tid": "1" * 16})]]

    assert [one.trace_id[:16] for one in decode(chunks, "file")] == [UPPER, "1" * 16]


def test_a_trace_id_of_128_bits_is_whole() -> None:
    """And no upper half that is none is put before one."""
    assert read(trace_id=1 << 127, meta={"_dd.p.tid": UPPER}).trace_id == f"{1 << 127:032x}"
    assert read(meta={"_dd.p.tid": "xyz"}).trace_id == f"{7:032x}"


def test_what_the_sampler_dropped_was_not_sampled() -> None:
    """The whole trace, as its first span says."""
    spans = decode([[span(metrics={"_sampling_priority_v1": 0}), span(span_id=2)]], "file")

    assert [one.sampled for one in spans] == [False, False]
    assert read(metrics={"_sampling_priority_v1": 2}).sampled


def test_spans_without_what_may_be_missing() -> None:
    """An empty service is none; no duration, no end."""
    found = read(service="", duration=None, resource=None, type="", meta=None, metrics=None)

    assert (found.service, found.resource, found.attributes) == (None, {}, {})
    assert (found.end_ns, found.scope, found.status) == (None, None, "unset")


def test_the_scope_is_that_of_opentelemetry_where_it_is_told() -> None:
    """Else the integration."""
    assert read(meta={"otel.scope.name": "app", "component": "flask"}).scope == "app"


@pytest.mark.parametrize(
    ("meta", "events"),
    [
        ({"error.msg": "gone"}, ()),
        ({"error.type": "E", "error.msg": "gone"}, ({"exception.type": "E", "exception.message": "gone"},)),
    ],
)  # fmt: skip
def test_exceptions_have_a_type(meta: dict[str, str], events: tuple[dict[str, str], ...]) -> None:
    """Without one an error is a status with a description."""
    found = read(error=1, meta=meta)

    assert tuple(event.attributes for event in found.events) == events
    assert found.status_description == "gone"


def test_links_and_events_have_fields_of_their_own() -> None:
    """An exception among the events is told once."""
    found = read(
        error=1,
        meta={"error.type": "KeyError"},
        span_links=[
            {"trace_id": 9, "trace_id_high": 1, "span_id": 2, "attributes": {"reason": "retry"}},
            {"trace_id": 9, "span_id": 3},
        ],
        span_events=[
            {"name": "exception", "time_unix_nano": 5, "attributes": {"exception.type": "KeyError"}}
        ],
    )

    assert found.links == (
        Link(f"{(1 << 64) + 9:032x}", f"{2:016x}", {"reason": "retry"}),
        Link(f"{9:032x}", f"{3:016x}"),
    )
    assert found.events == (Event("exception", 5, {"exception.type": "KeyError"}),)


def test_links_and_events_may_be_json_in_tags() -> None:
    """With ids in hex; they are no attributes then."""
    links = [{"trace_id": "f" * 32, "span_id": "a" * 16, "attributes": {"n": [1, 2]}}]
    events = [{"name": "tick", "time_unix_nano": 5}]
    found = read(meta={"_dd.span_links": json.dumps(links), "events": json.dumps(events)})

    assert found.links == (Link("f" * 32, "a" * 16, {"n": (1, 2)}),)
    assert found.events == (Event("tick", 5),)
    assert found.attributes == {"resource.name": "GET /", "span.type": "web"}


@pytest.mark.parametrize("text", ["party", "{}", "[1]", 5, "[" * 100_000])
def test_a_tag_that_is_no_list_of_events_stays_one(text: object) -> None:
    """An application may call a tag so."""
    found = read(meta={"events": text})

    assert found.events == ()
    assert found.attributes["events"] == text


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ([[span(), span(trace_id=None)]], "[0][1].trace_id", "an id is needed"),
        (
            [span(span_id="abc")],
            "[0].span_id",
            "'abc' is not usable; a whole number is needed, or a string of its digits",
        ),
        (
            [span(span_id=1 << 64)],
            "[0].span_id",
            "18446744073709551616 is not usable; it does not fit into 64 bits",
        ),
        (
            [span(span_id=True)],
            "[0].span_id",
            "True is not usable; a whole number is needed, or a string of its digits",
        ),
        ([span(start=None)], "[0]", "it has no start"),
        ([span(meta=[])], "[0].meta", "[] is not usable; an object is needed"),
        ([span(), 5], "[1]", "5 is not usable; an object is needed"),
        ([span(meta={"k": nested(600)})], "[0].meta.k", "its value is nested too deeply"),
        ([span(trace_id=nested(600))], "[0].trace_id", None),
        (
            [span(error=[])],
            "[0].error",
            "[] is not usable; a whole number is needed, or a string of its digits",
        ),
        (
            {"traces": [[span(), span(start="soon")]]},
            "traces[0][1].start",
            "'soon' is not usable; a whole number is needed, or a string of its digits",
        ),
        ({"chunks": [{"spans": [span(), 5]}]}, "chunks[0].spans[1]", None),
        (
            {"chunks": [{"spans": [span()], "tags": 5}]},
            "chunks[0].tags",
            "5 is not usable; an object is needed",
        ),
        ([span(span_links=[{}])], "[0].span_links[0].trace_id", "an id is needed"),
        (
            [span(meta={"_dd.span_links": '[{"trace_id": "x"}]'})],
            "[0].meta._dd.span_links[0].span_id",
            "an id is needed",
        ),
    ],
)
def test_what_is_no_span_is_refused(value: object, where: str, why: str | None) -> None:
    """With the place and the reason."""
    with pytest.raises(Malformed) as caught:
        decode(value, "file")

    assert caught.value.where == where
    assert why is None or caught.value.why == why


def test_what_looks_like_a_span() -> None:
    """Both ids."""
    assert looks_like_span(span())
    assert not looks_like_span({"trace_id": 1})
    assert not looks_like_span([])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"traces": [[], [span()]]}, True),
        ({"chunks": [{"spans": []}, {"spans": [span()]}]}, True),
        ({"traces": []}, False),
        ({"traces": [{"traceID": "1", "rootServiceName": "shop"}]}, False),
        ({"chunks": 5}, False),
        ({"chunks": [5, {"spans": [5]}]}, False),
        ([span()], False),
    ],
)
def test_what_looks_like_a_payload(value: object, found: bool) -> None:
    """A span in it; the answer of a search at Tempo has none."""
    assert looks_like_payload(value) is found


def test_payloads_are_read() -> None:
    """As the test agent keeps them, and as the agent sends them on."""
    chunks = {"chunks": [{"spans": [span()]}, {"spans": [span(span_id=2)], "tags": None}]}

    assert decode({"traces": [[span()], [span(span_id=2)]]}, "file") == decode(
        [[span()], [span(span_id=2)]], "file"
    )
    assert decode(chunks, "file") == decode([[span()], [span(span_id=2)]], "file")


def test_a_chunk_tells_of_all_its_spans() -> None:
    """The upper half of the trace id, and whether the sampler has kept them."""
    told = {"tags": {"_dd.p.tid": UPPER}, "priority": 0, "spans": [span(), span(span_id=2)]}
    kept = {"priority": 1, "spans": [span(trace_id=8)]}
    undecided = {"priority": -128, "spans": [span(trace_id=9)]}
    spans = decode({"chunks": [told, kept, undecided]}, "file")

    assert [one.trace_id for one in spans] == [
        *2 * [f"{UPPER}0000000000000007"], f"{8:032x}", f"{9:032x}",
    ]  # fmt: skip
    assert [one.sampled for one in spans] == [False, False, True, True]


@pytest.mark.parametrize(
    ("error", "status"),
    [(0, "unset"), ("0", "unset"), ("", "unset"), (False, "unset"), ("false", "unset"),
     (None, "unset"), (0.0, "unset"), (1, "error"), ("1", "error"), (True, "error")],
)  # fmt: skip
def test_errors(error: object, status: str) -> None:
    """A number by nature; some write it as a text."""
    assert read(error=error).status == status


def test_half_a_character_in_a_tag_that_is_json() -> None:
    """Is none, and becomes a question mark."""
    events = '[{"name": "tick \\ud83d", "time_unix_nano": 5}]'

    assert read(meta={"events": events}).events == (Event("tick ?", 5),)
