import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject

TRACE, SPAN, NUMBER = "d36a105d7002f0dee73c0dfb9553764a", "f5fcf8089dec2751", 17725314949316355921
NAME = "x-cloud-trace-context"
FORM = "the header must be TRACE_ID/SPAN_ID;o=OPTIONS (Google Cloud, Trace context)"
RANGE = "the span id must be a decimal number from 1 to 18446744073709551615 (Google Cloud, Trace context)"
OPTIONS = "the options must be 0 or 1 (Google Cloud, Trace context)"


@pytest.mark.parametrize(("tail", "sampled"), [("", None), (";o=0", False), (";o=1", True)])
def test_the_span_id_is_decimal(tail: str, sampled: bool | None) -> None:
    """What is read is what is written."""
    context = SpanContext(TRACE, SPAN, sampled=sampled)
    assert extract({"X-Cloud-Trace-Context": f"{TRACE}/{NUMBER}{tail}"}, "gcp") == context
    assert inject(context, "gcp") == {NAME: f"{TRACE}/{NUMBER}{tail}"}


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("", FORM, None),
        (TRACE, FORM, None),
        (f"{TRACE};o=1", FORM, None),
        (f"{TRACE}/1;p=1", FORM, None),
        (f"more/{TRACE}/1;o=1", "the trace id must have 32 hex digits, not 4 characters (Google Cloud, Trace context)", "more"),
        (f"{TRACE[1:]}x/1;o=1", "the trace id must be hex (Google Cloud, Trace context)", f"{TRACE[1:]}x"),
        (f"{'0' * 32}/1;o=1", "the trace id must not be all zeros (Google Cloud, Trace context)", "0" * 32),
        (f"{TRACE}/;o=1", RANGE, ""),
        (f"{TRACE}/0;o=1", RANGE, "0"),
        (f"{TRACE}/{2**64};o=1", RANGE, str(2**64)),
        (f"{TRACE}/1a;o=1", RANGE, "1a"),
        (f"{TRACE}/\u0661;o=1", RANGE, "\u0661"),
        (f"{TRACE}/1;o=", OPTIONS, ""),
        (f"{TRACE}/1;o=1x", OPTIONS, "1x"),
        ("x" * 129, "the header has 129 characters, more than the 128 that are read of this format", None),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(value: str, rule: str, part: str | None) -> None:
    """The rule that is broken, who says so, and where."""
    with pytest.raises(InvalidContext) as caught:
        extract({NAME: value}, "gcp")
    error = caught.value
    assert error.rule == rule
    assert (None if error.span is None else value[slice(*error.span)]) == part


@pytest.mark.parametrize(("options", "sampled"), [("2", False), ("3", True)])
def test_the_options_were_bits_once(options: str, sampled: bool) -> None:
    """Of another number the last bit counts."""
    context = extract({NAME: f"{TRACE.upper()}/{NUMBER};o={options}"}, "gcp")
    assert context == SpanContext(TRACE, SPAN, sampled=sampled)
    (problem,) = context.problems
    assert (
        problem.rule
        == "the options are written 0 or 1, of other numbers the last bit counts (Google Cloud, Trace context)"
    )
