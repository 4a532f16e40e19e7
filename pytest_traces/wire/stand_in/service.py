"""A remote service that the test plays."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import httpx
import respx
from respx.patterns import Pattern

from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import BadValue
from pytest_traces.wire.stand_in import board
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.answering import AnsweringRouter
from pytest_traces.wire.stand_in.closing import faults_of
from pytest_traces.wire.stand_in.faults import repeated
from pytest_traces.wire.stand_in.labels import label_of
from pytest_traces.wire.stand_in.manner import Manner, read_manner
from pytest_traces.wire.stand_in.serving import Server

#: Those of each recording, until the last of them has ended.
_stand_ins: dict[Recording, list[StandIn]] = {}


class StandIn(AnsweringRouter):
    """A remote service that the test plays until the end of its recording.

    It is a respx router for its base URL: ``get``, ``post``, ``put``, ``patch``, ``delete``,
    ``head``, ``options``, ``request`` and ``route`` give respx routes, with all that those can.
    Two arguments come on top, for each of them:

    - ``optional=True``: the route may stay uncalled.
    - ``delay="50ms"``: it takes this long to answer, instead of as long as the stand-in.

    Each request that a route answers has a server span, a child of the span that the request's
    headers name. It ends with the answer, or when the client waits no longer: the read timeout of
    httpx holds here, too. Nothing else links it to the caller: handlers (``side_effect``) and
    applications run where none of the caller's context variables is set.

    Attributes:
        name: the service that its spans belong to.
        base_url: what it stands for, without a slash at the end.
        requests: every request that it answered, or refused, in order of arrival.
        calls: the same as respx has it, with the answers.

    Example:
        >>> payments = traces.stand_in("http://payments", delay="20ms")
        >>> charge = payments.post("/charge").respond(json={"ok": True})
        >>> payments.get("/health", optional=True)
        >>> client.post("/checkout", json={"order": 7})
        >>> charge.calls.last.request.headers["idempotency-key"]
        '7'
    """

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
        super().__init__(
            journal, recording, address, name=name, app=app, manner=manner, format=format
        )
        self._server = Server(address, self._serve)
        #: Whether its recording has ended.
        self.is_over = False

    def __repr__(self) -> str:
        count = len(self.requests)
        return (
            f"<StandIn {self.name} at {self.base_url}: {count} request{'' if count == 1 else 's'}>"
        )

    @property
    def base_url(self) -> str:
        """What it stands for, without a slash at the end."""
        return str(self.address)

    @property
    def url(self) -> str:
        """The same service on a real loopback port, without a slash at the end.

        For clients other than httpx and for other processes; the port is opened when this is
        asked for the first time, and closed at the end.

        Raises:
            RuntimeError: the recording is over.

        Example:
            >>> requests.post(f"{payments.url}/charge")
        """
        url = self._server.url()
        # Both have the same path, so that of a request stays what it is.
        self._recording.aliases[url.removesuffix(self.address.path)] = self.address.origin
        return url

    def route(
        self,
        *patterns: Pattern,
        name: str | None = None,
        optional: bool | None = None,
        delay: str | timedelta | None = None,
        **lookups: Any,
    ) -> respx.Route:
        """Add a route; ``respx.Router.route`` says how it is described.

        Args:
            patterns: of respx.
            name: to find the route by, ``stand_in["charge"]``.
            optional: whether it may stay uncalled; None for what the stand-in says.
            delay: how long it takes to answer, ``"50ms"``; None for what the stand-in says.
            lookups: of respx: ``method="POST"``, ``path__regex=...``, ``json={...}``.

        Raises:
            BadValue: a URL that is not below the base URL, a delay that is no duration.

        Example:
            >>> payments.route(method="POST", path="/charge", delay="50ms").respond(201)
        """
        __tracebackhide__ = True
        self._check_place(lookups.get("url"))
        manner = read_manner(self._manner, optional=optional, delay=delay)
        route = super().route(*patterns, name=name, **lookups)
        self._manners[id(route)] = route, manner
        return route

    def begin(self) -> None:
        """Answer from now on, until the recording ends.

        Raises:
            BadValue: there is one with this base URL.
        """
        __tracebackhide__ = True
        board.enter(self)
        _stand_ins.setdefault(self._recording, []).append(self)
        self._recording.endings.append(self.end)

    def end(self) -> str | None:
        """End it, as the recording does; returns what the test has to be told.

        A second call does nothing.
        """
        if self.is_over:
            return None
        self.is_over = True
        try:
            with ExitStack() as stack:
                stack.callback(self._join)
                stack.callback(self._thread.close)
                if self._player is not None:
                    stack.callback(self._player.close)
                stack.callback(self._server.close)
                stack.callback(board.leave, self)
        except Exception as error:  # noqa: BLE001  # what was found before is not to be lost
            self._faults[f"stand-in {self.address}: {error}"] += 1
        try:
            return "\n".join(self._all_faults()) or None
        finally:
            if all(one.is_over for one in _stand_ins.get(self._recording, ())):
                _stand_ins.pop(self._recording, None)

    def _all_faults(self) -> list[str]:
        faults = [repeated(text, count) for text, count in self._faults.items()]
        return faults + faults_of(
            self.address,
            self._uncalled(),
            received=self.requests,
            arrived=[*(one.request for one in self.requests), *self._passed],
            sent=self._recording.requests_between(),
            addresses=[one.address for one in _stand_ins.get(self._recording, ())],
        )

    def is_served_at(self, url: httpx.URL) -> bool:
        """Whether this is a URL of the port that :attr:`url` names."""
        return self._server.is_at(url)

    def _join(self) -> None:
        fault = self._server.join()
        if fault is not None:
            self._faults[fault] += 1

    def _uncalled(self) -> list[str]:
        uncalled = [
            str(label_of(route, self.address))
            for route in self.routes
            if not (route.called or id(route) in self._asked or self._manner_of(route).optional)
        ]
        if not (self._manner.optional or self.requests):
            if self._player is not None:
                uncalled.append("its app")
            elif not self.routes:
                uncalled.append("it")
        return uncalled

    def _check_place(self, url: object) -> None:
        """A route elsewhere would never be asked."""
        __tracebackhide__ = True
        if not isinstance(url, str | httpx.URL):
            return
        found = httpx.URL(url)
        if found.host and not self.address.holds(found):
            allowed = f"a route of this stand-in is below {self.address}: write its path"
            raise BadValue("url", str(url), allowed)
