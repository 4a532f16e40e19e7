"""``traces_sources``: which sources are recorded."""

import pytest

pytestmark = pytest.mark.usefixtures("app")

TEST = """
from app import emit

def test_it(traces):
    emit("library")
    with traces.start_span("by hand"):
        pass
    assert [span.name for span in traces.spans] == %r
"""


@pytest.mark.parametrize(
    ("ini", "seen"),
    [
        ("", ["library", "by hand"]),
        ("traces_sources = opentelemetry", ["library"]),
        ("traces_sources = handwritten", ["by hand"]),
        ("traces_sources = handwritten opentelemetry", ["library", "by hand"]),
    ],
)
def test_good_values(ini, seen, run):
    """All of them, or those that are named."""
    result = run(TEST % seen, ini=ini)

    result.assert_outcomes(passed=1)


def test_a_source_that_is_left_out_says_so(run):
    """Where nothing was recorded, it may be the reason."""
    result = run(
        """
        from app import emit

        def test_it(traces):
            emit("library")
            traces.assert_tree("library")
        """,
        ini="traces_sources = handwritten",
    )

    result.stdout.fnmatch_lines(["E *opentelemetry *left out by traces_sources"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("otel", "'otel' is not usable; the sources are opentelemetry, sentry, handwritten, otlp"),
        (
            "handwritten Sentry",
            "'Sentry' is not usable; the sources are opentelemetry, sentry, handwritten, otlp",
        ),
        ("", "[] is not usable; name at least one of opentelemetry, sentry, handwritten, otlp"),
    ],
)
def test_a_bad_value_is_a_usage_error(value, message, run):
    """It names the value, where it came from and what is allowed."""
    result = run(TEST % [], ini=f"traces_sources = {value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == f"ERROR: traces_sources (in tox.ini): {message}"
