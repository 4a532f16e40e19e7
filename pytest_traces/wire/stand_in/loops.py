"""An event loop on a thread of its own, for callers that have none of asyncio's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from pytest_traces.wire.stand_in.boundary import call_apart
from pytest_traces.wire.stand_in.patience import Patience

T = TypeVar("T")

#: How long what cannot be cancelled may hold up the end of the test, in seconds.
_PATIENCE = 5


class ThreadEnded(RuntimeError):
    """What was to run on the loop of a stand-in cannot: the stand-in has ended."""


class LoopThread:
    """Runs coroutines for other threads, where no context variable of theirs is set.

    The thread begins with the first coroutine.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def run(self, coroutine: Coroutine[Any, Any, T], patience: Patience | None = None) -> T:
        """Run it to its end, and give what it returns; not to be called on the loop's thread.

        Args:
            coroutine: to run; it is cancelled when nobody waits for it any more.
            patience: of who waits; None for any.

        Raises:
            BaseException: whatever the coroutine raises.
            httpx.ReadTimeout: the patience was over before it was.
            ThreadEnded: the loop has ended; the coroutine was not begun, or was cancelled.
        """
        __tracebackhide__ = True
        # A callback that another thread adds to a loop has the context of that thread.
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(
                "a client that blocks waits here for an answer that only this thread can give: "
                "a real server would hang"
            )
        try:
            future = call_apart(asyncio.run_coroutine_threadsafe, coroutine, self._running())
        except RuntimeError:
            coroutine.close()
            raise
        try:
            return future.result(None if patience is None else patience.left())
        except CancelledError:
            raise ThreadEnded("the stand-in has ended") from None
        except FutureTimeout:
            if patience is None or future.done():
                return future.result()  # it is the coroutine's own, or has come just now
            future.cancel()
            raise patience.end() from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel what is running, and end the thread.

        Raises:
            RuntimeError: something on it cannot be cancelled.
        """
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            self._is_closed = True
        if loop is None or thread is None:
            return
        call_apart(loop.call_soon_threadsafe, loop.stop)
        thread.join(_PATIENCE)
        if thread.is_alive():
            raise RuntimeError("something of it does not end")

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise ThreadEnded("the stand-in has ended")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name=self._title, daemon=True
                )
                # Instrumentation of threads, or the interpreter, may hand the context on.
                call_apart(self._thread.start)
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        while tasks := asyncio.all_tasks(loop):  # a last one may begin while others are cancelled
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def running_asyncio() -> asyncio.AbstractEventLoop | None:
    """The loop of asyncio that runs in this thread; None in trio, and in code that blocks."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
