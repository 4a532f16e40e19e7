"""Traces that others recorded, with the facts that another reader found in them."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_traces import UnreadableTrace, record
from pytest_traces.assembly import assemble
from pytest_traces.encoding import otlp_json
from pytest_traces.forest import Forest, Span
from pytest_traces.model import SpanData
from pytest_traces.settings import LOADED
from pytest_traces.sources.files import read_file

ASKED = os.environ.get("PYTEST_TRACES_ORACLES")
FOLDER = Path(ASKED) if ASKED else Path(__file__).parents[3] / "shared" / "oracles"
if not ASKED and not FOLDER.is_dir():
    pytest.skip(f"no oracles at {FOLDER}", allow_module_level=True)

FILES: list[dict[str, Any]] = json.loads((FOLDER / "traces" / "facts.json").read_text())["files"]
WELL_FORMED = [one for one in FILES if one.get("facts") and not one.get("bad_lines")]
BAD = [one for one in FILES if one.get("bad_lines")]
EMPTY = [one for one in FILES if one.get("spans") == 0 and not one.get("bad_lines")]


def name_of(entry: dict[str, Any]) -> str:
    return Path(entry["file"]).name


def spans_of(entry: dict[str, Any]) -> list[SpanData]:
    return read_file(FOLDER / entry["file"])


class Ids:
    """What an id of the facts is to us: they keep what the file says, and we its meaning."""

    def __init__(self, entry: dict[str, Any], spans: Sequence[SpanData]) -> None:
        self._is_decimal = entry["format"] == "datadog"
        self._known = {span.span_id for span in spans}

    def span(self, text: str) -> str:
        digits = f"{int(text):x}" if self._is_decimal else text.lower()
        return digits.rjust(16, "0") if digits.rjust(16, "0") in self._known else text

    def has_trace(self, span: SpanData, text: str) -> bool:
        if self._is_decimal:
            return int(span.trace_id[16:], 16) == int(text)
        return span.trace_id == text.rjust(32, "0")


def by_trace(entry: dict[str, Any], spans: Sequence[SpanData]) -> list[list[SpanData]]:
    """The spans of each trace of the facts, in the order of these."""
    ids, facts = Ids(entry, spans), entry["facts"]
    if len(facts) == 1 and len({span.trace_id for span in spans}) == 1:
        return [list(spans)]  # whatever its id is written as
    return [[one for one in spans if ids.has_trace(one, fact["trace_id"])] for fact in facts]


def nested(span: Span, *, fields: tuple[str, ...] = ("name", "service")) -> Any:
    """A span and those below it, in no order."""
    own = tuple(getattr(span, field) or "" for field in fields)
    return own, sorted(nested(child, fields=fields) for child in span.children)


def nested_fact(tree: dict[str, Any]) -> Any:
    own = (tree["name"], "" if tree["service"] in (None, "None") else tree["service"])
    return own, sorted(nested_fact(child) for child in tree.get("children", ()))


def depths(forest: Forest) -> list[int]:
    return [1 + len(list(span.ancestors)) for span in forest.spans]


@pytest.mark.parametrize("entry", WELL_FORMED, ids=name_of)
def test_spans_are_those_of_the_facts(entry: dict[str, Any]) -> None:
    """Numbers, ids, services, kinds, errors, repeated ids."""
    spans = spans_of(entry)
    assert len(spans) == entry["spans"]
    for fact, own in zip(entry["facts"], by_trace(entry, spans), strict=True):
        ids = Ids(entry, own)
        keys = Counter(span.span_id for span in own)
        assert len(own) == fact["spans"]
        assert {span.service or "" for span in own} == {
            "" if one == "None" else one for one in fact["services"]
        }
        kinds = Counter(fact["kinds"])
        kinds["internal"] += kinds.pop("unspecified", 0)
        assert Counter(span.kind for span in own) == +kinds
        assert sum(span.status == "error" for span in own) == fact["errors"]
        assert sum(n > 1 for n in keys.values()) == len(fact["duplicate_ids"])
        for text, times in fact["duplicate_ids"].items():
            assert keys[ids.span(text)] == times


@pytest.mark.parametrize("entry", WELL_FORMED, ids=name_of)
def test_the_tree_is_that_of_the_facts(entry: dict[str, Any]) -> None:
    """Roots, orphans, depth, cycles, who calls whom, names at their places."""
    spans = spans_of(entry)
    for fact, own in zip(entry["facts"], by_trace(entry, spans), strict=True):
        keys = {span.span_id for span in own}
        assert sum(span.parent_id is None for span in own) == len(fact["roots"])
        orphans = [one for one in own if one.parent_id is not None and one.parent_id not in keys]
        assert len(orphans) == len(fact["orphans"])
        if "tree" not in fact:  # ids that are repeated: another test
            continue
        forest = assemble(own)
        assert max(depths(forest)) == fact["max_depth"]
        assert len(forest.spans) == fact["reached"] + fact["in_cycle"]
        cycles = [one for one in forest.findings if one.kind == "cycle"]
        assert sum(len(one.spans) for one in cycles) == fact["in_cycle"]
        assert sorted(nested(root) for root in forest.roots) == sorted(
            nested_fact(tree) for tree in fact["tree"]
        )
        edges = Counter(
            f"{span.parent.service}>{span.service}"
            for span in forest.spans
            if span.parent is not None and span.parent.service != span.service
        )
        assert edges == fact["edges_by_service"]


@pytest.mark.parametrize("entry", WELL_FORMED, ids=name_of)
def test_times_are_those_of_the_facts(entry: dict[str, Any]) -> None:
    """Children that are not within their parent, and ends before the start."""
    spans = spans_of(entry)
    for fact, own in zip(entry["facts"], by_trace(entry, spans), strict=True):
        if "tree" not in fact:
            continue
        forest = assemble(own)
        negative = [span for span in forest.spans if (span.duration_ns or 0) < 0]
        outside = [
            span
            for span in forest.spans
            if span.parent is not None
            and (span.start_ns < span.parent.start_ns or end(span) > end(span.parent))
        ]
        assert len(negative) == fact["negative_duration"]
        assert len(outside) == fact["child_outside_parent"]


def end(span: Span) -> int:
    return span.start_ns if span.end_ns is None else span.end_ns


@pytest.mark.parametrize("entry", [one for one in FILES if "zipkin_lens_tree" in one], ids=name_of)
def test_zipkin_trees_are_those_of_its_own_interface(entry: dict[str, Any]) -> None:
    """A server that shares its client's id is the child of that."""
    forest = assemble(spans_of(entry))
    lens = entry["zipkin_lens_tree"]
    found = sorted(
        (span.span_id, span.kind.upper(), span.parent.span_id if span.parent else "")
        for span in forest.spans
    )
    expected = sorted(
        (own, kind or "INTERNAL", parent or "") for own, kind, _, parent in lens["edges"]
    )
    assert len(forest.spans) == lens["nodes"]
    assert found == expected
    assert [root.span_id for root in forest.roots] == [lens["root"]]


@pytest.mark.parametrize("entry", WELL_FORMED, ids=name_of)
def test_every_file_is_loaded_into_a_recording(entry: dict[str, Any]) -> None:
    """As it is assembled by itself."""
    with record(timeout="0s") as act:
        act.load(FOLDER / entry["file"])
        forest = assemble(spans_of(entry))
        assert [span.data for span in act.spans] == [span.data for span in forest.spans]
        assert {span.source for span in act.spans} == {LOADED}


@pytest.mark.parametrize("entry", BAD, ids=name_of)
def test_files_with_bad_lines_are_refused(entry: dict[str, Any]) -> None:
    """Whatever the other lines hold, nothing of them is kept; the line is named."""
    with record(timeout="0s") as act:
        with pytest.raises(UnreadableTrace, match=r"line 1\b.*\n  nothing of it was kept"):
            act.load(FOLDER / entry["file"])
        assert act.spans == ()


@pytest.mark.parametrize("entry", EMPTY, ids=name_of)
def test_files_without_a_span_are_no_error_by_themselves(entry: dict[str, Any]) -> None:
    """But nothing can be asserted after them."""
    with record(timeout="0s") as act:
        act.load(FOLDER / entry["file"])
        assert act.spans == ()
        with pytest.raises(AssertionError, match="holds no span"):
            act.assert_none("anything")


def protobuf_of(value: Any) -> bytes:
    """The same trace as OpenTelemetry's own classes of protobuf write it."""
    pytest.importorskip("opentelemetry.proto")
    from google.protobuf import json_format
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

    def to_base64(message: Any) -> Any:
        if isinstance(message, list):
            return [to_base64(one) for one in message]
        if not isinstance(message, dict):
            return message
        return {
            key: base64.b64encode(bytes.fromhex(one)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else to_base64(one)
            for key, one in message.items()
        }

    parsed = json_format.ParseDict(to_base64(value), TracesData(), ignore_unknown_fields=True)
    return bytes(parsed.SerializeToString())


@pytest.mark.parametrize(
    "entry",
    [one for one in WELL_FORMED if one["format"] == "otlp" and "json_lines" not in one],
    ids=name_of,
)
def test_json_and_protobuf_give_identical_spans(entry: dict[str, Any], tmp_path: Path) -> None:
    """Of one trace: every field of every span."""
    value = json.loads((FOLDER / entry["file"]).read_text())
    path = tmp_path / "trace"
    path.write_bytes(protobuf_of(value))
    assert read_file(path) == otlp_json.decode(value, LOADED) == spans_of(entry)


def test_the_recorded_protobuf_is_read() -> None:
    """One that another exporter wrote."""
    pytest.importorskip("opentelemetry.proto")
    (span,) = read_file(FOLDER / "traces" / "otlp-proto" / "duckdbotlp-traces.pb")
    assert span == SpanData(
        name="test_span",
        trace_id="a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6",
        span_id="1122334455667788",
        parent_id=None,
        start_ns=1_609_459_200_000_000_000,
        end_ns=1_609_459_200_100_000_000,
        kind="server",
        attributes={"http_method": "GET"},
        service="trace-service",
        resource={"service.name": "trace-service", "host.name": "test-host"},
        scope="test-tracer",
        source=LOADED,
    )
