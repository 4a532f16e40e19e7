"""``traces_n_plus_one``: from how many repetitions on something is an N+1."""

import pytest

TEST = """
import pytest

def test_it(traces):
    with traces.start_span("root"):
        for i in range({count}):
            with traces.start_span("SELECT"):
                pass
    if {fails}:
        with pytest.raises(AssertionError, match="ran {count} times below 'root'"):
            traces.assert_no_n_plus_one()
    else:
        traces.assert_no_n_plus_one()
"""


@pytest.mark.parametrize(
    ("ini", "options", "least"),
    [
        ("", [], 3),
        ("traces_n_plus_one = 2", [], 2),
        ("traces_n_plus_one = 5", [], 5),
        ("traces_n_plus_one = 5", ["-o", "traces_n_plus_one=4"], 4),
    ],
)
@pytest.mark.parametrize("fails", [True, False])
def test_good_values(ini, options, least, fails, run):
    """Three, or what the ini file or ``-o`` says."""
    result = run(TEST.format(count=least if fails else least - 1, fails=fails), *options, ini=ini)

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["1", "0", "-3", "many", "2.5", ""])
def test_a_bad_value_is_a_usage_error(value, run):
    """It names the value, where it came from and what is allowed."""
    result = run(TEST.format(count=1, fails=False), ini=f"traces_n_plus_one = {value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        f"ERROR: traces_n_plus_one (in tox.ini): {value!r} is not usable; "
        "it is a whole number, 2 or more"
    )
