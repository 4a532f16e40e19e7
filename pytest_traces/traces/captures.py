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
from pytest_traces.traces.frame import Frame, forks
from pytest_traces.traces.linking import unlinked_capture


def captures_of(
    frame: Frame, data: Sequence[SpanData], still_open: Sequence[Span]
) -> list[Capture]:
    """Everything there is to say about what was captured.

    Args:
        frame: what is looked at.
        data: the spans in it, before any step.
        still_open: those of them that are waited for.
    """
    recording = frame.recording
    counts = Counter(span.source for span in data)
    found = (_of_source(source, recording, counts) for source in journal.sources.values())
    captures = [capture for capture in found if capture is not None]
    if recording.receiver is not None and not counts[RECEIVED]:  # then that is the question
        captures = [
            one if one.title == RECEIVED.upper() else one._replace(hint=None) for one in captures
        ]
    captures += [one for one in [unlinked_capture(frame)] if one is not None]
    captures += _of_other_times(frame)
    for step in frame.steps:
        hidden = [span for span in frame.forest().spans if step.drops(span)]
        if hidden:
            captures.append(Capture("left out", f"{summary(hidden)}, by {step.title}"))
    if recording.saw_fork(forks):
        state = f"forked {forks.when(recording)}; its spans are not here"
        captures.append(Capture("a child process", state))
    if still_open and recording.is_open and frame.timeout_ns:
        state = f"up to {duration(frame.timeout_ns)} for open spans"
        captures.append(Capture("waited", state))
    return captures


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
