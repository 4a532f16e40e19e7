"""``traces_unsampled``: what to do with spans that the application's sampler drops."""

import pytest

pytestmark = pytest.mark.usefixtures("app")

TEST = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

def test_it(traces):
    tracer = TracerProvider(sampler=ALWAYS_OFF).get_tracer("app")
    with tracer.start_as_current_span("dropped"):
        pass
    assert [span.name for span in traces.spans] == %r
    traces.assert_none("other")
"""


@pytest.mark.parametrize("ini", ["", "traces_unsampled = record"])
def test_they_are_recorded(ini, run):
    """Unless the ini file says otherwise."""
    result = run(TEST % ["dropped"], ini=ini)

    result.assert_outcomes(passed=1)


def test_they_can_be_skipped(run):
    """Then nothing can be said to be absent, and the setting is named."""
    result = run(TEST % [], ini="traces_unsampled = skip")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *spans were dropped by the sampler and not recorded: 'dropped'",
            "E *hint:*traces_unsampled*",
        ]
    )


def test_a_bad_value_is_a_usage_error(run):
    """It names the value, where it came from and what is allowed."""
    result = run(TEST % [], ini="traces_unsampled = drop")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        "ERROR: traces_unsampled (in tox.ini): 'drop' is not usable; it is one of record, skip"
    )
