"""What was captured: each source and why not, and what was kept back by which setting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_traces.assembly import assemble
from pytest_traces.forest import Span
from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, Source, journal
from pytest_traces.report.rows import summary
from pytest_traces.report.words import duration, listed, plural, quoted
from pytest_traces.settings import LOADED, PLAYED, RECEIVED
from pytest_traces.sources.otlp import LOST
from pytest_traces.traces.frame import Frame, forks
from pytest_traces.traces.hearing import SETTLE, is_unheard
from pytest_traces.traces.linking import unlinked_capture

ASK_BEFORE_FORK = "ask for traces.receiver first: forked children then send their spans here"

#: What may be so where nothing has come, and how to wait longer then.
LATE = "if it sends them late (each 5 s, without OTEL_BSP_SCHEDULE_DELAY of the receiver's env): "
_LONGER = 'traces.eventually("10s"), or traces_timeout = 10s'
#: The end of a block has no such view.
LONGER_IN_BLOCK = 'traces_timeout = 10s, or in the block traces.eventually("10s").get(...)'


def captures_of(
    frame: Frame, data: Sequence[SpanData], still_open: Sequence[Span], longer: str = _LONGER
) -> list[Capture]:
    """Everything there is to say about what was captured.

    Args:
        frame: what is looked at.
        data: the spans in it, before any step.
        still_open: those of them that are waited for.
        longer: how to wait longer for spans of other processes.
    """
    recording = frame.recording
    counts = Counter(span.source for span in data)
    found = (_of_source(source, recording, counts) for source in journal.sources.values())
    captures = [capture for capture in found if capture is not None]
    if recording.receiver is not None and not counts[RECEIVED]:  # then that is the question
        captures = [
            one if one.title == RECEIVED.upper() else one._replace(hint=None) for one in captures
        ]
    if is_unheard(recording):
        captures = [_to_be_awaited(one) for one in captures]
    elif recording.is_silent is not None and recording.is_open:
        captures = [_perhaps_late(one, longer) for one in captures]
    is_forked = recording.saw_fork(forks)
    if is_forked:  # then that is
        captures = [one._replace(hint=None) for one in captures]
    captures += [one for one in [unlinked_capture(frame)] if one is not None]
    captures += _of_other_times(frame)
    for step in frame.steps:
        hidden = [span for span in frame.forest().spans if step.drops(span)]
        if hidden:
            captures.append(Capture("left out", f"{summary(hidden)}, by {step.title}"))
    if is_forked:
        state = f"forked {forks.when(recording)}; its spans are not here"
        captures.append(Capture("a child process", state, hint=ASK_BEFORE_FORK))
    if still_open and recording.is_open and frame.timeout_ns:
        state = f"up to {duration(frame.timeout_ns)} for open spans"
        captures.append(Capture("waited", state))
    return captures


def _to_be_awaited(capture: Capture) -> Capture:
    """What others did not send may still come, unless there is a remark that says why not."""
    if capture.title != RECEIVED.upper():
        return capture._replace(hint=None)
    return capture if capture.notes and not capture.hint else capture._replace(hint=SETTLE)


def _perhaps_late(capture: Capture, longer: str) -> Capture:
    """One of the reasons for which others did not send anything is that they do so later."""
    if capture.title != RECEIVED.upper() or not capture.hint or LOST in capture.notes:
        return capture
    return capture._replace(hint=f"{capture.hint}. {LATE[0].upper()}{LATE[1:]}{longer}")


def _of_source(source: Source, recording: Recording, counts: Counter[str]) -> Capture | None:
    """What one source says of itself; None where there is nothing to say."""
    count = counts[source.name]
    if source.name in {PLAYED, LOADED}:
        is_used = count or source.name in recording.remarks
        return source.captured(recording, count) if is_used else None
    if source.name not in recording.settings.sources:
        left_out = Capture(source.name, "left out by traces_sources")
        return None if source.is_idle() else left_out
    capture = source.captured(recording, count)
    # How to get spans from a library is no news to those who have some; a receiver was asked for.
    if not count and counts and source.name != RECEIVED:
        capture = capture._replace(hint=None)
    return capture if capture.state else None


def _of_other_times(frame: Frame) -> list[Capture]:
    """The spans of the set-up, and those of earlier tests."""
    recording, found = frame.recording, []
    if recording.call is not None and frame.phase != "setup":
        setup = assemble(recording.look(None, recording.call[0]).spans).spans
        if setup:
            phase = "before the test's own code ran (traces.setup)"
            count, _, names = summary(setup).partition(": ")
            found.append(Capture("set-up", f"{count}, {phase}: {names}"))
    late = recording.look().late
    if late:
        names = listed(f"{quoted(name)} of {owner}" for name, owner in dict.fromkeys(late))
        found.append(Capture("earlier tests", f"{plural(len(late), 'late span')}: {names}"))
    return found
