import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject
from pytest_traces.settings import BadValue

TRACE, SPAN = "80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1"
IDS = {"ot-tracer-traceid": TRACE, "ot-tracer-spanid": SPAN}


@pytest.mark.parametrize(
    ("state", "sampled"), [("true", True), ("false", False), ("1", True), ("0", False), ("True", True)]
)  # fmt: skip
def test_true_and_false_in_both_spellings(state: str, sampled: bool) -> None:
    """The tracers write words, some write digits."""
    found = extract({**IDS, "ot-tracer-sampled": state}, "ottrace")
    assert found == SpanContext(TRACE, SPAN, sampled=sampled)


def test_without_a_state_the_receiver_decides() -> None:
    """The header is not written either."""
    assert extract(IDS, "ottrace") == SpanContext(TRACE, SPAN)
    assert "ot-tracer-sampled" not in inject(SpanContext(TRACE, SPAN), "ottrace")


def test_the_trace_id_is_cut_to_64_bits() -> None:
    """The format has no more; where the last half is zero nothing is left."""
    written = inject(SpanContext(TRACE, SPAN, sampled=True), "ottrace")
    assert written == {
        "ot-tracer-traceid": TRACE[16:],
        "ot-tracer-spanid": SPAN,
        "ot-tracer-sampled": "true",
    }
    half = SpanContext("0" * 16 + TRACE[16:], SPAN, sampled=True)
    assert extract(written, "ottrace") == half
    with pytest.raises(BadValue, match="ottrace needs its last 16 digits"):
        inject(SpanContext("1" + "0" * 31, SPAN), "ottrace")


@pytest.mark.parametrize(
    ("headers", "name", "rule"),
    [
        ({"ot-tracer-traceid": TRACE}, "ot-tracer-traceid", "the header ot-tracer-spanid is required beside it (OpenTracing basic tracer)"),
        ({"ot-tracer-sampled": "true"}, "ot-tracer-sampled", "the header ot-tracer-traceid is required beside it (OpenTracing basic tracer)"),
        ({**IDS, "ot-tracer-traceid": "1234567890abcd01234"}, "ot-tracer-traceid", "the trace id must have 16 or 32 hex digits, not 19 characters (OpenTracing basic tracer)"),
        ({**IDS, "ot-tracer-spanid": "x" * 16}, "ot-tracer-spanid", "the span id must be hex (OpenTracing basic tracer)"),
        ({**IDS, "ot-tracer-spanid": "0" * 16}, "ot-tracer-spanid", "the span id must not be all zeros (OpenTracing basic tracer)"),
        ({**IDS, "ot-tracer-sampled": "maybe"}, "ot-tracer-sampled", "ot-tracer-sampled must be true or false (OpenTracing basic tracer)"),
        ({**IDS, "ot-tracer-spanid": "x" * 129}, "ot-tracer-spanid", "the header has 129 characters, more than the 128 that are read of this format"),
        ([*IDS.items(), *IDS.items()], "ot-tracer-traceid", "the header must be there once, not 2 times (RFC 9110, 5.3)"),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(headers: dict, name: str, rule: str) -> None:
    """The rule that is broken, and in which header."""
    with pytest.raises(InvalidContext) as caught:
        extract(headers, "ottrace")
    assert caught.value.header == name
    assert caught.value.rule == rule
