"""Spans that outlive their test or began before it, and other threads: situation (g)."""

from __future__ import annotations

import pytest

pytest.importorskip("opentelemetry.sdk.trace")

APP = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("app")
    boot = tracer.start_span("boot")

    def child(name, parent):
        return tracer.start_span(name, trace.set_span_in_context(parent))
"""

INI = "[pytest]\ntraces_timeout = 1ms\n"

NEVER_ENDED = """
    import pytest
    from app import tracer

    kept = []

    @pytest.mark.parametrize("number", range(2))
    def test_never_ended(traces, number):
        kept.append(tracer.start_span(f"open {number}"))
        assert [span.name for span in traces.unfinished] == [f"open {number}"]
        assert [span.name for span in traces.spans] == [f"open {number}"]
        traces.get(f"open {number}")
"""

ELSEWHERE = """
    import asyncio, contextvars, threading
    from concurrent.futures import ThreadPoolExecutor
    from app import tracer

    pool = ThreadPoolExecutor(2)

    def work(name):
        with tracer.start_as_current_span(name):
            pass

    def test_thread(traces):
        with tracer.start_as_current_span("parent"):
            context = contextvars.copy_context()
            alone = threading.Thread(target=work, args=["root"], name="worker")
            below = threading.Thread(target=context.run, args=[work, "child"])
            for thread in (alone, below):
                thread.start()
                thread.join()
        traces.assert_tree("parent\\n  child\\nroot")
        assert traces.get("root").data.thread == "worker"

    def test_executor(traces):
        for done in [pool.submit(work, "job") for _ in range(5)]:
            done.result()
        traces.assert_count("job", 5)

    def test_tasks(traces):
        async def task(name):
            with tracer.start_as_current_span(name):
                await asyncio.sleep(0)
                work(f"in {name}")

        async def main():
            with tracer.start_as_current_span("main"):
                await asyncio.gather(task("a"), task("b"))
                await asyncio.to_thread(work, "thread")

        asyncio.run(main())
        traces.assert_tree("main\\n  a\\n    in a\\n  b\\n    in b\\n  thread")

    def test_nothing(traces):
        traces.assert_none()
"""

BEFORE = """
    import pytest
    from app import boot, child, tracer

    @pytest.fixture(scope="{scope}")
    def around():
        with tracer.start_as_current_span("around") as span:
            yield span

    @pytest.mark.parametrize("number", range(2))
    def test_it(traces, around, number):
        with tracer.start_as_current_span("ambient"):
            tracer.start_span("inner").end()
        child("by hand", around).end()
        traces.assert_tree("ambient\\n  inner\\nby hand")

    @pytest.mark.parametrize("number", range(2))
    def test_boot(traces, number):
        child("request", boot).end()
        traces.assert_tree("request")
        assert traces.get("request").orphan
        assert traces.get("request").parent_id is not None
"""


def test_threads_and_parents(suite, order):
    """(g) Whatever thread or task a span is from and wherever its parent, it is in its own test.

    What was never ended is open there and nowhere else; a span that a fixture of any scope
    keeps open, or that began at import, is a parent in every test.
    """
    suite.write("app.py", APP)
    suite.write("pytest.ini", INI)
    suite.write("test_never_ended.py", NEVER_ENDED)
    suite.write("test_elsewhere.py", ELSEWHERE)
    for scope in ("session", "module", "function"):
        suite.write(f"test_before_{scope}.py", BEFORE.replace("{scope}", scope))
    suite.run(order).passed(2 + 4 + 3 * 4)


LATE = """
    import pytest
    from app import child, tracer

    def test_first(traces):
        test_first.span = tracer.start_span("never ended")
        traces.get("never ended")

    def test_second(traces):
        test_first.span.end()
        late = child("late", test_first.span)
        later = child("later", late)
        child("latest", later).end()
        later.end()
        tracer.start_span("own").end()
        traces.assert_tree("own")
        with pytest.raises(AssertionError) as caught:
            traces.get("late")
        assert (
            "earlier tests   3 late spans: 'late' of test_late.py::test_first, "
            "'later' of test_late.py::test_first, 'latest' of test_late.py::test_first"
        ) in str(caught.value)

    def test_third(traces):
        child("very late", test_first.span).end()
        traces.assert_none()
"""

BACKGROUND = """
    import contextvars, threading
    from app import tracer

    go, done = threading.Event(), threading.Event()

    def background():
        go.wait(10)
        with tracer.start_as_current_span("background"):
            tracer.start_span("deeper").end()
        done.set()

    def test_first(traces):
        with tracer.start_as_current_span("request"):
            run = contextvars.copy_context().run
            threading.Thread(target=run, args=[background]).start()
        traces.assert_tree("request")

    def test_second(traces):
        go.set()
        done.wait(10)
        traces.assert_none()
"""

FIXTURES = """
    import pytest
    from app import child, tracer

    left_behind = []

    @pytest.fixture
    def request_span():
        with tracer.start_as_current_span("set-up") as span:
            yield span
        left_behind.append(span)

    def test_first(traces, request_span):
        traces.assert_none()

    def test_second(traces):
        child("late", left_behind[0]).end()
        traces.assert_none()
"""


def test_late_spans(suite):
    """(g) What an earlier test left behind, and whatever comes below it, is not the next test's."""
    suite.write("app.py", APP)
    suite.write("pytest.ini", INI)
    suite.write("test_late.py", LATE)
    suite.write("test_background.py", BACKGROUND)
    suite.write("test_fixtures.py", FIXTURES)
    suite.run().passed(3 + 2 + 2)
