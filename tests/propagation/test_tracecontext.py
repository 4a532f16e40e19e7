import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALUE = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("", "the version must be two lower-case hex digits and a dash (W3C Trace Context, 3.2.2.1)", ""),
        (f"0-{TRACE}-{SPAN}-01", "the version must be two lower-case hex digits and a dash (W3C Trace Context, 3.2.2.1)", "0"),
        (f"A0-{TRACE}-{SPAN}-01", "the version must be two lower-case hex digits and a dash (W3C Trace Context, 3.2.2.1)", "A0"),
        (f"ff-{TRACE}-{SPAN}-01", "the version ff is forbidden (W3C Trace Context, 3.2.2.1)", "ff"),
        (f"00-{TRACE}-{SPAN}", "the header must be version, trace id, parent id and flags, with dashes (W3C Trace Context, 3.2.2)", None),
        (f"00-{TRACE}0-{SPAN}-01", "the trace id must have 32 hex digits, not 33 characters (W3C Trace Context, 3.2.2.3)", f"{TRACE}0"),
        (f"00-{TRACE.upper()}-{SPAN}-01", "the trace id must be lower-case hex (W3C Trace Context, 3.2.2.3)", TRACE.upper()),
        (f"00-{'0' * 32}-{SPAN}-01", "the trace id must not be all zeros (W3C Trace Context, 3.2.2.3)", "0" * 32),
        (f"00-{TRACE}-{SPAN[1:]}-01", "the parent id must have 16 hex digits, not 15 characters (W3C Trace Context, 3.2.2.4)", SPAN[1:]),
        (f"00-{TRACE}-{SPAN[1:]}.-01", "the parent id must be lower-case hex (W3C Trace Context, 3.2.2.4)", f"{SPAN[1:]}."),
        (f"00-{TRACE}-{'0' * 16}-01", "the parent id must not be all zeros (W3C Trace Context, 3.2.2.4)", "0" * 16),
        (f"00-{TRACE}-{SPAN}-0A", "the flags must be two lower-case hex digits (W3C Trace Context, 3.2.2.5)", "0A"),
        (f"00-{TRACE}-{SPAN}-1", "the flags must be two lower-case hex digits (W3C Trace Context, 3.2.2.5)", "1"),
        (f"00-{TRACE}-{SPAN}-01-", "nothing may follow the flags in version 00 (W3C Trace Context, 3.2.2.2)", "-"),
        (f"00-{TRACE}-{SPAN}-01-what-follows", "nothing may follow the flags in version 00 (W3C Trace Context, 3.2.2.2)", "-what-follows"),
        (f"01-{TRACE}-{SPAN}-01.later", "the flags must be two lower-case hex digits (W3C Trace Context, 3.2.2.5)", "01.later"),
        (f"01-{TRACE}-{SPAN}-01-{'x' * 500}", "the header has 556 characters, more than the 512 that are read of this format", None),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(value: str, rule: str, part: str | None) -> None:
    """The rule that is broken, who says so, and where."""
    with pytest.raises(InvalidContext) as caught:
        extract({"traceparent": value})
    error = caught.value
    assert (error.format, error.header, error.value) == ("tracecontext", "traceparent", value)
    assert error.rule == rule
    assert (None if error.span is None else value[slice(*error.span)]) == part


def test_the_flags_are_bits() -> None:
    """OpenTelemetry sends 03: sampled, and the trace id is random."""
    context = extract({"traceparent": f"00-{TRACE}-{SPAN}-03"})
    assert context is not None
    assert (context.sampled, context.flags) == (True, 3)
    assert context == SpanContext(TRACE, SPAN, sampled=True)
    assert inject(context) == {"traceparent": f"00-{TRACE}-{SPAN}-03"}
    random = extract({"traceparent": f"00-{TRACE}-{SPAN}-02"})
    assert random is not None
    assert random.sampled is False


def test_flags_without_a_meaning_are_not_passed_on() -> None:
    """A receiver goes on; the sender had to write zeros."""
    context = extract({"traceparent": f"00-{TRACE}-{SPAN}-09"})
    assert context is not None
    assert context.sampled is True
    (problem,) = context.problems
    assert problem.rule == "flags other than 01 and 02 must be zero (W3C Trace Context, 3.2.2.5.3)"
    assert problem.value[slice(*problem.span or ())] == "09"
    assert inject(context) == {"traceparent": VALUE}


@pytest.mark.parametrize("rest", ["", "-", "-what-the-future-will-be-like"])
def test_a_later_version_is_read_as_far_as_it_is_known(rest: str) -> None:
    """Ids and the sampled bit, and nothing of what follows; it is sent on as version 00."""
    context = extract({"traceparent": f"cc-{TRACE}-{SPAN}-ff{rest}"})
    assert context is not None
    assert (context.sampled, context.flags, context.problems) == (True, 1, ())
    assert inject(context) == {"traceparent": VALUE}


def test_tracestate_cannot_invalidate_traceparent() -> None:
    """It is discarded, with the reason."""
    context = extract({"traceparent": VALUE, "tracestate": "foo =1"})
    assert context is not None
    assert context.tracestate == ()
    assert len(context.problems) == 1


def test_tracestate_alone_is_no_context() -> None:
    """Without a traceparent nobody looks at it."""
    assert extract({"tracestate": "foo=1"}) is None


def test_an_undecided_context_is_sent_as_not_sampled() -> None:
    """There is no third state."""
    assert inject(SpanContext(TRACE, SPAN)) == {"traceparent": f"00-{TRACE}-{SPAN}-00"}


def test_tracestate_goes_beside() -> None:
    """Only if there is any: an empty header should not be sent."""
    context = SpanContext(TRACE, SPAN, sampled=True, tracestate=(("a", "1"), ("b", " 2")))
    written = inject(context)
    assert written == {"traceparent": VALUE, "tracestate": "a=1,b= 2"}
    assert extract(written) == context
