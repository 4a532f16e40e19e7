"""The ini value traces_external: third parties to whom no context may go."""

import pytest

OUT = """
import httpx, respx

@respx.mock
def test_out(traces):
    respx.get("https://api.stripe.com/v1").respond()
    respx.get("http://payments/charge").respond()
    with traces.start_span("checkout") as span:
        ours = {"traceparent": f"00-{span.trace_id}-{span.span_id}-01"}
        httpx.get("http://payments/charge", headers=ours)
        httpx.get("https://api.stripe.com/v1", headers=%s)
    traces.assert_propagated()
    traces.assert_not_propagated()
"""


@pytest.mark.parametrize("name", ["api.stripe.com", "*.stripe.com", "https://api.stripe.com/v1"])
def test_third_parties_are_left_out_of_the_one_and_are_all_of_the_other(
    name: str, pytester: pytest.Pytester
):
    """As a host, as a glob, as the beginning of a URL."""
    pytester.makeini(f"[pytest]\ntraces_external = {name}\n")
    pytester.makepyfile(OUT % "{}")

    pytester.runpytest().assert_outcomes(passed=1)


def test_a_context_that_leaks_fails(pytester: pytest.Pytester):
    """Without naming the host in the test."""
    pytester.makeini("[pytest]\ntraces_external = *.stripe.com\n")
    pytester.makepyfile(OUT % "ours")

    result = pytester.runpytest()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*1 of 1 request carried a context away", "E*GET https://api.stripe.com/v1*"]
    )


def test_an_empty_name_is_a_usage_error(pytester: pytest.Pytester):
    """Named with the file that has it."""
    pytester.makeini("[pytest]\ntraces_external = ''\n")
    pytester.makepyfile(OUT % "{}")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: traces_external (in tox.ini): '' is not usable; it is a host, a URL prefix, or "
            "a glob of one of these"
        ]
    )
