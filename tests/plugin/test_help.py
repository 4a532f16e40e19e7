"""What ``--help`` and ``--fixtures`` say."""

import re


def test_the_options_are_explained(run):
    """In a group of their own, and the settings of the ini file."""
    result = run("", "--help")
    text = re.sub(r"\s+", " ", result.stdout.str())

    assert (
        "traces of the tests: --traces record every test, and show the trace of those that fail"
        in text
    )
    assert (
        "--traces-show={failed,all,none} whose traces to show: of failed tests (default), of all "
        "that recorded, of none"
    ) in text
    for setting in (
        'traces_timeout (string): how long assertions wait for open spans: "2s", with a unit of '
        "ns, us, ms, s or min",
        "traces_ignore (args): names (globs) of spans to leave out; presets: asgi",
        "traces_sources (args): which sources to record: opentelemetry, sentry, handwritten, otlp",
        "traces_unsampled (string): what to do with spans that the application's sampler drops: "
        "record or skip",
    ):
        assert setting in text


def test_the_fixture_is_explained(run):
    """In one sentence."""
    result = run("", "--fixtures")

    result.stdout.re_match_lines(
        [
            r"traces -- .*plugin.__init__\.py:\d+",
            "    Records every span of this test, and asserts on them.",
        ]
    )
