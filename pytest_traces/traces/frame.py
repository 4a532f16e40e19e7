"""Which part of a recording a view looks at, and through which lens."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.forking import Forks
from pytest_traces.forking.child import SupportsSending
from pytest_traces.model import SpanData
from pytest_traces.recording import Recording, SpanKey, journal
from pytest_traces.traces.lens import Step

Bounds = tuple[int | None, int | None]


def _new_shipment() -> SupportsSending:
    from pytest_traces.sources.otlp.shipping import Shipment

    return Shipment()


forks = Forks(journal, _new_shipment)


def pull_all() -> None:
    """Let every watched list be looked at: what it holds belongs to all open recordings."""
    for window in list(journal.windows):
        for pull in list(window.pulls):
            pull()


@dataclass(frozen=True)
class Frame:
    """Which part of a recording is looked at, through which steps, with which time limit."""

    recording: Recording
    steps: tuple[Step, ...]
    timeout_ns: int
    #: ``call`` (all of it, where there are no phases) or ``setup``.
    phase: str = "call"
    since: int = 0
    #: Forests by bounds, each with the state of the recording it was built from.
    built: dict[Bounds, tuple[object, Forest]] = field(default_factory=dict, compare=False)

    def forest(self) -> Forest:
        """The forest of what is looked at, before any step; built once while nothing changes."""
        bounds, recording = self.bounds(), self.recording
        if recording.has_open_entries(*bounds):
            return assemble(*self.window())
        # The size of an open recording is that of the journal, which others share.
        state = recording.is_open, recording.size()
        kept = self.built.get(bounds)
        if kept is None or kept[0] != state:
            kept = self.built[bounds] = (state, assemble(*self.window()))
        return kept[1]

    def window(self) -> tuple[list[SpanData], dict[SpanKey, str]]:
        """The spans that are looked at, and the names of earlier ones of the same recording."""
        first, last = self.bounds()
        spans = self.recording.look(first, last).spans
        if first is None:
            return spans, {}
        earlier = self.recording.look(None, first).spans
        return spans, {(span.trace_id, span.span_id): span.name for span in earlier}

    def bounds(self) -> Bounds:
        """The first and the last number of the journal that are looked at."""
        call = self.recording.call
        if self.phase == "setup":
            if call is None and self.recording.label is None:
                return None, 0  # a block of record() has none
            return None, (call[0] if call else None)
        first, last = call or (self.since, None)
        return max(first, self.since) or None, last
