"""Emptying what Sentry's clients collect to send it later: at both ends of a recording."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pytest_traces.recording import Clock

#: Attributes of a client that collect: logs, metrics, spans, sessions; old and new names.
_COLLECTORS = (
    "log_batcher", "metrics_batcher", "span_batcher", "metrics_aggregator", "session_flusher",
)  # fmt: skip
_PATIENCE_NS = 1_000_000_000
_BEAT = 0.0005


def drain(clients: Iterable[Any]) -> None:
    """Have every client hand over what it has collected.

    The transports themselves are not flushed: that would wait for the network.
    """
    for client in clients:
        for name in _COLLECTORS:
            collector = getattr(client, name, None)
            flush = getattr(collector, "flush", None)
            if flush is not None:
                # Of the application's own making, or of another version: nothing to be done.
                with suppress(Exception):
                    flush()
                    _await_thread(collector)


def _await_thread(collector: Any) -> None:
    """Let the thread of a collector finish what it had begun to hand over before.

    It waits for an event, clears it, and only then takes what there is; so with an event cleared
    that was set just now, it is done with all from before.
    """
    thread, event = getattr(collector, "_flusher", None), getattr(collector, "_flush_event", None)
    if thread is None or event is None:
        return
    event.set()
    deadline = Clock.monotonic_ns() + _PATIENCE_NS
    while event.is_set() and thread.is_alive() and Clock.monotonic_ns() < deadline:
        time.sleep(_BEAT)
