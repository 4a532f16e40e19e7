"""Whether other processes may still send spans, as far as a recording can tell."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pytest_traces.forest import Span
from pytest_traces.recording import Clock, Recording, SpanKey, journal
from pytest_traces.settings import RECEIVED
from pytest_traces.traces import loops
from pytest_traces.traces.frame import Frame

#: What to do where nothing may wait.
SETTLE = (
    "an event loop runs in this thread, so an assertion cannot wait: "
    'first await traces.settled("2s")'
)

#: How the names of our own threads begin: they bring spans only to who has asked for them.
_OWN_THREADS = "pytest-traces receiver"


def may_come(recording: Recording) -> bool:
    """Whether anything may: the recording is open, and somebody else is running or may send."""
    if not recording.is_open:
        return False
    if any(one.receiver is not None for one in journal.windows) or hears_servers(recording):
        return True
    here = threading.current_thread()
    return any(
        one is not here and not one.name.startswith(_OWN_THREADS) for one in threading.enumerate()
    )


def hears_servers(recording: Recording) -> bool:
    """Whether servers that outlive a test may have something to do with this recording.

    They do if its test uses their receiver, or if it has sent a request over the network.
    """
    if journal.attach is None:
        return False
    return recording.takes_strays or any(
        one.data.role == "outgoing" and one.data.through is None for one in recording.requests
    )


def silence(recording: Recording, *, blocked: bool) -> Callable[[], bool]:
    """Gives whether other processes are silent, counted from now.

    Args:
        recording: what is looked at.
        blocked: nothing may wait; then it is counted from the last request that was sent.
    """
    asked = [one.is_silent for one in journal.windows if one.is_silent is not None]
    if not asked or not recording.is_open:
        return lambda: True
    began = Clock.monotonic_ns()
    if blocked:
        began -= Clock.time_ns() - _last_request(recording)
    return lambda: all(is_silent(began) for is_silent in asked)


def hears_others(recording: Recording) -> bool:
    """Whether other processes may send it spans at all."""
    return not silence(recording, blocked=False)()  # nobody who may has been silent since now


def is_unheard(recording: Recording) -> bool:
    """Whether other processes may have spans for it that nobody could wait for.

    An event loop runs in this thread, and nobody has awaited them since the last request.
    """
    is_awaited = recording.awaited_ns > _last_request(recording)
    return not is_awaited and loops.is_running() and hears_others(recording)


def note_awaited() -> None:
    """Whatever other processes had to tell has been awaited."""
    for window in journal.windows:
        window.awaited_ns = Clock.time_ns()


def _last_request(recording: Recording) -> int:
    data = (one.data for one in list(recording.requests))
    return max((one.end_ns or one.start_ns for one in data), default=0)


def missing_parents(frame: Frame) -> set[SpanKey]:
    """The parents of what another process has sent that nobody has, and that may still come."""
    if all(one.is_silent is None for one in journal.windows):
        return set()
    return {_parent_of(span) for span in _orphans(frame)} - frame.recording.given_up


def cut_off(frame: Frame) -> list[Span]:
    """Received spans whose parent is one of their own process, and is not there."""
    return [
        span
        for span in _orphans(frame)
        if not span.remote_parent and span.kind not in ("server", "consumer")
    ]


def _orphans(frame: Frame) -> list[Span]:
    found = [
        span
        for span in frame.forest().spans
        if span.source == RECEIVED
        and span.parent is None
        and span.parent_id is not None
        and span.outside_parent is None
    ]
    if not found:
        return []
    known = {(one.trace_id, one.span_id) for w in journal.windows for one in w.look().spans}
    first = frame.recording.first
    keys = {_parent_of(span) for span in found} - known
    missing = {key for key in keys if journal.past.owner(key, first) is None}
    return [span for span in found if _parent_of(span) in missing]


def _parent_of(span: Span) -> SpanKey:
    return span.trace_id, span.parent_id or ""
