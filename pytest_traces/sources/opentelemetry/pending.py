"""Spans on their way from the hooks into the journal."""

from __future__ import annotations

import os
import threading
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.opentelemetry.records import (
    SOURCE,
    Beginning,
    End,
    Records,
    is_record,
)

_UNSEEN = 1_000
# Up to so many spans it is cheapest to keep them as they are. Of more, the garbage collector
# would visit each over and over: then a few at a time, so few that it need not begin.
_FIRST_BATCH = 2_000
_BATCH = 32
# What the list of ended spans has of each: the span, two clocks, the thread.
_END = 4
# Of each start: the span and two clocks.
_START = 3

Ends = dict[int, End]


class Pending:
    """What the hooks have seen and nobody has looked at yet.

    The hooks run in the application's own code, so all they do is to append: a start to the
    list of its thread, an end to :attr:`ended`. Numbers are given in :meth:`drain`: when
    somebody looks, or when a batch is full. Between threads their order says nothing; spans
    are ordered by their start times.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.records = Records()
        #: ``local.keep((span, ticks, cpu))`` notes a start; :meth:`begin_thread` gives a thread
        #: its own. Ticks are 0 where the span has a time that the application chose.
        self.local = threading.local()
        #: Spans in order of their ends, each followed by ticks, CPU time and thread; some of them
        #: twice, some not taken at their start.
        self.ended: list[Any] = []
        #: With more than so many in :attr:`ended` it is time to drain.
        self.limit = _FIRST_BATCH * _END
        self._threads: list[tuple[threading.Thread, list[Any]]] = []
        # id(span) -> its number in the journal, which keeps the span alive while it is open.
        self._open: dict[int, int] = {}
        # Those that have ended, in tuples of atoms, until somebody looks.
        self._rows: list[tuple[Any, ...]] = []
        self._unseen: list[Any] = []
        self._lock = threading.RLock()
        self._process = os.getpid()

    def begin_thread(self) -> None:
        """Give the calling thread a list of its own."""
        self._leave_dead_threads()
        started: list[Any] = []
        self._threads.append((threading.current_thread(), started))
        self.local.keep = started.extend

    def put(self, span: Any, ticks: int, cpu: int) -> int:
        """Enter this span at once, and return its number in the journal."""
        self.drain()
        number = next(self._journal.numbers)
        self._enter(span, number, Beginning(threading.current_thread(), ticks, cpu), None)
        return number

    def drain_batch(self) -> None:
        """Let go of the spans that have ended, in the application's own time."""
        self.limit = _BATCH * _END
        if self._lock.acquire(blocking=False):  # else somebody else is doing it
            try:
                self._write()
            finally:
                self._lock.release()

    def drain(self) -> None:
        """Bring the journal up to date."""
        if self._process != os.getpid():  # in a forked child whoever held it is not there
            self._lock, self._process = threading.RLock(), os.getpid()
        with self._lock:
            self._write()
            rows, self._rows = self._rows, []
            for some in rows:
                self._journal.entries.update(self.records.entries(some))

    def remark_unseen(self) -> None:
        """Tell the recordings of spans that ended in them and never came by at their start."""
        if not self._unseen:
            return
        unseen, self._unseen = self._unseen, []
        entries = self._journal.entries
        known = {self.records.key(entry) for entry in list(entries.values()) if is_record(entry)}
        for span in unseen:
            context = span.get_span_context()
            if (context.trace_id, context.span_id) in known:  # its second end
                continue
            for window in self._journal.windows:
                if span.start_time is not None and span.start_time >= window.opened_ns:
                    window.remark("bound", span.name)

    def forget(self) -> None:
        """Let go of spans that are still open: their recordings have copied them."""
        self.limit = _FIRST_BATCH * _END
        self._open.clear()
        self.ended.clear()
        self._unseen.clear()
        self._rows.clear()
        for _, spans in self._threads:
            spans.clear()
        self._leave_dead_threads()

    def _leave_dead_threads(self) -> None:
        for one in list(self._threads):
            thread, spans = one
            if not thread.is_alive() and not spans:
                self._threads.remove(one)  # others may be added meanwhile

    def _write(self) -> None:
        """Ended spans become rows, others entries of the journal."""
        flat = _taken(self.ended)  # before the starts, which are sure to be there then
        batches = [(thread, _taken(spans)) for thread, spans in list(self._threads) if spans]
        ends = _by_span(flat)
        rows: list[Any] = []
        known = self._write_reopened(flat[::_END], ends, rows) if self._open else 0
        row, numbers = self.records.row, self._journal.numbers
        for thread, spans in batches:
            starts = iter(spans)
            # The numbers last, so that none is wasted.
            for span, ticks, cpu, number in zip(starts, starts, starts, numbers, strict=False):
                begin, end = Beginning(thread, ticks, cpu), ends.get(id(span))
                try:
                    if span._end_time is not None:
                        known += 1
                        rows += row(span, number, begin, end)
                        continue
                except Exception:  # noqa: BLE001  # the application must not notice
                    pass
                self._enter(span, number, begin, end)
        if rows:
            self._rows.append(tuple(rows))
        if known < len(flat) // _END:
            taken = {id(span) for _, spans in batches for span in spans[::_START]}
            self._unseen += [span for span in flat[::_END] if id(span) not in taken][:_UNSEEN]

    def _write_reopened(self, ended: list[Any], ends: Ends, rows: list[Any]) -> int:
        """Spans that were open when they were entered; returns how many have ended."""
        known = 0
        for span in ended:
            number = self._open.pop(id(span), 0)
            entry: Any = self._journal.entries.get(number)
            if entry is None:
                continue
            known += 1
            begin, end = entry[3], ends.get(id(span))
            try:
                rows += self.records.row(span, number, begin, end)
            except Exception:  # noqa: BLE001  # the application must not notice
                self._enter(span, number, begin, end)
        return known

    def _enter(self, span: Any, number: int, begin: Beginning, end: End | None) -> None:
        """Put it into the journal, alive if it is open."""
        self._journal.entries[number] = (SOURCE, None, span, begin)
        try:
            if span.end_time is not None:
                self._journal.entries[number] = self.records.pack(span, begin, end)
            elif id(span) in self._open:  # taken by a layer of the hook below another's
                del self._journal.entries[number]
            else:
                self._open[id(span)] = number
        except Exception:  # noqa: BLE001  # it is reported when somebody looks
            pass


def _by_span(flat: list[Any]) -> Ends:
    """What was noted at the end of each span; the first end is the one that counts."""
    each = iter(flat)
    ends: Ends = {}
    for span, ticks, cpu, thread in zip(each, each, each, each, strict=True):
        if id(span) not in ends:
            ends[id(span)] = (ticks, cpu, thread)
    return ends


def _taken(spans: list[Any]) -> list[Any]:
    """The spans so far, removed; others may append meanwhile."""
    taken = spans[:]
    del spans[: len(taken)]
    return taken
