"""HTTP on a loopback port: connections, requests and answers."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from respx.models import PassThrough

from pytest_traces.recording import Clock
from pytest_traces.settings import NANOSECONDS
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.apps import SERVED, log_failure, server_error
from pytest_traces.wire.stand_in.boundary import call_apart
from pytest_traces.wire.stand_in.faults import UnroutedRequest

#: How often the thread that accepts looks whether it should end, in seconds.
_POLL = 0.02
#: How long a request that nobody answers may hold up the end of the test.
_PATIENCE_NS = NANOSECONDS["s"]
_BODILESS = (204, 304)


class Listener(http.server.ThreadingHTTPServer):
    """Listens on a free port, with a thread for each connection."""

    daemon_threads = True

    def __init__(self, address: Address, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.address = address
        self.answer = answer
        self._open: dict[threading.Thread, socket.socket] = {}
        self._accepting = threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": _POLL},
            name=f"stand-in {address}",
            daemon=True,
        )

    def server_bind(self) -> None:
        """Take a port; without asking for the machine's name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def start(self) -> None:
        """Begin to accept."""
        # Instrumentation of threads, or the interpreter, may hand the context on.
        call_apart(self._accepting.start)

    def close(self) -> None:
        """Accept no more, and break off every connection."""
        self.shutdown()
        self._accepting.join()
        self.server_close()
        for connection in list(self._open.values()):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def join(self) -> int:
        """Wait for the threads of the connections; returns how many do not end."""
        deadline = Clock.monotonic_ns() + _PATIENCE_NS
        for thread in list(self._open):
            thread.join(max(0, deadline - Clock.monotonic_ns()) / 1e9)
        return len(self._open)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread that is known, so that it can be ended."""
        thread = threading.Thread(
            target=self.process_request_thread,
            args=(request, client_address),
            name=f"stand-in {self.address} connection",
            daemon=True,
        )
        self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until one side ends it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no failure of the server."""


class _Connection(http.server.BaseHTTPRequestHandler):
    """One connection, and its requests one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _listener(self) -> Listener:
        return cast(Listener, self.server)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # http.server asks for a method for each method
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name for it
        """Nothing: the test sees what came in."""

    def _serve(self) -> None:
        try:
            body = self._read_body()
        except ValueError as error:
            self.close_connection = True
            self._send(httpx.Response(400, text=f"the body cannot be read: {error}"))
            return
        request = self._request(body)
        try:
            response = self._listener.answer(request)
        except UnroutedRequest as error:
            response = httpx.Response(501, text=str(error))
        except PassThrough:
            response = httpx.Response(501, text="there is nothing to pass through to")
        except httpx.TransportError:
            self.close_connection = True  # what the test wants to fail on the way
            return
        except Exception as error:  # noqa: BLE001  # a server survives its handlers
            log_failure(str(self._listener.address), request, error)
            response = server_error()
        self._send(response)

    def _request(self, body: bytes) -> httpx.Request:
        path = self.path
        if not path.startswith("/"):  # the form that proxies get
            parts = urlsplit(path)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers.items()
        ]
        request = httpx.Request(
            self.command,
            self._listener.address.origin + path,
            headers=headers,
            stream=httpx.ByteStream(body),
            extensions={SERVED: self.client_address},
        )
        request.read()
        return request

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return b"".join(iter(self._read_chunk, b""))
        return self._read_exactly(int(self.headers.get("content-length") or 0))

    def _read_exactly(self, size: int) -> bytes:
        part = self.rfile.read(size) if size >= 0 else b""
        if len(part) != size:
            raise ValueError(f"it has {len(part)} bytes where {size} were announced")
        return part

    def _read_chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], 16)
        chunk = self._read_exactly(size)
        if size:
            self.rfile.readline()
        else:  # trailers, up to the empty line
            while self.rfile.readline().strip():
                pass
        return chunk

    def _send(self, response: httpx.Response) -> None:
        try:
            has_body = self.command != "HEAD" and response.status_code not in _BODILESS
            self._send_head(response, has_body=has_body)
            if has_body:
                self._send_body(response)
        except (OSError, httpx.TransportError):
            self.close_connection = True  # the client is gone, or the app broke off
        finally:
            response.close()

    def _send_head(self, response: httpx.Response, *, has_body: bool) -> None:
        self.send_response_only(response.status_code)
        for name, value in response.headers.raw:
            if name.lower() not in (b"transfer-encoding", b"connection"):
                self.send_header(name.decode("latin-1"), value.decode("latin-1"))
        if has_body and "content-length" not in response.headers:
            if self.request_version >= "HTTP/1.1":
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.close_connection = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _send_body(self, response: httpx.Response) -> None:
        is_chunked = "content-length" not in response.headers
        is_chunked = is_chunked and self.request_version >= "HTTP/1.1"
        for part in response.stream:  # type: ignore[union-attr]  # whoever answers saw to it
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if is_chunked else part)
        if is_chunked:
            response.close()  # what the app does then is done when the client has the answer
            self.wfile.write(b"0\r\n\r\n")
