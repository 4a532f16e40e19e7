"""http.client, and so urllib.request, xmlrpc.client, and what urllib3 sends in the end.

A connection keeps the lines of a request's head until ``endheaders`` sends them: that list,
though private, is what the server reads, whoever has added to it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pytest_traces.model import Headers
from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, Flight, bound, take_off

_LINES = "_buffer"


class Head(NamedTuple):
    """The head of a request."""

    method: str
    url: str
    headers: Headers


class HttpClientHooks:
    """Wraps three methods of ``HTTPConnection``."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches
        #: What each connection has sent and nobody has answered.
        self._flights: WeakKeyDictionary[Any, Flight] = WeakKeyDictionary()

    def install(self, module: ModuleType) -> None:
        """Hook the class of the module."""
        connection = module.HTTPConnection
        if _LINES not in connection.__init__.__code__.co_names:
            raise AttributeError(f"HTTPConnection does not define {_LINES}")
        self._patches.replace(connection, "endheaders", self._wrap_endheaders)
        self._patches.replace(connection, "getresponse", self._wrap_getresponse)
        self._patches.replace(connection, "close", self._wrap_close)

    def forget(self) -> None:
        """Drop what has not been answered."""
        self._flights.clear()

    def _wrap_endheaders(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows, flights = self._journal.windows, self._flights

        @wraps(original)
        def endheaders(connection: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, connection)
            # One that is on its way already was begun by this very hook, found under itself.
            head = read_head(connection) if windows and connection not in flights else None
            if head is None:
                return send(*args, **kwargs)
            name = "urllib3" if _is_of_urllib3(connection) else "http.client"
            flight = take_off(self._journal, name, *head)
            flight.exchange.data = flight.exchange.data._replace(headers=head.headers)
            flights[connection] = flight
            try:
                with Below():
                    return send(*args, **kwargs)
            except BaseException as error:
                # The server may have answered before it ceased to read, and urllib3 looks.
                if not isinstance(error, BrokenPipeError | ConnectionResetError):
                    flights.pop(connection, None)
                    flight.land(error=error)
                raise

        return endheaders

    def _wrap_getresponse(self, original: Callable[..., Any]) -> Callable[..., Any]:
        flights = self._flights

        @wraps(original)
        def getresponse(connection: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            receive = bound(original, connection)
            # Arguments are those of an older Python: urllib3 tries them, and then without.
            flight = None if args or kwargs else flights.pop(connection, None)
            if flight is None:
                return receive(*args, **kwargs)
            try:
                response = receive()
            except BaseException as error:
                flight.land(error=error)
                raise
            flight.land(status=response.status)
            return response

        return getresponse

    def _wrap_close(self, original: Callable[..., Any]) -> Callable[..., Any]:
        flights = self._flights

        @wraps(original)
        def close(connection: Any) -> Any:
            __tracebackhide__ = True
            flight = flights.pop(connection, None)
            if flight is not None:
                # Closed because of an error, as a rule, which is being handled right now.
                flight.land(error=sys.exc_info()[1] or "closed before it was answered")
            return bound(original, connection)()

        return close


def read_head(connection: Any) -> Head | None:
    """The request that a connection is about to send; None if it cannot be read."""
    lines = [line.decode("latin-1") for line in getattr(connection, _LINES, ())]
    words = lines[0].split(" ") if lines else []
    if len(words) < 2:
        return None
    headers = (line.partition(":") for line in lines[1:])
    return Head(
        words[0],
        _url(connection, words[1]),
        tuple([(name, value.strip()) for name, _, value in headers]),
    )


def _url(connection: Any, target: str) -> str:
    if not target.startswith(("/", "*")):
        return target  # a proxy is told the whole URL
    default = getattr(connection, "default_port", 80)
    # Through a tunnel the request is the server's, and the connection's host the proxy.
    tunnel = getattr(connection, "_tunnel_host", None)
    host = str(tunnel or connection.host)
    port = getattr(connection, "_tunnel_port", None) if tunnel else connection.port
    where = f"[{host}]" if ":" in host and not host.startswith("[") else host
    scheme = "https" if default == 443 else "http"
    return f"{scheme}://{where}{'' if port in {None, default} else f':{port}'}{target}"


def _is_of_urllib3(connection: Any) -> bool:
    return any("urllib3" in one.__module__.split(".") for one in type(connection).__mro__)
