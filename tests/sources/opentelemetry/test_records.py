"""What is recorded of a span, field for field."""

from __future__ import annotations

import gc
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_traces import record
from pytest_traces.recording import journal

trace = pytest.importorskip("opentelemetry.trace")
pytest.importorskip("opentelemetry.sdk.trace")

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NUMBERS = st.integers(-(2**62), 2**62)
VALUES = st.one_of(
    st.booleans(),
    NUMBERS,
    st.floats(allow_nan=False),
    TEXT,
    st.lists(st.booleans(), max_size=3),
    st.lists(NUMBERS, max_size=3),
    st.lists(TEXT, max_size=3),
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=4)
TIMES = st.integers(1, 2**62)
LINKS = st.tuples(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), ATTRIBUTES)
SPANS = st.fixed_dictionaries(
    {
        "name": TEXT,
        "kind": st.sampled_from(["internal", "server", "client", "producer", "consumer"]),
        "attributes": ATTRIBUTES,
        "more": ATTRIBUTES,
        "events": st.lists(st.tuples(TEXT, ATTRIBUTES, TIMES), max_size=3),
        "links": st.lists(LINKS, max_size=3),
        "status": st.sampled_from(["unset", "ok", "error"]),
        "description": st.none() | TEXT,
        "start": TIMES,
        "lasts": st.integers(0, 2**60),
        "ends": st.booleans(),
        "scope": st.text(st.characters(codec="ascii"), min_size=1, max_size=5),
    }
)


def recorded_value(value):
    """A value as the SDK keeps it: sequences are tuples."""
    return tuple(value) if isinstance(value, list) else value


def recorded(attributes):
    """Attributes as the SDK keeps them."""
    return {key: recorded_value(value) for key, value in attributes.items()}


def make(provider, wish):
    """Start a span as wished, with the SDK, and perhaps end it."""
    span = provider.get_tracer(wish["scope"]).start_span(
        wish["name"],
        kind=trace.SpanKind[wish["kind"].upper()],
        attributes=wish["attributes"],
        links=[trace.Link(trace.SpanContext(t, s, False), a) for t, s, a in wish["links"]],
        start_time=wish["start"],
    )
    for key, value in wish["more"].items():
        span.set_attribute(key, value)
    for name, attributes, time in wish["events"]:
        span.add_event(name, attributes, time)
    if wish["status"] != "unset":
        description = wish["description"] if wish["status"] == "error" else None
        span.set_status(trace.StatusCode[wish["status"].upper()], description)
    if wish["ends"]:
        span.end(wish["start"] + wish["lasts"])
    return span


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wish=SPANS)
def test_every_field(sdk, wish):
    """Name, kind, times, attributes, events, links, status and scope come through exactly."""
    with record(timeout="1ns") as act:
        span = make(sdk().provider, wish)
        (live,) = act.spans
    (kept,) = act.spans
    assert live.data == kept.data
    context = span.get_span_context()
    assert kept.trace_id == format(context.trace_id, "032x")
    assert kept.span_id == format(context.span_id, "016x")
    assert (kept.name, kept.kind, kept.scope) == (wish["name"], wish["kind"], wish["scope"])
    assert (kept.parent_id, kept.remote_parent, kept.sampled) == (None, False, True)
    assert kept.source == "opentelemetry"
    assert kept.start_ns == wish["start"]
    assert kept.end_ns == (wish["start"] + wish["lasts"] if wish["ends"] else None)
    assert dict(kept.attributes) == recorded({**wish["attributes"], **wish["more"]})
    assert [(e.name, dict(e.attributes), e.time_ns) for e in kept.events] == [
        (name, recorded(attributes), time) for name, attributes, time in wish["events"]
    ]
    assert [(one.trace_id, one.span_id, dict(one.attributes)) for one in kept.links] == [
        (format(t, "032x"), format(s, "016x"), recorded(a)) for t, s, a in wish["links"]
    ]
    assert kept.status == wish["status"]
    if wish["status"] == "error":
        assert kept.status_description == wish["description"]


def test_values_of_every_type(sdk):
    """Also values that only newer SDKs take come through as that SDK keeps them."""
    values = {"none": None, "bytes": b"x", "mapping": {"a": [1, {"b": 2}]}, "mixed": [1, "a", None]}
    with record() as act:
        span = sdk().tracer.start_span("a", attributes=values)
        span.end()
    assert dict(act.get("a").attributes) == dict(span.attributes)


def test_limits_of_the_sdk(sdk):
    """Attributes that the SDK's limits drop are dropped here, too."""
    from opentelemetry.sdk.trace import SpanLimits

    limits = SpanLimits(max_span_attributes=2, max_events=1, max_span_attribute_length=3)
    with record() as act:
        with sdk(span_limits=limits).tracer.start_as_current_span("a") as span:
            for key in "abc":
                span.set_attribute(key, "long text")
                span.add_event(key)
    assert dict(act.get("a").attributes) == {"b": "lon", "c": "lon"}
    assert [event.name for event in act.get("a").events] == ["c"]


def test_read_only(sdk):
    """What was recorded cannot be changed, neither here nor in the application's span."""
    with record() as act:
        sdk().tracer.start_span("a", attributes={"k": 1}).end()
    with pytest.raises(TypeError):
        act.get("a").attributes["k"] = 2
    with pytest.raises(TypeError):
        act.get("a").resource["k"] = 2


def test_exceptions(sdk):
    """An exception that leaves a span is an event, and makes the status."""
    with record() as act, pytest.raises(ZeroDivisionError):
        with sdk().tracer.start_as_current_span("a"):
            1 / 0  # noqa: B018
    span = act.get("a")
    assert span.status == "error"
    assert span.status_description == "ZeroDivisionError: division by zero"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == "ZeroDivisionError"
    assert event.attributes["exception.message"] == "division by zero"


def test_resource_and_service(sdk):
    """The resource is there with all its attributes, its service.name as the span's service."""
    from opentelemetry.sdk.resources import Resource

    with record() as act:
        for name in ("shop", "warehouse"):
            resource = Resource({"service.name": name, "hosts": ["a", "b"]})
            sdk(resource=resource).tracer.start_span(name).end()
        sdk(resource=Resource({})).tracer.start_span("nameless").end()
    assert act.get("shop").service == "shop"
    assert act.get("warehouse").resource == {"service.name": "warehouse", "hosts": ("a", "b")}
    assert act.get("nameless").service is None


def test_parents_local_and_remote(sdk):
    """A span knows its parent, and whether that one came from a carrier."""
    tracer = sdk().tracer
    context = trace.SpanContext(0xABCDEF, 0xFEED, True, trace.TraceFlags(1))
    with record() as act:
        with tracer.start_as_current_span(
            "request", trace.set_span_in_context(trace.NonRecordingSpan(context))
        ):
            tracer.start_span("query").end()
    request, query = act.get("request"), act.get("query")
    assert (request.parent_id, request.remote_parent) == (f"{0xFEED:016x}", True)
    assert request.trace_id == query.trace_id == f"{0xABCDEF:032x}"
    assert (query.parent_id, query.remote_parent) == (request.span_id, False)
    assert query.parent is request
    assert not request.orphan


def test_scope_without_a_name(sdk, caplog):
    """A tracer that nobody named has no scope."""
    with record() as act:
        sdk().provider.get_tracer("").start_span("a").end()
    assert act.get("a").scope is None


def test_public_parts_are_enough(sdk):
    """Where an SDK has other private parts than those known, the public ones are read."""
    from pytest_traces.sources.opentelemetry.records import Beginning, Records

    class Public:
        def __init__(self, span):
            self.__dict__["span"] = span

        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            return getattr(self.span, name)

    links = [trace.Link(trace.SpanContext(1, 2, False), {"l": 1})]
    span = sdk().tracer.start_span("a", attributes={"k": (1, 2)}, links=links)
    span.add_event("e", {"x": 1})
    begin = Beginning(threading.current_thread(), 1, 1)
    for _ in range(2):
        entry = ("opentelemetry", None, span, begin)
        public = ("opentelemetry", None, Public(span), begin)
        records = Records()
        # Which sampler decided is in no public part.
        assert records.decode(public) == records.decode(entry)._replace(sampler=None)
        span.end()


def test_span_that_cannot_be_read(sdk):
    """It is a fault that every assertion reports; the others are there."""
    tracer = sdk().tracer
    with record(timeout="1ms") as act:
        tracer.start_span("good").end()
        bad = tracer.start_span("bad")
        bad._status = None
        bad._kind = None
        bad.end()
    assert [span.name for span in act.spans] == ["good"]
    with pytest.raises(AssertionError, match="not everything could be recorded") as caught:
        act.assert_tree("good")
    assert "a span of opentelemetry cannot be read: AttributeError" in str(caught.value)


def test_bad_span_does_not_stop_the_restoring(fresh, sdk):
    """Whatever cannot be read, the global provider is restored and the next recording works."""
    with record(timeout="1ms"):
        span = sdk().tracer.start_span("bad")
        span._status = span._kind = None
    assert fresh._TRACER_PROVIDER is None
    assert journal.windows == []
    with record() as act:
        sdk().tracer.start_span("good").end()
    act.assert_tree("good")


def test_nothing_is_kept_of_ended_spans(sdk):
    """A recorded span that has ended does not keep the application's span, nor its provider."""
    from opentelemetry.sdk.trace import ReadableSpan

    with record() as act:
        sdk().tracer.start_span("unique name of a kept span").end()
        assert len(act.spans) == 1
        gc.collect()
        kept = [
            one
            for one in gc.get_objects()
            # Its type, as some objects of others do not like to be asked.
            if issubclass(type(one), ReadableSpan) and one.name == "unique name of a kept span"
        ]
    # The exporter in memory has its own copy.
    assert len(kept) <= 1


def test_same_resource_again(sdk):
    """A thousand providers that say the same of their process cost one mapping."""
    from opentelemetry.sdk.resources import Resource

    with record():
        sdk(resource=Resource({"service.name": "same"})).tracer.start_span("a").end()
    records = journal.sources["opentelemetry"]._hooks().records
    before = len(records._shared)
    for _ in range(5):
        with record() as act:
            sdk(resource=Resource({"service.name": "same"})).tracer.start_span("a").end()
    assert act.get("a").service == "same"
    assert len(records._shared) == before
    assert records._numbers == {}
