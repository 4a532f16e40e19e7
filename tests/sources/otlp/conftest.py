"""An endpoint that keeps what it gets, and a client that says exactly what it is told to."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from pytest_traces.sources.otlp import otlp
from pytest_traces.sources.otlp.endpoint import Endpoint

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def span(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A span as OTLP/JSON has it."""
    return {
        "traceId": f"{7:032x}",
        "spanId": f"{number:016x}",
        "name": f"GET /{number}",
        "startTimeUnixNano": "1000",
        "endTimeUnixNano": "2000",
        **fields,
    }


def export(*spans: dict[str, Any]) -> bytes:
    """An export in JSON."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Receiver:
    """An endpoint, what it was given, and ways to talk to it."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.endpoint = Endpoint(self.entries.extend)
        self.url = urlsplit(self.endpoint.url)
        self.traces = f"{self.url.path}/v1/traces"

    span = staticmethod(span)
    export = staticmethod(export)

    @property
    def names(self) -> list[str]:
        """The names of the spans that were delivered."""
        return [otlp.decode(entry).name for entry in self.entries]

    def connect(self) -> socket.socket:
        """A connection that sends nothing by itself."""
        return socket.create_connection((self.url.hostname, self.url.port), timeout=30)

    def request(
        self,
        body: Any = b"",
        headers: dict[str, str] = JSON,
        path: str | None = None,
        method: str = "POST",
        **more: Any,
    ) -> Answer:
        """Send a request over a connection of its own."""
        connection = http.client.HTTPConnection(self.url.netloc, timeout=30)
        try:
            target = self.traces if path is None else path
            connection.request(method, target, body, headers, **more)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def raw(self, sent: bytes) -> bytes:
        """Send these bytes, then nothing more; returns all that comes back until the end."""
        with self.connect() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def head(self, *lines: str) -> bytes:
        """The head of a request to export."""
        return "\r\n".join([f"POST {self.traces} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


@pytest.fixture
def receiver(own_port):
    """After the test the port is closed, and the threads are those of before."""
    before = {*threading.enumerate()}
    receiver = Receiver()
    yield receiver
    receiver.endpoint.close()
    assert not own_port.is_open
    with pytest.raises(ConnectionError):
        receiver.connect()
    assert not [one for one in {*threading.enumerate()} - before if "receiver" in one.name]
