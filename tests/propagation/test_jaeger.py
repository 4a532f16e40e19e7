import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject

TRACE, SPAN, PARENT = "a6fda8cee6386ee00feb269c5f803d27", "972d6585fb1f2596", "93dcefa67bfccc89"


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (f"{TRACE}:{SPAN}:0:0", SpanContext(TRACE, SPAN, sampled=False)),
        (f"{TRACE}:{SPAN}:0:1", SpanContext(TRACE, SPAN, sampled=True)),
        (f"{TRACE}:{SPAN}:0:3", SpanContext(TRACE, SPAN, debug=True)),
        (f"{TRACE}:{SPAN}:{PARENT}:1", SpanContext(TRACE, SPAN, sampled=True, parent_id=PARENT)),
    ],
)
def test_four_parts(value: str, context: SpanContext) -> None:
    """What is read is what is written."""
    assert extract({"uber-trace-id": value}, "jaeger") == context
    assert inject(context, "jaeger") == {"uber-trace-id": value}


@pytest.mark.parametrize(
    ("value", "context"),
    [
        ("1a:2b:0:1", SpanContext("1a".rjust(32, "0"), "2b".rjust(16, "0"), sampled=True)),
        (f"{TRACE.upper()}:{SPAN}:0000:01", SpanContext(TRACE, SPAN, sampled=True)),
        (f"{TRACE}%3A{SPAN}%3a0%3A5", SpanContext(TRACE, SPAN, sampled=True)),
        (f"{TRACE}:{SPAN}:0:2", SpanContext(TRACE, SPAN, sampled=False)),
        (f"{TRACE}:{SPAN}:1:0B", SpanContext(TRACE, SPAN, debug=True, parent_id="1".rjust(16, "0"))),
    ],
)  # fmt: skip
def test_ids_are_numbers(value: str, context: SpanContext) -> None:
    """Of any length, in any case, URL-encoded or not; debug counts with sampled only."""
    found = extract({"Uber-Trace-Id": value}, "jaeger")
    assert found == context
    assert found.problems == ()


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("", "the header must be trace id, span id, parent span id and flags, with colons (Jaeger, Propagation Format)", None),
        (f"{TRACE}:{SPAN}:0:1:1", "the header must be trace id, span id, parent span id and flags, with colons (Jaeger, Propagation Format)", None),
        (f"{TRACE}0:{SPAN}:0:1", "the trace id must have 1 to 32 hex digits, not 33 characters (Jaeger, Propagation Format)", f"{TRACE}0"),
        (f":{SPAN}:0:1", "the trace id must have 1 to 32 hex digits, not 0 characters (Jaeger, Propagation Format)", ""),
        (f"xyz:{SPAN}:0:1", "the trace id must be hex (Jaeger, Propagation Format)", "xyz"),
        (f"0:{SPAN}:0:1", "the trace id must not be all zeros (Jaeger, Propagation Format)", "0"),
        (f"{TRACE}:{SPAN}0:0:1", "the span id must have 1 to 16 hex digits, not 17 characters (Jaeger, Propagation Format)", f"{SPAN}0"),
        (f"{TRACE}:{SPAN}:0:", "the flags must be one byte as one or two hex digits (Jaeger, Propagation Format)", ""),
        (f"{TRACE}:{SPAN}:0:100", "the flags must be one byte as one or two hex digits (Jaeger, Propagation Format)", "100"),
        (f"{TRACE}%3Axyz%3A0%3A1", "the span id must be hex (Jaeger, Propagation Format)", None),
        ("1" * 257, "the header has 257 characters, more than the 256 that are read of this format", None),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(value: str, rule: str, part: str | None) -> None:
    """The rule that is broken, who says so, and where."""
    with pytest.raises(InvalidContext) as caught:
        extract({"uber-trace-id": value}, "jaeger")
    error = caught.value
    assert error.rule == rule
    assert (None if error.span is None else value[slice(*error.span)]) == part


@pytest.mark.parametrize("parent", ["whatever", "", "1" * 17])
def test_the_parent_id_is_deprecated(parent: str) -> None:
    """Receivers ignore what stands there."""
    context = extract({"uber-trace-id": f"{TRACE}:{SPAN}:{parent}:1"}, "jaeger")
    assert context == SpanContext(TRACE, SPAN, sampled=True)
    (problem,) = context.problems
    assert (
        problem.rule
        == "the parent span id must be 1 to 16 hex digits; receivers ignore it (Jaeger, Propagation Format)"
    )


def test_an_undecided_context_is_sent_as_not_sampled() -> None:
    """There is no third state."""
    assert inject(SpanContext(TRACE, SPAN), "jaeger") == {"uber-trace-id": f"{TRACE}:{SPAN}:0:0"}
