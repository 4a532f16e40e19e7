"""Spans of processes that were forked during a recording are missed, and that is said."""

from __future__ import annotations

import os
import sys

import pytest

pytest.importorskip("opentelemetry.sdk.trace")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")

BEGIN = """
    import multiprocessing, os, sys, threading
    from opentelemetry.sdk.trace import TracerProvider
    from pytest_traces import record

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")

    def forked(work):
        pid = os.fork()
        if not pid:
            try:
                work()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)

    def emit():
        tracer.start_span("in the child").end()

    def verdict(assertion, *arguments):
        try:
            assertion(*arguments)
        except AssertionError as error:
            return str(error).splitlines()[0]
        return "holds"
"""

FORKED = "spans were started in a process forked during the recording"


@needs_fork
def test_closing_assertions_fail(script):
    """Nothing is complete or absent; what is here, is here."""
    out = script(
        BEGIN,
        """
        with record(timeout="1ms") as act:
            tracer.start_span("here").end()
            forked(emit)
            print(verdict(act.assert_tree, "here"))
            print(verdict(act.assert_none, "there"))
            print(verdict(act.get, "here"))
            print(verdict(act.assert_path, "here"))
        print(verdict(act.assert_tree, "here"))
        try:
            act.assert_none("there")
        except AssertionError as error:
            print(error)
        """,
    )
    assert out == (
        f"{FORKED}\n{FORKED}\nholds\nholds\n{FORKED}\n"
        f"{FORKED}\n\n"
        "  they are not here, so nothing can be said to be complete or absent\n\n"
        "  hint:  ask for traces.receiver first: forked children then send their spans here\n"
    )


@needs_fork
def test_named_where_something_is_missing(script):
    """What was captured says it, too."""
    out = script(
        BEGIN,
        """
        with record(timeout="1ms") as act:
            forked(emit)
        try:
            act.get("in the child")
        except AssertionError as error:
            print(error)
        """,
    )
    assert (
        "    a child process forked during the recording; its spans are not here\n\n"
        "  hint:  ask for traces.receiver first: forked children then send their spans here\n"
    ) in out


@needs_fork
def test_child_without_spans(script):
    """A child that starts no span is of no interest."""
    out = script(
        BEGIN,
        """
        with record(timeout="1ms") as act:
            tracer.start_span("here").end()
            forked(lambda: None)
        print(verdict(act.assert_tree, "here"))
        """,
    )
    assert out == "holds\n"


@needs_fork
def test_multiprocessing(script):
    """A process of multiprocessing counts when it is forked."""
    out = script(
        BEGIN,
        """
        with record(timeout="1ms") as act:
            process = multiprocessing.get_context("fork").Process(target=emit)
            process.start()
            process.join()
        print(verdict(act.assert_none, "there"))
        """,
    )
    assert out == f"{FORKED}\n"


def test_spawned_process(script):
    """A spawned process is another program: it does not count."""
    out = script(
        BEGIN,
        """
        if __name__ == "__main__":
            with record(timeout="1ms") as act:
                process = multiprocessing.get_context("spawn").Process(target=emit)
                process.start()
                process.join()
            print(process.exitcode, verdict(act.assert_none, "there"))
        """,
    )
    assert out == "0 holds\n"


@needs_fork
def test_one_test_does_not_answer_for_another(script):
    """A span is missed by the recordings that are open when the child starts it."""
    out = script(
        BEGIN,
        """
        go, done = os.pipe(), os.pipe()
        with record(timeout="1ms") as first:
            pid = os.fork()
            if not pid:
                os.read(go[0], 1)
                emit()
                os.write(done[1], b"x")
                os._exit(0)
        with record(timeout="1ms") as second:
            os.write(go[1], b"x")
            os.read(done[0], 1)
            os.waitpid(pid, 0)
        print(verdict(first.assert_none))
        print(verdict(second.assert_none))
        with record(timeout="1ms") as third:
            pass
        print(verdict(third.assert_none))
        """,
    )
    assert out == f"holds\n{FORKED.replace('during', 'before')}\nholds\n"


@needs_fork
def test_nested_recordings(script):
    """Each recording that was open at the fork lost spans, and no other."""
    out = script(
        BEGIN,
        """
        with record(timeout="1ms") as outer:
            with record(timeout="1ms") as before:
                pass
            with record(timeout="1ms") as around:
                forked(lambda: forked(emit))
            with record(timeout="1ms") as after:
                pass
        for act in outer, before, around, after:
            print(verdict(act.assert_none))
        """,
    )
    assert out == f"{FORKED}\nholds\n{FORKED}\nholds\n"


@needs_fork
def test_recording_in_the_child(script):
    """A child can record for itself; its parent does not hear of what it was not recording."""
    out = script(
        BEGIN,
        """
        def work():
            with record(timeout="1ms") as inner:
                emit()
            print([span.name for span in inner.spans], verdict(inner.assert_tree, "in the child"))
            sys.stdout.flush()

        forked(work)
        with record(timeout="1ms") as act:
            pass
        print(verdict(act.assert_none))
        with record(timeout="1ms") as act:
            forked(work)
        print(verdict(act.assert_none))
        """,
    )
    assert out == f"['in the child'] holds\nholds\n['in the child'] holds\n{FORKED}\n"


@needs_fork
@pytest.mark.skipif("coverage" in sys.modules, reason="measured threads and forks get stuck")
def test_fork_while_others_wait_and_emit(script):
    """A child is not stuck on a lock of ours that a thread of its parent held."""
    out = script(
        """
        import os, threading, time, warnings
        from pytest_traces import record

        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
        stop = threading.Event()

        def emit(act):
            with act.start_span("by hand"):
                pass

        def busy(act):
            while not stop.is_set():
                emit(act)
                act.clear()

        def wait(act):
            while not stop.is_set():
                try:
                    act.eventually("5ms").get("never")
                except AssertionError:
                    pass

        with record(timeout="1ms") as act:
            threads = [threading.Thread(target=work, args=[act]) for work in (busy, busy, wait)]
            for thread in threads:
                thread.start()
            for _ in range(10):
                pid = os.fork()
                if not pid:
                    emit(act)
                    os._exit(0)
                for _ in range(500):
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        break
                    time.sleep(0.01)
                else:
                    os.kill(pid, 9)
                    print("stuck")
            stop.set()
            for thread in threads:
                thread.join()
        print("done")
        """
    )
    assert out == "done\n"


@needs_fork
def test_forked_workers_of_a_suite(suite):
    """In a suite, only the test that forked fails its closing assertions."""
    suite.write("pytest.ini", "[pytest]\ntraces_timeout = 1ms\n")
    suite.write(
        "test_app.py",
        BEGIN,
        """
        import pytest

        def test_forks(traces):
            forked(emit)
            with pytest.raises(AssertionError, match="forked during the recording"):
                traces.assert_none()

        @pytest.mark.parametrize("number", [1, 2])
        def test_does_not(traces, number):
            traces.assert_none()
        """,
    )
    suite.run().passed(3)
