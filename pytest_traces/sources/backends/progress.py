"""Whether a trace that still comes in is complete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pytest_traces.model import SpanData
from pytest_traces.recording import SpanKey


@dataclass
class Progress:
    """What is known of a trace while a backend is asked for it again and again.

    Attributes:
        wanted: how many spans make it complete; None: as many as come.
        quiet_ns: for how long nothing may have changed, where no number is known.
        known: the keys of spans that are recorded here, which may be parents.
        spans: of the last answer that had any.
        missing: those of them whose parent is not there.
        changed_ns: when they changed last, by the clock of whoever asks.
    """

    wanted: int | None
    quiet_ns: int
    known: Callable[[], Collection[SpanKey]] = tuple
    spans: Sequence[SpanData] = ()
    missing: Sequence[SpanData] = ()
    changed_ns: int = 0
    _state: frozenset[tuple[str, str, str, int | None]] = field(default=frozenset())

    def see(self, spans: Sequence[SpanData], now_ns: int) -> bool:
        """Take note of an answer; returns whether the trace is complete.

        A trace is complete when it has the wanted number of spans. Where no number is known, it
        is when no parent is missing and nothing has changed from one answer to another.
        """
        state = frozenset((s.trace_id, s.span_id, s.kind, s.end_ns) for s in spans)
        is_same = state == self._state
        if not is_same:
            self._state, self.changed_ns = state, now_ns
        self.spans = spans
        self.missing = _without_parent(spans, self.known())
        if self.wanted is not None:
            return len({one[:3] for one in state}) >= self.wanted
        is_quiet = is_same and now_ns - self.changed_ns >= self.quiet_ns
        return bool(spans) and not self.missing and is_quiet


def _without_parent(spans: Sequence[SpanData], known: Collection[SpanKey]) -> Sequence[SpanData]:
    keys = {(span.trace_id, span.span_id) for span in spans}.union(known)
    return [
        span
        for span in spans
        if span.parent_id is not None and (span.trace_id, span.parent_id) not in keys
    ]
