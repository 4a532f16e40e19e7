"""Whether a process forked during a recording started spans, which are then not here.

A forked child shares one byte of memory with its parent and sets it when it starts a span
while it has inherited an open recording. The hook cannot be taken back (there is no
``os.unregister_at_fork``); idle it costs one test per fork.
"""

from __future__ import annotations

import mmap
import os

from pytest_traces.recording import Journal


class Forks:
    """Watches the forks of this process on behalf of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._shared: mmap.mmap | None = None

    def watch(self) -> None:
        """Begin to watch; a second call, and platforms that cannot fork, do nothing."""
        if self._shared is None and hasattr(os, "register_at_fork"):
            self._shared = mmap.mmap(-1, 1)
            os.register_at_fork(after_in_child=self._in_child)

    def lost_spans(self) -> bool:
        """Whether a forked child started a span since the last :meth:`reset`."""
        return self._shared is not None and self._shared[0] != 0

    def reset(self) -> None:
        """Begin anew, for the next outermost recording."""
        if self._shared is not None:
            self._shared[0] = 0

    def _in_child(self) -> None:
        if not any(window.process != os.getpid() for window in self._journal.windows):
            return
        shared = self._shared

        def tell() -> None:
            if shared is not None:
                shared[0] = 1

        self._journal.subscribe(tell)
