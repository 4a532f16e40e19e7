"""Whether an event loop runs on this thread: blocking would stop the spans that are awaited."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from pytest_traces.recording import Clock, journal

_Pause = Callable[[float], Awaitable[object]]


def is_running() -> bool:
    """Whether asyncio or trio runs on the calling thread."""
    # Importing it would cost more than all of this plugin; and another thread may be importing
    # it just now: then it has not all of its parts yet.
    running_loop = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    loop = running_loop() if running_loop is not None else None
    if loop is not None and not _is_set_aside(loop):
        return True
    return _in_trio()


def _is_set_aside(loop: Any) -> bool:
    """Whether the loop waits in a greenlet of its own while this code runs in the main one.

    So it is with the synchronous interface of Playwright: its loop runs only while one of its
    functions is called, and nothing of the test depends on it.
    """
    greenlet = sys.modules.get("greenlet")
    if greenlet is None or not type(loop).__module__.startswith("asyncio."):
        return False
    if greenlet.getcurrent().parent is not None:  # SQLAlchemy's run below the loop
        return False
    frame = sys._getframe()  # noqa: SLF001  # inspect.currentframe would import inspect
    below: Any = frame
    while below is not None:
        if below.f_code.co_name in ("run_forever", "_run_once"):  # the latter: nest_asyncio
            return False
        below = below.f_back
    return True


async def wait(ready: Callable[[], bool], timeout_ns: int, poll_ns: int | None) -> bool:
    """Wait for ``ready()`` and leave the loop free meanwhile; returns whether it came in time.

    Like :meth:`Journal.wait`: asked again whenever a span starts or ends, and less often
    where asking takes long.
    """
    deadline = Clock.monotonic_ns() + timeout_ns
    notify, changed, pause = _trio_signal() if _in_trio() else _asyncio_signal()
    unsubscribe = journal.subscribe(notify)
    try:
        while True:
            began = Clock.monotonic_ns()
            if ready():
                return True
            now = Clock.monotonic_ns()
            remaining = deadline - now
            if remaining <= 0:
                return False
            await pause(min(remaining, 2 * (now - began)) / 1e9)
            beat = remaining if poll_ns is None else min(remaining, poll_ns)
            await changed(beat / 1e9)
    finally:
        unsubscribe()


def _in_trio() -> bool:
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    in_trio_run = getattr(lowlevel, "in_trio_run", None)
    return in_trio_run is not None and bool(in_trio_run())


def _asyncio_signal() -> tuple[Callable[[], None], _Pause, _Pause]:
    """The way to tell of a change from any thread, and to wait for one; and asyncio's sleep."""
    import asyncio

    loop = asyncio.get_running_loop()
    event = asyncio.Event()

    def notify() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    async def changed(seconds: float) -> None:
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except asyncio.TimeoutError:  # not yet the built-in one on Python 3.10
            return
        event.clear()

    return notify, changed, asyncio.sleep


def _trio_signal() -> tuple[Callable[[], None], _Pause, _Pause]:
    """The same for trio, whose events cannot be cleared."""
    trio: Any = sys.modules["trio"]
    token = trio.lowlevel.current_trio_token()
    events = [trio.Event()]

    def set_event() -> None:
        events[0].set()

    def notify() -> None:
        try:
            token.run_sync_soon(set_event)
        except trio.RunFinishedError:
            return

    async def changed(seconds: float) -> None:
        with trio.move_on_after(seconds):
            await events[0].wait()
            events[0] = trio.Event()

    return notify, changed, trio.sleep
