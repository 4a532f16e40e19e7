"""The fixture sees the spans of the test's own code, whatever runs the test."""

import pytest

pytestmark = pytest.mark.usefixtures("app")


def test_spans_of_set_up_and_teardown_are_apart(run):
    """Whatever the order of the fixtures; the call's own spans are still there at teardown."""
    result = run(
        """
        import pytest
        from app import emit

        def names(view):
            return [span.name for span in view.spans]

        @pytest.fixture(scope="session", autouse=True)
        def session():
            emit("session")
            yield
            emit("end of session")

        @pytest.fixture
        def before():
            emit("before")
            yield
            emit("end of before")

        @pytest.fixture
        def after(traces):
            emit("after")
            assert names(traces.setup) == names(traces)
            yield
            assert names(traces) == ["call"]
            emit("end of after")
            assert names(traces) == ["call"]
            traces.assert_tree("call")
            traces.assert_none("end of after")

        def test_first(before, traces, after):
            emit("call")
            assert names(traces) == ["call"]
            assert names(traces.setup) == ["session", "before", "after"]
            traces.assert_tree("call")
            traces.setup.assert_tree("session", "before", "after")

        def test_second(traces, before, after):
            assert names(traces.setup) == ["before", "after"]
            emit("call")
            assert names(traces) == ["call"]

        def test_third(after, before, traces):
            emit("call")
            assert sorted(names(traces.setup)) == ["after", "before"]
        """
    )

    result.assert_outcomes(passed=3)


def test_a_parent_of_the_set_up_is_known_by_name(run):
    """A span below it is a root of the test, and no orphan."""
    result = run(
        """
        import pytest
        from app import tracer

        @pytest.fixture
        def request_span():
            with tracer.start_as_current_span("request"):
                yield

        def test_below(request_span, traces):
            tracer.start_span("select").end()
            traces.assert_tree("select")
            span = traces.get("select")
            assert not span.orphan
            assert span.outside_parent == "request"
            assert [one.name for one in traces.setup.unfinished] == ["request"]
        """
    )

    result.assert_outcomes(passed=1)


def test_the_fixture_may_be_asked_for_by_name(run):
    """In a fixture, or in the test itself, from where on it records."""
    result = run(
        """
        import pytest
        from app import emit

        @pytest.fixture
        def later(request):
            emit("unseen")
            traces = request.getfixturevalue("traces")
            emit("set-up")
            yield traces
            traces.assert_tree("call")

        def test_in_a_fixture(later):
            emit("call")
            later.setup.assert_tree("set-up")

        def test_in_the_test(request):
            emit("unseen")
            traces = request.getfixturevalue("traces")
            emit("call")
            traces.assert_tree("call")
            assert traces.setup.spans == ()
        """
    )

    result.assert_outcomes(passed=2)


def test_classes_of_every_kind(run):
    """Of pytest and of unittest, which take the fixture where all tests of the class want it."""
    result = run(
        """
        import unittest
        import pytest
        from app import emit

        class TestPlain:
            def setup_method(self):
                emit("set-up")

            def test_one(self, traces):
                emit("one")
                traces.assert_tree("one")

            @pytest.mark.parametrize("name", ["a", "b"])
            def test_each(self, name, traces):
                emit(name)
                traces.assert_tree(name)
                traces.setup.assert_tree("set-up")

        class TestUnit(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def take(self, traces):
                self.traces = traces

            def test_one(self):
                emit("one")
                self.traces.assert_tree("one")

            def test_two(self):
                emit("two")
                self.traces.assert_tree("two")
        """
    )

    result.assert_outcomes(passed=5)


def test_async_tests_of_pytest_asyncio(run):
    """Spans of tasks, and waiting for them without blocking the loop."""
    pytest.importorskip("pytest_asyncio")
    result = run(
        """
        import asyncio
        import pytest_asyncio
        from app import emit, tracer

        @pytest_asyncio.fixture
        async def service():
            emit("set-up")
            yield
            emit("teardown")

        async def work():
            with tracer.start_as_current_span("work"):
                await asyncio.sleep(0.01)

        async def test_settled(service, traces):
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            (await traces.settled("2s")).assert_tree("work")
            traces.setup.assert_tree("set-up")
            await task

        async def test_next(traces):
            emit("call")
            traces.assert_tree("call")
        """,
        plugins=("pytest_asyncio.plugin",),
        ini="asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function",
    )

    result.assert_outcomes(passed=2)


def test_async_tests_of_anyio(run):
    """On asyncio, and on trio where it is installed."""
    pytest.importorskip("anyio.pytest_plugin")
    result = run(
        """
        import anyio
        import pytest
        from app import tracer

        backends = ["asyncio"]
        try:
            import trio
            backends.append("trio")
        except ImportError:
            pass

        @pytest.fixture(params=backends)
        def anyio_backend(request):
            return request.param

        async def work(*, task_status):
            with tracer.start_as_current_span("work"):
                task_status.started()
                await anyio.sleep(0.01)

        @pytest.mark.anyio
        async def test_settled(traces):
            async with anyio.create_task_group() as group:
                await group.start(work)
                (await traces.settled("2s")).assert_tree("work")
        """,
        plugins=("anyio.pytest_plugin",),
    )

    assert result.parseoutcomes()["passed"] >= 1
    assert set(result.parseoutcomes()) == {"passed"}


def test_tests_in_random_order(run):
    """Nothing of one test is seen by another, whichever comes first."""
    pytest.importorskip("pytest_randomly")
    result = run(
        """
        import pytest
        from app import emit

        ids = []

        @pytest.mark.parametrize("number", range(20))
        def test_it(traces, number):
            with traces.start_span("step"):
                pass
            emit(f"call {number}")
            traces.assert_tree("step", f"call {number}")
            ids.extend(span.span_id for span in traces.spans)

            assert len(ids) == len(set(ids))
        """,
        plugins=("pytest_randomly",),
    )

    result.assert_outcomes(passed=20)


def test_a_test_that_is_run_again_begins_anew(run):
    """Spans of the first attempt are gone; what its first attempt lacked is forgotten."""
    pytest.importorskip("pytest_rerunfailures")
    result = run(
        """
        from app import emit

        attempts = []

        def test_flaky(traces):
            attempts.append(1)
            emit(f"attempt {len(attempts)}")
            traces.assert_tree("attempt 3")
        """,
        "--reruns=2",
        plugins=("pytest_rerunfailures",),
    )

    assert result.parseoutcomes() == {"passed": 1, "rerun": 2}


def test_a_tap_that_only_the_first_attempt_called_fails_the_second(run):
    """Each attempt is judged by itself."""
    pytest.importorskip("pytest_rerunfailures")
    result = run(
        """
        import app

        attempts = []

        def test_flaky(traces):
            traces.tap(app, "emit")
            attempts.append(1)
            assert len(attempts) == 2
        """,
        "--reruns=1",
        plugins=("pytest_rerunfailures",),
    )

    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["tap(app, 'emit') was never called"])


def test_two_processes(run, parallel):
    """Under pytest-xdist each process records its own tests."""
    result = run(
        """
        import pytest
        from app import emit

        @pytest.mark.parametrize("number", range(6))
        def test_it(traces, number):
            emit(f"call {number}")
            traces.assert_tree(f"call {number}")
        """,
        *parallel,
        plugins=("xdist.plugin",),
        subprocess=True,
    )

    result.assert_outcomes(passed=6)
