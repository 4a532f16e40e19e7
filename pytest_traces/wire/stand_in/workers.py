"""A thread for calls that cannot be cancelled: who waits for them may stop waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from pytest_traces.wire.stand_in.boundary import call_apart
from pytest_traces.wire.stand_in.loops import ThreadEnded
from pytest_traces.wire.stand_in.patience import Patience

T = TypeVar("T")


class Runner(Protocol):
    """Runs the steps of a call one after another."""

    def run(self, step: Callable[[], T], patience: Patience) -> T:
        """Run a step, as long as somebody waits for it.

        Raises:
            httpx.ReadTimeout: nobody does any more.
        """
        ...

    def end(self, patience: Patience) -> None:
        """Run the last step; a second call does nothing."""


class Inline:
    """Runs them where the caller is, who waits as long as they take.

    Args:
        last: the last step.
    """

    def __init__(self, last: Callable[[], object]) -> None:
        self._last: Callable[[], object] | None = last

    def run(self, step: Callable[[], T], patience: Patience) -> T:  # noqa: ARG002  # it has no end
        """Run a step."""
        return step()

    def end(self, patience: Patience) -> None:  # noqa: ARG002  # it has no end
        """Run the last step; a second call does nothing."""
        last, self._last = self._last, None
        if last is not None:
            last()


class Worker:
    """Runs them on a thread of its own, which ends after the last.

    Args:
        title: of the thread.
        last: the last step; it comes after the one that is running, even if nobody waits for it.
    """

    def __init__(self, title: str, last: Callable[[], object]) -> None:
        self._last = last
        self._lock = threading.Lock()
        self._is_ended = False
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=title, daemon=True)
        # Instrumentation of threads, or the interpreter, may hand the context on.
        call_apart(self._thread.start)

    def run(self, step: Callable[[], T], patience: Patience) -> T:
        """Run a step, as long as somebody waits for it.

        Raises:
            httpx.ReadTimeout: nobody does any more.
            ThreadEnded: the last step was before.
        """
        __tracebackhide__ = True
        future: Future[T] = Future()
        with self._lock:
            if self._is_ended:
                raise ThreadEnded("the stand-in has ended")
            self._jobs.put((future, step))
        try:
            return future.result(patience.left())
        except FutureTimeout:  # a step raises none of its own
            raise patience.end() from None

    def end(self, patience: Patience | None) -> None:
        """Run the last step, and wait for it as long as the client does; None for not at all."""
        future: Future[object] = Future()
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
            self._jobs.put((future, self._last))
        if patience is not None and not patience.is_over:
            patience.renew()
            try:
                future.result(patience.left())
            except FutureTimeout:
                return  # what a server does behind its answer is not the client's business

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread; returns whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        step: Callable[[], Any] | None = None
        while step is not self._last:
            future, step = self._jobs.get()
            try:
                future.set_result(step())
            except BaseException as error:  # noqa: BLE001  # it belongs to who waits
                future.set_exception(error)
