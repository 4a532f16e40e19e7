"""Traces of Zipkin's API, version 2."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.zipkin import decode, looks_like_span
from pytest_traces.model import Event, SpanData

TRACE = "5aab74dbb904746bb33447baae403ed6"


def span(**fields: Any) -> dict[str, Any]:
    given = {"traceId": TRACE, "id": "a1", "name": "get /", "timestamp": 1_000, "duration": 7}
    return {**given, **fields}


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def read(**fields: Any) -> SpanData:
    (only,) = decode([span(**fields)], "file")
    return only


def test_every_field_comes_through() -> None:
    """Microseconds become nanoseconds, endpoints the service and attributes."""
    found = read(
        parentId="b2",
        kind="CLIENT",
        localEndpoint={"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80},
        remoteEndpoint={"serviceName": "bank", "ipv6": "::1"},
        annotations=[{"timestamp": 1_002, "value": "wire send"}],
        tags={"http.path": "/", "error": "no money", "otel.scope.name": "app"},
        shared=False,
        debug=True,
    )

    assert found == SpanData(
        name="get /",
        trace_id=TRACE,
        span_id="00000000000000a1",
        parent_id="00000000000000b2",
        start_ns=1_000_000,
        end_ns=1_007_000,
        kind="client",
        status="error",
        status_description="no money",
        attributes={
            "http.path": "/",
            "network.local.address": "10.0.0.1",
            "network.local.port": 80,
            "peer.service": "bank",
            "network.peer.address": "::1",
        },
        events=(Event("wire send", 1_002_000),),
        service="shop",
        resource={"service.name": "shop"},
        scope="app",
        source="file",
    )


def test_one_span_and_lists_of_traces_are_read() -> None:
    """As lines of a file, and as the answer to a search."""
    assert decode(span(), "file") == decode([span()], "file") == decode([[], [span()]], "file")


def test_short_trace_ids_are_padded() -> None:
    """Of 64 bits, as most still are."""
    assert read(traceId="EF86C83C0A05A6D6").trace_id == "0000000000000000ef86c83c0a05a6d6"


@pytest.mark.parametrize("kind", ["client", "server", "producer", "consumer"])
def test_kinds(kind: str) -> None:
    """Are those of OpenTelemetry, in capitals."""
    assert read(kind=kind.upper()).kind == kind
    assert read().kind == "internal"


@pytest.mark.parametrize(
    ("tags", "status", "description"),
    [
        ({}, "unset", None),
        (None, "unset", None),
        ({"error": ""}, "error", None),
        ({"error": "true"}, "error", None),
        ({"error": "false"}, "error", None),
        ({"error": "500"}, "error", "500"),
        ({"error": "x", "otel.status_description": "no route"}, "error", "no route"),
        ({"otel.status_code": "OK"}, "ok", None),
        ({"otel.status_code": "ERROR"}, "error", None),
    ],
)
def test_statuses(tags: dict[str, str] | None, status: str, description: str | None) -> None:
    """The tag ``error`` need only be there."""
    found = read(tags=tags)

    assert (found.status, found.status_description) == (status, description)
    assert found.attributes == {}


def test_a_span_without_a_duration_has_not_ended() -> None:
    """As far as its reporter knew."""
    assert read(duration=None).end_ns is None
    assert read(duration=0).end_ns == 1_000_000


def test_a_server_shares_the_id_of_its_client() -> None:
    """It is the child of that, and both stay."""
    client = span(kind="CLIENT", localEndpoint={"serviceName": "shop"})
    server = span(kind="SERVER", localEndpoint={"serviceName": "bank"}, shared=True)
    forest = assemble(decode([server, client], "file"))

    assert [one.path for one in forest.spans if one.kind == "server"] == ["get / > get /"]


def starts(*spans: dict[str, Any]) -> list[int]:
    return [one.start_ns // 1_000 for one in decode(list(spans), "file")]


def test_a_span_without_a_timestamp_starts_with_what_is_known() -> None:
    """Its annotations, the other side of its id, its parent, its trace; else the epoch."""
    unknown = {"timestamp": None, "duration": None}
    noted = [{"timestamp": 500, "value": "b"}, {"timestamp": 400, "value": "a"}]

    assert starts(span(annotations=noted, **unknown), span(id="c3")) == [400, 1_000]
    assert starts(span(kind="SERVER", **unknown), span(kind="CLIENT")) == [1_000, 1_000]
    assert starts(span(id="c3", parentId="a1", **unknown), span(), span(id="d4", timestamp=9)) == [
        1_000, 1_000, 9,
    ]  # fmt: skip
    assert starts(span(id="c3", **unknown), span(), span(id="d4", timestamp=9)) == [9, 1_000, 9]
    assert starts(span(timestamp=0)) == [0]


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ([span(), span(id=None)], "[1].id", "an id is needed"),
        ([[span()], [span(traceId="")]], "[1][0].traceId", "an id is needed"),
        (span(id=4), "id", "4 is not usable; a string is needed"),
        (
            [span(kind="BROKER")],
            "[0].kind",
            "'BROKER' is not usable; it is one of SERVER, CLIENT, PRODUCER, CONSUMER",
        ),
        (
            [span(timestamp=1.5)],
            "[0].timestamp",
            "1.5 is not usable; a whole number is needed, or a string of its digits",
        ),
        (
            [span(localEndpoint={"serviceName": 3})],
            "[0].localEndpoint.serviceName",
            "3 is not usable; a string is needed",
        ),
        (
            [span(localEndpoint={"port": 70_000})],
            "[0].localEndpoint.port",
            "70000 is not usable; it does not fit into 16 bits",
        ),
        ([span(), [[span()]]], "[1][0]", None),
        ([span(tags={"k": nested(600)})], "[0].tags.k", "its value is nested too deeply"),
        (
            [span(traceId="0" * 20_000 + "g")],
            "[0].traceId",
            f"'{'0' * 39}… is not usable; an id has 1,000 characters at most",
        ),
        (
            [span(binaryAnnotations=[])],
            "[0]",
            "it is of Zipkin's version 1; version 2 is needed",
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
    assert not looks_like_span({"traceId": "1", "spanId": "2"})
    assert not looks_like_span([])
