"""Runs an ASGI application on a loopback port, in a thread of its own."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from fastapi import FastAPI


@contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The application's base URL.

    A real server, not a transport that calls the application directly: there, the caller's span
    would be current in the service too, and a request without any ``traceparent`` would look as
    well linked as one that has it.
    """
    # The socket listens before the server runs: the first request need not wait for it.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # log_config=None: uvicorn is not to change the logging of this process.
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name=app.title)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
