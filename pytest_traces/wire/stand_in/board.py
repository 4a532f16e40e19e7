"""Where stand-ins sit in respx: first, so that the test's own routers never see their requests.

respx has two ways to intercept httpx, each with a list of routers that are asked in turn.

- At httpcore, below httpx's transports and whatever instruments them: there requests are answered.
- At the client, above them, where a test's own router asked for it (``using="httpx"``). Answers
  given there never pass an instrumented transport, so requests to stand-ins are let through, to be
  answered below.

A request to anywhere else is none of a stand-in's business: the next router decides, and where
there is none it goes on to the network.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Protocol

import httpx
import respx
from respx.mocks import HTTPCoreMocker, HTTPXMocker, Mocker
from respx.models import AllMockedAssertionError as NotMocked
from respx.models import PassThrough

from pytest_traces.settings import BadValue
from pytest_traces.wire.stand_in.address import Address, longest


class Answering(Protocol):
    """A stand-in, as the board sees it."""

    @property
    def address(self) -> Address:
        """Its base URL."""
        ...

    def is_served_at(self, url: httpx.URL) -> bool:
        """Whether this is a URL of its own loopback port."""
        ...

    @abstractmethod
    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer the request of a client that blocks."""

    @abstractmethod
    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        """Answer the request of an asynchronous client."""


_answering: list[Answering] = []
_lock = threading.RLock()


def owner_of(url: httpx.URL) -> Answering | None:
    """The stand-in that a URL belongs to: the one with the longest base URL."""
    among = {one.address: one for one in list(_answering)}
    address = longest(list(among), url)
    return None if address is None else among[address]


class _Answers(respx.Router):
    """First in the list at httpcore: answers what belongs to a stand-in."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        __tracebackhide__ = True
        return self._owner(request).handler(request)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        __tracebackhide__ = True
        return await self._owner(request).async_handler(request)

    def _owner(self, request: httpx.Request) -> Answering:
        owner = owner_of(request.url)
        if owner is None or _is_served(request.url):
            raise _elsewhere(request, HTTPCoreMocker)
        return owner


class _LetsThrough(respx.Router):
    """First in the list at the client: sends what belongs to a stand-in on to httpcore."""

    def handler(self, request: httpx.Request) -> httpx.Response:
        if owner_of(request.url) is not None:
            raise _pass_through(request)
        raise _elsewhere(request, HTTPXMocker)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        return self.handler(request)


def _is_served(url: httpx.URL) -> bool:
    return any(one.is_served_at(url) for one in list(_answering))


def _elsewhere(request: httpx.Request, mocker: type[Mocker]) -> Exception:
    """What makes respx ask the next router; without one, or for a loopback port, the network."""
    if _is_served(request.url) or len(mocker.routers) < 2:
        return _pass_through(request)
    return NotMocked(f"RESPX: {request!r} not mocked!")


def _pass_through(request: httpx.Request) -> PassThrough:
    return PassThrough("not for a stand-in", request=request, origin=respx.Route())


_boards: tuple[tuple[type[Mocker], respx.Router], ...] = (
    (HTTPCoreMocker, _Answers()),
    (HTTPXMocker, _LetsThrough()),
)


def enter(stand_in: Answering) -> None:
    """Let it answer from now on.

    Raises:
        BadValue: there is one with this base URL.
    """
    __tracebackhide__ = True
    with _lock:
        if any(one.address == stand_in.address for one in _answering):
            allowed = "it has a stand-in already: add routes to that one"
            raise BadValue("base_url", str(stand_in.address), allowed)
        _answering.append(stand_in)
        if len(_answering) > 1:
            return
        for mocker, board in _boards:
            mocker.routers.insert(0, board)
        try:
            HTTPCoreMocker.start()
        except BaseException:
            leave(stand_in)
            raise


def leave(stand_in: Answering) -> None:
    """Let it answer no more; the last one leaves respx as it was."""
    with _lock:
        if stand_in in _answering:
            _answering.remove(stand_in)
        if not _answering:
            for mocker, board in _boards:
                mocker.unregister(board)
                mocker.stop()
