"""What is current with Sentry, and whose it is: scopes are shared, and what is on them stays."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest

from pytest_traces import record
from pytest_traces.recording import journal
from pytest_traces.sources.sentry import current

sentry_sdk = pytest.importorskip("sentry_sdk")
from sentry_sdk import scope  # noqa: E402  # only once it is known to be there

STREAM = {"_experiments": {"trace_lifecycle": "stream"}}


def _streamed():
    traces = pytest.importorskip("sentry_sdk.traces")
    if not hasattr(traces, "start_span"):
        pytest.skip("this version has only the beginnings of streamed spans")
    return traces


@pytest.fixture(params=["static", "streamed"])
def start(request, sentry):
    """Starts a root or a child in either life; all tasks of the test share one scope."""
    streamed = _streamed() if request.param == "streamed" else None
    sentry(traces_sample_rate=1.0, **(STREAM if streamed else {}))
    sentry_sdk.get_current_scope()  # made before the tasks, it is that of all

    def start_one(name, *, root=False):
        if streamed:
            return streamed.start_span(name=name)
        make = sentry_sdk.start_transaction if root else sentry_sdk.start_span
        return make(name=name)

    return start_one


async def clean_up(start, go, *, root=True):
    with start("clean up", root=root):
        await go.wait()
        with start("DELETE everything"):
            pass


def _timeless(error):
    return re.sub(r"[\d.]+ \w+ ago", "TIME ago", str(error))


def test_absence_while_a_task_in_the_background_runs(start):
    """Its span is current for the test as well, and is not the test's own."""

    async def main():
        go = asyncio.Event()
        with record(timeout="60s") as act:
            task = asyncio.create_task(clean_up(start, go))
            await asyncio.sleep(0)
            assert len(act.unfinished) == 1
            with pytest.raises(AssertionError) as raised:
                act.assert_none("DELETE everything")
            go.set()
            await task
        return _timeless(raised.value)

    assert asyncio.run(main()) == (
        "absence cannot be asserted while spans are open: 'clean up'\n"
        "\n"
        "  still open: 'clean up', started in thread 'MainThread' TIME ago\n"
        "\n"
        "  hint:  an event loop runs in this thread, so an assertion cannot wait: first await\n"
        '         traces.settled("2s")'
    )


def test_settled_waits_for_a_task_in_the_background(start):
    """Without AsyncioIntegration, too."""

    async def main():
        go = asyncio.Event()
        with record(timeout="60s") as act:
            task = asyncio.create_task(clean_up(start, go))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.01, go.set)
            await act.settled()
            act.assert_count("DELETE everything", 1)
            await task

    asyncio.run(main())


def test_the_own_span_below_which_a_task_works(start):
    """It is not waited for, though what is current is of the task."""

    async def main():
        go = asyncio.Event()
        with record(timeout="60s") as act, start("own", root=True):
            task = asyncio.create_task(clean_up(start, go, root=False))
            await asyncio.sleep(0)
            with pytest.raises(AssertionError) as raised:
                act.assert_none("DELETE everything")
            go.set()
            await task
            await act.settled()
            act.assert_none("other")
        return _timeless(raised.value)

    assert asyncio.run(main()) == (
        "absence cannot be asserted while spans are open: 'clean up'\n"
        "\n"
        "  still open: 'own > clean up', started in thread 'MainThread' TIME ago\n"
        "\n"
        "  hint:  an event loop runs in this thread, so an assertion cannot wait: first await\n"
        '         traces.settled("2s")'
    )


def test_the_own_span_in_a_task_that_was_created_for_a_part_of_it(start):
    """As ``wait_for`` does before Python 3.12: whoever created the task waits for it."""

    async def main(act):
        async def check():
            act.assert_none("other")
            with start("inner"):
                await act.settled()
                act.assert_none("other")

        await asyncio.create_task(check())

    with record(timeout="60s") as act, start("before the loop", root=True):
        asyncio.run(main(act))
        act.assert_none("other")
    act.assert_tree("before the loop\n  inner")


def test_the_span_of_another_thread_that_shares_the_scope(start):
    """It is waited for as any other."""
    shared = scope._current_scope.get()
    has_begun, may_end = threading.Event(), threading.Event()

    def work():
        scope._current_scope.set(shared)
        with start("work", root=True):
            has_begun.set()
            may_end.wait(30)

    thread = threading.Thread(target=work, name="worker")
    with record(timeout="0s") as act:
        thread.start()
        has_begun.wait(30)
        with pytest.raises(AssertionError) as raised:
            act.assert_none("other")
        may_end.set()
        thread.join(30)
        act.assert_none("other")

    assert _timeless(raised.value) == (
        "absence cannot be asserted while spans are open: 'work'\n"
        "\n"
        "  still open: 'work', started in thread 'worker' TIME ago"
    )


def test_numbers_of_spans_that_have_ended_are_dropped(start):
    """However many begin in one context, it keeps those that are open, and the last one."""
    with record(timeout="0s"):
        with start("root", root=True):
            for _ in range(5):
                with start("child"):
                    pass
            assert len(current.begun_here()) == 2
            ended = max(current.begun_here())
            with start("child"):
                assert ended not in current.begun_here()
    with record(timeout="0s"), start("next", root=True):
        assert len(current.begun_here()) == 1


def _headers():
    """Of a caller in a recording that is over, before which nothing was left behind."""
    with record(timeout="0s") as act, act.caller("buy", format="sentry") as caller:
        serve(caller.headers)
    act.assert_tree("buy\n  handle")
    return caller.headers


def serve(headers):
    """As a consumer does that is documented by Sentry: what it continues stays on the scope."""
    traces = _streamed()
    traces.continue_trace(headers)
    with traces.start_span(name="handle"):
        pass


@pytest.fixture
def streamed(sentry):
    """The module of streamed spans, which are sent."""
    sentry(traces_sample_rate=1.0, **STREAM)
    return _streamed()


def test_a_continued_trace_that_was_left_behind(streamed):
    """Spans that begin later are children of the same caller, and those of this recording."""
    _headers()
    with record(timeout="0s") as act:
        with streamed.start_span(name="clean up"), streamed.start_span(name="DELETE everything"):
            pass
        act.assert_tree("clean up\n  DELETE everything")
        with pytest.raises(AssertionError) as raised:
            act.assert_none("DELETE everything")
        with record(timeout="0s") as part, streamed.start_span(name="again"):
            pass
        part.assert_tree("again")

    assert str(raised.value).splitlines()[0] == (
        "expected no span 'DELETE everything', got 1 span: 'clean up > DELETE everything'"
    )


def test_a_trace_continued_by_a_transaction_that_was_left_behind(sentry):
    """The older way leaves the same behind for streamed spans."""
    streamed = _streamed()
    sentry(traces_sample_rate=1.0, **STREAM)
    with record(timeout="0s") as earlier, earlier.caller("buy", format="sentry") as caller:
        sentry_sdk.continue_trace(caller.headers, name="handle")
        with streamed.start_span(name="handle"):
            pass
    with record(timeout="0s") as act:
        with streamed.start_span(name="clean up"):
            pass
        act.assert_tree("clean up")


@pytest.mark.parametrize("is_left_behind", [False, True], ids=["nothing else", "another"])
def test_a_trace_that_is_continued_late(streamed, is_left_behind):
    """Whoever serves a call of an earlier recording now is late, whatever was left behind."""
    with sentry_sdk.isolation_scope():
        headers = _headers()
    with record(timeout="0s") as earlier, earlier.caller("sell", format="sentry") as caller:
        serve(caller.headers)
    if not is_left_behind:
        scope._isolation_scope.set(None)
    with record(timeout="0s") as act:
        with sentry_sdk.isolation_scope():
            serve(headers)
        act.assert_none()
        act.assert_none("handle")


def test_spans_of_others_below_a_continued_trace_that_was_left_behind(streamed):
    """What Sentry's scopes keep says nothing of another library: its spans are late."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry import trace

    headers = _headers()
    trace_id, parent_id = headers["sentry-trace"].split("-")[:2]
    context = trace.SpanContext(int(trace_id, 16), int(parent_id, 16), is_remote=True)
    around = trace.set_span_in_context(trace.NonRecordingSpan(context))
    with record(timeout="0s") as act:
        sdk.TracerProvider().get_tracer("app").start_span("late", context=around).end()
        act.assert_none()


def test_looking_leaves_the_scopes_as_they_are(sentry):
    """No scope is made, and no trace id."""
    sentry()
    scope._isolation_scope.set(None)
    assert current.continued_key() is None
    assert scope._isolation_scope.get() is None
    context = sentry_sdk.get_isolation_scope()._propagation_context
    before = context._trace_id
    assert current.continued_key() is None
    assert context._trace_id == before


def test_without_sentry_nothing_is_continued(monkeypatch):
    """Its modules are looked up, never imported."""
    monkeypatch.delitem(current.sys.modules, "sentry_sdk.scope")
    assert current.continued_key() is None
    assert current.current_span() is None
    with record(timeout="0s"):
        assert not journal.windows[-1].continued


@pytest.mark.parametrize("rate", [None, 0.0])
def test_the_own_span_that_is_not_sampled(sentry, rate):
    """Sentry makes only the segment current; within it, the innermost is the caller's as well."""
    streamed = _streamed()
    sentry(traces_sample_rate=rate, **STREAM)
    with record(timeout="0s") as act, streamed.start_span(name="outer"):
        with streamed.start_span(name="inner"):
            act.assert_none("other")
            aside = streamed.start_span(name="aside")
            aside.end()
        other = threading.Thread(target=lambda: streamed.start_span(name="other").__enter__())
        other.start()
        other.join()
        with pytest.raises(AssertionError, match="while spans are open: 'other'"):
            act.assert_none("another")
