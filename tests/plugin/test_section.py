"""The "traces" section in the report of each failing test that recorded spans."""

import pytest

STEPS = """
import unittest
import pytest

@pytest.fixture
def broken(traces):
    with traces.start_span("set-up"):
        pass
    raise RuntimeError("no database")

@pytest.fixture
def broken_later(traces):
    yield
    with traces.start_span("teardown"):
        pass
    raise RuntimeError("still connected")

def emit(traces, name):
    with traces.start_span(name):
        pass
"""


def test_a_failing_test_shows_its_tree(run, sections):
    """Whatever it failed of; once, and without the spans of the set-up."""
    result = run(
        STEPS
        + """
@pytest.fixture
def prepared(traces):
    emit(traces, "set-up")

def test_plain(traces, prepared):
    with traces.start_span("book"):
        emit(traces, "select")
    assert False
"""
    )

    result.assert_outcomes(failed=1)
    assert sections(result) == ["book       internal TIME\n  └─ select  internal TIME"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_it(traces): emit(traces, 'x'); pytest.fail('no')", ["x  internal TIME"]),
        ("def test_it(traces): emit(traces, 'x'); raise KeyError(1)", ["x  internal TIME"]),
        ("def test_it(traces): emit(traces, 'x'); traces.assert_tree('y')", ["x  internal TIME"]),
        ("def test_it(broken): pass", ["set-up  internal TIME"]),
        ("def test_it(broken_later, traces): emit(traces, 'x')", ["x  internal TIME"]),
        ("def test_it(broken_later, traces): emit(traces, 'x'); assert 0", ["x  internal TIME"]),
        ("def test_it(traces): emit(traces, 'x')", []),
        ("def test_it(traces): assert 0", []),
        ("def test_it(): assert 0", []),
        ("def test_it(traces): emit(traces, 'x'); pytest.skip('no')", []),
        ("@pytest.mark.xfail\ndef test_it(traces): emit(traces, 'x'); assert 0", []),
        (
            "@pytest.mark.xfail(strict=True)\ndef test_it(traces): emit(traces, 'x')",
            ["x  internal TIME"],
        ),
    ],
)
def test_where_there_is_a_section(body, expected, run, sections):
    """On failures of every phase and kind, and once for each test; nowhere else."""
    assert sections(run(STEPS + body)) == expected


def test_a_failing_unittest_shows_its_tree(run, sections):
    """Its exceptions do not pass through pytest's hooks."""
    result = run(
        STEPS
        + """
class TestUnit(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take(self, traces):
        self.traces = traces

    def test_it(self):
        emit(self.traces, "x")
        self.fail("no")
"""
    )

    result.assert_outcomes(failed=1)
    assert sections(result) == ["x  internal TIME"]


def test_what_clear_forgot_is_in_the_section(run, sections):
    """It shows all that the test's own code did."""
    result = run(
        STEPS
        + """
def test_it(traces):
    emit(traces, "first")
    traces.clear()
    emit(traces, "second")
    assert False
"""
    )

    assert sections(result) == ["first   internal TIME\n  second  internal TIME"]


def test_a_span_that_is_open_is_shown_so(run, sections):
    """In the state in which the failure found it."""
    result = run(
        STEPS
        + """
def test_it(traces):
    with traces.start_span("x"):
        traces.start_span("y").__enter__()
        assert False
"""
    )

    assert sections(result) == [
        "x     internal TIME   error\n"
        "  ! AssertionError: assert False\n"
        "  └─ y  internal     open   still open"
    ]


def test_each_attempt_of_a_test_that_is_run_again_has_its_own_section(run, sections):
    """Spans of the attempt before are not in it."""
    pytest.importorskip("pytest_rerunfailures")
    result = run(
        STEPS
        + """
attempts = []

def test_it(traces):
    attempts.append(1)
    emit(traces, f"attempt {len(attempts)}")
    assert False
""",
        "--reruns=1",
        plugins=("pytest_rerunfailures",),
    )

    assert sections(result) == ["attempt 2  internal TIME"]


def test_a_failing_subtest_shows_the_tree_so_far(run, sections):
    """And so does the test that holds it."""
    pytest.importorskip("_pytest.subtests")
    result = run(
        STEPS
        + """
def test_it(traces, subtests):
    with subtests.test("one"):
        emit(traces, "x")
        assert False
"""
    )

    assert set(sections(result)) == {"x  internal TIME"}


def test_other_processes_show_it_too(run, sections, parallel):
    """A worker of pytest-xdist has no terminal of its own."""
    result = run(
        STEPS
        + """
def test_it(traces):
    emit(traces, "x")
    assert False
""",
        *parallel,
        "--color=yes",
        plugins=("xdist.plugin",),
        subprocess=True,
    )

    result.assert_outcomes(failed=1)
    assert "x  internal" in result.stdout.str()


def test_a_run_without_terminal_has_the_section_in_its_reports(run):
    """As for a reporter of another kind."""
    result = run(
        STEPS
        + """
def test_it(traces):
    emit(traces, "x")
    assert False
""",
        "-p",
        "no:terminal",
        conftest="""
            def pytest_runtest_logreport(report):
                for title, text in report.sections:
                    print("section", title, text.split()[0])
        """,
    )

    result.stdout.fnmatch_lines(["*section traces x"])
