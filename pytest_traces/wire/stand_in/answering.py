"""How a stand-in answers a request: by a route, by its application, or not at all."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import respx

from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import PLAYED
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.apps import Player
from pytest_traces.wire.stand_in.boundary import Apart, call_apart
from pytest_traces.wire.stand_in.faults import UnroutedRequest, unrouted
from pytest_traces.wire.stand_in.lifespan import StartupFailed
from pytest_traces.wire.stand_in.loops import LoopThread
from pytest_traces.wire.stand_in.manner import Manner
from pytest_traces.wire.stand_in.patience import Patience
from pytest_traces.wire.stand_in.players import player_of
from pytest_traces.wire.stand_in.received import Received, receive
from pytest_traces.wire.stand_in.visits import Visit


class AnsweringRouter(respx.Router):
    """A respx router whose answers have spans, take their time, and may come from an app."""

    def __init__(
        self,
        journal: Journal,
        recording: Recording,
        address: Address,
        *,
        name: str,
        app: Any = None,
        manner: Manner,
        format: str | None,  # noqa: A002  # the word of the project for it
    ) -> None:
        __tracebackhide__ = True
        super().__init__(base_url=str(address))
        self.address = address
        self.name = name
        self.requests: list[Received] = []
        self._journal = journal
        self._recording = recording
        self._manner = manner
        self._manners: dict[int, tuple[respx.Route, Manner]] = {}
        self._format = format
        self._faults: Counter[str] = Counter()
        self._thread = LoopThread(f"stand-in {address} loop")
        self._player: Player | None = player_of(app, address, self._thread)
        self._passed: list[httpx.Request] = []
        #: Routes that had a request, whatever came of it.
        self._asked: dict[int, respx.Route] = {}

    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer the request of a client that blocks."""
        __tracebackhide__ = True
        route = self._route_for(request)
        if route is not None and route.is_pass_through:
            self._passed.append(request)
            self.resolve(request)
        received, patience = self._arrived(request), Patience(request, self.address)
        if route is not None:
            visit = self._visit(received, route, patience)
            with visit:
                self._manner_of(route).pause(patience)
                if _is_async(route.side_effect):
                    resolving = self._thread.run(self.aresolve(request), patience)
                    return visit.answered(resolving)
                response = visit.answered(call_apart(self.resolve, request))
                patience.check()
                return response
        player = self._player_for(request)
        self._manner.pause(patience)
        with self._starting():
            response = player.answer(request, patience)
        return self._played(received, response)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        """Answer the request of an asynchronous client."""
        __tracebackhide__ = True
        route = self._route_for(request)
        if route is not None and route.is_pass_through:
            self._passed.append(request)
            await self.aresolve(request)
        received, patience = self._arrived(request), Patience(request, self.address)
        if route is not None:
            visit = self._visit(received, route, patience)
            with visit:
                await self._manner_of(route).pause_async(patience)
                with patience.bounded():
                    resolved = await Apart(self.aresolve(request))
                response = visit.answered(resolved)
                patience.check()
                return response
        player = self._player_for(request)
        await self._manner.pause_async(patience)
        with self._starting():
            response = await player.answer_async(request, patience)
        return self._played(received, response)

    def _manner_of(self, route: respx.Route) -> Manner:
        return self._manners.get(id(route), (route, self._manner))[1]

    def _route_for(self, request: httpx.Request) -> respx.Route | None:
        for route in self.routes:
            if not route.pattern or route.pattern.match(request):
                return route
        return None

    def _arrived(self, request: httpx.Request) -> Received:
        received = receive(request, self._format)
        self.requests.append(received)
        return received

    def _visit(self, received: Received, route: respx.Route, patience: Patience) -> Visit:
        self._asked[id(route)] = route
        return Visit(
            received,
            route,
            journal=self._journal,
            service=self.name,
            address=self.address,
            patience=patience,
            forget=self._pass,
            record=self.record,
            complain=self._complain,
        )

    def _pass(self, received: Received) -> None:
        """It goes on to the real service, which is not this one."""
        self.requests.remove(received)
        self._passed.append(received.request)

    def _complain(self, fault: str) -> None:
        self._faults[fault] += 1

    def _player_for(self, request: httpx.Request) -> Player:
        __tracebackhide__ = True
        if self._player is not None:
            return self._player
        fault = unrouted(self.address, list(self.routes), request)
        self._complain(fault)
        raise UnroutedRequest(fault)

    @contextmanager
    def _starting(self) -> Iterator[None]:
        __tracebackhide__ = True
        try:
            yield
        except StartupFailed as error:
            self._complain(f"stand-in {self.address}: {error}")
            raise

    def _played(self, received: Received, response: httpx.Response) -> httpx.Response:
        note = f"{self.address} is played by an app: its spans are those of its instrumentation"
        if note not in self._recording.remarks.get(PLAYED, {}):
            self._recording.remark(PLAYED, note)
        received.status = response.status_code
        self.record(received.request, response=response)
        return response

    def _serve(self, request: httpx.Request) -> httpx.Response:
        """Answer what came over the network."""
        response = self.handler(request)
        if isinstance(response.stream, httpx.SyncByteStream):
            return response
        return self._thread.run(_read(response))


async def _read(response: httpx.Response) -> httpx.Response:
    body = b"".join([part async for part in response.aiter_raw()])
    headers = response.headers.raw
    return httpx.Response(response.status_code, headers=headers, stream=httpx.ByteStream(body))


def _is_async(side_effect: object) -> bool:
    call = getattr(side_effect, "__call__", None)  # noqa: B004  # its kind is asked for
    return inspect.iscoroutinefunction(side_effect) or inspect.iscoroutinefunction(call)
