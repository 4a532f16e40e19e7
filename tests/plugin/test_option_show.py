"""``--traces-show``: of failed tests, of all, of none."""

import pytest

TESTS = """
import pytest

def test_fails(traces):
    with traces.start_span("fails"):
        pass
    assert False

def test_passes(traces):
    with traces.start_span("passes"):
        pass

def test_records_nothing(traces):
    pass

def test_skips(traces):
    with traces.start_span("skips"):
        pass
    pytest.skip("no")
"""


def shown(result: pytest.RunResult) -> list[str]:
    return [line.split()[0] for line in result.outlines if "  internal  " in line]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["fails"]),
        (["--traces-show=failed"], ["fails"]),
        (["--traces-show=none"], []),
        (["--traces-show=all"], ["fails", "passes"]),
        (["--traces-show=all", "--traces"], ["fails", "passes"]),
        (["--show-capture=no"], []),
    ],
)
def test_whose_traces_are_shown(options, expected, run):
    """Those of passed tests stand in the summary."""
    result = run(TESTS, *options)

    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert shown(result) == expected


def test_passed_tests_have_a_heading_each(run):
    """It names the test."""
    result = run(TESTS, "--traces-show=all")

    result.stdout.re_match_lines(
        [r"-+ traces of test_it.py::test_passes -+", r"  passes  internal"]
    )


def test_passed_tests_of_other_processes_are_shown(run, parallel):
    """Their reports carry the tree."""
    result = run(TESTS, "--traces-show=all", *parallel, plugins=("xdist.plugin",), subprocess=True)

    result.assert_outcomes(passed=2, failed=1, skipped=1)
    assert shown(result) == ["fails", "passes"]


def test_another_value_is_refused(run):
    """By pytest itself, which names those there are."""
    result = run(TESTS, "--traces-show=some")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*argument --traces-show: invalid choice: 'some' (choose from *"])
