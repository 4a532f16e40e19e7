"""Spans that outlive their test or began before it, and other threads: situation (g)."""

from __future__ import annotations

import pytest

APP = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("app")

    def child(name, parent):
        return tracer.start_span(name, trace.set_span_in_context(parent))
"""

INI = "[pytest]\ntraces_timeout = 1ms\n"


def test_late_spans(suite):
    """(g) What an earlier test left behind, and whatever comes below it, is not the next test's."""
    suite.write("app.py", APP)
    suite.write("pytest.ini", INI)
    suite.write(
        "test_app.py",
        """
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
                "earlier tests   3 late spans: 'late' of test_app.py::test_first, "
                "'later' of test_app.py::test_first, 'latest' of test_app.py::test_first"
            ) in str(caught.value)

        def test_third(traces):
            child("very late", test_first.span).end()
            traces.assert_none()
        """,
    )
    suite.run().passed(3)


def test_never_ended(suite, order):
    """(g) A span that never ends is open in its own test and nowhere else."""
    suite.write("app.py", APP)
    suite.write("pytest.ini", INI)
    suite.write(
        "test_app.py",
        """
        import pytest
        from app import tracer

        kept = []

        @pytest.mark.parametrize("number", range(3))
        def test_it(traces, number):
            kept.append(tracer.start_span(f"open {number}"))
            assert [span.name for span in traces.unfinished] == [f"open {number}"]
            assert [span.name for span in traces.spans] == [f"open {number}"]
            traces.get(f"open {number}")
        """,
    )
    suite.run(order).passed(3)


def test_threads_tasks_and_executors(suite, order):
    """(g) Spans of threads, executors and asyncio tasks belong to the test that runs."""
    suite.write("app.py", APP)
    suite.write(
        "test_app.py",
        """
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
        """,
    )
    suite.run(order).passed(4)


def test_thread_that_outlives_its_test(suite):
    """(g) A thread that goes on below a span of an earlier test is not the next test's."""
    suite.write("app.py", APP)
    suite.write("pytest.ini", INI)
    suite.write(
        "test_app.py",
        """
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
        """,
    )
    suite.run().passed(2)


@pytest.mark.parametrize("scope", ["session", "module", "function"])
def test_parents_that_started_before_the_test(suite, order, scope):
    """(g) A span that a fixture keeps open is a parent in every test that uses the fixture."""
    suite.write("app.py", APP)
    suite.write(
        "test_app.py",
        f"""
        import pytest
        from app import child, tracer

        @pytest.fixture(scope="{scope}", autouse=True)
        def around():
            with tracer.start_as_current_span("around") as span:
                yield span

        @pytest.mark.parametrize("number", range(3))
        def test_it(traces, around, number):
            with tracer.start_as_current_span("ambient"):
                tracer.start_span("inner").end()
            child("by hand", around).end()
            traces.assert_tree("ambient\\n  inner\\nby hand")
        """,
    )
    suite.run(order).passed(3)


def test_parent_from_before_any_recording(suite, order):
    """(g) A span that began at import is a parent that was not recorded, in every test."""
    suite.write("app.py", APP, 'boot = tracer.start_span("boot")')
    suite.write(
        "test_app.py",
        """
        import pytest
        from app import boot, child

        @pytest.mark.parametrize("number", range(3))
        def test_it(traces, number):
            child("request", boot).end()
            traces.assert_tree("request")
            assert traces.get("request").orphan
            assert traces.get("request").parent_id is not None
        """,
    )
    suite.run(order).passed(3)
