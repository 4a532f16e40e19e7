"""A test runs again where a limit on a duration has failed, or somebody wants to measure once more."""

import re
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestDeprecationWarning")

#: ``spend(traces, ms)`` adds a span that took so long; ``run_of`` counts the runs of a test.
HELPER = """
import collections
import itertools

counts = collections.Counter()
ids = itertools.count(1)

def run_of(name):
    counts[name] += 1
    return counts[name]

def spend(traces, ms, name="GET /cart"):
    number = next(ids)
    start = 1_700_000_000_000
    traces.add(dict(trace_id=number, span_id=number, name=name, start=start, end=start + ms))
"""
LIMITED = """
import pytest
from helper import run_of, spend

@pytest.mark.traces(attempts=5)
def test_it(traces):
    spend(traces, [30, 25, 9, 30, 30][run_of("it") - 1])
    traces.assert_duration("GET /cart", under="10ms")
"""
TOO_SLOW = """
import pytest
from helper import run_of, spend

@pytest.mark.traces(attempts=3)
def test_slow(traces):
    spend(traces, [30, 25, 35][run_of("slow") - 1])
    traces.assert_duration("GET /cart", under="10ms")

def test_after():
    pass
"""
PASSIVE = """
from helper import run_of, spend

def test_it(traces):
    attempt = traces._frame.recording.attempt
    number = run_of("it")
    assert attempt.number == number
    attempt.measured.setdefault("mine", []).append(number)
    if number < 30:
        attempt.wanted = "measure"
    else:
        assert attempt.measured["mine"] == list(range(1, 31))
"""


@pytest.fixture(autouse=True)
def helper(pytester):
    pytester.makepyfile(helper=HELPER)


def letters(result):
    """What stands for each report, without the progress that old pytests repeat."""
    (line,) = re.findall(r"^test_it\.py (.*)$", result.stdout.str(), re.MULTILINE)
    return re.sub(r"\s|\[ *\d+%\]", "", line)


def test_it_passes_as_soon_as_one_run_meets_the_limit(run):
    """The runs before it are called reruns, and count as nothing."""
    result = run(LIMITED)

    result.assert_outcomes(passed=1)
    assert result.ret == 0
    assert letters(result) == "RR."
    result.stdout.fnmatch_lines(["*1 passed, 2 rerun in *"])


def test_it_fails_if_every_run_exceeds_the_limit(run):
    """Once, with what all runs have taken, the best of them shown."""
    result = run(TOO_SLOW)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E  *DurationExceeded: 'GET /cart' took 25.0 ms, limit 10.0 ms "
            "(recorded times, best of 3 attempts: 30.0, 25.0, 35.0 ms)",
            "E  *shown: attempt 2",
            "*1 failed, 1 passed, 2 rerun in *",
        ]
    )
    result.stdout.no_fnmatch_line("*not repeatable*")


def test_reruns_in_the_long_form(run):
    """With a word in the place of a letter."""
    result = run(LIMITED, "-v")

    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_it RERUN *",
            "test_it.py::test_it RERUN *",
            "test_it.py::test_it PASSED *",
        ]
    )


def test_one_attempt_is_the_default(run):
    """Only its author knows whether a test can run twice; the message says what five would do."""
    result = run(TOO_SLOW.replace("@pytest.mark.traces(attempts=3)", ""))

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E  *'GET /cart' took 30.0 ms, limit 10.0 ms (recorded times)",
            "E  *hint:  a single reading may be slow by chance. If this test can be run again,",
            "E  *@pytest.mark.traces(attempts=5) fails only where each of 5 runs is over the limit",
        ]
    )
    result.stdout.no_fnmatch_line("*rerun*")


def test_maxfail_does_not_stop_at_a_rerun(run):
    """``-x`` stops at the failure that counts."""
    passing = run(LIMITED + "\ndef test_next():\n    pass\n", "-x")
    failing = run(TOO_SLOW, "-x")

    passing.assert_outcomes(passed=2)
    failing.assert_outcomes(failed=1)
    failing.stdout.fnmatch_lines(["*stopping after 1 failures*"])


def test_junit_xml_has_one_test(run, pytester):
    """With the properties and the output of the run that counts."""
    source = LIMITED.replace(
        "def test_it(traces):", "def test_it(traces, record_property):"
    ).replace("    spend(", "    record_property('run', 1)\n    print('a run')\n    spend(", 1)
    result = run(
        source, "--junitxml=out.xml", "-o", "junit_family=xunit1", "-o", "junit_logging=all"
    )

    result.assert_outcomes(passed=1)
    suite = ET.parse(pytester.path / "out.xml").getroot()[0]
    (case,) = suite
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
    assert len(case.findall("properties/property")) == 1
    assert case.findtext("system-out").count("a run") == 1


def test_fixtures_of_the_test_are_fresh_and_wider_ones_stay(run):
    """Also where no other test needs them."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        made = []

        @pytest.fixture(scope="session", autouse=True)
        def whole():
            made.append("whole")
            yield
            made.append("end")
            print("made:", *made)

        @pytest.fixture
        def own():
            made.append("own")
            yield
            made.append("over")

        @pytest.fixture(scope="module")
        def shared():
            made.append("shared")

        @pytest.mark.traces(attempts=2)
        def test_it(traces, own, shared):
            spend(traces, [30, 9][run_of("it") - 1])
            traces.assert_duration("GET /cart", under="10ms")

        class TestLast:
            @pytest.fixture(scope="class")
            def of_class(self):
                made.append("class")
                yield
                made.append("no class")

            @pytest.mark.traces(attempts=3)
            def test_last(self, traces, of_class, own, shared):
                spend(traces, [30, 30, 9][run_of("last") - 1])
                traces.assert_duration("GET /cart", under="10ms")
        """,
        "-p",
        "no:randomly",
        "-s",
    )

    result.assert_outcomes(passed=2)
    runs = "own over own over class own over own over own over no class"
    result.stdout.fnmatch_lines([f"*made: whole shared {runs} end"])


def test_another_failure_in_a_later_run(run):
    """The test cannot be repeated, and the report says so and why it was run again."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=5)
        def test_it(traces):
            assert run_of("it") == 1, "the order exists"
            spend(traces, 30)
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E  *AssertionError: the order exists",
            "*- traces: attempts -*",
            "this test is not repeatable; use attempts=1",
            "",
            "it was run again because: 'GET /cart' took 30.0 ms, limit 10.0 ms (recorded times)",
        ]
    )


def test_a_later_run_that_is_skipped_fails(run):
    """It gives no answer to what the first one has asked."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=5)
        def test_it(traces):
            if run_of("it") == 2:
                pytest.skip("no more orders")
            spend(traces, 30)
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["skipped in a later run: *no more orders", "this test is not repeatable; use attempts=1"]
    )


@pytest.mark.parametrize("run_that_breaks", [1, 2])
def test_a_set_up_that_fails_in_a_later_run(run_that_breaks, run):
    """An error, as ever; with the remark where it is a later run."""
    result = run(
        f"""
        import pytest
        from helper import run_of, spend

        @pytest.fixture
        def order():
            if run_of("order") == {run_that_breaks}:
                raise RuntimeError("taken")

        @pytest.mark.traces(attempts=5)
        def test_it(traces, order):
            spend(traces, 30)
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(errors=1)
    assert ("not repeatable" in result.stdout.str()) is (run_that_breaks == 2)


@pytest.mark.parametrize("run_that_breaks", [1, 2])
def test_a_teardown_that_fails_ends_it(run_that_breaks, run):
    """There is no run after a teardown that has failed, and the report says what is left open."""
    result = run(
        f"""
        import pytest
        from helper import run_of, spend

        @pytest.fixture
        def order():
            yield
            if run_of("order") == {run_that_breaks}:
                raise RuntimeError("taken")

        @pytest.mark.traces(attempts=3)
        def test_it(traces, order):
            spend(traces, 30)
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(errors=1)
    assert result.ret == 1
    assert result.stdout.str().count("RuntimeError: taken") >= 1
    result.stdout.fnmatch_lines(
        [
            "the teardown before another run failed",
            "it was run again because: 'GET /cart' took 30.0 ms, *",
        ]
    )


def test_a_limit_that_the_test_itself_expects_to_fail(run):
    """Nothing is wrong with such a run, so it is the only one; nor does it excuse what follows."""
    result = run(
        """
        import pytest
        from helper import run_of, spend
        from pytest_traces import DurationExceeded

        @pytest.mark.traces(attempts=2)
        def test_it(traces):
            assert run_of("it") == 1
            spend(traces, 30)
            with pytest.raises(DurationExceeded):
                traces.assert_duration("GET /cart", under="10ms")

        @pytest.mark.traces(attempts=2)
        def test_count(traces):
            spend(traces, 30)
            with pytest.raises(DurationExceeded):
                traces.assert_duration("GET /cart", under="10ms")
            traces.assert_count("GET /cart", 2 if run_of("count") == 1 else 1)

        @pytest.mark.traces(attempts=2)
        def test_other(traces):
            spend(traces, 30)
            with pytest.raises(DurationExceeded):
                traces.assert_duration("GET /cart", under="10ms")
            assert False, "something else"
        """
    )

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.no_fnmatch_line("*not repeatable*")
    result.stdout.no_fnmatch_line("*rerun*")


@pytest.mark.parametrize("limits", [[30, 9], [30, 30]])
def test_xfail(limits, run):
    """The last run counts; those before are neither failures nor expected ones."""
    result = run(
        f"""
        import pytest
        from helper import run_of, spend

        @pytest.mark.xfail(strict=True, reason="known")
        @pytest.mark.traces(attempts=2)
        def test_it(traces):
            spend(traces, {limits}[run_of("it") - 1])
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    if limits[-1] == 30:
        result.assert_outcomes(xfailed=1)
    else:
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*XPASS(strict)*"])
    result.stdout.no_fnmatch_line("*not repeatable*")


def test_several_limits_in_one_test(run):
    """Each of them has to be met in one of the runs, not all in the same."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=2)
        def test_it(traces):
            number = run_of("it")
            spend(traces, [9, 30][number - 1], "first")
            spend(traces, [30, 9][number - 1], "second")
            traces.assert_duration("first", under="10ms")
            traces.assert_duration("second", under="10ms")
        """
    )

    result.assert_outcomes(passed=1)


def test_runs_for_their_own_sake_are_silent(run):
    """Nobody fails: thirty runs are one dot, and share what they have measured."""
    result = run(PASSIVE)
    verbose = run(PASSIVE, "-v")

    result.assert_outcomes(passed=1)
    assert letters(result) == "."
    result.stdout.fnmatch_lines(["*= 1 passed in *"])
    assert verbose.stdout.str().count("test_it.py::test_it") == 1


def test_an_assertion_that_only_measures_is_no_rerun(run):
    """Though it has to raise: it says so, for one run, and nothing is shown or counted."""
    result = run(
        """
        from helper import run_of

        def test_it(traces):
            attempt = traces._frame.recording.attempt
            assert not attempt.measuring
            if run_of("it") < 3:
                attempt.wanted, attempt.measuring = "measure", True
                traces.assert_count("nothing", 1)
        """
    )

    result.assert_outcomes(passed=1)
    assert letters(result) == "."
    result.stdout.fnmatch_lines(["*= 1 passed in *"])


def test_a_test_that_is_not_repeatable_runs_once(run):
    """Whatever for: the message of one that failed in a later run advises so."""
    result = run(
        """
        import pytest
        from helper import run_of

        @pytest.mark.traces(attempts=1)
        def test_it(traces):
            attempt = traces._frame.recording.attempt
            attempt.wanted = "measure"
            assert run_of("it") == 1
            assert not attempt.can_repeat
        """
    )

    result.assert_outcomes(passed=1)


def test_a_failure_among_runs_for_their_own_sake(run):
    """Is one of a test that cannot be repeated, unless whoever fails it says that it is judged."""
    source = """
        from helper import run_of

        def test_it(traces):
            attempt = traces._frame.recording.attempt
            if run_of("it") == 1:
                attempt.wanted = "the second must be compared"
            else:
                attempt.judged = {judged}
                assert False, "slower"
        """
    result, judged = run(source.format(judged=False)), run(source.format(judged=True))

    result.assert_outcomes(failed=1)
    judged.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["this test is not repeatable*", "it was run again because: the second must be compared"]
    )
    judged.stdout.no_fnmatch_line("*not repeatable*")


def test_nobody_gets_more_than_a_hundred_runs(run):
    """Whoever wants one more each time."""
    result = run(
        """
        from helper import counts, run_of

        def test_it(traces):
            run_of("it")
            traces._frame.recording.attempt.wanted = "never enough"

        def test_last():
            assert counts["it"] == 100
        """,
        "-p",
        "no:randomly",
    )

    result.assert_outcomes(passed=2)


def test_a_block_inside_the_test_shares_its_runs_and_notes(run):
    """Its limits are tried again like those of the fixture."""
    result = run(
        """
        import pytest
        from helper import run_of, spend
        from pytest_traces import record

        @pytest.mark.traces(attempts=2)
        def test_it():
            with record() as act:
                spend(act, [30, 9][run_of("it") - 1])
            act.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*traces: notes*", "*1 passed, 1 rerun in *"])


def test_under_in_a_pattern(run):
    """Where time is all that differs from the pattern."""
    result = run(
        """
        import pytest
        from helper import run_of, spend
        from pytest_traces import span

        @pytest.mark.traces(attempts=3)
        def test_tree(traces):
            spend(traces, [30, 9][run_of("tree") - 1])
            traces.assert_tree(span("GET /cart", under="10ms"))

        @pytest.mark.traces(attempts=3)
        def test_subtree(traces):
            spend(traces, [30, 9][run_of("subtree") - 1])
            traces.assert_subtree(span("GET /cart", under="10ms"))

        @pytest.mark.traces(attempts=3)
        def test_shape(traces):
            assert run_of("shape") == 1
            spend(traces, 30)
            spend(traces, 30, "other")
            traces.assert_tree(span("GET /cart", under="10ms"))
        """
    )

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.no_fnmatch_line("*not repeatable*")


def test_unittest(run):
    """Methods of a TestCase run again, too, with set-up and teardown."""
    result = run(
        """
        import unittest
        import pytest
        from helper import counts, run_of, spend

        class TestIt(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def record(self, traces):
                self.traces = traces

            def setUp(self):
                run_of("set-up")

            @pytest.mark.traces(attempts=3)
            def test_it(self):
                spend(self.traces, [30, 9][run_of("it") - 1])
                self.traces.assert_duration("GET /cart", under="10ms")

            @pytest.mark.traces(attempts=3)
            def test_never(self):
                spend(self.traces, 30)
                self.traces.assert_duration("GET /cart", under="10ms")

            @pytest.mark.traces(attempts=3, under="10ms")
            def test_own_failure(self):
                spend(self.traces, 30)
                self.assertEqual(run_of("own"), 2)

        def test_last():
            assert counts["set-up"] == 6
        """,
        "-p",
        "no:randomly",
    )

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        ["*best of 3 attempts: 30.0, 30.0, 30.0 ms*", "*AssertionError: 1 != 2"]
    )


def test_subtests(run):
    """Limits in them are tried again; a failure of another kind stays."""
    pytest.importorskip("pytest", "9.0")
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=2)
        def test_it(traces, subtests):
            spend(traces, [30, 9][run_of("it") - 1])
            with subtests.test("limit"):
                traces.assert_duration("GET /cart", under="10ms")

        @pytest.mark.traces(attempts=2)
        def test_other(traces, subtests):
            spend(traces, 30)
            with subtests.test("other"):
                assert run_of("other") == 0
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    assert result.ret == 1
    assert result.parseoutcomes()["passed"] == 1
    assert result.parseoutcomes()["failed"] == 2


def test_a_failure_after_a_subtest_that_is_too_slow(run):
    """It is the test's only run that counts, and there is no other."""
    pytest.importorskip("pytest", "9.0")
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=2)
        def test_it(traces, subtests):
            spend(traces, 30)
            with subtests.test("limit"):
                traces.assert_duration("GET /cart", under="10ms")
            assert run_of("it") == 0
        """
    )

    assert result.parseoutcomes()["failed"] == 1
    assert "passed" not in result.parseoutcomes()


def test_parametrize_and_classes(run):
    """Each test has its own runs."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=3)
        class TestIt:
            @pytest.mark.parametrize("met", [1, 2, 3])
            def test_it(self, met, traces):
                spend(traces, 9 if run_of(met) == met else 30)
                traces.assert_duration("GET /cart", under="10ms")
        """,
        "-p",
        "no:randomly",
    )

    result.assert_outcomes(passed=3)
    assert letters(result) == ".R.RR."


def test_asyncio(run):
    """A coroutine gets a loop of its own for each run; the error of a task group is its only one."""
    pytest.importorskip("pytest_asyncio")
    result = run(
        """
        import asyncio
        import pytest
        from helper import run_of, spend

        @pytest.mark.asyncio
        @pytest.mark.traces(attempts=2)
        async def test_it(traces):
            await asyncio.sleep(0)
            spend(traces, [30, 9][run_of("it") - 1])
            traces.assert_duration("GET /cart", under="10ms")

        @pytest.mark.skipif(not hasattr(asyncio, "TaskGroup"), reason="of Python 3.11")
        @pytest.mark.asyncio
        @pytest.mark.traces(attempts=2)
        async def test_group(traces):
            async def work():
                spend(traces, [30, 9][run_of("group") - 1])
                traces.assert_duration("GET /cart", under="10ms")

            async with asyncio.TaskGroup() as group:
                group.create_task(work())
        """,
        plugins=("pytest_asyncio.plugin",),
        subprocess=True,
    )

    assert result.ret == 0
    assert "rerun" in result.parseoutcomes()


def test_xdist(run, parallel):
    """The reports of all runs come from a worker, and one test is counted."""
    result = run(LIMITED + TOO_SLOW, *parallel, "--junitxml=out.xml", plugins=("xdist",))

    result.assert_outcomes(passed=2, failed=1)
    assert result.parseoutcomes()["rerun"] == 4


def test_rerunfailures(run):
    """Both may repeat a test: one where a clock has failed, the other for what else fails."""
    pytest.importorskip("pytest_rerunfailures")
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=2)
        def test_limit(traces):
            spend(traces, [30, 9][run_of("limit") - 1])
            traces.assert_duration("GET /cart", under="10ms")

        @pytest.mark.traces(attempts=2)
        def test_flaky(traces):
            assert run_of("flaky") > 1
            spend(traces, 9)
            traces.assert_duration("GET /cart", under="10ms")
        """,
        "--reruns=1",
        plugins=("pytest_rerunfailures",),
    )

    result.assert_outcomes(passed=2)
    assert result.parseoutcomes()["rerun"] == 2


def test_randomly(run):
    """Every run of a test has the same random numbers."""
    pytest.importorskip("pytest_randomly")
    result = run(
        """
        import random
        import pytest
        from helper import run_of, spend

        seen = []

        @pytest.mark.traces(attempts=3)
        def test_it(traces):
            seen.append(random.random())
            spend(traces, [30, 30, 9][run_of("it") - 1])
            traces.assert_duration("GET /cart", under="10ms")
            assert len(set(seen)) == 1
        """,
        plugins=("pytest_randomly",),
        subprocess=True,
    )

    result.assert_outcomes(passed=1)


def test_last_failed(run, pytester):
    """A test that has passed in a later run is none that failed."""
    result = run(LIMITED + TOO_SLOW, "-p", "cacheprovider")
    assert result.parseoutcomes()["failed"] == 1

    failed = (pytester.path / ".pytest_cache" / "v" / "cache" / "lastfailed").read_text()

    assert "test_slow" in failed
    assert "test_it.py::test_it" not in failed


def test_without_a_terminal(run):
    """Nothing depends on somebody looking on."""
    passing = run(LIMITED, "-p", "no:terminal")
    failing = run(TOO_SLOW, "-p", "no:terminal")

    assert (passing.ret, failing.ret) == (0, 1)


@pytest.mark.parametrize("way", ["runner", "stop"])
def test_a_run_that_cannot_be_repeated_counts(way, run):
    """Where nobody goes through the protocol, or the session is to stop, the first one is final."""
    loop = """
    from _pytest.runner import runtestprotocol

    def pytest_runtestloop(session):
        for item in session.items:
            runtestprotocol(item)
        return True
    """
    stop = """
    import pytest

    @pytest.fixture(autouse=True)
    def stop(request):
        request.session.shouldstop = "enough"
    """
    result = run(TOO_SLOW, conftest=loop if way == "runner" else stop)

    assert result.parseoutcomes()["failed"] == 1
    result.stdout.no_fnmatch_line("*rerun*")


def test_a_cold_call_is_not_judged_by_a_warm_one(run):
    """Where the first run ended before its limit was asserted, nobody knows how long it took."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=5)
        def test_it(traces):
            number = run_of("it")
            spend(traces, [30, 5][number - 1])
            spend(traces, [900, 1][number - 1], "load model")
            traces.assert_duration("GET /cart", under="10ms")
            traces.assert_duration("load model", under="100ms", calls="first")
        """
    )

    assert result.parseoutcomes() == {"failed": 1, "rerun": 1}
    result.stdout.fnmatch_lines(
        [
            "E*AssertionError: the first call of 'load model' was in the first run of this test, "
            "which ended before its limit was asserted",
            'E *hint:  assert calls="first" before assertions that need more runs: assert_work, '
            "other*",
        ]
    )
    result.stdout.no_fnmatch_line("*not repeatable*")


def test_a_cold_call_that_was_judged_first_is_fine_in_later_runs(run):
    """It is that of the first run."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(attempts=5)
        def test_it(traces):
            spend(traces, [90, 300][run_of("it") - 1], "load model")
            spend(traces, [30, 5][run_of("cart") - 1])
            traces.assert_duration("load model", under="100ms", calls="first")
            traces.assert_duration("GET /cart", under="10ms")
        """
    )

    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}


def test_a_method_runs_again_in_an_instance_of_its_own(run):
    """What a run has left in it is gone; fixtures of the class see the new one, too."""
    result = run(
        """
        import pytest
        from helper import run_of, spend

        class TestIt:
            @pytest.fixture(autouse=True)
            def begin(self):
                self.left = []

            @pytest.mark.traces(attempts=3)
            def test_it(self, traces):
                assert not hasattr(self, "seen")
                self.seen = True
                self.left.append(1)
                assert self.left == [1]
                spend(traces, [30, 30, 9][run_of("it") - 1])
                traces.assert_duration("GET /cart", under="10ms")

            @staticmethod
            @pytest.mark.traces(attempts=2)
            def test_static(traces):
                spend(traces, [30, 9][run_of("static") - 1])
                traces.assert_duration("GET /cart", under="10ms")

            @classmethod
            @pytest.mark.traces(attempts=2)
            def test_class(cls, traces):
                spend(traces, [30, 9][run_of("class") - 1])
                traces.assert_duration("GET /cart", under="10ms")
        """
    )

    result.assert_outcomes(passed=3)


def test_no_debugger_stops_at_a_run_that_does_not_count(run):
    """Only at the last one, if that fails."""
    conftest = """
    def pytest_exception_interact(node):
        print("stopped at", node.name)
    """
    passing = run(LIMITED, "-s", conftest=conftest)
    failing = run(TOO_SLOW, "-s", conftest=conftest)

    assert "stopped at" not in passing.stdout.str()
    assert failing.stdout.str().count("stopped at test_slow") == 1


def test_the_recording_goes_with_the_test(run):
    """It is not kept until the session is over."""
    conftest = """
    from pytest_traces.plugin import _recording

    def pytest_sessionfinish(session):
        assert all(_recording not in item.stash for item in session.items)
    """
    result = run("def test_it(traces): pass", conftest=conftest)

    assert result.ret == 0
    result.assert_outcomes(passed=1)


def test_what_another_plugin_makes_of_it_is_not_the_limit_of_the_marker(run):
    """Only what the marker itself has found is tried again."""
    conftest = """
    import pytest

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(item):
        try:
            return (yield)
        except pytest.fail.Exception:
            pytest.fail("the disk is full")
    """
    result = run(
        """
        import pytest
        from helper import run_of, spend

        @pytest.mark.traces(under="10ms", attempts=2)
        def test_it(traces):
            spend(traces, [30, 9][run_of("it") - 1])
        """,
        conftest=conftest,
    )

    result.assert_outcomes(failed=1)
    assert "the disk is full" in result.stdout.str()
