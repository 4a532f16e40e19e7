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
from collections.abc import Callable
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
        known = [window for window in self._journal.windows if window in self._bytes]
        lines = {one.lifeline for one in known if one.lifeline is not None}
        # What one receiver gets, all recordings have that it serves: so it is the one of most.
        served, lifeline = max(
            ((sum(map(one.serves, known)), one) for one in lines),
            key=lambda pair: pair[0],
            default=(0, None),
        )
        if lifeline is None or not served:
            self._journal.subscribe(self._teller(known))
            return
        lifeline.begin_in_child(self._teller(known))
        lost = [window for window in known if not lifeline.serves(window)]
        if lost:
            self._journal.subscribe(self._teller(lost))

    def _teller(self, windows: list[Recording]) -> Callable[[], None]:
        """Tells the parent that spans of these recordings are not there."""
        places = [self._bytes[window] for window in windows]

        def tell() -> None:
            if self._shared is not None:
                for place in places:
                    self._shared[place] = 1

        return tell
