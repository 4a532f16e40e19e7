"""One window of capture, and the contract that every source keeps.

All spans of the process go into one journal, in order of arrival. A recording is a window
of that journal: opening one notes a position, and nothing is stored twice however many are
open. Threads do not inherit context variables, so every open recording receives every span
that starts while it is open.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from pytest_traces.model import SpanData
from pytest_traces.settings import Settings

#: (trace id, span id)
SpanKey = tuple[str, str]
#: What a source puts into the journal: a finished value, or a tuple that begins with the
#: source's name and that only its own decoder reads.
Entry = SpanData | tuple[Any, ...]

_PAST_LIMIT = 100_000


class Clock:
    """Functions kept where libraries that freeze time do not look: they replace globals."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    time_ns = staticmethod(time.time_ns)


class Capture(NamedTuple):
    """What one source has to say about a recording, for "what was captured"."""

    title: str
    state: str
    notes: tuple[str, ...] = ()
    hint: str | None = None


class Source(Protocol):
    """The contract between a library that emits spans and the rest of this package."""

    name: str
    #: Ids are random, so a parent id that belongs to an earlier test proves a late span.
    random_ids: bool
    #: Scopes whose spans are left out, also as parents.
    excluded_scopes: frozenset[str]

    def open(self) -> None:
        """Begin to put spans into the journal; called when the first recording opens."""

    def close(self) -> None:
        """Stop, and restore what was changed; called when the last recording has closed."""

    def current(self) -> SpanKey | None:
        """The span that is current in the calling context."""

    def suppressed(self) -> bool:
        """Whether the calling context tells instrumentation to keep silent."""

    def flush(self) -> None:
        """Bring the journal up to date: entries of spans that have ended since say so."""

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of an ended span's entry as one number, without decoding it."""

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read one of this source's journal entries."""

    def captured(self, recording: Recording, spans: int) -> Capture:
        """Say whether and how this source captured, and why perhaps not."""


class SupportsLostSpans(Protocol):
    """Knows whether a forked child took spans with it."""

    def lost_spans(self) -> bool:
        """Whether it did."""


class Journal:
    """Every span of the process since the first open recording, numbered in order of arrival."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.windows: list[Recording] = []
        self.sources: dict[str, Source] = {}
        #: How often somebody who waited has been woken.
        self.version = 0
        #: How many wait; sources call :meth:`wake` only if somebody does.
        self.waiters = 0
        self.past = Past()
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
        """Bring the entries of all sources up to date."""
        for source in self.sources.values():
            source.flush()

    def position(self) -> int:
        """A number greater than all so far and less than all to come."""
        return next(self.numbers)

    def wait(self, ready: Callable[[], bool], timeout_ns: int, poll_ns: int | None = None) -> bool:
        """Wait until ``ready()``; asked again whenever a span starts or ends.

        Where asking takes long, it is asked less often. ``poll_ns`` adds a beat for what
        gives no sign of its own. Returns whether it became ready in time.
        """
        deadline = Clock.monotonic_ns() + timeout_ns
        with self._listening():
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

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener at every start and end of a span; returns the way to stop it."""
        with self._condition:
            self.waiters += 1
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._condition:
                self.waiters -= 1
                self._listeners.remove(listener)

        return unsubscribe

    def _listening(self) -> _Waiter:
        return _Waiter(self)


class _Waiter:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        with self._journal._condition:
            self._journal.waiters += 1

    def __exit__(self, *_: object) -> None:
        with self._journal._condition:
            self._journal.waiters -= 1


class Past:
    """The ids of spans of earlier recordings, each with its recording's label; bounded."""

    def __init__(self) -> None:
        self._young: dict[int, str] = {}
        self._old: dict[int, str] = {}

    def remember(self, keys: Iterable[int], label: str) -> None:
        """Keep these keys: trace id and span id as one number."""
        if len(self._young) > _PAST_LIMIT:
            self._old, self._young = self._young, {}
        self._young.update(dict.fromkeys(keys, label))

    def owner(self, key: SpanKey) -> str | None:
        """The label of the earlier recording that had this span."""
        if not self._young:
            return None
        number = past_key(*key)
        return self._young.get(number) or self._old.get(number)

    def forget(self) -> None:
        """Drop everything."""
        self._young, self._old = {}, {}


def past_key(trace_id: str, span_id: str) -> int:
    """Trace id and span id as one number."""
    return int(trace_id + span_id, 16)


journal = Journal()


class Seen(NamedTuple):
    """The spans of a recording, and those that were hidden from it."""

    spans: list[SpanData]
    #: name and earlier test of each late span
    late: list[tuple[str, str]]


class Recording:
    """One window of capture."""

    def __init__(self, settings: Settings, label: str | None = None) -> None:
        self.settings = settings
        #: The test it belongs to; None for a block of ``record()``.
        self.label = label
        self.first = 0
        self.call: tuple[int, int | None] | None = None
        self.process = os.getpid()
        self.opened_ns = 0
        self.lost_in_fork = False
        #: What a source or a tap could not read: every assertion reports these.
        self.problems: list[str] = []
        #: Remarks of sources by topic, each with how often it came up.
        self.remarks: dict[str, dict[str, int]] = {}
        #: Called before each look, for what gives no sign of its own.
        self.pulls: list[Callable[[], None]] = []
        #: Called at the end, in reverse order; what they return are faults of the test.
        self.endings: list[Callable[[], str | None]] = []
        self._frozen: dict[int, Entry] | None = None
        self._decoded: dict[int, SpanData] = {}

    @property
    def is_open(self) -> bool:
        """Whether spans still arrive."""
        return self in journal.windows

    def open(self, sources: Mapping[str, Source]) -> None:
        """Begin; the first recording of the process opens the sources."""
        self.opened_ns = Clock.time_ns()
        self.first = journal.position()
        if not journal.windows:
            journal.sources = dict(sources)
            opened: list[Source] = []
            try:
                for source in journal.sources.values():
                    opened.append(source)
                    source.open()
            except BaseException:
                for source in reversed(opened):
                    source.close()
                raise
        journal.windows.append(self)

    def close(self) -> list[str]:
        """End: nothing more arrives, open spans are copied as they are, sources are restored.

        Returns what the endings complain about. Closing twice does nothing.
        """
        if not self.is_open:
            return []
        faults = self._run_endings()
        journal.flush()
        journal.windows.remove(self)
        last = journal.position()
        if journal.windows:
            window = {n: e for n, e in list(journal.entries.items()) if self.first <= n < last}
        else:
            window, journal.entries = journal.entries, {}
        for number, entry in window.items():
            if _is_open(entry):
                window[number] = self._decode(number, entry)
        self._frozen = window
        if self.label is not None or not journal.windows:
            self._leave_ids(window.values())
        if not journal.windows:
            for source in reversed(journal.sources.values()):
                source.close()
        return faults

    def look(self, first: int | None = None, last: int | None = None) -> Seen:
        """The spans of this recording's window, or of a part of it, without late ones."""
        self._catch_up()
        spans = list(self._read())
        ids = {(span.trace_id, span.span_id) for _, span in spans}
        excluded: set[SpanKey] = set()
        hidden: dict[SpanKey, str] = {}
        seen = Seen([], [])
        for number, span in spans:
            key, parent = (span.trace_id, span.span_id), (span.trace_id, span.parent_id or "")
            if span.scope is not None:
                if span.scope in journal.sources[span.source].excluded_scopes:
                    excluded.add(key)
                    continue
            if parent in excluded:
                span = span._replace(parent_id=None, remote_parent=False)
            owner = self._late_owner(span, ids, hidden)
            if owner is not None:
                hidden[key] = owner
                seen.late.append((span.name, owner))
            elif (first is None or number >= first) and (last is None or number < last):
                seen.spans.append(span)
        return seen

    def has_open_entries(self, first: int | None = None, last: int | None = None) -> bool:
        """Whether a span of this window, or of a part of it, has not ended."""
        self._catch_up()
        low, high = max(first or 0, self.first), last
        return any(
            _is_open(entry)
            for number, entry in list(self._entries().items())
            if number >= low and (high is None or number < high)
        )

    def saw_fork(self, forks: SupportsLostSpans) -> bool:
        """Whether spans of this recording are in a forked child; remembered after the end."""
        if self.is_open and forks.lost_spans():
            self.lost_in_fork = True
        return self.lost_in_fork

    def _catch_up(self) -> None:
        if self.is_open:
            for pull in self.pulls:
                pull()
            journal.flush()

    def _entries(self) -> dict[int, Entry]:
        return journal.entries if self._frozen is None else self._frozen

    def remark(self, topic: str, text: str) -> None:
        """Count a remark of a source, for "what was captured"."""
        counts = self.remarks.setdefault(topic, {})
        counts[text] = counts.get(text, 0) + 1

    def _read(self) -> Iterator[tuple[int, SpanData]]:
        entries = self._entries()
        end = journal.position()
        numbers = (
            range(self.first, end) if end - self.first < 2 * len(entries) else sorted(entries)
        )
        for number in numbers:
            entry = entries.get(number)
            if entry is None or number < self.first:
                continue
            span = self._decoded.get(number) or self._decode(number, entry)
            if span.source in self.settings.sources:
                yield number, span

    def _decode(self, number: int, entry: Entry) -> SpanData:
        if isinstance(entry, SpanData):
            return entry
        span = journal.sources[entry[0]].decode(entry)
        if span.end_ns is not None:
            self._decoded[number] = span
        return span

    def _late_owner(
        self, span: SpanData, ids: set[SpanKey], hidden: dict[SpanKey, str]
    ) -> str | None:
        if span.parent_id is None:
            return None
        parent = (span.trace_id, span.parent_id)
        if parent in hidden:
            return hidden[parent]
        if parent in ids or not journal.sources[span.source].random_ids:
            return None
        return journal.past.owner(parent)

    def _leave_ids(self, entries: Iterable[Entry]) -> None:
        keys = []
        for entry in entries:
            if not isinstance(entry, SpanData):
                keys.append(journal.sources[entry[0]].past_key(entry))
            elif journal.sources[entry.source].random_ids:
                keys.append(past_key(entry.trace_id, entry.span_id))
        journal.past.remember(keys, self.label or "an earlier recording")

    def _run_endings(self) -> list[str]:
        faults = []
        while self.endings:
            try:
                fault = self.endings.pop()()
            except Exception as error:
                fault = f"could not undo a hook: {type(error).__name__}: {error}"
            if fault is not None:
                faults.append(fault)
        return faults


def _is_open(entry: Entry) -> bool:
    if isinstance(entry, SpanData):
        return entry.end_ns is None
    return entry[1] is None
