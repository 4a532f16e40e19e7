"""The queue between shop and warehouse: a port on which the worker takes one message at a time."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind

ORDERS = {"messaging.system": "loopback", "messaging.destination.name": "orders"}
"""What producer and consumer spans alike say of the queue."""

tracer = trace.get_tracer(__name__)


@dataclass(frozen=True)
class Message:
    """What lies in the queue: a body, and headers that carry the context as in HTTP."""

    order: int
    headers: dict[str, str]


def publish(order: int) -> None:
    """Returns at once; the order is packed later."""
    with tracer.start_as_current_span("orders publish", kind=SpanKind.PRODUCER, attributes=ORDERS):
        headers: dict[str, str] = {}
        inject(headers)
        with socket.create_connection(_address()) as connection:
            connection.sendall(json.dumps(asdict(Message(order, headers))).encode())


def orders() -> Iterator[int]:
    """What was published, one after another, each within its span."""
    for message in _messages():
        with tracer.start_as_current_span(
            "orders process",
            # Only the headers link this span to the request.
            context=extract(message.headers),
            kind=SpanKind.CONSUMER,
            attributes=ORDERS,
        ):
            yield message.order


def _messages() -> Iterator[Message]:
    with socket.create_server(_address()) as queue:
        while True:
            connection, _ = queue.accept()
            with connection, connection.makefile() as received:
                text = received.read()
            if text:  # somebody may only have looked whether the worker is there
                yield Message(**json.loads(text))


def _address() -> tuple[str, int]:
    return "127.0.0.1", int(os.environ["QUEUE_PORT"])
