"""Sentry's spans in the journal: from the start of each to the look at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Journal
from pytest_traces.sources.sentry.current import begin_here
from pytest_traces.sources.sentry.kept import SOURCE, Kept, Reading, read_clocks
from pytest_traces.sources.work import work

#: The thread that sends what was captured before the recording. Sentry traces its own requests,
#: too, where its DSN has a port (``is_sentry_url`` is asked for the host alone).
_SENDING = "sentry-sdk."

Read = Callable[[Kept], SpanData]


class _Silent(threading.local):
    """Whether this thread does something that is not to be recorded."""

    depth = 0


class Book:
    """Enters spans into the journal when they start, and again when they end.

    An entry is ``("sentry", end, kept, read)`` for as long as anything of the span may change,
    and the SpanData that ``read(kept)`` gives from then on.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        #: Spans that are open, by the id of the object, which they keep alive.
        self.live: dict[int, Kept] = {}
        self._silent = _Silent()
        self._ended: list[tuple[Kept, Read]] = []
        self._reads: dict[int, Read] = {}

    @property
    def is_taking(self) -> bool:
        """Whether a recording is open, and what happens here is the application's own doing."""
        if not self.journal.windows or self._silent.depth:
            return False
        return not threading.current_thread().name.startswith(_SENDING)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Sentry's own doing: ``init()`` asks git for the release, which is traced as well."""
        self._silent.depth += 1
        try:
            yield
        finally:
            self._silent.depth -= 1

    @contextmanager
    def care(self) -> Iterator[None]:
        """Around what looks into Sentry's objects: the application must not notice if it fails."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # another version, a class of the application's
            problem = f"a span of {SOURCE} cannot be recorded: {type(error).__name__}: {error}"
            for window in self.journal.windows:
                if SOURCE in window.settings.sources and problem not in window.problems:
                    window.problems.append(problem)

    def begin(self, span: Any, began: Reading, read: Read, *, is_timed: bool) -> Kept:
        """A span has started."""
        kept = Kept(span, next(self.journal.numbers), began, is_timed=is_timed)
        self.live[id(span)] = kept
        self._reads[id(span)] = read
        self.journal.entries[kept.number] = (SOURCE, None, kept, read)
        begin_here(self.journal, kept.number)
        if work.running:
            work.begin(span)
        if self.journal.waiters:
            self.journal.wake()
        return kept

    def end(self, span: Any, ended: Reading, given: Any = None) -> None:
        """It has ended; only the first end counts."""
        kept, read = self.live.pop(id(span), None), self._reads.pop(id(span), None)
        if kept is None or read is None:
            return
        try:
            kept.end(ended, given)
        except Exception:  # noqa: BLE001  # the application must not notice
            kept.end_ns = ended.time_ns
        self._ended.append((kept, read))
        self.journal.replace(kept.number, (SOURCE, kept.end_ns, kept, read))

    def flush(self) -> None:
        """Turn into values what nothing can change any more."""
        ended, self._ended = self._ended, []
        for kept, read in ended:
            if _is_settled(kept):
                try:
                    data = read(kept)
                except Exception:  # noqa: BLE001  # it is reported when somebody looks
                    continue
                if kept.number in self.journal.entries:
                    self.journal.entries[kept.number] = data
            else:
                self._ended.append((kept, read))

    def forget(self) -> None:
        """Let go of everything: its recordings have copied what is open."""
        self.live.clear()
        self._reads.clear()
        self._ended.clear()


@contextmanager
def ending(book: Book, span: Any, given: Any) -> Iterator[None]:
    """Around the end of a span that is open: the clocks are read before it.

    Args:
        book: has the span.
        span: Sentry's object.
        given: the time that the application chose for its end; None for now.
    """
    if work.running:
        work.end(span)
    ended = read_clocks()
    try:
        yield
    finally:
        kept = book.live.get(id(span))
        if kept is not None and given is not None:
            kept.is_timed = False
        book.end(span, ended, given)


def _is_settled(kept: Kept) -> bool:
    """Integrations go on to tell of a span that has ended, until its transaction is sent."""
    return kept.parent is None or kept.parent.end_ns is not None
