"""The clocks that the source reads itself, and who cannot reach them."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from pytest_traces import record
from pytest_traces.recording import Clock
from pytest_traces.sources.opentelemetry.capture import is_now

pytest.importorskip("opentelemetry.sdk.trace")

NOON = datetime(2020, 2, 2, 12, tzinfo=timezone.utc)
MS = 1_000_000


def spend(nanoseconds):
    """Keep this thread busy for that long, by a clock that nothing stops."""
    end = Clock.perf_counter_ns() + nanoseconds
    while Clock.perf_counter_ns() < end:
        pass


def freeze(**arguments):
    """Freeze the time but that of event loops: servers of other tests may run in this process."""
    freezegun = pytest.importorskip("freezegun")
    # Not real_asyncio: until that takes effect, a loop may put itself to sleep until 2020.
    return freezegun.freeze_time(NOON, ignore=["asyncio"], **arguments)


def frozen_by_freezegun(tracer):
    """The clock stands still."""
    with freeze(), tracer.start_as_current_span("a"):
        spend(3 * MS)


def ticked_by_freezegun(tracer):
    """Each reading of the clock is an hour later."""
    with freeze(auto_tick_seconds=3600), tracer.start_as_current_span("a"):
        spend(3 * MS)


def moved_by_freezegun(tracer):
    """The test moves the clock."""
    with freeze() as clock, tracer.start_as_current_span("a"):
        spend(3 * MS)
        clock.tick(timedelta(hours=1))


def frozen_by_time_machine(tracer):
    """The functions of C stand still."""
    time_machine = pytest.importorskip("time_machine")
    with time_machine.travel(NOON, tick=False), tracer.start_as_current_span("a"):
        spend(3 * MS)


def moved_by_time_machine(tracer):
    """The test moves the clock, which ticks on."""
    time_machine = pytest.importorskip("time_machine")
    with time_machine.travel(NOON, tick=True) as clock, tracer.start_as_current_span("a"):
        spend(3 * MS)
        clock.shift(timedelta(hours=-1))


def begun_before_it_froze(tracer):
    """Between its start and its end somebody freezes the clock."""
    span = tracer.start_span("a")
    with freeze():
        spend(3 * MS)
        span.end()


MOVED = (
    frozen_by_freezegun,
    ticked_by_freezegun,
    moved_by_freezegun,
    frozen_by_time_machine,
    moved_by_time_machine,
    begun_before_it_froze,
)


@pytest.mark.parametrize("move", MOVED)
def test_clock_that_is_moved(sdk, move):
    """The span has the times that the application saw, and took what it took."""
    with record(timeout="0s") as act:
        move(sdk().tracer)
    span = act.get("a")
    assert span.clock_moved
    assert 3 * MS <= span.elapsed_ns < 60_000 * MS


def test_clock_that_is_left_alone(sdk):
    """Its own times and ours agree."""
    with record(timeout="0s") as act, sdk().tracer.start_as_current_span("a"):
        spend(MS)
    span = act.get("a")
    stamps = span.data.stamps
    assert stamps.start_thread == stamps.end_thread == threading.get_ident()
    assert stamps.cpu_end_ns > stamps.cpu_start_ns
    assert span.elapsed_ns == stamps.end_ns - stamps.start_ns >= MS
    assert stamps.work is None


@pytest.mark.parametrize("many", [False, True])
def test_each_end_belongs_to_its_span(sdk, many):
    """Also where spans leave in batches, and where one is ended twice."""
    tracer = sdk().tracer
    with record(timeout="0s") as act:
        for number in range(3_000 if many else 3):
            span = tracer.start_span(f"{number}")
            span.end()
            if number % 2:
                tracer.start_span("between").end()
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("opentelemetry.sdk.trace.logger.warning", lambda *_: None)
                    span.end()
    spans = [span for span in act.spans if span.name != "between"]
    assert len(spans) == (3_000 if many else 3)
    times = [(span.data.stamps.start_ns, span.data.stamps.end_ns) for span in spans]
    assert all(start <= end for start, end in times)
    assert all(end <= start for (_, end), (start, _) in pairwise(times))


def test_times_that_the_application_chooses(sdk):
    """Such a span keeps them, and no other clock is asked."""
    tracer = sdk().tracer
    with record(timeout="0s") as act:
        tracer.start_span("both", start_time=10**18).end(10**18 + MS)
        tracer.start_span("start", start_time=10**18).end()
        tracer.start_span("end").end(10**18)
    assert [span.data.stamps for span in act.spans] == [None, None, None]
    assert act.get("both").elapsed_ns == act.get("both").duration_ns == MS
    assert not act.get("both").clock_moved


def test_times_that_are_the_clocks(sdk):
    """A library may read the clock itself and give what it has read."""
    tracer = sdk().tracer
    with record(timeout="0s") as act:
        tracer.start_span("a", start_time=time.time_ns()).end(time.time_ns())
    assert act.get("a").data.stamps is not None


def test_times_that_are_a_frozen_clocks(sdk):
    """What counts is what the clock shows to the application."""
    with freeze():
        shown = time.time_ns()
        assert is_now(shown)
        assert is_now(shown + MS)
        assert not is_now(shown + MS + 1)
        assert not is_now(Clock.time_ns())


def test_logfire(script):
    """Its spans have stamps, too, though it gives all times explicitly."""
    pytest.importorskip("logfire")
    out = script(
        """
        import logfire
        from pytest_traces import record

        logfire.configure(send_to_logfire=False, console=False, metrics=False)
        with record(timeout="0s") as act, logfire.span("a"):
            pass
        print(act.get("a").data.stamps is not None)
        """,
        strict=False,
    )
    assert out.splitlines()[-1] == "True"


def test_open_span(sdk):
    """It has a start, and no end yet; the same span has both later."""
    with record(timeout="0s") as act:
        span = sdk().tracer.start_span("a")
        stamps = act.get("a").data.stamps
        assert (stamps.end_ns, stamps.cpu_end_ns, stamps.end_thread) == (None, None, None)
        assert act.get("a").elapsed_ns is None
        assert not act.get("a").clock_moved
        span.end()
        assert act.get("a").data.stamps[::2][:1] == stamps[:1]
        assert act.get("a").data.stamps.end_ns is not None


def test_end_in_another_thread(sdk):
    """The thread is told, so that nobody takes its CPU time for the span's."""
    with record(timeout="0s") as act:
        span = sdk().tracer.start_span("a")
        other = threading.Thread(target=span.end)
        other.start()
        other.join()
    stamps = act.get("a").data.stamps
    assert stamps.start_thread == threading.get_ident()
    assert stamps.end_thread == other.ident


def test_span_that_the_sampler_drops(sdk):
    """What is recorded in its place has stamps as well."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    with record(timeout="0s") as act:
        sdk(sampler=ALWAYS_OFF).tracer.start_span("a").end()
    assert act.get("a").data.stamps is not None


def test_span_with_events(sdk):
    """What does not fit into a row keeps its stamps."""
    with record(timeout="0s") as act, sdk().tracer.start_as_current_span("a") as span:
        span.add_event("e")
    assert act.get("a").data.stamps is not None
