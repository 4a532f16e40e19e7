"""``@pytest.mark.traces``: limits on what a test did, with or without the fixture."""

import pytest

#: ``emit(name, ms)`` records a span of the set length in every test that records.
HELPER = """
import pytest
from pytest_traces.recording import journal
from pytest_traces.model import SpanData

START = 1_700_000_000_000_000_000
number = 0

def emit(*names, ms=30, parent=None, end=True):
    global number
    for name in names:
        number += 1
        key = f"{number:032x}" if parent is None else parent[0]
        journal.put(SpanData(
            name=name, trace_id=key, span_id=f"{number:016x}",
            parent_id=None if parent is None else parent[1],
            start_ns=START, end_ns=START + ms * 1_000_000 if end else None,
        ))
    return key, f"{number:016x}"
"""
KEYWORDS = "attempts, bytes, depth, fanout, force, no_n_plus_one, propagated, spans, under"


@pytest.fixture(autouse=True)
def helper(pytester):
    pytester.makepyfile(helper=HELPER)


def test_it_makes_a_test_record(run):
    """Without the fixture; with no keyword it does no more than that."""
    result = run(
        """
        import pytest
        from helper import emit
        from pytest_traces.recording import journal

        @pytest.mark.traces
        def test_it():
            emit("GET /cart")
            assert [window.label for window in journal.windows] == ["test_it.py::test_it"]

        def test_other():
            assert journal.windows == []
        """,
        "--strict-markers",
    )

    result.assert_outcomes(passed=2)


def test_it_is_explained(run):
    """In ``--markers``."""
    result = run("", "--markers")

    result.stdout.fnmatch_lines(
        ["@pytest.mark.traces(under, spans, depth, fanout, bytes, propagated, *"]
    )


def test_under_is_for_each_root(run):
    """A root that takes too long fails the test when its own code is over, and names the marker."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.mark.traces(under="20ms")
        def test_it():
            emit("GET /cart", ms=5)
            top = emit("GET /cart", ms=30)
            emit("SELECT", ms=29, parent=top)
        """,
        "--traces-show=none",
    )

    result.assert_outcomes(failed=1)
    text = result.stdout.str().partition("test_it ____")[2].partition("\n")[2]
    assert text.partition("====")[0] == (
        "'GET /cart' took 30.0 ms, limit 20.0 ms (recorded times)\n"
        "  asked for by under= of @pytest.mark.traces on test_it\n"
        "\n"
        "    GET /cart   30.0 ms  ▕██████████████████████████████▏  self 1.00 ms\n"
        "    └─ SELECT   29.0 ms  ▕█████████████████████████████ ▏  on the critical path: 97 % of the whole\n"
        "\n"
        "  'SELECT' alone takes 29.0 ms; without it 'GET /cart' would take about 1.00 ms\n"
        "\n"
        "  hint:  a single reading may be slow by chance. If this test can be run again,\n"
        "         @pytest.mark.traces(attempts=5) fails only where each of 5 runs is over the limit\n"
    )


def test_under_with_attempts(run):
    """A limit of the marker is tried again like one in the test."""
    result = run(
        """
        import pytest
        from helper import emit

        seen = []

        @pytest.mark.traces(under="20ms", attempts=3)
        def test_it():
            seen.append(1)
            emit("GET /cart", ms=[30, 30, 5][len(seen) - 1])

        @pytest.mark.traces(under="20ms", attempts=3)
        def test_never():
            emit("GET /cart", ms=30)
        """
    )

    result.assert_outcomes(passed=1, failed=1)
    assert result.parseoutcomes()["rerun"] == 4
    result.stdout.fnmatch_lines(
        ["*limit 20.0 ms (recorded times, best of 3 attempts: 30.0, 30.0, 30.0 ms)"]
    )


def test_what_the_set_up_does_is_not_limited(run):
    """Only what the test's own code does."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.fixture
        def app():
            emit("migrate", ms=900)
            yield
            emit("drop", ms=900)

        @pytest.mark.traces(under="20ms")
        def test_it(app):
            emit("GET /cart", ms=1)
        """
    )

    result.assert_outcomes(passed=1)


def test_a_failure_of_the_test_goes_before(run):
    """The limits are looked at where the test has passed."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.mark.traces(under="20ms")
        def test_it():
            emit("GET /cart", ms=30)
            assert 1 == 2
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E  *assert 1 == 2"])
    result.stdout.no_fnmatch_line("*limit*")


def test_the_nearest_marker_wins_for_each_keyword(run):
    """Function, then class, then module; None and False take away what is inherited."""
    result = run(
        """
        import pytest
        from helper import emit

        pytestmark = pytest.mark.traces(under="10ms", propagated=True)

        @pytest.mark.traces(under="20ms", propagated=False)
        class TestIt:
            def test_class(self):
                emit("GET /cart", ms=15)

            def test_class_fails(self):
                emit("GET /cart", ms=25)

            @pytest.mark.traces(under="30ms", attempts=1)
            def test_function(self):
                emit("GET /cart", ms=25)

            @pytest.mark.traces(under=None)
            def test_none(self):
                emit("GET /cart", ms=999)

            @pytest.mark.parametrize(
                "ms", [pytest.param(99, marks=pytest.mark.traces(under="100ms")), 9]
            )
            def test_each(self, ms):
                emit("GET /cart", ms=ms)

        def test_module():
            emit("GET /cart", ms=15)
        """
    )

    result.assert_outcomes(passed=5, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*took 25.0 ms, limit 20.0 ms*",
            "  asked for by under= of @pytest.mark.traces on class TestIt",
            "*took 15.0 ms, limit 10.0 ms*",
            "  asked for by under= of @pytest.mark.traces in test_it.py",
        ]
    )


def test_a_limit_on_the_function_must_apply(run):
    """One that selects nothing would hold whatever happens."""
    result = run(
        """
        import pytest

        @pytest.mark.traces(under="10ms")
        def test_under():
            pass

        @pytest.mark.traces(propagated=True)
        def test_propagated():
            pass
        """
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "no span was recorded",
            "  asked for by under= of @pytest.mark.traces on test_under",
            "no request and no message was sent",
            "  asked for by propagated= of @pytest.mark.traces on test_propagated",
        ]
    )


SEVERAL = """
import pytest
from helper import emit

@pytest.mark.traces(under="10ms", propagated=True)
class TestIt:
    def test_idle(self):
        pass

    def test_other(self):
        emit("GET /cart", ms=5)
"""


def test_an_inherited_limit_need_not_apply(run):
    """It is counted as not applicable."""
    result = run(SEVERAL)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*= traces: notes =*",
            "not applicable in 2 tests: propagated= of @pytest.mark.traces on class TestIt",
            "not applicable in 1 test: under= of @pytest.mark.traces on class TestIt",
        ]
    )


def test_not_applicable_under_xdist(run, parallel):
    """The numbers come from all workers."""
    result = run(SEVERAL, *parallel, plugins=("xdist",))

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["not applicable in 2 tests: propagated= of @pytest.mark.traces on class TestIt"]
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("undr='5ms'", f"@pytest.mark.traces on test_it: 'undr' is not usable; its keywords are {KEYWORDS}"),
        ("'5ms'", "@pytest.mark.traces on test_it: '5ms' is not usable; it takes keywords only"),
        (
            "under=5",
            "under= of @pytest.mark.traces on test_it: 5 is not usable; a duration is written with "
            'its unit: "5ms" or timedelta(milliseconds=5)',
        ),
        (
            "under='10us'",
            "under= of @pytest.mark.traces on test_it: '10us' is not usable; noise alone exceeds a "
            "limit under 1 ms now and then; force=True takes it",
        ),
        (
            "under='5ms', force=1",
            "force= of @pytest.mark.traces on test_it: 1 is not usable; it is True or False",
        ),
        ("spans=0", "spans= of @pytest.mark.traces on test_it: 0 is not usable; it is a whole number, at least 1"),
        ("depth=True", "depth= of @pytest.mark.traces on test_it: True is not usable; it is a whole number, at least 1"),
        ("bytes='1'", "bytes= of @pytest.mark.traces on test_it: '1' is not usable; it is a whole number, at least 1"),
        ("propagated='no'", "propagated= of @pytest.mark.traces on test_it: 'no' is not usable; it is True or False"),
        ("attempts=0", "attempts= of @pytest.mark.traces on test_it: 0 is not usable; it is a whole number from 1 to 100"),
        ("attempts='5'", "attempts= of @pytest.mark.traces on test_it: '5' is not usable; it is a whole number from 1 to 100"),
        ("attempts=None", "attempts= of @pytest.mark.traces on test_it: None is not usable; it is a whole number from 1 to 100"),
    ],
)  # fmt: skip
def test_a_mistake_fails_that_test_alone(given, message, run):
    """Before its code runs; it names the value, the place of the marker and what is allowed."""
    result = run(
        f"""
        import pytest

        @pytest.mark.traces({given})
        def test_it():
            raise RuntimeError("it ran")

        def test_other():
            pass
        """
    )

    result.assert_outcomes(passed=1, failed=1)
    assert message in result.stdout.lines
    result.stdout.no_fnmatch_line("*it ran*")


def test_a_mistake_on_a_class_or_module(run):
    """The place is that of the marker."""
    result = run(
        """
        import pytest

        @pytest.mark.traces(spans=-1)
        class TestIt:
            def test_it(self):
                pass

        pytestmark = pytest.mark.traces(depth=-1)

        def test_it():
            pass
        """
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "spans= of @pytest.mark.traces on class TestIt: -1 is not usable; *",
            "depth= of @pytest.mark.traces in test_it.py: -1 is not usable; *",
        ]
    )


def test_force(run):
    """A limit under one millisecond is taken then."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.mark.traces(under="10us", force=True)
        def test_it():
            emit("GET /cart", ms=0)
        """
    )

    result.assert_outcomes(passed=1)


def test_counts(run):
    """Spans, depth, fan-out, bytes and repetition are asserted by their own assertions."""
    result = run(
        """
        import pytest
        from helper import emit

        def app():
            top = emit("GET /cart")
            emit("SELECT 1", "SELECT 2", "SELECT 3", parent=top)

        @pytest.mark.traces(spans=4, depth=2, fanout=3, bytes=10_000)
        def test_enough():
            app()

        @pytest.mark.traces(spans=3)
        def test_spans():
            app()

        @pytest.mark.traces(depth=1)
        def test_depth():
            app()

        @pytest.mark.traces(fanout=2)
        def test_fanout():
            app()

        @pytest.mark.traces(bytes=10)
        def test_bytes():
            app()

        @pytest.mark.traces(no_n_plus_one=True)
        def test_repeated():
            app()
        """
    )

    result.assert_outcomes(passed=1, failed=5)


def test_everything_that_is_wrong_is_told(run):
    """At once; and such a test is not run again, whatever its clocks say."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.mark.traces(under="10ms", propagated=True, attempts=5)
        def test_it():
            emit("GET /cart")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "no request and no message was sent",
            "  asked for by propagated= of *",
            "'GET /cart' took 30.0 ms, limit 10.0 ms (recorded times)",
            "  asked for by under= of *",
        ]
    )
    result.stdout.no_fnmatch_line("*rerun*")


def test_an_unfinished_root(run):
    """It meets no limit."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.mark.traces(under="10s")
        def test_it():
            emit("GET /cart", end=False)
        """,
        ini="traces_timeout = 0s",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["'GET /cart' never ended, so no limit on its duration is met"])


def test_a_marker_that_a_fixture_adds(run):
    """It counts as one of the test."""
    result = run(
        """
        import pytest
        from helper import emit

        @pytest.fixture
        def limited(request):
            request.node.add_marker(pytest.mark.traces(under="10ms"))

        def test_it(limited):
            emit("GET /cart")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["'GET /cart' took 30.0 ms, limit 10.0 ms *"])


def test_propagated(run, pytester):
    """A request without a context fails; an inherited wish applies only where one was sent."""
    pytest.importorskip("httpx")
    result = run(
        """
        import httpx
        import pytest

        @pytest.mark.traces(propagated=True)
        class TestIt:
            def test_it(self):
                transport = httpx.MockTransport(lambda request: httpx.Response(200))
                httpx.Client(transport=transport).get("http://payments/")

            def test_idle(self):
                pass
        """
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["  asked for by propagated= of @pytest.mark.traces on class TestIt"]
    )
