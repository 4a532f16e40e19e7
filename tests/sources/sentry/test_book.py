"""Spans in the journal: who is woken, what is counted, and what is let go of."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from pytest_traces import record
from pytest_traces.recording import Journal, journal
from pytest_traces.sources.sentry.book import Book
from pytest_traces.sources.sentry.kept import read_clocks
from pytest_traces.sources.sentry.reading import read_static
from pytest_traces.sources.work import work

sentry_sdk = pytest.importorskip("sentry_sdk")


def test_who_waits_is_woken(sentry):
    """At each start and at each end, and by each error."""
    woken = []
    with record():
        stop = journal.subscribe(lambda: woken.append(1))
        with sentry_sdk.start_transaction(name="checkout"):
            assert len(woken) == 1
            sentry_sdk.capture_message("gone", level="error")
            assert len(woken) == 2
        assert len(woken) == 3
        stop()


def test_an_assertion_waits_for_the_end(sentry):
    """In another thread, for example."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="15s") as act:
        go = threading.Event()

        def work():
            with sentry_sdk.start_transaction(name="late"):
                go.wait(15)

        thread = threading.Thread(target=work)
        thread.start()
        stop = journal.subscribe(go.set)
        journal.wait(lambda: bool(journal.entries), 15_000_000_000)
        go.set()
        act.assert_tree("late")
        stop()
        thread.join()


def test_counted_work(sentry):
    """Where events of the interpreter are counted, a span has its number."""
    work.running.append(0)
    try:
        with record() as act, sentry_sdk.start_transaction(name="checkout"):
            pass
        assert act.get("checkout").data.stamps.work == 0
    finally:
        work.running.clear()


def test_many_threads(sentry):
    """Each has its own transactions, and none is lost."""
    sentry(traces_sample_rate=1.0)

    def serve(number):
        for _ in range(20):
            with sentry_sdk.isolation_scope():
                with sentry_sdk.start_transaction(name=f"serve {number}"):
                    with sentry_sdk.start_span(name="load"):
                        pass

    with record() as act:
        threads = [threading.Thread(target=serve, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(act.roots) == 160
    assert all([child.name for child in root.children] == ["load"] for root in act.roots)


@pytest.fixture
def book():
    """A book with a journal of its own."""
    return Book(Journal())


def test_the_end_of_a_span_that_is_not_known(book):
    """It began before the recording."""
    book.end(SimpleNamespace(), read_clocks())

    assert book.journal.entries == {}


def test_a_recording_that_is_over(book):
    """What it has taken with it is not put back."""
    span = SimpleNamespace(
        trace_id="a" * 32, span_id="b" * 16, parent_span_id=None, status=None, op=None,
        description="load", origin="manual", _data={}, _tags={}, containing_transaction=None,
        same_process_as_parent=True, timestamp=None,
    )  # fmt: skip
    kept = book.begin(span, read_clocks(), read_static, is_timed=True)
    book.end(span, read_clocks())
    entry = book.journal.entries.pop(kept.number)
    assert entry[:2] == ("sentry", kept.end_ns)
    book.flush()

    assert book.journal.entries == {}


def test_sentrys_own_requests_are_no_spans(sentry):
    """It traces what its sending thread does; that was captured before the recording."""

    def send():
        with sentry_sdk.start_span(op="http.client", name="POST envelope"):
            pass

    sentry(traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        thread = threading.Thread(target=send, name="sentry-sdk.BackgroundWorker")
        thread.start()
        thread.join()
        assert not act.spans
