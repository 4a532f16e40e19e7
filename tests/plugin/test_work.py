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
    """Counting makes a run slow; it is not among them."""
    result = run(COUNTED, "--traces-update=structure,timings")

    result.assert_outcomes(passed=1)
    (timings,) = (pytester.path / ".traces" / "timings").glob("*.json")
    (test,) = json.loads(timings.read_text())["runs"][0]["tests"].values()
    # Of short tests there are three times as many.
    assert {path: one["repeats"] for path, one in test.items() if not path.startswith(">")} == {
        "a": 15,
        "a > b": 15,
    }
    structure = json.loads((pytester.path / "test_it.traces.json").read_text())
    assert all("work" in one for one in structure["tests"]["test_it"].values())


EACH = """
    import time
    from app import emit, tracer

    runs = []

    def test_it(traces):
        runs.append(1)
        with tracer.start_as_current_span("a"):
            time.sleep(0.4 if len(runs) == 2 else 0)
        traces.assert_work("a", at_most=5_000)
        traces.assert_duration("a", under="300ms")
        traces.clear()
        with tracer.start_as_current_span("a"):
            for _ in range(1_000):
                emit("b")
        traces.assert_work("a", at_most=5_000)
"""


def test_each_assertion_counts_by_itself(run):
    """The second of two was not reached in the run that counted, so that it has a run of its own."""
    result = run(EACH)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: 'a' did * events of work, limit 5,000, *"])


def test_a_limit_is_judged_in_a_run_in_which_nothing_is_counted(run):
    """That of a marker, too, which the first run did not come to."""
    result = run(
        """
        import pytest, time
        from app import emit, tracer

        runs = []

        @pytest.mark.traces(under="300ms")
        def test_it(traces):
            runs.append(1)
            with tracer.start_as_current_span("a"):
                if len(runs) == 2:
                    time.sleep(0.4)
            traces.assert_work("a", at_most=5_000)

        def test_runs():
            assert len(runs) == 3
        """
    )
    result.assert_outcomes(passed=2)


def test_work_of_a_span_that_comes_later(run):
    """Events are counted in a run of their own, whoever starts it and when."""
    result = run(
        """
        import threading, time
        from app import emit, tracer

        def later():
            time.sleep(0.1)
            emit("late")

        def test_it(traces):
            thread = threading.Thread(target=later)
            thread.start()
            traces.eventually("5s").assert_work("late", at_most=5_000)
            thread.join()
        """
    )
    result.assert_outcomes(passed=1)


def test_a_strict_run_does_not_judge_what_counting_takes(run):
    """Such a run is sent as one, and the repeats come beside it."""
    conftest = """
    def pytest_runtest_logreport(report):
        sent = getattr(report, "traces_measured", {}).get("measured")
        if sent:
            print("counted" if sent[1] else "timed")
    """
    ini = "traces_repeats = 3"
    run(COUNTED, "--traces-record=3", "--traces-update=structure,timings", ini=ini)

    result = run(COUNTED, "--traces-strict", "-s", conftest=conftest, ini=ini)

    result.assert_outcomes(passed=1)
    said = [line.split()[-1] for line in result.outlines if line.endswith(("counted", "timed"))]
    assert said[:4] == ["counted", "timed", "timed", "timed"]
    assert said.count("counted") == 1


def test_the_end_of_a_test_does_not_end_what_a_fixture_counts(run):
    """Only who begins to count ends it."""
    result = run(
        """
        import pytest
        from pytest_traces import record
        from pytest_traces.sources.work import work

        @pytest.fixture(scope="module")
        def counted():
            with record(count_work=True):
                yield

        def test_one(counted, traces):
            pass

        def test_two(counted, traces):
            assert len(work.running) == 1
        """
    )

    result.assert_outcomes(passed=2)
