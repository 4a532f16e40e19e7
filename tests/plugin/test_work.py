"""Counted work under pytest: a run of its own, which is nobody else's."""

import json
import sys

import pytest

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is of Python 3.12"),
    pytest.mark.usefixtures("app"),
]

COUNTED = """
    from app import emit, tracer

    def test_it(traces):
        with tracer.start_as_current_span("a"):
            emit("b")
        traces.assert_work("a", at_most=10_000)
        traces.assert_work("b", at_most=10_000)
"""


def test_one_more_run_for_all_of_them(run):
    """It is no rerun: nothing was wrong."""
    result = run(COUNTED, "-v")

    result.assert_outcomes(passed=1)
    assert "rerun" not in result.stdout.str().lower()


def test_more_than_allowed_fails_in_the_run_that_counts(run):
    """As the verdict of the test, not as something that cannot be repeated."""
    result = run(COUNTED.replace("10_000", "1"))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: 'a' did * events of work, limit 1, *"])
    assert "not repeatable" not in result.stdout.str()


def test_nothing_fits_is_told_at_once(run):
    """No further run is needed for that."""
    result = run(COUNTED.replace('assert_work("a"', 'assert_work("c"'))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: no span fits 'c'*"])


def test_timings_are_those_of_the_other_runs(run, pytester):
    """Counting makes a run slow; it is not among the five."""
    result = run(COUNTED, "--traces-update=structure,timings")

    result.assert_outcomes(passed=1)
    (timings,) = (pytester.path / ".traces" / "timings").glob("*.json")
    (test,) = json.loads(timings.read_text())["runs"][0]["tests"].values()
    assert {path: one["repeats"] for path, one in test.items()} == {"a": 5, "a > b": 5}
    structure = json.loads((pytester.path / "test_it.traces.json").read_text())
    assert all("work" in one for one in structure["tests"]["test_it"].values())
