"""The hooks come with the first recording and go with the last, whatever the SDK is like."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pytest_traces import record
from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import Settings
from pytest_traces.sources.sentry import SentrySource
from pytest_traces.sources.sentry.hooks import Hooks

sentry_sdk = pytest.importorskip("sentry_sdk")
tracing = pytest.importorskip("sentry_sdk.tracing")
client = pytest.importorskip("sentry_sdk.client")
scope = pytest.importorskip("sentry_sdk.scope")
transport = pytest.importorskip("sentry_sdk.transport")
traces = pytest.importorskip("sentry_sdk.traces")

CLASSES = (
    tracing.Span, tracing.Transaction, tracing.NoOpSpan, client.BaseClient, client._Client,
    scope.Scope, transport.HttpTransport, transport.BaseHttpTransport, traces.StreamedSpan,
)  # fmt: skip


def attributes():
    """Every attribute of the classes that are hooked."""
    return [dict(vars(one)) for one in CLASSES]


def test_nothing_is_left(sentry):
    """Every class is as it was, with a client or without."""
    before = attributes()
    with record():
        assert attributes() != before
        sentry(traces_sample_rate=1.0)
        with sentry_sdk.start_transaction(name="checkout"):
            pass
    assert attributes() == before
    with pytest.raises(RuntimeError), record():
        raise RuntimeError

    assert attributes() == before


def test_the_scopes_are_not_touched(sentry):
    """Asking for the current span makes no scope in the context of whoever asks."""
    with record() as act:
        assert scope._current_scope.get() is None
        assert scope._isolation_scope.get() is None
        assert act._frame.recording.around == set()


def test_a_span_that_is_current_at_the_begin(sentry):
    """It may be a parent, whosever it is."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="around") as around, record() as act:
        assert (around.trace_id, around.span_id) in act._frame.recording.around


def test_hooks_that_others_wrap(sentry):
    """What somebody has put around ours stays, passes on, and is used again."""
    sentry(traces_sample_rate=1.0)
    with record():
        hooked = tracing.Span.__init__

        def around(span, *args, **kwargs):
            hooked(span, *args, **kwargs)

        tracing.Span.__init__ = around
    try:
        with sentry_sdk.start_transaction(name="unseen"):
            pass
        with record() as act, sentry_sdk.start_transaction(name="seen"):
            pass
        assert [span.name for span in act.spans] == ["seen"]
    finally:
        tracing.Span.__init__ = hooked.__closure__ and _original(hooked)


def _original(hooked):
    cells = dict(zip(hooked.__code__.co_freevars, hooked.__closure__, strict=True))
    return cells["init"].cell_contents


@pytest.fixture
def lone():
    """A source with a journal of its own, and a recording in it."""
    journal = Journal()
    source = SentrySource(journal)
    journal.sources = {"sentry": source}
    recording = Recording(Settings())
    return source, journal, recording


def test_a_method_that_is_not_there(lone, monkeypatch):
    """Spans that are lost for it are a problem of every assertion; others are a note."""
    source, journal, recording = lone
    monkeypatch.delattr(tracing.Span, "finish")
    monkeypatch.delattr(client._Client, "_prepare_event")
    source.open()
    journal.windows.append(recording)
    source.flush()
    source.flush()
    notes = source.captured(recording, 0).notes
    source.close()

    lost = "this sentry-sdk has no Span.finish: its spans never end here"
    assert recording.problems == [lost]
    assert (
        "this sentry-sdk has no _Client._prepare_event: events that it drops are taken for sent"
    ) in notes


def test_a_module_that_is_quite_different(lone, monkeypatch):
    """It is told as well."""
    source, journal, recording = lone
    monkeypatch.setitem(sys.modules, "sentry_sdk.tracing", ModuleType("sentry_sdk.tracing"))
    with pytest.warns(UserWarning, match=r"could not hook sentry_sdk\.tracing"):
        source.open()
    journal.windows.append(recording)
    source.flush()
    source.close()

    (problem,) = recording.problems
    assert problem.startswith("pytest-traces could not hook sentry_sdk.tracing: AttributeError")


def test_the_streamed_life_that_cannot_be_hooked(lone, monkeypatch, sentry):
    """It is a problem for those who live it, and a note for all others."""
    source, journal, recording = lone
    monkeypatch.setitem(sys.modules, "sentry_sdk.traces", ModuleType("sentry_sdk.traces"))
    sys.modules["sentry_sdk.traces"].start_span = None
    with pytest.warns(UserWarning, match=r"could not hook sentry_sdk\.traces"):
        source.open()
    journal.windows.append(recording)
    source.flush()
    assert recording.problems == []
    assert any("sentry_sdk.traces" in note for note in source.captured(recording, 0).notes)
    monkeypatch.undo()
    sentry(_experiments={"trace_lifecycle": "stream"})
    source.flush()
    source.close()

    assert len(recording.problems) == 1


def test_a_source_that_was_never_used(lone, monkeypatch):
    """Without the SDK there is nothing to do, and nothing to say."""
    source, _, recording = lone
    for name in [name for name in sys.modules if name.partition(".")[0] == "sentry_sdk"]:
        monkeypatch.delitem(sys.modules, name)
    source.close()
    source.open()
    source.flush()
    assert source.current() is None
    assert source.suppressed() is False
    assert source.is_idle()
    assert source.captured(recording, 0).state == ""
    recording.settings = Settings(sources=("sentry",))
    assert source.captured(recording, 0).state == "never imported in this process"
    source.close()
    source.close()


def test_what_is_lost_is_forgotten_when_it_is_there_again():
    """A later version may have it."""

    class Old:
        pass

    hooks = Hooks()
    hooks.replace(Old, "new", lambda original: original, "it is lost")
    assert hooks.lost == {"Old.new": "this sentry-sdk has no Old.new: it is lost"}
    Old.new = lambda _: 1
    hooks.replace(Old, "new", lambda original: lambda one: original(one) + 1, "it is lost")
    assert hooks.lost == {}
    assert Old().new() == 2
    hooks.undo()
    assert Old().new() == 1


def test_late_spans_of_an_earlier_test(sentry):
    """They are hidden, and named where something is missing."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s"):
        transaction = sentry_sdk.start_transaction(name="earlier")
    with record(timeout="0s") as act:
        with transaction.start_child(name="late"):
            pass
        with sentry_sdk.start_transaction(name="own"):
            pass
        assert [span.name for span in act.spans] == ["own"]
        with pytest.raises(AssertionError) as raised:
            act.assert_count("late", at_least=1)

    assert "late" in str(raised.value)


def test_problems_with_a_span(sentry):
    """One that cannot be read is told by every assertion, and the application goes on."""
    with record(timeout="0s") as act:
        transaction = sentry_sdk.start_transaction(name="broken")
        transaction.start_timestamp = "yesterday"
        transaction.finish()
        with pytest.raises(AssertionError) as raised:
            act.assert_count("broken", 1)
        act._frame.recording.problems.clear()

    assert "a span of sentry cannot be read: ValueError" in str(raised.value)


@pytest.mark.parametrize("life", ["static", "streamed"])
def test_what_cannot_be_looked_into(sentry, monkeypatch, life):
    """It is a problem that every assertion tells, and none of the application's."""

    def fail(*_):
        raise AttributeError("no such thing")

    sentry(traces_sample_rate=1.0)
    monkeypatch.setattr(f"pytest_traces.sources.sentry.{life}.is_inner", fail)
    if life == "streamed" and not hasattr(traces, "start_span"):
        pytest.skip("this version has no streamed spans")
    if life == "streamed":
        sentry(traces_sample_rate=1.0, _experiments={"trace_lifecycle": "stream"})
    with record(timeout="0s") as act:
        for _ in range(2):
            if life == "streamed":
                traces.start_span(name="load").end()
            else:
                transaction = sentry_sdk.start_transaction(name="checkout")
                transaction.start_child(name="load").finish()
                transaction.finish()
        (problem,) = act._frame.recording.problems
        act._frame.recording.problems.clear()

    assert problem == "a span of sentry cannot be recorded: AttributeError: no such thing"


def test_a_client_of_another_make(sentry):
    """It may be unable to say anything, or to be kept."""

    class Odd(client.BaseClient):
        __hash__ = None

        def is_active(self):
            raise ZeroDivisionError

    with record() as act:
        Odd().capture_event({"level": "error", "message": "gone"})
        assert [error.message for error in act._frame.recording.errors] == ["gone"]
        Odd().capture_event("no event")
        assert len(act._frame.recording.errors) == 1
