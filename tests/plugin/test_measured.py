"""What counts as measured: of tests that pass, and of which everything is there."""

import json
import os

import pytest

STRUCTURE = "--traces-update=structure"
#: ``run_of`` counts the runs of a test; a ``Case`` can emit spans.
HELPER = """
import collections
import unittest
import pytest

counts = collections.Counter()

def run_of(name):
    counts[name] += 1
    return counts[name]

class Case(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def record(self, traces):
        self.traces = traces

    def emit(self, ms=1):
        start = 1_700_000_000_000
        number = run_of("spans")
        self.traces.add(
            dict(trace_id=number, span_id=number, name="a", start=start, end=start + ms)
        )
"""


@pytest.fixture(autouse=True)
def helper(pytester):
    pytester.makepyfile(helper=HELPER)


@pytest.fixture
def structure(pytester):
    """Whether a structure was recorded."""
    return (pytester.path / "test_it.traces.json").exists


def test_a_failure_of_a_test_case_stays(run, structure):
    """It raises nothing out of the call, and is no run that is wanted once more."""
    result = run(
        """
        from helper import Case, run_of

        class TestIt(Case):
            def test_it(self):
                self.emit()
                if run_of("it") == 1:
                    self.traces.assert_count("a", 2)
        """,
        "--traces-update=structure,timings",
    )

    result.assert_outcomes(failed=1)
    assert not structure()
    assert "left as it was (failed): test_it.py::TestIt::test_it" in result.stdout.str()


@pytest.mark.parametrize(
    ("end", "outcome"), [("self.skipTest('no')", "skipped"), ("self.fail('no')", "failed")]
)
def test_a_test_case_without_success_is_not_compared(run, pytester, end, outcome):
    """What it says itself is its outcome; the report says nothing of it."""
    result = run(
        f"""
        from helper import Case

        class TestIt(Case):
            def test_it(self):
                self.emit()
                {end}
        """,
        "--traces-strict",
        "--traces-report=r.json",
    )

    assert result.parseoutcomes() == {outcome: 1}
    assert json.loads((pytester.path / "r.json").read_text())["tests"] == {}


def test_what_a_test_case_says_is_not_taken_for_its_marker(run):
    """Though its limit would have failed, too."""
    result = run(
        """
        import pytest
        from helper import Case, run_of

        class TestIt(Case):
            @pytest.mark.traces(under="10ms", attempts=2)
            def test_it(self):
                number = run_of("it")
                self.emit([30, 9][number - 1])
                if number == 1:
                    pytest.fail("mine")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*mine*"])


@pytest.mark.parametrize("kind", ["fixture", "TestCase"])
def test_a_subtest_that_fails_keeps_the_entry(run, structure, kind):
    """Though the rest of the test has passed."""
    pytest.importorskip("pytest", "9.0")
    sources = {
        "fixture": """
        def test_it(traces, subtests):
            with traces.start_span("a"):
                pass
            with subtests.test("wrong"):
                assert False
        """,
        "TestCase": """
        from helper import Case

        class TestIt(Case):
            def test_it(self):
                self.emit()
                with self.subTest("wrong"):
                    self.fail()
        """,
    }
    result = run(sources[kind], "--traces-update=structure,timings")

    assert result.ret == 1
    assert not structure()
    assert "left as it was (failed): test_it.py::" in result.stdout.str()


def test_what_passes_by_mistake_is_not_repeated(run):
    """Nothing of it is kept."""
    result = run(
        """
        import pytest
        from helper import counts, run_of

        @pytest.mark.xfail
        def test_it(traces):
            run_of("it")
            with traces.start_span("a"):
                pass

        def test_last():
            assert counts["it"] == 1
        """,
        "--traces-update=timings",
        "-p",
        "no:randomly",
    )

    assert result.parseoutcomes() == {"passed": 1, "xpassed": 1}


FORK = """
            child = os.fork()
            if child == 0:
                emit("b")
                os._exit(0)
            os.waitpid(child, 0)
"""
WAYS = {
    "open": ("tracer.start_span('b')", "a test cannot be measured while spans are open: 'b'"),
    "forked": (FORK.strip(), "spans were started in a process forked during the recording"),
    "dropped": (
        "TracerProvider(ALWAYS_OFF).get_tracer('app').start_span('b').end()",
        "spans were dropped by the sampler and not recorded: 'b'",
    ),
}
PARTLY = """
        import os
        from app import emit, tracer
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

        def test_it(traces):
            emit("a")
            {}
"""
INI = "traces_timeout = 0s\ntraces_unsampled = skip"


@pytest.mark.parametrize("option", [STRUCTURE, "--traces-strict"])
@pytest.mark.parametrize("way", WAYS)
def test_a_test_of_which_not_all_is_here_is_not_measured(run, app, structure, way, option):
    """It fails, and says what is missing."""
    if way == "forked" and not hasattr(os, "fork"):
        pytest.skip("no processes are forked here")
    code, message = WAYS[way]
    result = run(PARTLY.format(code), option, ini=INI)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{message}*"])
    assert not structure()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_where_nothing_is_recorded_nothing_is_missing(run, app):
    """A test without spans of its own has nothing to be compared."""
    source = PARTLY.format(FORK.strip()).replace('emit("a")', "pass")

    run(source, "--traces-strict", ini=INI).assert_outcomes(passed=1)


def test_a_later_run_that_is_not_recorded_wholly_says_that(run):
    """It is not said that the test cannot be repeated."""
    result = run(
        """
        from helper import run_of

        def test_it(traces):
            spans = []
            traces.watch(spans)
            if run_of("it") > 1:
                spans.append({"nonsense": 1})
            with traces.start_span("a"):
                pass
        """,
        "--traces-update=timings",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not everything could be recorded"])
    assert "this test is not repeatable" not in result.stdout.str()
