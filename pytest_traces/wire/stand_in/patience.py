"""How long a client waits: the read timeout of httpx, which holds for an answer made here too.

A client's patience begins with its request, and anew with each part of the body. Where it ends
before there is an answer, the client has an ``httpx.ReadTimeout``, as from a real service:

- what waits is cancelled: a delay, an asynchronous handler, an ASGI application;
- a WSGI application goes on behind the client's back, on a thread of its own;
- a handler that blocks is the test's own function on the client's thread, where nobody can
  interrupt it: the timeout comes when it has returned.

Without a read timeout, and over the network, the client waits as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import httpx

from pytest_traces.recording import Clock
from pytest_traces.wire.stand_in.address import Address


class Patience:
    """What is left of a client's read timeout.

    Attributes:
        limit: the timeout in seconds; None for none.
        is_over: whether the client has been told that it was over.
    """

    def __init__(self, request: httpx.Request, address: Address) -> None:
        timeout = request.extensions.get("timeout") or {}
        self.limit: float | None = timeout.get("read")
        self.is_over = False
        self._request = request
        self._address = address
        self._since_ns = Clock.monotonic_ns()

    def renew(self) -> None:
        """It begins anew: the client has read something."""
        self._since_ns = Clock.monotonic_ns()

    def left(self) -> float | None:
        """How many seconds are left, not below zero; None for any number."""
        if self.limit is None:
            return None
        return max(0.0, self.limit - (Clock.monotonic_ns() - self._since_ns) / 1e9)

    def check(self) -> None:
        """Look whether the answer has come in time.

        Raises:
            httpx.ReadTimeout: it has not.
        """
        __tracebackhide__ = True
        if self.left() == 0:
            raise self.end()

    def end(self) -> httpx.ReadTimeout:
        """It is over; returns what the client has to be told."""
        self.is_over = True
        text = f"stand-in {self._address}: nothing to read for {self.limit:g} s, the read timeout"
        return httpx.ReadTimeout(text, request=self._request)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Cancel what is awaited in the block when it is over.

        Raises:
            httpx.ReadTimeout: it was.
        """
        __tracebackhide__ = True
        if self.limit is None:
            yield
            return
        with anyio.move_on_after(self.left()) as scope:
            yield
        if scope.cancelled_caught:
            raise self.end()
