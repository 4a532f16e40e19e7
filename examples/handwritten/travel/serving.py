"""Runs a WSGI application on a loopback port, in a thread of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _Handler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing of requests that went well; errors still reach stderr."""


class _Server(WSGIServer):
    def server_bind(self) -> None:
        """Binds without asking the name service for the name of 127.0.0.1, which may be slow."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()
        self.setup_environ()


@contextmanager
def serve(application: "WSGIApplication") -> Iterator[str]:
    """The application's host and port; a real server, so that only headers link two services."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.set_app(application)
        # The interval at which the server looks whether it is to stop: short, for a quick teardown.
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{server.server_name}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
