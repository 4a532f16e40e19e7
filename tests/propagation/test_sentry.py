import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject
from pytest_traces.settings import BadValue

TRACE, SPAN = "12312012123120121231201212312012", "0415201309082013"
FORM = "the header must be 32 and 16 lower-case hex digits and, if wanted, 1 or 0, with hyphens (Sentry, Trace Propagation)"


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (f"{TRACE}-{SPAN}", SpanContext(TRACE, SPAN)),
        (f"{TRACE}-{SPAN}-1", SpanContext(TRACE, SPAN, sampled=True)),
        (f"{TRACE}-{SPAN}-0", SpanContext(TRACE, SPAN, sampled=False)),
    ],
)
def test_the_decision_is_optional(value: str, context: SpanContext) -> None:
    """What is read is what is written."""
    found = extract({"sentry-trace": value}, "sentry")
    assert found == context
    assert found.problems == ()
    assert inject(context, "sentry") == {"sentry-trace": value}


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (TRACE, SpanContext(TRACE, None)),
        (f"{TRACE}-{SPAN}-", SpanContext(TRACE, SPAN)),
        (f"{TRACE}-1", SpanContext(TRACE, None, sampled=True)),
        (f"00-{TRACE}-{SPAN}-00", SpanContext(TRACE, SPAN)),
    ],
)
def test_what_the_sdk_for_python_reads_all_the_same(value: str, context: SpanContext) -> None:
    """The trace goes on there, so it does here; it is a problem, for others may not read it."""
    utils = pytest.importorskip("sentry_sdk.tracing_utils")
    found = extract({"sentry-trace": value}, "sentry")
    assert found == context
    assert [one.rule for one in found.problems] == [f"{FORM}; the SDKs read this one all the same"]
    assert utils.extract_sentrytrace_data(value) == {
        "trace_id": context.trace_id,
        "parent_span_id": context.span_id,
        "parent_sampled": context.sampled,
    }


def test_of_joined_headers_the_first_is_read() -> None:
    """Proxies join them with commas, and newer SDKs take them apart."""
    found = extract({"sentry-trace": f", {TRACE}-{SPAN}-1,{TRACE}-{SPAN}-0"}, "sentry")
    assert found == SpanContext(TRACE, SPAN, sampled=True)
    assert len(found.problems) == 1


def test_of_several_headers_the_first_is_read() -> None:
    """As where a proxy joined them."""
    pairs = [("sentry-trace", f"{TRACE}-{SPAN}-1"), ("sentry-trace", f"{TRACE}-{SPAN}-0")]
    found = extract(pairs, "sentry")
    assert found == SpanContext(TRACE, SPAN, sampled=True)
    (problem,) = found.problems
    assert (
        problem.rule
        == "the header must be there once; the SDKs read the first (Sentry, Trace Propagation)"
    )


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("", FORM),
        ("-", FORM),
        (f"-{SPAN}-1", FORM),
        (f"{TRACE}-{SPAN}-2", FORM),
        (f"{TRACE}-{SPAN}-1-extra", FORM),
        (f"{TRACE}-{SPAN.replace('0', 'A')}", FORM),
        (f"00-{TRACE}-{SPAN}-01", FORM),
        ("1" * 257, "no sentry-trace has more than 256 characters (Sentry, Trace Propagation)"),
    ],
)
def test_what_must_not_be_continued(value: str, rule: str) -> None:
    """Without a trace id there is no trace."""
    with pytest.raises(InvalidContext) as caught:
        extract({"sentry-trace": value}, "sentry")
    assert caught.value.rule == rule


def test_the_dynamic_sampling_context_goes_in_baggage() -> None:
    """Its members are extra; those of others are none of Sentry's, nor are their mistakes."""
    context = SpanContext(
        TRACE,
        SPAN,
        sampled=True,
        extra=(("sentry-environment", "prod ü"), ("sentry-public_key", "abc")),
        format="sentry",
    )
    written = inject(context, "sentry")
    assert written == {
        "sentry-trace": f"{TRACE}-{SPAN}-1",
        "baggage": "sentry-environment=prod%20%C3%BC,sentry-public_key=abc",
    }
    others = {**written, "baggage": f"tenant=acme,bad,{written['baggage']}"}
    found = extract(others, "sentry")
    assert found == context
    assert found.problems == ()


def test_a_child_process_has_it_in_variables() -> None:
    """SENTRY_TRACE and SENTRY_BAGGAGE."""
    environment = {
        "SENTRY_TRACE": f"{TRACE}-{SPAN}-1",
        "SENTRY_BAGGAGE": "sentry-release=1,sentry-bad key=1",
    }
    found = extract(environment, "sentry")
    assert found.extra == (("sentry-release", "1"),)
    assert [one.header for one in found.problems] == ["SENTRY_BAGGAGE"]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (SpanContext(TRACE, SPAN, extra=(("origin", "rum"),), format="sentry"), "extra: 'origin' is not usable; the members of Sentry begin with 'sentry-'"),
        (SpanContext(TRACE, SPAN, extra=(("sentry- ", ""),), format="sentry"), "baggage: 'sentry- ' is not usable; a key is a token: letters, digits and !#$%&'*+-.^_`|~"),
        (SpanContext(TRACE, None, sampled=True), "sampled: True is not usable; sentry-trace has it only beside a span id"),
    ],
)  # fmt: skip
def test_what_the_headers_cannot_hold_is_not_written(context: SpanContext, message: str) -> None:
    """It says what, and what is allowed."""
    with pytest.raises(BadValue) as caught:
        inject(context, "sentry")
    assert str(caught.value) == message
