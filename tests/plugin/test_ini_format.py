"""The ini value traces_format: the format of the headers that the application sends."""

import pytest

B3 = """
import httpx, respx

@respx.mock
def test_b3(traces):
    respx.get("http://payments/charge").respond()
    with traces.start_span("checkout") as span:
        ours = {"b3": f"{span.trace_id}-{span.span_id}-1"}
        httpx.get("http://payments/charge", headers=ours)
    traces.assert_propagated()
    with traces.start_span("refund"):
        theirs = {"traceparent": f"00-{span.trace_id}-{span.span_id}-01"}
        httpx.get("http://payments/charge", headers=theirs)
    traces.only("checkout").assert_propagated()
    traces.only("refund").assert_propagated()
"""


def test_it_is_what_has_to_be_there(pytester: pytest.Pytester):
    """Whatever else is there."""
    pytester.makeini("[pytest]\ntraces_format = b3\n")
    pytester.makepyfile(B3)

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">*traces.only(?refund?).assert_propagated()", "E*it carried no context of the format b3*"]
    )


def test_callers_speak_it(pytester: pytest.Pytester):
    """So that the application can read them."""
    pytester.makeini("[pytest]\ntraces_format = b3multi\n")
    pytester.makepyfile("""
        import pytest

        def test_caller(traces):
            with pytest.raises(AssertionError), traces.caller("click") as caller:
                assert {name.lower() for name in caller.headers} >= {"x-b3-traceid", "x-b3-spanid"}
    """)

    pytester.runpytest().assert_outcomes(passed=1)


def test_an_unknown_format_is_a_usage_error(pytester: pytest.Pytester):
    """With all that there are."""
    pytester.makeini("[pytest]\ntraces_format = w3c\n")
    pytester.makepyfile(B3)

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: traces_format (in tox.ini): 'w3c' is not usable; the formats are tracecontext, "
            "b3, b3multi, jaeger, xray, datadog, sentry, gcp, ottrace"
        ]
    )
