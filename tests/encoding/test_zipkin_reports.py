"""Reports of Zipkin's that belong together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.encoding.contents import read
from pytest_traces.encoding.zipkin import decode
from pytest_traces.model import SpanData

WHOLE, HALF = "463ac35c9f6413ad48485a3953bb6124", "48485a3953bb6124"
OTHER = "0000000000000001" + HALF

SHOP = {"serviceName": "shop", "ipv4": "10.0.0.1"}
BANK = {"serviceName": "bank", "ipv4": "10.0.0.2"}
CLIENT: dict[str, Any] = {"kind": "CLIENT", "timestamp": 1_000, "duration": 90}
SERVER: dict[str, Any] = {"kind": "SERVER", "timestamp": 1_020, "duration": 50, "shared": True}


def span(**fields: Any) -> dict[str, Any]:
    return {"traceId": WHOLE, "id": "a1", "name": "get", **fields}


def client(**fields: Any) -> dict[str, Any]:
    return span(**CLIENT, localEndpoint=SHOP, **fields)


def server(**fields: Any) -> dict[str, Any]:
    return span(**SERVER, localEndpoint=BANK, **fields)


def read_all(*spans: dict[str, Any]) -> list[SpanData]:
    return decode(list(spans), "file")


def told(*spans: dict[str, Any]) -> list[tuple[str, str | None, Any]]:
    """Of each span the kind, the service, and the tag ``t``."""
    return [(one.kind, one.service, one.attributes.get("t")) for one in read_all(*spans)]


def test_half_of_a_trace_id_is_that_of_the_whole() -> None:
    """As a process passes it on that knows of 64 bits only."""
    root = span(traceId=WHOLE, timestamp=5)
    child = span(traceId=HALF, id="b2", parentId="a1", timestamp=6)
    for spans in ([root, child], [child, root], [[root], [child]]):
        found = decode(spans, "file")
        assert {one.trace_id for one in found} == {WHOLE}
        assert len(assemble(found).roots) == 1


@pytest.mark.parametrize("others", [[], [WHOLE, OTHER], ["1" * 32]])
def test_half_of_no_trace_id_or_of_several_stays(others: list[str]) -> None:
    """Nobody knows which trace it is of."""
    spans = [span(traceId=one, id=f"b{n}") for n, one in enumerate(others)]

    assert [one.trace_id for one in read_all(*spans, span(traceId=HALF))] == [
        *others,
        HALF.rjust(32, "0"),
    ]


def test_a_part_is_no_span_of_its_own() -> None:
    """It is of the one from the same endpoint, and what it tells is not lost."""
    part = span(localEndpoint=BANK, tags={"t": "1"})
    for spans in ([part, server(), client()], [client(), part, server()]):
        forest = assemble(read_all(*spans))
        assert [(one.kind, one.path) for one in forest.spans] == [
            ("client", "get"),
            ("server", "get > get"),
        ]
        assert forest.spans[1].attributes["t"] == "1"
        assert not forest.findings
        assert all(one.end_ns is not None for one in forest.spans)


def test_every_field_of_the_parts_comes_through() -> None:
    """What the one with a timestamp says counts first."""
    events = [{"timestamp": 30, "value": "b"}, {"timestamp": 20, "value": "a"}]
    (found,) = read_all(
        span(name="", timestamp=10, annotations=events[:1], tags={"t": "1", "u": "1"}),
        span(kind="SERVER", duration=5, tags={"t": "2", "v": "2"}, annotations=events),
        span(parentId="b2", name="other", localEndpoint=BANK, tags={"error": "no money"}),
    )

    assert found._replace(attributes={}, resource={}) == SpanData(
        name="get",
        trace_id=WHOLE,
        span_id="00000000000000a1",
        parent_id="00000000000000b2",
        start_ns=10_000,
        end_ns=15_000,
        kind="server",
        status="error",
        status_description="no money",
        attributes={},
        events=tuple(decode(span(annotations=events[::-1]), "file")[0].events),
        service="bank",
        resource={},
        source="file",
    )
    address = {"network.local.address": "10.0.0.2"}
    assert found.attributes == {"t": "1", "u": "1", "v": "2", **address}
    assert found.resource == {"service.name": "bank"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"localEndpoint": BANK}, ["client", "server+"]),
        ({"localEndpoint": {"serviceName": "bank"}}, ["client", "server+"]),
        ({"kind": "SERVER"}, ["client", "server+"]),
        ({"shared": True}, ["client", "server+"]),
        ({}, ["client+", "server"]),
        ({"localEndpoint": SHOP}, ["client+", "server"]),
        ({"kind": "SERVER", "localEndpoint": SHOP}, ["client", "server", "server+"]),
        ({"kind": "PRODUCER"}, ["client", "server", "producer+"]),
        ({"localEndpoint": {"serviceName": "mint"}}, ["client", "server", "internal+"]),
        (
            {"localEndpoint": {"serviceName": "bank", "ipv4": "10.0.0.3"}},
            ["client", "server", "internal+"],
        ),
        ({"localEndpoint": BANK, "timestamp": 1_020}, ["client", "server", "internal+"]),
    ],
)
def test_whose_part_it_is(part: dict[str, Any], expected: list[str]) -> None:
    """By kind and endpoint, else of the client; where it contradicts all of them, of nobody."""
    found = told(client(), server(), span(**part, tags={"t": "1"}))

    assert [kind + ("+" if tag else "") for kind, _, tag in found] == expected


def test_parts_of_different_kinds_stay_apart() -> None:
    """Also where the span that they could be of has none."""
    parts = span(kind="CLIENT", tags={"t": "c"}), span(kind="SERVER", tags={"t": "s"})

    assert told(span(timestamp=5), *parts) == [("client", None, "c"), ("server", None, "s")]
    assert told(*parts) == [("client", None, "c"), ("server", None, "s")]


def test_spans_of_which_each_has_its_timestamp_stay() -> None:
    """A message that is received twice is so with one id."""
    times = [{**SERVER, "timestamp": start, "localEndpoint": BANK} for start in (9, 8, 7)]
    found = read_all(*(span(**one) for one in times), span(localEndpoint=BANK, tags={"t": "1"}))

    assert [one.start_ns // 1_000 for one in found] == [9, 8, 7]
    assert [one.attributes.get("t") for one in found] == [None, None, "1"]


def test_documents_in_a_row_are_read_together() -> None:
    """One span on each line: the halves of ids, parts, and starts."""
    lines = [
        span(traceId=HALF, id="b2", parentId="a1", kind="CLIENT"),
        span(localEndpoint=BANK, tags={"t": "1"}),
        server(),
    ]
    found = read("\n".join(json.dumps(one) for one in lines).encode(), "file")

    assert found == decode(lines, "file")
    assert [(one.trace_id, one.start_ns) for one in found] == [(WHOLE, 1_020_000)] * 2


TAGS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"))


@given(TAGS, st.integers(0, 9), st.sets(st.integers(1, 9)), st.data())
def test_a_span_in_any_parts_is_the_same_span(
    tags: dict[str, str], duration: int, marks: set[int], data: st.DataObject
) -> None:
    """Whatever is told where, and in whatever order."""
    notes = [{"timestamp": one, "value": str(one)} for one in sorted(marks)]
    whole = client(parentId="b2", tags=tags, annotations=notes) | {"duration": duration}
    parts = [
        {key: whole[key] for key in ("traceId", "id", "name", "localEndpoint")} for _ in range(4)
    ]
    parts[0] |= {key: whole[key] for key in ("timestamp",)}

    def anywhere() -> dict[str, Any]:
        return data.draw(st.sampled_from(parts))

    for key in ("kind", "duration", "parentId"):
        anywhere()[key] = whole[key]
    for key, value in tags.items():
        anywhere().setdefault("tags", {})[key] = value
    for note in notes:
        anywhere().setdefault("annotations", []).append(note)

    assert read_all(*data.draw(st.permutations(parts))) == read_all(whole)


def test_any_number_of_parts() -> None:
    """Of one id, from anywhere."""
    parts = [
        span(localEndpoint={"serviceName": f"s{n % 700}"}, tags={f"k{n}": "1"})
        for n in range(20_000)
    ]

    assert len(read_all(client(), *parts)) == 701
