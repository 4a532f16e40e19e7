"""Two tests that record at once in one process cannot be told apart."""

import pytest

INNER = """
def test_inner(traces):
    pass
"""


def test_two_at_once_are_an_error_that_says_so(run, pytester):
    """The second one fails; the first one goes on."""
    pytester.makepyfile(inner=INNER)
    result = run(
        """
        def test_outer(traces, pytester):
            pytester.makepyfile("def test_inner(traces): pass")
            inner = pytester.runpytest_inprocess("-p", "pytest_traces.plugin")
            inner.assert_outcomes(errors=1)
            lines = inner.stdout.str().splitlines()
            start = lines.index([line for line in lines if "ERROR at setup" in line][0])
            assert lines[start + 1] == (
                "the recording of test_it.py::test_outer is still open: two tests that run at once "
                "in one process cannot be told apart; run them in processes (pytest-xdist)"
            )
            with traces.start_span("mine"):
                pass
            traces.assert_tree("mine")
        """,
        plugins=("pytester",),
    )

    result.assert_outcomes(passed=1)


def test_a_block_inside_of_a_test_is_no_second_test(run):
    """``record()`` nests."""
    result = run(
        """
        from pytest_traces import record

        def test_it(traces):
            with record() as outer, record() as inner, traces.start_span("x"):
                pass
            for one in (traces, outer, inner):
                one.assert_tree("x")
        """
    )

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("ask", ["traces", "request"])
def test_the_next_test_records_again(ask, run):
    """After a test whose recording could not be opened."""
    result = run(
        f"""
        import pytest
        from pytest_traces.settings import DEFAULTS
        from pytest_traces.traces.session import close_recording, open_recording

        @pytest.fixture(scope="module", autouse=True)
        def hold():
            held = []
            yield held
            assert not held

        def test_hold(hold):
            hold.append(open_recording(DEFAULTS, "another::test"))

        @pytest.mark.xfail(strict=True)
        def test_second({ask}):
            {ask}.getfixturevalue("traces")

        def test_let_go(hold):
            close_recording(hold.pop())

        def test_third({ask}):
            pass
        """
    )

    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 3
    assert outcomes.get("errors", 0) + outcomes.get("xfailed", 0) == 1
