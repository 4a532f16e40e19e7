import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject

TRACE, SPAN, PARENT = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", "05e3ac9a4f6e3b90"
FIELDS = "the header must be trace id, span id and, if wanted, sampling state and parent span id, with hyphens (B3, Single Header)"
STATE = "the sampling state must be 1, 0 or d (B3, Single Header, Sampling State)"
ALONE = "a sampling decision without ids continues no trace; the receiver starts one of its own (B3, Identifiers)"


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (f"{TRACE}-{SPAN}", SpanContext(TRACE, SPAN)),
        (f"{TRACE}-{SPAN}-1", SpanContext(TRACE, SPAN, sampled=True)),
        (f"{TRACE}-{SPAN}-0", SpanContext(TRACE, SPAN, sampled=False)),
        (f"{TRACE}-{SPAN}-d", SpanContext(TRACE, SPAN, debug=True)),
        (f"{TRACE}-{SPAN}-{PARENT}", SpanContext(TRACE, SPAN, parent_id=PARENT)),
        (f"{TRACE}-{SPAN}-1-{PARENT}", SpanContext(TRACE, SPAN, sampled=True, parent_id=PARENT)),
        (f"{TRACE[16:]}-{SPAN}-d-{PARENT}", SpanContext("0" * 16 + TRACE[16:], SPAN, debug=True, parent_id=PARENT)),
    ],
)  # fmt: skip
def test_the_last_two_fields_are_optional(value: str, context: SpanContext) -> None:
    """Each by itself; what is read is what is written."""
    assert extract({"b3": value}, "b3") == context
    assert inject(context, "b3") == {"b3": value}


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("0", ALONE, None),
        ("1", ALONE, None),
        ("d", ALONE, None),
        ("", FIELDS, None),
        (TRACE, FIELDS, None),
        (f"{TRACE}-{SPAN}-1-{PARENT}-extra", FIELDS, None),
        (f"{TRACE[1:]}-{SPAN}", "the trace id must have 16 or 32 hex digits, not 31 characters (B3, Single Header)", TRACE[1:]),
        (f"{TRACE.upper()}-{SPAN}", "the trace id must be lower-case hex (B3, Single Header)", TRACE.upper()),
        (f"{'0' * 32}-{SPAN}", "the trace id must not be all zeros (B3, Single Header)", "0" * 32),
        (f"{TRACE}-{SPAN}a", "the span id must have 16 hex digits, not 17 characters (B3, Single Header)", f"{SPAN}a"),
        (f"{TRACE}-{SPAN}-", STATE, ""),
        (f"{TRACE}-{SPAN}-f", STATE, "f"),
        (f"{TRACE}-{SPAN}-1-{PARENT[1:]}", "the parent span id must have 16 hex digits, not 15 characters (B3, Single Header)", PARENT[1:]),
        ("x" * 129, "the header has 129 characters, more than the 128 that are read of this format", None),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(value: str, rule: str, part: str | None) -> None:
    """The rule that is broken, who says so, and where."""
    with pytest.raises(InvalidContext) as caught:
        extract({"b3": value}, "b3")
    error = caught.value
    assert error.rule == rule
    assert (None if error.span is None else value[slice(*error.span)]) == part


@pytest.mark.parametrize(
    ("tail", "sampled", "rule"),
    [
        ("true", True, "the sampling state is written 1 or 0, true and false are forgiven (B3, Single Header)"),
        ("false", False, "the sampling state is written 1 or 0, true and false are forgiven (B3, Single Header)"),
        ("1-0", True, "a root has no parent id, where 0 stands (B3, ParentSpanId)"),
        (f"1-{'0' * 16}", True, "a root has no parent id, where 0 stands (B3, ParentSpanId)"),
    ],
)  # fmt: skip
def test_what_a_receiver_forgives(tail: str, sampled: bool, rule: str) -> None:
    """Older tracers send it; it is a problem all the same."""
    context = extract({"b3": f"{TRACE}-{SPAN}-{tail}"}, "b3")
    assert context == SpanContext(TRACE, SPAN, sampled=sampled)
    assert [problem.rule for problem in context.problems] == [rule]


def test_the_single_header_goes_before_the_others() -> None:
    """Those are read only where it cannot be."""
    several = inject(SpanContext("a" * 32, "b" * 16, sampled=True), "b3multi")
    assert extract({"b3": f"{TRACE}-{SPAN}", **several}, "b3") == SpanContext(TRACE, SPAN)
    instead = extract({"b3": f"{TRACE}-?", **several}, "b3")
    assert instead == SpanContext("a" * 32, "b" * 16, sampled=True)
    assert instead.format == "b3"
    assert [problem.header for problem in instead.problems] == ["b3"]
    with pytest.raises(InvalidContext, match=r"^b3: "):
        extract({"b3": f"{TRACE}-?", "x-b3-traceid": "a" * 32}, "b3")
    with pytest.raises(InvalidContext, match=r"^b3: 0: a sampling decision"):
        extract({"b3": "0", **several}, "b3")


def test_the_others_alone_are_another_format() -> None:
    """A carrier without the header has nothing of it."""
    assert extract(inject(SpanContext(TRACE, SPAN), "b3multi"), "b3") is None
