"""Whatever a test does, nothing of it is left."""

import json

import pytest

from pytest_traces.recording import journal

DUMPS = json.dumps

NEXT = """

def test_next(traces):
    assert traces.spans == traces.setup.spans == ()
    with traces.start_span("next"):
        pass
    traces.assert_tree("next")
"""


@pytest.fixture(autouse=True)
def _clean():
    """No recording is open before or after, in the process that all these runs share."""
    assert journal.windows == []
    yield
    assert journal.windows == []
    assert journal.entries == {}


@pytest.mark.parametrize(
    ("body", "outcomes"),
    [
        ("raise RuntimeError", {"errors": 1}),
        ("traces.start_span('open').__enter__(); raise RuntimeError", {"errors": 1}),
        ("import pytest; pytest.skip('no')", {"skipped": 1}),
        ("yield; raise RuntimeError", {"passed": 1, "errors": 1}),
    ],
)
def test_after_a_fixture_that_fails(body, outcomes, run):
    """In its set-up or in its teardown; a tap of it is undone and not blamed."""
    result = run(
        f"""
        import pytest
        import json
        dumps = json.dumps

        @pytest.fixture
        def broken(traces):
            traces.tap(json, "dumps")
            {body}

        def test_it(broken):
            pass

        def test_dumps():
            assert json.dumps is dumps
        """
        + NEXT.replace("\n", "\n        ")
    )

    passed = 2 + outcomes.pop("passed", 0)
    result.assert_outcomes(passed=passed, **outcomes)
    assert "was never called" not in result.stdout.str()


@pytest.mark.parametrize(
    ("where", "error", "option"),
    [
        ("set-up", "KeyboardInterrupt", []),
        ("call", "KeyboardInterrupt", []),
        ("call", "pytest.exit.Exception('enough')", []),
        ("call", "KeyboardInterrupt", ["--traces"]),
        ("teardown", "KeyboardInterrupt", []),
    ],
)
def test_after_an_interrupt(where, error, option, run):
    """pytest then leaves out the teardown of the test, though not that of its fixtures."""
    result = run(
        f"""
        import json
        import pytest

        @pytest.fixture
        def interrupted(traces):
            traces.tap(json, "dumps")
            if {where!r} == "set-up":
                raise {error}
            yield
            if {where!r} == "teardown":
                raise {error}

        def test_it(interrupted):
            if {where!r} == "call":
                raise {error}

        def test_next(traces):
            pass
        """,
        *option,
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert json.dumps is DUMPS


def test_after_a_test_that_fails(run):
    """Its spans, its open blocks, its taps."""
    result = run(
        """
        import json
        dumps = json.dumps

        def test_it(traces):
            traces.tap(json, "dumps")
            traces.start_span("open").__enter__()
            assert False

        def test_dumps():
            assert json.dumps is dumps
        """
        + NEXT.replace("\n", "\n        ")
    )

    result.assert_outcomes(passed=2, failed=1)
    assert "was never called" not in result.stdout.str()


def test_a_tap_that_is_never_called_fails_the_test_at_its_end(run):
    """Alone, as the text itself: no traceback, no hidden frames."""
    result = run(
        """
        import json

        def test_it(traces):
            traces.tap(json, "dumps")
            traces.tap(json, "loads")

        def test_called(traces):
            traces.tap(json, "dumps")
            json.dumps({"trace_id": 1, "id": 1, "name": "x", "start_s": 1700000000, "end": None})
        """
    )

    result.assert_outcomes(passed=2, errors=1)
    lines = result.outlines
    start = next(n for n, line in enumerate(lines) if "ERROR at teardown of test_it" in line)
    assert lines[start + 1].startswith("tap(json, 'loads') was never called")
    assert lines[start + 2].startswith("tap(json, 'dumps') was never called")
    assert lines[start + 3].startswith("====")


@pytest.mark.parametrize("outcome", ["assert False", "import pytest; pytest.skip('no')"])
def test_a_test_that_did_not_get_to_its_end_is_not_blamed_for_its_taps(outcome, run):
    """Its own failure is what counts."""
    result = run(
        f"""
        import json

        def test_it(traces):
            traces.tap(json, "dumps")
            {outcome}
        """
    )

    assert set(result.parseoutcomes()) <= {"failed", "skipped"}
    assert "was never called" not in result.stdout.str()


def test_a_failing_unittest_is_not_blamed_for_its_taps(run):
    """Its exceptions do not pass through pytest's hooks."""
    result = run(
        """
        import json
        import unittest
        import pytest

        class TestUnit(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def take(self, traces):
                traces.tap(json, "dumps")

            def test_it(self):
                self.fail("no")
        """
    )

    assert result.parseoutcomes() == {"failed": 1}
