"""``--traces`` records every test, whether or not it asks for the fixture."""

import pytest

pytestmark = pytest.mark.usefixtures("app")

TESTS = """
import unittest
import pytest
from app import emit

def test_fails():
    emit("fails")
    assert False

def test_passes():
    emit("passes")

def test_asks(traces):
    emit("asks")
    traces.assert_tree("asks")

class TestUnit(unittest.TestCase):
    def test_it(self):
        emit("unit")
        self.fail("no")

def test_silent():
    assert False
"""


def test_without_it_only_who_asks_is_recorded(run, sections):
    """Nothing is shown of the others."""
    result = run(TESTS)

    result.assert_outcomes(failed=3, passed=2)
    assert sections(result) == []


def test_with_it_every_test_is_recorded(run, sections):
    """The tree is shown where a test fails that made spans."""
    result = run(TESTS, "--traces")

    result.assert_outcomes(failed=3, passed=2)
    assert sections(result) == ["fails  internal TIME", "unit  internal TIME"]


def test_doctests_are_recorded_too(run, sections):
    """They are tests as well."""
    result = run(
        '''
        def book():
            """
            >>> from app import emit
            >>> emit("doctest")
            >>> 1
            2
            """
        ''',
        "--traces",
        "--doctest-modules",
    )

    result.assert_outcomes(failed=1)
    assert sections(result) == ["doctest  internal TIME"]


def test_a_tap_of_a_fixture_is_judged_without_the_fixture_of_the_test(run):
    """``--traces`` changes nothing for tests that use the fixture indirectly."""
    result = run(
        """
        import app
        import pytest

        @pytest.fixture
        def tapped(traces):
            traces.tap(app, "emit")

        def test_it(tapped):
            pass
        """,
        "--traces",
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["tap(app, 'emit') was never called"])
