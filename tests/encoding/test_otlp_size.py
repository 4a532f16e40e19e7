"""The size that spans have as OTLP, compared with the encoder of OpenTelemetry."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces import record
from pytest_traces.encoding.otlp_size import attribute_size, request_size, span_size
from pytest_traces.model import Event, Link, SpanData

encoder = pytest.importorskip("opentelemetry.exporter.otlp.proto.common.trace_encoder")
common = pytest.importorskip("opentelemetry.proto.common.v1.common_pb2")

from opentelemetry import trace as api  # noqa: E402
from opentelemetry.proto.trace.v1 import trace_pb2  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import Event as SdkEvent  # noqa: E402
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider  # noqa: E402
from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: E402

sends_flags = pytest.mark.skipif(
    "flags" not in trace_pb2.Span.DESCRIPTOR.fields_by_name,
    reason="this version of OpenTelemetry's exporter sends spans without their flags",
)
VALUES = st.one_of(
    st.text(max_size=200), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False),
    st.lists(st.text(max_size=20), max_size=5), st.lists(st.integers(-5, 2**40), max_size=5),
)  # fmt: skip
ATTRIBUTES = st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=5)
TIMES = st.integers(1, 2**62)
IDS = st.integers(1, 2**64 - 1)
KINDS = {kind.name.lower(): kind for kind in api.SpanKind}
STATUSES = {status.name.lower(): status for status in api.StatusCode}

SPANS = st.builds(
    SpanData,
    name=st.text(max_size=150),
    trace_id=IDS.map("{:032x}".format),
    span_id=IDS.map("{:016x}".format),
    parent_id=st.none() | IDS.map("{:016x}".format),
    start_ns=TIMES,
    end_ns=TIMES,
    kind=st.sampled_from(sorted(KINDS)),
    status=st.sampled_from(sorted(STATUSES)),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Event, st.text(max_size=9), TIMES, ATTRIBUTES), max_size=2).map(
        tuple
    ),
    links=st.lists(
        st.builds(Link, IDS.map("{:032x}".format), IDS.map("{:016x}".format), ATTRIBUTES),
        max_size=2,
    ).map(tuple),
    resource=st.sampled_from([{}, {"service.name": "shop"}, {"service.name": "shop", "pid": 7}]),
    scope=st.sampled_from(["shop", "a" * 130]),
    remote_parent=st.booleans(),
    service=st.none(),
).map(lambda span: span if span.status == "error" else span._replace(status_description=None))


def context(trace_id, span_id, remote=False):
    return api.SpanContext(int(trace_id, 16), int(span_id, 16), remote)


def to_sdk(span):
    """The same span as the SDK has it."""
    described = span.status_description if span.status == "error" else None
    return ReadableSpan(
        name=span.name,
        context=context(span.trace_id, span.span_id),
        parent=span.parent_id and context(span.trace_id, span.parent_id, span.remote_parent),
        resource=Resource(span.resource),
        attributes=span.attributes,
        events=[SdkEvent(one.name, one.attributes, one.time_ns) for one in span.events],
        links=[api.Link(context(one.trace_id, one.span_id), one.attributes) for one in span.links],
        kind=KINDS[span.kind],
        status=api.Status(STATUSES[span.status], described),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=InstrumentationScope(span.scope),
    )


@sends_flags
@settings(max_examples=60, deadline=None)
@given(st.lists(SPANS, max_size=4))
def test_the_size_is_that_of_the_encoder_of_opentelemetry(spans):
    """Of any spans, of several resources and scopes."""
    expected = encoder.encode_spans([to_sdk(span) for span in spans]).ByteSize()

    assert request_size(spans) == expected


@given(
    st.recursive(
        VALUES | st.none() | st.binary(max_size=150),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_the_size_of_an_attribute_of_any_type(value):
    """Bytes, None, lists and mappings within each other, as protobuf writes them."""

    def any_value(one):
        if one is None:
            return common.AnyValue()
        if isinstance(one, bool):
            return common.AnyValue(bool_value=one)
        if isinstance(one, dict):
            pairs = [common.KeyValue(key=key, value=any_value(two)) for key, two in one.items()]
            return common.AnyValue(kvlist_value=common.KeyValueList(values=pairs))
        if isinstance(one, list):
            return common.AnyValue(
                array_value=common.ArrayValue(values=[any_value(two) for two in one])
            )
        kind = {str: "string", int: "int", float: "double", bytes: "bytes"}[type(one)]
        return common.AnyValue(**{f"{kind}_value": one})

    pair = common.KeyValue(key="key", value=any_value(value))
    wrapped = common.KeyValueList(values=[pair])

    assert attribute_size("key", value) == wrapped.ByteSize()


@sends_flags
def test_real_spans_have_the_size_that_an_exporter_sends():
    """Recorded from a provider with a resource, with an exception, a link and a status."""
    provider = TracerProvider(resource=Resource({"service.name": "shop", "host": "a"}))
    tracer = provider.get_tracer("shop")
    with record(sources=["opentelemetry"]) as traces:
        with tracer.start_as_current_span("GET /cart", kind=api.SpanKind.SERVER) as root:
            root.set_attributes({"user": 17, "tags": ["a", "b"], "rate": 0.5, "vip": True})
            with (
                pytest.raises(ValueError, match="no"),
                tracer.start_as_current_span("load") as load,
            ):
                load.add_link(root.get_span_context())
                raise ValueError("no")

    assert (
        request_size([span.data for span in traces.spans])
        == encoder.encode_spans([load, root]).ByteSize()
    )


def test_what_has_no_place_in_otlp_counts_as_its_text():
    """A set is a list, another object its text, an open span has no end."""
    span = SpanData("a", "ab" * 16, "cd" * 8, None, 1, None)

    assert attribute_size("a", 1j) == attribute_size("a", "1j")
    assert attribute_size("a", {1}) == attribute_size("a", [1])
    assert span_size(span._replace(end_ns=5)) - span_size(span) == 9


def test_the_service_of_a_hand_written_span_is_an_attribute_of_its_resource():
    """Whether it stands in the resource or beside it."""
    beside = SpanData("a", "ab" * 16, "cd" * 8, None, 1, 2, service="shop")
    within = beside._replace(resource={"service.name": "shop"})

    assert request_size([beside]) == request_size([within])


def test_a_resource_with_lists_is_one_resource():
    """Lists cannot be hashed; two spans of it still share it."""
    span = SpanData("a", "ab" * 16, "cd" * 8, None, 1, 2, resource={"args": ["a", "b"]})

    assert request_size([span, span]) < 2 * request_size([span])
    assert request_size([]) == 0
