"""Error events: what they say, which span they name, and why perhaps none."""

from __future__ import annotations

import logging
import threading

import pytest

from pytest_traces import record
from pytest_traces.recording import Clock, journal

sentry_sdk = pytest.importorskip("sentry_sdk")


def boom(text="no such order"):
    """Report an exception as an application does."""
    try:
        raise LookupError(text)  # noqa: TRY301
    except LookupError as error:
        sentry_sdk.capture_exception(error)


def errors_of(act):
    """The errors of a recording, looked up."""
    journal.flush()
    return act._frame.recording.errors


def test_an_exception_in_a_span(sentry):
    """It names its span, and is an event of it."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        with sentry_sdk.start_span(name="load"):
            boom()

    (error,) = errors_of(act)
    load = act.get("load")
    assert (error.source, error.type, error.message) == ("sentry", "LookupError", "no such order")
    assert error.key == (load.trace_id, load.span_id)
    assert (error.level, error.handled, error.unlinked) == ("error", True, None)
    assert load.events[0].attributes == {
        "exception.type": "LookupError",
        "exception.message": "no such order",
    }


class Own(Exception):
    """An exception of the application."""


def test_the_type_has_its_module(sentry):
    """As OpenTelemetry names it; and of several exceptions it is the one that was caught."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        try:
            try:
                raise KeyError("a")  # noqa: TRY301
            except KeyError as cause:
                raise Own("b") from cause
        except Own as error:
            sentry_sdk.capture_exception(error)

    (error,) = errors_of(act)
    assert (error.type, error.message) == (f"{__name__}.Own", "b")


def test_no_span_was_active(sentry):
    """Then Sentry names one that will never be."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        boom()
        assert [(one.key, one.unlinked) for one in errors_of(act)] == [(None, "no span was active")]


def test_tracing_is_off(sentry):
    """Then Sentry does not link them, whatever spans there are."""
    sentry()
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        boom()

    (error,) = errors_of(act)
    assert error.key is None
    assert error.unlinked == (
        "tracing is off (neither traces_sample_rate nor traces_sampler is set), so the event "
        "names no span"
    )


def test_a_span_from_before(sentry):
    """It is not in this recording."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="checkout"), record() as act:
        boom()
        (error,) = errors_of(act)

    assert (error.key, error.unlinked) == (None, "its span started before the recording")


def test_a_span_from_elsewhere(sentry):
    """A processor of the application may name any other."""
    sentry(traces_sample_rate=1.0)

    def elsewhere(event, _):
        event["contexts"]["trace"].update(trace_id="a" * 32, span_id="b" * 16)
        return event

    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        sentry_sdk.get_current_scope().add_event_processor(elsewhere)
        boom()
        (error,) = errors_of(act)

    assert (error.key, error.unlinked) == (None, "the span that it names was not recorded")


def test_an_event_that_names_nothing(sentry):
    """A processor may take the trace away, too."""
    sentry(traces_sample_rate=1.0)

    def nothing(event, _):
        del event["contexts"]["trace"]
        return event

    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        sentry_sdk.get_current_scope().add_event_processor(nothing)
        boom()
        (error,) = errors_of(act)

    assert (error.key, error.unlinked) == (None, "the report names no span")


def test_init_never_called(sentry):
    """The error is there all the same, with the span that was current."""
    with record() as act:
        boom("first")
        with sentry_sdk.start_transaction(name="checkout"):
            boom("second")

    first, second = errors_of(act)
    checkout = act.get("checkout")
    assert (first.message, first.key, first.unlinked) == ("first", None, "no span was active")
    assert second.key == (checkout.trace_id, checkout.span_id)


def test_messages(sentry):
    """Of the levels error and fatal; others are no errors."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        for level in ("debug", "info", "warning", "error", "fatal"):
            sentry_sdk.capture_message(f"a {level}", level=level)

    assert [(one.type, one.message, one.level) for one in errors_of(act)] == [
        (None, "a error", "error"),
        (None, "a fatal", "fatal"),
    ]


def test_logging(sentry):
    """What is logged as an error becomes an event, with the text that it has in the log."""
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry(traces_sample_rate=1.0, integrations=[LoggingIntegration()])
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        logging.getLogger("shop").error("order %s is gone", 7)
        logging.getLogger("shop").info("order %s is there", 8)

    (error,) = errors_of(act)
    assert (error.type, error.message) == (None, "order 7 is gone")
    assert error.attributes["logger"] == "shop"
    assert error.key == (act.get("checkout").trace_id, act.get("checkout").span_id)


@pytest.mark.parametrize(
    "options",
    [
        {"before_send": lambda *_: None},
        {"ignore_errors": [LookupError]},
        {"sample_rate": 0.0},
    ],
    ids=["before_send", "ignore_errors", "sample_rate"],
)
def test_what_sentry_drops_is_no_error(sentry, options):
    """The application would not have reported it."""
    sentry(traces_sample_rate=1.0, **options)
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        boom()

    assert errors_of(act) == []


def test_what_before_send_changes(sentry):
    """It is the event as it would leave that counts."""

    def hide(event, _):
        event["exception"]["values"][-1]["value"] = "[hidden]"
        return event

    sentry(before_send=hide)
    with record() as act:
        boom()

    assert [one.message for one in errors_of(act)] == ["[hidden]"]


def test_an_event_by_hand(sentry):
    """Whatever form it has; one that cannot be read is a problem, and told."""
    sentry()
    with record() as act:
        sentry_sdk.capture_event({"level": "error", "logentry": {"message": "by hand"}})
        sentry_sdk.capture_event({"exception": {"values": [{"type": "Gone"}]}})
        sentry_sdk.capture_event({"type": "check_in", "level": "error"})
        sentry_sdk.capture_event({"level": "error"})
        assert [(one.type, one.message) for one in errors_of(act)] == [
            (None, "by hand"), ("Gone", None), (None, None),
        ]  # fmt: skip
        assert act._frame.recording.problems == []


def test_an_event_that_cannot_be_read(sentry):
    """It is a problem that every assertion tells, and none of the application's."""
    with record() as act:  # without init() nobody has looked at it before
        sentry_sdk.capture_event({"exception": {"values": [7]}})
        sentry_sdk.capture_event({"exception": {"values": [7]}})

        (problem,) = act._frame.recording.problems
        act._frame.recording.problems.clear()
    assert problem.startswith("an event of sentry cannot be read: TypeError")


def test_every_open_recording_has_it(sentry):
    """As it has spans."""
    sentry()
    with record() as outer, record() as inner:
        boom()
    with record(sources=["handwritten"]) as other:
        boom()

    assert len(errors_of(outer)) == len(errors_of(inner)) == 1
    assert other._frame.recording.errors_between() == []


def test_errors_outside_a_recording(sentry):
    """They belong to nobody."""
    sentry()
    boom()
    with record() as act:
        pass
    boom()

    assert errors_of(act) == []


def test_streamed(sentry):
    """The same in the other life."""
    traces = pytest.importorskip("sentry_sdk.traces")
    if not hasattr(traces, "start_span"):
        pytest.skip("this version has no streamed spans")
    sentry(traces_sample_rate=1.0, _experiments={"trace_lifecycle": "stream"})
    with record() as act, traces.start_span(name="checkout"):
        with traces.start_span(name="load"):
            boom()

    (error,) = errors_of(act)
    assert error.key == (act.get("load").trace_id, act.get("load").span_id)


class Worded(Exception):
    """An exception that Sentry asks for its message, which is not what it says."""

    message = "later"

    def __str__(self):
        return "503: later"


class Mute(Exception):
    """An exception that cannot say what it is."""

    message = "later"

    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "wording"), [(Worded(), "503: later"), (Mute(), None)], ids=["worded", "mute"]
)
def test_what_the_exception_says_of_itself(error, wording, sentry):
    """It is kept beside Sentry's words, as are thread and time, for who compares."""
    sentry()
    with record() as act:
        before = Clock.perf_counter_ns()
        sentry_sdk.capture_exception(error)
        (told,) = errors_of(act)

    assert (told.message, told.wording) == ("later", wording)
    assert told.thread == threading.current_thread().name
    assert before <= told.ticks_ns <= Clock.perf_counter_ns()


def test_what_another_exception_says(sentry):
    """A processor may put any in its place; an event by hand has none."""

    def another(event, _):
        event["exception"]["values"][-1].update(type="Gone", module="shop")
        return event

    sentry(before_send=another)
    with record() as act:
        boom()
        sentry_sdk.capture_event({"exception": {"values": [{"type": "Gone", "value": "x"}]}})

    assert [one.wording for one in errors_of(act)] == [None, None]
