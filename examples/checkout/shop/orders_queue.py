"""The queue between the shop and its warehouse: a producer, and a consumer in a worker thread."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from threading import Thread

from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind, Tracer

ORDERS = {"messaging.system": "in_process", "messaging.destination.name": "orders"}
"""What producer and consumer spans alike say of the queue."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What lies in the queue: a body, and headers that carry the context as in HTTP."""

    order_id: int
    headers: dict[str, str]


class OrdersQueue:
    """Hands each published order to `handle`, one after another, in the worker's thread."""

    def __init__(self, handle: Callable[[int], None], tracer: Tracer) -> None:
        """Handles nothing until it is `running`."""
        self.handle = handle
        self.tracer = tracer
        self.messages: Queue[Message | None] = Queue()

    def publish(self, order_id: int) -> None:
        """Returns at once; the order is handled later."""
        with self.tracer.start_as_current_span(
            "orders publish", kind=SpanKind.PRODUCER, attributes=ORDERS
        ):
            headers: dict[str, str] = {}
            # Within the block, so that the consumer finds this span, not the request, as parent.
            inject(headers)
            self.messages.put(Message(order_id, headers))

    def process(self, message: Message) -> None:
        """What the worker does with one message."""
        with self.tracer.start_as_current_span(
            "orders process",
            # A thread starts without context: only the headers link this span to the request.
            context=extract(message.headers),
            kind=SpanKind.CONSUMER,
            attributes=ORDERS,
        ):
            self.handle(message.order_id)

    def join(self) -> None:
        """Waits until every published order was handled."""
        self.messages.join()

    @contextmanager
    def running(self) -> Iterator["OrdersQueue"]:
        """Runs the worker; at the end, lets it finish what was published."""
        worker = Thread(target=self._work, name="orders worker")
        worker.start()
        try:
            yield self
        finally:
            self.messages.put(None)
            worker.join()

    def _work(self) -> None:
        for message in iter(self.messages.get, None):
            self._attempt(message)
            self.messages.task_done()

    def _attempt(self, message: Message) -> None:
        try:
            self.process(message)
        except Exception:
            # One bad message must not stop the worker.
            logger.exception("order %s was not handled", message.order_id)
