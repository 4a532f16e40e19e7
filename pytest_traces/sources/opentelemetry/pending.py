"""Spans on their way from the hooks into the journal."""

from __future__ import annotations

import heapq
import os
import threading
from collections.abc import Iterable
from itertools import repeat
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.opentelemetry.records import SOURCE, is_record, records

_UNSEEN = 1_000
# Up to so many spans it is cheapest to keep them as they are. Of more, the garbage collector
# would visit each over and over: then a few at a time, so few that it need not begin.
_FIRST_BATCH = 2_000
_BATCH = 16


#: A span, its number in the journal, and the thread that started it.
_Started = tuple[Any, int, threading.Thread]


class Pending:
    """What the hooks have seen and nobody has looked at yet.

    The hooks run in the application's own code, so all they do is to append: a start to the
    list of its thread, an end to :attr:`ended`. Numbers are given, and ended spans packed, by
    :meth:`drain`: when somebody looks, or when a batch is full.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: ``local.keep(span)`` notes a start; :meth:`begin_thread` gives a thread its own.
        self.local = threading.local()
        #: Spans in order of their ends; some of them twice, some not taken at their start.
        self.ended: list[Any] = []
        #: With more than so many in :attr:`ended` it is time to drain.
        self.limit = _FIRST_BATCH
        self._threads: list[tuple[threading.Thread, list[Any]]] = []
        # id(span) -> its number in the journal, which keeps the span alive while it is open.
        self._open: dict[int, int] = {}
        self._unseen: list[Any] = []
        self._lock = threading.RLock()
        self._process = os.getpid()

    def begin_thread(self) -> None:
        """Give the calling thread a list of its own."""
        self._leave_dead_threads()
        started: list[Any] = []
        self._threads.append((threading.current_thread(), started))
        self.local.keep = started.append

    def put(self, span: Any) -> int:
        """Enter this span at once, and return its number in the journal."""
        self.drain()
        number = next(self._journal.numbers)
        self._enter([(span, number, threading.current_thread())])
        return number

    def drain_batch(self) -> None:
        """Pack what has ended, in the application's own time."""
        self.limit = _BATCH
        self.drain(wait=False)

    def drain(self, *, wait: bool = True) -> None:
        """Bring the journal up to date.

        Args:
            wait: whether to wait for another thread that is doing it, or to leave it at that.
        """
        if self._process != os.getpid():  # in a forked child whoever held it is not there
            self._lock, self._process = threading.RLock(), os.getpid()
        if not self._lock.acquire(blocking=wait):
            return
        try:
            ended = _taken(self.ended)  # before the starts, which are sure to be there then
            started = self._take_starts()
            self._pack(ended, started)
            if started:
                self._enter(started.values())
        finally:
            self._lock.release()

    def remark_unseen(self) -> None:
        """Tell the recordings of spans that ended in them and never came by at their start."""
        if not self._unseen:
            return
        unseen, self._unseen = self._unseen, []
        entries = self._journal.entries
        known = {records.key(entry) for entry in list(entries.values()) if is_record(entry)}
        for span in unseen:
            context = span.get_span_context()
            if (context.trace_id, context.span_id) in known:  # its second end
                continue
            for window in self._journal.windows:
                if span.start_time is not None and span.start_time >= window.opened_ns:
                    window.remark("bound", span.name)

    def forget(self) -> None:
        """Let go of spans that are still open: their recordings have copied them."""
        self.limit = _FIRST_BATCH
        self._open.clear()
        self.ended.clear()
        self._unseen.clear()
        for _, spans in self._threads:
            spans.clear()
        self._leave_dead_threads()

    def _leave_dead_threads(self) -> None:
        for one in list(self._threads):
            thread, spans = one
            if not thread.is_alive() and not spans:
                self._threads.remove(one)  # others may be added meanwhile

    def _take_starts(self) -> dict[int, _Started]:
        """What has started since, in order, by the id of the span."""
        batches = [(thread, _taken(spans)) for thread, spans in list(self._threads) if spans]
        numbers = self._journal.numbers
        if len(batches) == 1:  # the order of the arguments keeps zip from wasting a number
            thread, spans = batches[0]
            numbered = zip(spans, numbers, repeat(thread), strict=False)
            started = dict(zip(map(id, spans), numbered, strict=True))
        else:
            by_thread = [zip(spans, repeat(thread), strict=False) for thread, spans in batches]
            merged = heapq.merge(*by_thread, key=lambda one: one[0].start_time or 0)
            started = {id(span): (span, next(numbers), thread) for span, thread in merged}
        for known in started.keys() & self._open.keys():
            del started[known]  # taken by a layer of the hook below another's
        return started

    def _pack(self, ended: list[Any], started: dict[int, _Started]) -> None:
        entries, pack = self._journal.entries, records.pack
        for span in ended:
            found = started.pop(id(span), None) or self._entered(span)
            if found is None:
                if len(self._unseen) < _UNSEEN:
                    self._unseen.append(span)
                continue
            _, number, thread = found
            try:
                entries[number] = pack(span, thread)
            except Exception:  # noqa: BLE001  # this may run in the application's own code
                # What cannot be packed stays as it is, and is reported when somebody looks.
                entries[number] = (SOURCE, None, span, thread)

    def _entered(self, span: Any) -> _Started | None:
        """The same of a span that was open when somebody looked."""
        number = self._open.pop(id(span), None)
        entry = None if number is None else self._journal.entries.get(number)
        return None if number is None or entry is None else (span, number, entry[3])

    def _enter(self, started: Iterable[_Started]) -> None:
        for span, number, thread in started:
            if span.end_time is None:
                self._journal.entries[number] = (SOURCE, None, span, thread)
                self._open[id(span)] = number
            else:  # ended by a processor while it was being started
                self._journal.entries[number] = records.pack(span, thread)


def _taken(spans: list[Any]) -> list[Any]:
    """The spans so far, removed; others may append meanwhile."""
    taken = spans[:]
    del spans[: len(taken)]
    return taken
