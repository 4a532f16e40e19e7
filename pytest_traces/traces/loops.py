"""Whether an event loop runs on this thread: blocking would stop the spans that are awaited."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_traces.recording import Clock, journal


def is_running() -> bool:
    """Whether asyncio or trio runs on the calling thread."""
    asyncio = sys.modules.get("asyncio")  # importing it would cost more than all of this plugin
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return _in_trio()


def _in_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


if TYPE_CHECKING:
    import asyncio


async def wait(ready: Callable[[], bool], timeout_ns: int, poll_ns: int | None) -> bool:
    """Wait for ``ready()`` and leave the loop free meanwhile; returns whether it came in time."""
    import asyncio

    if _in_trio():
        to_thread = sys.modules["trio"].to_thread
        return bool(await to_thread.run_sync(journal.wait, ready, timeout_ns, poll_ns))
    loop = asyncio.get_running_loop()
    deadline = Clock.monotonic_ns() + timeout_ns
    changed = asyncio.Event()
    unsubscribe = journal.subscribe(lambda: _notify(loop, changed))
    try:
        while not ready():
            remaining = deadline - Clock.monotonic_ns()
            if remaining <= 0:
                return False
            beat = remaining if poll_ns is None else min(remaining, poll_ns)
            try:
                await asyncio.wait_for(changed.wait(), beat / 1e9)
            except asyncio.TimeoutError:  # noqa: UP041  # another class on Python 3.10
                continue
            changed.clear()
    finally:
        unsubscribe()
    return True


def _notify(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(changed.set)
