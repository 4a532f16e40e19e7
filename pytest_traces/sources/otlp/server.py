"""The port: one for the process, open as long as an endpoint wants it."""

from __future__ import annotations

import contextlib
import http.server
import os
import selectors
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_traces.recording import Clock
from pytest_traces.settings import NANOSECONDS
from pytest_traces.sources.otlp.bodies import Incoming
from pytest_traces.sources.otlp.http import Connection

if TYPE_CHECKING:
    from pytest_traces.sources.otlp.endpoint import Endpoint
    from pytest_traces.sources.otlp.grpc import GrpcListener

HOST = "127.0.0.1"
#: How long a request that is being served may hold up the end.
_GRACE_NS = 2 * NANOSECONDS["s"]


class Listener(http.server.ThreadingHTTPServer):
    """Listens on a free port of the loopback interface, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    # The port is a new one; nobody else may bind it meanwhile.
    allow_reuse_address = False
    allow_reuse_port = False

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        super().__init__((HOST, 0), Connection)
        # Who gave up before being accepted is not waited for.
        self.socket.setblocking(False)
        self.is_closing = False
        #: What comes in on each connection.
        self.incoming: dict[socket.socket, Incoming] = {}
        self._endpoints = endpoints
        self._open: dict[threading.Thread, socket.socket] = {}
        self._waking, self._woken = socket.socketpair()
        self._accepting = threading.Thread(
            target=self._accept, name="pytest-traces receiver", daemon=True
        )
        self._accepting.start()

    def get_request(self) -> tuple[Any, Any]:
        """A new connection, which some systems let wait no more than the socket that listens."""
        connection, address = super().get_request()
        connection.setblocking(True)
        return connection, address

    def server_bind(self) -> None:
        """Take a port; without asking for the machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def find(self, target: str) -> tuple[Endpoint | None, str]:
        """The endpoint that a request is for, and the rest of its path."""
        try:
            path = urlsplit(target).path
        except ValueError:
            return None, ""
        token, _, rest = path.strip("/").partition("/")
        return self._endpoints.get(token), rest.strip("/")

    def meet(self, remark: str) -> None:
        """Somebody means one of the endpoints, and does not say which."""
        for endpoint in list(self._endpoints.values()):
            endpoint.meet(remark)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                selector.select()
                if self.is_closing:
                    return
                self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread that is known, so that it can be ended."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name="pytest-traces receiver connection",
            daemon=True,
        )
        self._open[thread] = request
        try:
            thread.start()
        except RuntimeError:  # there are too many threads
            del self._open[thread]
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until one side ends it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no failure of the server."""

    def close(self) -> None:
        """Accept no more, let what is being served come to its end, and end every connection."""
        self.is_closing = True
        self._waking.send(b"\0")
        self._accepting.join()
        self.server_close()
        self._waking.close()
        self._woken.close()
        for connection in list(self._open.values()):
            incoming = self.incoming.get(connection)
            is_idle = incoming is None or incoming.is_idle
            # One that is in the middle of a request reads no more of it, and may answer.
            _shut(connection, socket.SHUT_RDWR if is_idle else socket.SHUT_RD)
        deadline = Clock.perf_counter_ns() + _GRACE_NS
        for thread, connection in list(self._open.items()):
            thread.join(max(0, deadline - Clock.perf_counter_ns()) / 1e9)
            if thread.is_alive():
                _shut(connection, socket.SHUT_RDWR)
                thread.join(_GRACE_NS / 1e9)

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's, without ending it."""
        for one in (self.socket, self._waking, self._woken, *list(self._open.values())):
            one.close()


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # the client was faster
        connection.shutdown(how)


class Port:
    """Opens and closes the port, and knows whose each token is.

    It is open while an endpoint holds it. The tokens of those that have let go are known until it
    closes, so that who is late is answered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}
        self._holders = 0
        self._listener: Listener | None = None
        self._grpc: GrpcListener | None = None
        self._watches_forks = False

    @property
    def is_open(self) -> bool:
        """Whether somebody holds it."""
        return self._listener is not None

    def hold(self, endpoint: Endpoint) -> int:
        """Serve this endpoint; returns the number of the port.

        Raises:
            OSError: the machine has no port to give.
        """
        with self._lock:
            if self._listener is None:
                self._watch_forks()
                self._listener = Listener(self._endpoints)
            self._endpoints[endpoint.token] = endpoint
            self._holders += 1
            return self._listener.server_port

    def hold_grpc(self) -> int:
        """Serve gRPC, too, as long as the port is open; returns the number of its port.

        Raises:
            ModuleNotFoundError: grpcio is not installed.
        """
        with self._lock:
            if self._grpc is None:
                from pytest_traces.sources.otlp.grpc import GrpcListener

                self._grpc = GrpcListener(self._endpoints)
            return self._grpc.port

    def release(self) -> None:
        """One endpoint needs it no more; with the last, all ends: threads, connections, tokens."""
        with self._lock:
            self._holders -= 1
            if self._holders:
                return
            listener, self._listener = self._listener, None
            listeners = (self._grpc, listener)
            self._grpc = None
            for one in listeners:
                if one is not None:
                    one.close()
            self._endpoints.clear()

    def _watch_forks(self) -> None:
        if not self._watches_forks and hasattr(os, "register_at_fork"):
            self._watches_forks = True
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """A forked child has none of the threads, and its parent goes on."""
        listener, endpoints = self._listener, list(self._endpoints.values())
        self.__init__()  # type: ignore[misc]  # whoever held the lock is not there to let go
        self._watches_forks = True
        if listener is not None:
            listener.abandon()
        for endpoint in endpoints:
            endpoint.abandon()


port = Port()
