"""One window of capture.

All spans of the process go into one journal, in order of arrival. A recording is a window
of that journal: opening one notes a position, and nothing is stored twice however many are
open. Threads do not inherit context variables, so every open recording receives every span
that starts while it is open.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pytest_traces.model import SpanData
from pytest_traces.recording.attempt import Attempt as Attempt
from pytest_traces.recording.contract import Capture as Capture
from pytest_traces.recording.contract import Part as Part
from pytest_traces.recording.contract import SharesContext as SharesContext
from pytest_traces.recording.contract import Source as Source
from pytest_traces.recording.contract import SupportsLostSpans as SupportsLostSpans
from pytest_traces.recording.contract import begin, run
from pytest_traces.recording.journaling import Arrival as Arrival
from pytest_traces.recording.journaling import Clock as Clock
from pytest_traces.recording.journaling import Entry as Entry
from pytest_traces.recording.journaling import Gone, Mark, key_of_entry, local_traces
from pytest_traces.recording.journaling import Journal as Journal
from pytest_traces.recording.journaling import Past as Past
from pytest_traces.recording.journaling import SpanKey as SpanKey
from pytest_traces.recording.journaling import arrival_of as arrival_of
from pytest_traces.recording.journaling import is_open as is_open
from pytest_traces.recording.journaling import journal as journal
from pytest_traces.recording.journaling import past_key as past_key
from pytest_traces.recording.traffic import Exchange as Exchange
from pytest_traces.recording.traffic import Traffic
from pytest_traces.settings import LOADED, PLAYED, Settings


class Seen(NamedTuple):
    """The spans of a recording, and those that were hidden from it."""

    spans: list[SpanData]
    #: name and earlier test of each late span
    late: list[tuple[str, str]]


class Recording(Traffic):
    """One window of capture."""

    def __init__(self, settings: Settings, label: str | None = None) -> None:
        super().__init__(settings)
        #: The test it belongs to; None for a block of ``record()``.
        self.label = label
        self.first = 0
        #: The same of the test that it is part of.
        self.test_first = 0
        self.call: tuple[int, int | None] | None = None
        self.process = os.getpid()
        #: The spans that were current where it was opened: whatever they are, parents.
        self.around: set[SpanKey] = set()
        #: The remote parents that were left there by whoever was served before, with the source
        #: whose spans they are parents of: what others begin below them is late all the same.
        self.continued: set[tuple[str, SpanKey]] = set()
        self.opened_ns = 0
        #: What a source or a tap could not read: every assertion reports these.
        self.problems: list[str] = []
        #: Numbers of entries that another recording wanted and this one does not.
        self.left_out: set[int] = set()
        #: Remarks of sources by topic, each with how often it came up.
        self.remarks: dict[str, dict[str, int]] = {}
        #: Called before each look, for what gives no sign of its own.
        self.pulls: list[Callable[[], None]] = []
        #: Called at the end, in reverse order; what they return are faults of the test.
        self.endings: list[Callable[[], str | None]] = []
        #: What the report should say beside the verdict of an assertion that holds.
        self.notes: list[str] = []
        #: Whether events of the interpreter are counted while it is open.
        self.counts_work = False
        self.began_work = False  # for its call, and to be ended with it
        #: The spans whose counted work somebody asserts on.
        self.worked: set[SpanKey] = set()
        #: The runs of its test; a recording without one is all that there is.
        self.attempt = Attempt()
        self._frozen: dict[int, Entry] | None = None
        self._has_open_frozen = False
        self._decoded: dict[int, SpanData] = {}
        self._marks: list[Mark] | None = None
        self._looks: dict[tuple[int | None, int | None], tuple[object, Seen]] = {}

    @property
    def is_open(self) -> bool:
        """Whether spans still arrive."""
        return self in journal.windows

    def open(self, sources: Mapping[str, Source], parts: Sequence[Part] = ()) -> None:
        """Begin; the first recording of the process opens the sources, and the parts beside."""
        self.opened_ns = Clock.time_ns()
        self.first = self.test_first = journal.position()
        if self.label is None:
            tests = [one.first for one in journal.windows if one.label is not None]
            self.test_first = max(tests, default=self.first)
        if not journal.windows:
            del journal.marks[:-1]
            journal.sources = dict(sources)
            journal.parts = [*sources.values(), *parts]
            begin(journal.parts)
        journal.windows.append(self)
        if journal.attach is not None:
            journal.attach(self)
        journal.changed()
        current = (source.current() for source in journal.sources.values())
        self.around = {key for key in current if key is not None}
        self.continued = {
            (source.name, key)
            for source in journal.sources.values()
            if isinstance(source, SharesContext) and (key := source.continued()) is not None
        }

    def close(self) -> list[str]:
        """End: nothing more arrives, open spans are copied as they are, sources are restored.

        Returns what the endings complain about. Closing twice does nothing.
        """
        if not self.is_open:
            return []
        faults: list[str] = []
        try:
            faults += run(self.endings)
            journal.flush()
        finally:
            journal.windows.remove(self)
            journal.changed()
            try:
                self._freeze()
            finally:
                if not journal.windows:
                    faults += run([part.close for part in journal.parts])
        return faults

    def _freeze(self) -> None:
        last = journal.position()
        self._marks = list(journal.marks)
        # What is answered later is of no interest to a recording that is over.
        self.requests = [Exchange(journal, one.data) for one in self.requests]
        if journal.windows:
            entries = list(journal.entries.items())
            entries = [(n, e) for n, e in entries if self.first <= n < last]
        else:
            kept, journal.entries = journal.entries, {}
            entries = list(kept.items())
        fixtures = self._open_in_setup(entries)
        self._frozen = {}
        for number, entry in entries:
            frozen = self._decode(number, entry) if is_open(entry) else entry
            if frozen is not None:
                self._frozen[number] = frozen
        self._has_open_frozen = any(is_open(entry) for entry in self._frozen.values())
        if self.label is not None or not journal.windows:
            keys = {n: key_of_entry(e) for n, e in self._frozen.items() if n not in fixtures}
            gone = Gone(self.label or "an earlier recording", last)
            journal.past.remember((key for key in keys.values() if key is not None), gone)
            if journal.attach is not None:
                journal.past.remember_traces(local_traces(self._frozen, keys, fixtures), gone)

    def _open_in_setup(self, entries: list[tuple[int, Entry]]) -> set[int]:
        """What began before the test's own code and is open even now: a wider fixture has it."""
        if self.label is None:
            return set()
        begin = self.call[0] if self.call is not None else journal.position()
        return {number for number, entry in entries if number < begin and is_open(entry)}

    def look(self, first: int | None = None, last: int | None = None) -> Seen:
        """The spans of this recording's window, or of a part of it, without late ones."""
        if self.has_open_entries():
            return self._look(first, last)
        # What has ended stays as it is: as many spans are the same spans.
        state, kept = (self.is_open, self.size()), self._looks.get((first, last))
        if kept is None or kept[0] != state:
            kept = self._looks[first, last] = (state, self._look(first, last))
        return kept[1]

    def _look(self, first: int | None, last: int | None) -> Seen:
        spans = self._placed()
        ids = {(span.trace_id, span.span_id) for _, span in spans}
        excluded: set[SpanKey] = set()
        hidden: dict[SpanKey, str] = {}
        seen = Seen([], [])
        for number, recorded in spans:
            key, span = (recorded.trace_id, recorded.span_id), recorded
            if span.scope in journal.sources[span.source].excluded_scopes:
                excluded.add(key)
                continue
            if (span.trace_id, span.parent_id or "") in excluded:
                span = span._replace(parent_id=None, remote_parent=False)
            owner = self._late_owner(span, ids, hidden)
            if owner is not None:
                hidden[key] = owner
                seen.late.append((span.name, owner))
            elif (first is None or number >= first) and (last is None or number < last):
                seen.spans.append(span)
        return seen

    def _placed(self) -> list[tuple[int, SpanData]]:
        """The spans where they belong, with what was reported of them."""
        from pytest_traces.recording.arrivals import Border, placed, told

        marks = journal.marks if self._marks is None else self._marks
        earlier = partial(journal.past.has_trace, first=self.first)
        border = Border(self.first, marks, self.takes_strays, self.test_first, earlier)
        spans = placed(list(self._read()), self._entries(), border)
        return told(spans, self.errors_between())

    def has_open_entries(self, first: int | None = None, last: int | None = None) -> bool:
        """Whether a span of this window, or of a part of it, has not ended.

        Asked several times by each assertion, so that where nothing is open it makes no call
        and no tuple for each entry: many tuples set off the collector of garbage.
        """
        self._catch_up()
        if self._frozen is not None and not self._has_open_frozen:
            return False
        entries, low, high = self._entries(), max(first or 0, self.first), last
        every = list(entries.values())
        return None in [e.end_ns if isinstance(e, SpanData) else e[1] for e in every] and any(
            is_open(entry)
            for number, entry in list(entries.items())
            if number >= low and (high is None or number < high) and number not in self.left_out
        )

    def size(self) -> int:
        """How many entries there are; the same number of ended ones are the same spans."""
        return len(self._entries()) + len(self.errors)

    def saw_fork(self, forks: SupportsLostSpans) -> bool:
        """Whether spans of this recording are in a forked child."""
        return forks.lost_spans(self)

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
        end = max(entries, default=0) + 1
        numbers = range(self.first, end) if end - self.first < 2 * len(entries) else sorted(entries)
        for number in numbers:
            entry = entries.get(number)
            if entry is None or number < self.first or number in self.left_out:
                continue
            span = self._decoded.get(number) or self._decode(number, entry)
            if span is not None and span.source in (*self.settings.sources, PLAYED, LOADED):
                yield number, span

    def _decode(self, number: int, entry: Entry) -> SpanData | None:
        if isinstance(entry, SpanData):
            return entry
        try:
            span = journal.sources[entry[0]].decode(entry)
        except Exception as error:  # noqa: BLE001  # a source may stumble over anything
            problem = f"a span of {entry[0]} cannot be read: {type(error).__name__}: {error}"
            if problem not in self.problems:
                self.problems.append(problem)
            return None
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
        if parent in ids or parent in self.around or (span.source, parent) in self.continued:
            return None
        if not journal.sources[span.source].random_ids:
            return None
        return journal.past.owner(parent, self.first)
