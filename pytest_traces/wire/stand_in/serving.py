"""A stand-in on a real loopback port, from the first time that somebody asks for its URL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx

from pytest_traces.wire.stand_in.address import Address

if TYPE_CHECKING:
    from pytest_traces.wire.stand_in.listening import Listener


class Server:
    """Takes requests from clients and processes that respx does not reach.

    Args:
        address: of the stand-in; its path is the path of the URL, too.
        answer: gives the answer to a request, which names the stand-in's own URL.
    """

    def __init__(self, address: Address, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._address = address
        self._answer = answer
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._was: Listener | None = None
        self._is_closed = False

    def url(self) -> str:
        """Where it listens; the first call begins.

        Raises:
            RuntimeError: the stand-in has ended.
        """
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"stand-in {self._address} has ended: it is served no more")
            if self._listener is None:
                # http.server is not for those who never ask.
                from pytest_traces.wire.stand_in.listening import Listener

                self._listener = Listener(self._address, self._answer)
                self._listener.start()
            return f"http://127.0.0.1:{self._listener.server_port}{self._address.path}"

    def is_at(self, url: httpx.URL) -> bool:
        """Whether this is a URL of its port."""
        listener = self._listener
        if listener is None or url.port != listener.server_port:
            return False
        return url.host in ("127.0.0.1", "localhost")

    def close(self) -> None:
        """Give the port back, and break off every connection."""
        with self._lock:
            self._was, self._listener = self._listener, None
            self._is_closed = True
        if self._was is not None:
            self._was.close()

    def join(self) -> str | None:
        """Wait until nothing of it runs; returns the complaint about what does not end."""
        busy = 0 if self._was is None else self._was.join()
        if not busy:
            return None
        many = "a request" if busy == 1 else f"{busy} requests"
        return f"stand-in {self._address}: {many} to its url had no answer when the test ended"
