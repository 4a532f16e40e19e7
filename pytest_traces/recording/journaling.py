"""The journal: every span of the process, in order of arrival, and who waits for more."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_traces.model import SpanData
from pytest_traces.settings import RECEIVED

if TYPE_CHECKING:
    from pytest_traces.recording import Recording
    from pytest_traces.recording.contract import Part, Source

#: (trace id, span id)
SpanKey = tuple[str, str]
#: What a source puts into the journal: a finished value, or a tuple that begins with the
#: source's name and that only its own decoder reads.
Entry = SpanData | tuple[Any, ...]

_PAST_LIMIT = 100_000


class Arrival(NamedTuple):
    """The entry of a span that another process has sent, which it did after the span's end.

    The journal has them as plain tuples, see :func:`arrival_of`: the collector of garbage visits
    each named one, and lets go of a plain one that has only atoms in it.
    ``owner``: the first number of the recording that it was sent to, and whose it is whenever it
    started; 0 if it was sent to nobody in particular.
    """

    source: str
    end_ns: int | None
    payload: Any
    owner: int
    #: Which of the spans in the payload.
    part: int = 0


def arrival_of(entry: Entry | None) -> Arrival | None:
    """What an entry is, if another process has sent it."""
    if entry is None or isinstance(entry, SpanData) or entry[0] != RECEIVED:
        return None
    return Arrival._make(entry)


class Mark(NamedTuple):
    """A number of the journal, and when it was given."""

    time_ns: int
    number: int


class Clock:
    """Functions kept where libraries that freeze time do not look: they replace globals."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    time_ns = staticmethod(time.time_ns)
    perf_counter_ns = staticmethod(time.perf_counter_ns)
    thread_time_ns = staticmethod(getattr(time, "thread_time_ns", lambda: 0))


class Journal:
    """Every span of the process since the first open recording, numbered in order of arrival."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.windows: list[Recording] = []
        self.sources: dict[str, Source] = {}
        #: The sources, and what else is open with them.
        self.parts: list[Part] = []
        #: How often somebody who waited has been woken.
        self.version = 0
        #: How many wait; sources call :meth:`wake` only if somebody does.
        self.waiters = 0
        self.past = Past()
        #: When which number was given to a border between windows.
        self.marks: list[Mark] = []
        #: What a receiver for several recordings does with each of them when it opens.
        self.attach: Callable[[Recording], None] | None = None
        #: Whether the test that runs uses it; True where no test runs.
        self.uses_servers = True
        #: Called when a recording has opened or closed, or gets spans of forked children.
        self.changed: Callable[[], None] = lambda: None
        self.numbers = itertools.count(1)
        self._condition = threading.Condition()
        self._listeners: list[Callable[[], None]] = []

    def put(self, entry: Entry) -> int:
        """Add an entry and return its number."""
        number = next(self.numbers)
        self.entries[number] = entry
        if self.waiters:
            self.wake()
        return number

    def put_all(self, entries: Sequence[Entry]) -> None:
        """Add entries that come together."""
        self.entries.update(zip(self.numbers, entries, strict=False))
        if self.waiters:
            self.wake()

    def replace(self, number: int, entry: Entry) -> None:
        """Put a later state of the same span in its place; unknown numbers are ignored."""
        if number in self.entries:
            self.entries[number] = entry
        if self.waiters:
            self.wake()

    def wake(self) -> None:
        """Tell everybody who waits that a span has started or ended."""
        with self._condition:
            self.version += 1
            self._condition.notify_all()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def flush(self) -> None:
        """Bring all parts up to date: spans that have ended, clients that cannot be seen."""
        for part in self.parts:
            part.flush()

    def position(self) -> int:
        """A number greater than all so far and less than all to come."""
        self.flush()
        number = next(self.numbers)
        self.marks.append(Mark(Clock.time_ns(), number))
        return number

    def wait(self, ready: Callable[[], bool], timeout_ns: int, poll_ns: int | None = None) -> bool:
        """Wait until ``ready()``; asked again whenever a span starts or ends.

        Where asking takes long, it is asked less often. ``poll_ns`` adds a beat for what
        gives no sign of its own. Returns whether it became ready in time.
        """
        deadline = Clock.monotonic_ns() + timeout_ns
        stop = self.subscribe(lambda: None)
        try:
            while True:
                seen, began = self.version, Clock.monotonic_ns()
                if ready():
                    return True
                now = Clock.monotonic_ns()
                remaining = deadline - now
                if remaining <= 0:
                    return False
                time.sleep(min(remaining, 2 * (now - began)) / 1e9)
                beat = remaining if poll_ns is None else min(remaining, poll_ns)
                with self._condition:
                    if self.version == seen:
                        self._condition.wait(beat / 1e9)
        finally:
            stop()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener at every start and end of a span; returns the way to stop it."""
        with self._condition:
            self.waiters += 1
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._condition:
                if listener in self._listeners:  # not in a forked child, where nobody waits
                    self.waiters -= 1
                    self._listeners.remove(listener)

        return unsubscribe

    def begin_in_child(self) -> None:
        """In a forked child nobody waits, and whoever held the lock is not there to let go."""
        self._condition = threading.Condition()
        self._listeners = []
        self.waiters = 0


class Gone(NamedTuple):
    """An earlier recording: whose it was, and the number of the journal at which it ended."""

    label: str
    end: int


class Past:
    """The ids of spans of earlier recordings; bounded."""

    def __init__(self) -> None:
        self._young: dict[int, Gone] = {}
        self._old: dict[int, Gone] = {}
        self._traces: dict[int, Gone] = {}

    def remember(self, keys: Iterable[int], gone: Gone) -> None:
        """Keep these keys: trace id and span id as one number. The first recording keeps them."""
        if len(self._young) > _PAST_LIMIT:
            self._old, self._young = self._young, {}
        for key in keys:
            if key not in self._young:
                self._young[key] = gone

    def remember_traces(self, traces: Iterable[int], gone: Gone) -> None:
        """Keep the ids of traces that a recording has begun; the first recording keeps them."""
        if len(self._traces) > _PAST_LIMIT:
            self._traces = {}
        for trace in traces:
            self._traces.setdefault(trace, gone)

    def has_trace(self, trace_id: str, first: int) -> bool:
        """Whether a recording that ended before number ``first`` has begun this trace."""
        gone = self._traces.get(int(trace_id, 16)) if self._traces else None
        return gone is not None and gone.end <= first

    def owner(self, key: SpanKey, first: int) -> str | None:
        """The label of the recording that had this span and ended before number ``first``."""
        if not self._young:
            return None
        number = past_key(*key)
        gone = self._young.get(number) or self._old.get(number)
        return gone.label if gone is not None and gone.end <= first else None

    def forget(self) -> None:
        """Drop everything."""
        self._young, self._old, self._traces = {}, {}, {}


def past_key(trace_id: str, span_id: str) -> int:
    """Trace id and span id as one number."""
    return int(trace_id + span_id, 16)


journal = Journal()


def is_open(entry: Entry) -> bool:
    """Whether that span has not ended."""
    return (entry.end_ns if isinstance(entry, SpanData) else entry[1]) is None


def key_of_entry(entry: Entry) -> int | None:
    """Trace id and span id as one number; None where ids are not random."""
    if not isinstance(entry, SpanData):
        return journal.sources[entry[0]].past_key(entry)
    if journal.sources[entry.source].random_ids:
        return past_key(entry.trace_id, entry.span_id)
    return None


def local_traces(
    entries: Mapping[int, Entry], keys: Mapping[int, int | None], outer: Iterable[int]
) -> set[int]:
    """The traces that spans of this process are in, without those of wider fixtures.

    Args:
        entries: those of a recording.
        keys: trace id and span id of its own, as one number each.
        outer: the numbers of what wider fixtures have begun.
    """
    own = {key >> 64 for n, key in keys.items() if key and arrival_of(entries[n]) is None}
    keys_of_outer = (key_of_entry(entries[n]) for n in outer if n in entries)
    return own - {key >> 64 for key in keys_of_outer if key}
