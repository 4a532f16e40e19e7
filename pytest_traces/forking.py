"""Whether a process forked during a recording started spans, which are then not here.

Where a receiver is on, the child sends them to it.

A forked child shares memory with its parent, one byte for each recording that was open when it
was forked, and sets those bytes when it starts a span. The hooks cannot be taken back (there is
no ``os.unregister_at_fork``); idle they cost one test per fork.
"""

from __future__ import annotations

import itertools
import mmap
import os
from weakref import WeakKeyDictionary

from pytest_traces.recording import Journal, Recording

_BYTES = 4096


class Forks:
    """Watches the forks of this process on behalf of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._shared: mmap.mmap | None = None
        self._numbers = itertools.count()
        #: The byte of each recording during which the process was forked.
        self._bytes: WeakKeyDictionary[Recording, int] = WeakKeyDictionary()

    def watch(self) -> None:
        """Begin to watch; a second call, and platforms that cannot fork, do nothing."""
        if self._shared is None and hasattr(os, "register_at_fork"):
            self._shared = mmap.mmap(-1, _BYTES)
            os.register_at_fork(before=self._before, after_in_child=self._in_child)

    def lost_spans(self, recording: Recording) -> bool:
        """Whether a child forked during that recording has started a span."""
        place = self._bytes.get(recording)
        return place is not None and self._shared is not None and self._shared[place] != 0

    def reset(self) -> None:
        """Nothing to do: every recording has a byte of its own."""

    def _before(self) -> None:
        for window in self._journal.windows:
            if window.lifeline is not None:
                window.lifeline.before_fork()
            if window not in self._bytes and self._shared is not None:
                place = next(self._numbers) % _BYTES
                self._shared[place] = 0
                self._bytes[window] = place

    def _in_child(self) -> None:
        self._journal.begin_in_child()
        shared = self._shared
        places = [self._bytes[w] for w in self._journal.windows if w in self._bytes]
        if not places or shared is None:
            return

        def tell() -> None:
            for place in places:
                shared[place] = 1

        lifelines = [w.lifeline for w in self._journal.windows if w.lifeline is not None]
        if lifelines:  # what one receiver gets, all recordings have
            lifelines[0].begin_in_child(tell)
        else:
            self._journal.subscribe(tell)
