"""``traces_attempts``: how many runs of a test a failed limit on a duration may take."""

import pytest

TEST = """
def test_it(traces):
    attempt = traces._frame.recording.attempt
    assert (attempt.allowed, attempt.can_repeat) == ({expected}, True)
"""
ALLOWED = "it is a whole number from 1 to 100"


@pytest.mark.parametrize(
    ("ini", "options", "expected"),
    [
        ("", [], 1),
        ("traces_attempts = 1", [], 1),
        ("traces_attempts = 100", [], 100),
        ("traces_attempts = 3", ["-o", "traces_attempts=5"], 5),
    ],
)
def test_good_values(ini, options, expected, run):
    """One, or what the ini file or ``-o`` says."""
    result = run(TEST.format(expected=expected), *options, ini=ini)

    result.assert_outcomes(passed=1)


def test_the_marker_goes_before(run):
    """It knows the test."""
    source = "import pytest\n@pytest.mark.traces(attempts=2)" + TEST.format(expected=2)
    result = run(source, ini="traces_attempts = 7")

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["0", "101", "-1", "1.5", "many", ""])
def test_a_bad_value_is_a_usage_error(value, run):
    """It names the value, where it came from and what is allowed."""
    result = run(TEST, ini=f"traces_attempts = {value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        f"ERROR: traces_attempts (in tox.ini): {value!r} is not usable; {ALLOWED}"
    )
