import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject

TRACE, SPAN, PARENT = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", "05e3ac9a4f6e3b90"
IDS = {"X-B3-TraceId": TRACE, "X-B3-SpanId": SPAN}


@pytest.mark.parametrize(
    ("headers", "context"),
    [
        ({}, SpanContext(TRACE, SPAN)),
        ({"x-b3-sampled": "1"}, SpanContext(TRACE, SPAN, sampled=True)),
        ({"x-b3-sampled": "0"}, SpanContext(TRACE, SPAN, sampled=False)),
        ({"x-b3-flags": "1"}, SpanContext(TRACE, SPAN, debug=True)),
        ({"x-b3-parentspanid": PARENT}, SpanContext(TRACE, SPAN, parent_id=PARENT)),
    ],
)
def test_state_and_parent_are_optional(headers: dict, context: SpanContext) -> None:
    """What is read is what is written, in lower case."""
    ids = {name.lower(): value for name, value in IDS.items()}
    assert extract({**IDS, **headers}, "b3multi") == context
    assert inject(context, "b3multi") == {**ids, **headers}


def test_debug_goes_before_a_decision() -> None:
    """It implies one; other flags mean nothing."""
    debug = extract({**IDS, "X-B3-Flags": "1", "X-B3-Sampled": "0"}, "b3multi")
    assert debug == SpanContext(TRACE, SPAN, debug=True)
    other = extract({**IDS, "X-B3-Flags": "2", "X-B3-Sampled": "0"}, "b3multi")
    assert other == SpanContext(TRACE, SPAN, sampled=False)


def test_a_trace_id_of_64_bits() -> None:
    """It is filled with zeros, and written without them again."""
    context = extract({**IDS, "X-B3-TraceId": TRACE[16:]}, "b3multi")
    assert context == SpanContext("0" * 16 + TRACE[16:], SPAN)
    assert inject(context, "b3multi")["x-b3-traceid"] == TRACE[16:]


@pytest.mark.parametrize(
    ("headers", "name", "rule"),
    [
        ({"X-B3-Sampled": "0"}, "X-B3-Sampled", "a sampling decision without ids continues no trace; the receiver starts one of its own (B3, Identifiers)"),
        ({"X-B3-TraceId": TRACE}, "X-B3-TraceId", "the header X-B3-SpanId is required beside it (B3, Multiple Headers)"),
        ({"X-B3-SpanId": SPAN, "X-B3-Sampled": "1"}, "X-B3-SpanId", "the header X-B3-TraceId is required beside it (B3, Multiple Headers)"),
        ({**IDS, "X-B3-TraceId": TRACE[:-1]}, "X-B3-TraceId", "the trace id must have 16 or 32 hex digits, not 31 characters (B3, Multiple Headers)"),
        ({**IDS, "X-B3-TraceId": "0" * 16}, "X-B3-TraceId", "the trace id must not be all zeros (B3, Multiple Headers)"),
        ({**IDS, "X-B3-SpanId": SPAN.upper()}, "X-B3-SpanId", "the span id must be lower-case hex (B3, Multiple Headers)"),
        ({**IDS, "X-B3-ParentSpanId": "-"}, "X-B3-ParentSpanId", "the parent span id must have 16 hex digits, not 1 characters (B3, Multiple Headers)"),
        ({**IDS, "X-B3-Sampled": ""}, "X-B3-Sampled", "the sampling state must be 1 or 0 (B3, Multiple Headers, Sampling State)"),
        ({**IDS, "X-B3-Sampled": "d"}, "X-B3-Sampled", "the sampling state must be 1 or 0 (B3, Multiple Headers, Sampling State)"),
        ({**IDS, "X-B3-TraceId": "0" * 129}, "X-B3-TraceId", "no header of B3 has more than 128 characters (B3, Multiple Headers)"),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(headers: dict, name: str, rule: str) -> None:
    """The rule that is broken, and in which header."""
    with pytest.raises(InvalidContext) as caught:
        extract(headers, "b3multi")
    assert (caught.value.format, caught.value.header) == ("b3multi", name)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("headers", "rule"),
    [
        ([("x-b3-sampled", "True")], "the sampling state is written 1 or 0, true and false are forgiven (B3, Multiple Headers)"),
        ([("x-b3-sampled", "1"), ("x-b3-parentspanid", "0")], "a root has no parent id, where 0 stands (B3, ParentSpanId)"),
        ([("x-b3-sampled", "1"), ("x-b3-sampled", "0")], "a header must be there once; the first value wins (B3, Multiple Headers)"),
    ],
)  # fmt: skip
def test_what_a_receiver_forgives(headers: list, rule: str) -> None:
    """It is a problem all the same."""
    context = extract([*IDS.items(), *headers], "b3multi")
    assert context == SpanContext(TRACE, SPAN, sampled=True)
    assert [problem.rule for problem in context.problems] == [rule]
