import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject
from pytest_traces.propagation.formats.datadog import priority_of
from pytest_traces.settings import BadValue

LOW, SPAN = "b5a2814f70060771", "000000000000162e"
IDS = {"x-datadog-trace-id": "13088165645273925489", "x-datadog-parent-id": "5678"}
SHORT = "0" * 16 + LOW
TRACE_RULE = "the trace id must be a decimal number of 64 bits, and not 0 (Datadog, Trace Context Propagation)"
PARENT_RULE = (
    "the parent id must be a decimal number of 64 bits (Datadog, Trace Context Propagation)"
)
PRIORITY_RULE = (
    "the sampling priority must be a whole number, -1 to 2 (Datadog, Trace Context Propagation)"
)
MISSING = "the header x-datadog-trace-id is required beside it (Datadog, Trace Context Propagation)"


def datadog(trace_id: str = SHORT, span_id: str | None = SPAN, **fields) -> SpanContext:
    return SpanContext(trace_id, span_id, format="datadog", **fields)


@pytest.mark.parametrize(
    ("headers", "context"),
    [
        ({}, datadog()),
        ({"x-datadog-sampling-priority": "0"}, datadog(sampled=False)),
        ({"x-datadog-sampling-priority": "1"}, datadog(sampled=True)),
        ({"x-datadog-sampling-priority": "2"}, datadog(sampled=True, extra=(("sampling_priority", "2"),))),
        ({"x-datadog-sampling-priority": "-1"}, datadog(sampled=False, extra=(("sampling_priority", "-1"),))),
        ({"x-datadog-origin": "rum"}, datadog(extra=(("origin", "rum"),))),
        ({"x-datadog-tags": "_dd.p.tid=1111111111111111"}, datadog("1" * 16 + LOW)),
        ({"x-datadog-tags": "_dd.p.usr.id=baz64==,_dd.p.dm=-4"}, datadog(extra=(("_dd.p.usr.id", "baz64=="), ("_dd.p.dm", "-4")))),
    ],
)  # fmt: skip
def test_ids_are_decimal_and_the_rest_is_extra(headers: dict, context: SpanContext) -> None:
    """What is read is what is written."""
    assert extract({**IDS, **headers}, "datadog") == context
    assert inject(context, "datadog") == {**IDS, **headers}


@pytest.mark.parametrize("parent", [{}, {"x-datadog-parent-id": "0"}])
def test_a_browser_has_no_span(parent: dict) -> None:
    """The trace goes on without a parent."""
    found = extract({"x-datadog-trace-id": IDS["x-datadog-trace-id"], **parent}, "datadog")
    assert found == datadog(span_id=None)


@pytest.mark.parametrize(
    ("headers", "name", "rule"),
    [
        ({"x-datadog-trace-id": "one"}, "x-datadog-trace-id", TRACE_RULE),
        ({"x-datadog-trace-id": ""}, "x-datadog-trace-id", TRACE_RULE),
        ({"x-datadog-trace-id": "0"}, "x-datadog-trace-id", TRACE_RULE),
        ({"x-datadog-trace-id": "123.4"}, "x-datadog-trace-id", TRACE_RULE),
        ({"x-datadog-trace-id": str(2**64)}, "x-datadog-trace-id", TRACE_RULE),
        ({"x-datadog-parent-id": "10"}, "x-datadog-parent-id", MISSING),
        ({"x-datadog-origin": "rum"}, "x-datadog-origin", MISSING),
        ({**IDS, "x-datadog-parent-id": "-1"}, "x-datadog-parent-id", PARENT_RULE),
        ({**IDS, "x-datadog-sampling-priority": ""}, "x-datadog-sampling-priority", PRIORITY_RULE),
        ({**IDS, "x-datadog-sampling-priority": "1.0"}, "x-datadog-sampling-priority", PRIORITY_RULE),
        ({**IDS, "x-datadog-parent-id": "1" * 513}, "x-datadog-parent-id", "the header has 513 characters, more than the 512 that are read of this format"),
        ([*IDS.items(), *IDS.items()], "x-datadog-trace-id", "the header must be there once, not 2 times (RFC 9110, 5.3)"),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(headers: dict, name: str, rule: str) -> None:
    """The rule that is broken, and in which header."""
    with pytest.raises(InvalidContext) as caught:
        extract(headers, "datadog")
    assert caught.value.header == name
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("headers", "context", "rule"),
    [
        ([("x-datadog-tags", "_dd.p.tid=11111111111111111")], datadog(), "_dd.p.tid must be 16 lower-case hex digits (Datadog, Trace Context Propagation)"),
        ([("x-datadog-tags", "_dd.p.dm=-4,broken")], datadog(), "the tags must be name=value, with commas (Datadog, Trace Context Propagation)"),
        ([("x-datadog-tags", f"_dd.p.dm={'4' * 512}")], datadog(), "the header must have at most 512 characters (Datadog, Trace Context Propagation)"),
        ([("x-datadog-origin", "rum"), ("x-datadog-origin", "cli")], datadog(extra=(("origin", "rum"),)), "the header must be there once (RFC 9110, 5.3)"),
    ],
)  # fmt: skip
def test_what_is_dropped(headers: list, context: SpanContext, rule: str) -> None:
    """The trace goes on; of a trace id whose upper half is lost, the lower half."""
    found = extract([*IDS.items(), *headers], "datadog")
    assert found == context
    assert [problem.rule for problem in found.problems] == [rule]


def test_tags_of_others_do_not_travel() -> None:
    """Only those that begin with ``_dd.p.`` are of the trace; empty headers say nothing."""
    found = extract({**IDS, "x-datadog-tags": "a=1,_dd.p.dm=-4", "x-datadog-origin": ""}, "datadog")
    assert found == datadog(extra=(("_dd.p.dm", "-4"),))
    assert found.problems == ()


def test_tags_without_room_are_left_out() -> None:
    """The tracers do not read more than 512 characters."""
    context = datadog("1" * 16 + LOW, extra=(("_dd.p.dm", "4" * 500),))
    assert inject(context, "datadog") == IDS


def test_the_priority() -> None:
    """Force keep for debug; what another format calls so is not looked at."""
    assert priority_of(datadog()) is None
    assert priority_of(datadog(debug=True)) == 2
    assert priority_of(datadog(extra=(("sampling_priority", "-1"),))) == -1
    other = SpanContext(SHORT, SPAN, sampled=True, extra=(("sampling_priority", "2"),))
    assert priority_of(other) == 1


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (datadog("1" * 16 + "0" * 16), f"trace_id: {'1' * 16 + '0' * 16!r} is not usable; datadog needs its last 16 digits"),
        (datadog(extra=(("sampling_priority", "x"),)), "extra: 'x' is not usable; a sampling priority is a whole number, -1 to 2"),
        (datadog(sampled=False, extra=(("sampling_priority", "2"),)), "extra: '2' is not usable; sampled=False says otherwise"),
        (datadog(extra=(("origin", "r\num"),)), "extra: 'r\\num' is not usable; an origin is printable ASCII"),
        (datadog(extra=(("_dd.p.dm", "1,2"),)), "extra: '_dd.p.dm=1,2' is not usable; a tag is printable ASCII without a comma"),
    ],
)  # fmt: skip
def test_what_the_headers_cannot_hold_is_not_written(context: SpanContext, message: str) -> None:
    """It says what, and what is allowed."""
    with pytest.raises(BadValue) as caught:
        inject(context, "datadog")
    assert str(caught.value) == message
