"""Spans of forked children: they go to a receiver, or it is said that they are not here.

A child is seen if it was forked while a recording was open. Whatever it starts later belongs to
the recordings that are open then: a pool or a server that was forked by one test works for the
next ones, too. The hooks cannot be taken back (there is no ``os.unregister_at_fork``); idle
they cost one test per fork.
"""

from __future__ import annotations

import os
from weakref import WeakKeyDictionary, WeakSet

from pytest_traces.forking.board import Board, Route
from pytest_traces.forking.child import PROCESS, Child, NewShipment
from pytest_traces.model import SpanData
from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import RECEIVED


class Forks:
    """Watches the forks of this process on behalf of a journal.

    Args:
        journal: whose spans they are.
        new_shipment: makes, in a child, what sends its spans.
    """

    def __init__(self, journal: Journal, new_shipment: NewShipment) -> None:
        self._journal = journal
        self._new_shipment = new_shipment
        self._board: Board | None = None
        self._process = 0
        self._is_hooked = False
        self._place = 0
        #: The flag of each recording that a child has been told of.
        self._flags: WeakKeyDictionary[Recording, int] = WeakKeyDictionary()
        self._forked: WeakSet[Recording] = WeakSet()

    def watch(self) -> None:
        """Begin to watch; a second call, and platforms that cannot fork, do nothing."""
        if not self._is_hooked and hasattr(os, "register_at_fork"):
            self._is_hooked = True
            os.register_at_fork(before=self._before, after_in_child=self._in_child)

    def lost_spans(self, recording: Recording) -> bool:
        """Whether a forked child has started a span that belongs there and is not there."""
        flag = self._flags.get(recording)
        return flag is not None and self._board is not None and self._board.is_raised(flag)

    def when(self, recording: Recording) -> str:
        """In words, when the process was forked, for a recording that has lost spans by that."""
        return f"{'during' if recording in self._forked else 'before'} the recording"

    def is_over(self, span: SpanData) -> bool:
        """Whether it was started by a forked child that has ended, and so can end no more."""
        if span.source != RECEIVED or span.end_ns is not None or self._board is None:
            return False
        return self._board.is_over(span.resource.get(PROCESS))

    def _before(self) -> None:
        if not self._journal.windows:
            return
        self._forked.update(self._journal.windows)
        if self._board is None:
            self._board, self._process = Board(), os.getpid()
            self._journal.changed = self._publish
        self._place = self._board.expect_child()
        self._publish()

    def _is_child(self) -> bool:
        return self._board is not None and self._process != os.getpid()

    def _publish(self) -> None:
        """Tell the children which recordings are open, and who takes their spans."""
        if self._board is None or self._is_child():
            return
        windows = list(self._journal.windows)
        for window in windows:
            if window not in self._flags:
                self._flags[window] = self._board.new_flag()
        served = {
            line: [one for one in windows if line.serves(one, forked=one in self._forked)]
            for line in {one.lifeline for one in windows if one.lifeline is not None}
        }
        # What one receiver gets, all recordings have that it serves: so it is the one of most.
        lifeline = max(served, key=lambda line: len(served[line]), default=None)
        lost = windows
        if lifeline is not None:
            lost = [one for one in windows if one not in served[lifeline]]
            if self._board.has_children():
                lifeline.expect()
        url = None if lifeline is None else lifeline.url
        flags = self._flags
        self._board.write(Route(url, [flags[one] for one in windows], [flags[one] for one in lost]))

    def _in_child(self) -> None:
        board = self._board
        if board is not None and self._journal.windows:
            self._journal.begin_in_child()
            board.enter_child(self._place, os.getpid())
            Child(self._journal, board, self._new_shipment)
            return
        # Not seen; it may record for itself.
        self._board = None
        self._journal.changed = _nothing


def _nothing() -> None:
    """There are no children to be told anything."""
