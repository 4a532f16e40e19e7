"""How traces break: each fault breaks one thing in a healthy shop.

A fault is a context manager. It replaces one function while its block runs, and mocks nothing:
shop, services, worker and spans are as real as without it::

    with faults.renamed():
        client.post("/checkout", json={"order": 7})
        traces.assert_tree(...)  # fails: 'orders publish' is now called 'order publish'
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest
from opentelemetry.context import Context
from opentelemetry.instrumentation import httpx as httpx_instrumentation
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind
from sqlalchemy import select
from sqlalchemy.orm import Session

from .shop import db, orders_queue, services
from .shop.clients import Inventory, Payments
from .shop.orders_queue import ORDERS, Message, OrdersQueue


def dropped() -> AbstractContextManager[None]:
    """Messages are published without a producer span."""

    def publish(queue: OrdersQueue, order_id: int) -> None:
        headers: dict[str, str] = {}
        inject(headers)
        queue.messages.put(Message(order_id, headers))

    return replaced(OrdersQueue, "publish", publish)


def moved() -> AbstractContextManager[None]:
    """The context is injected too early, before the producer span: the consumer is its sibling."""

    def publish(queue: OrdersQueue, order_id: int) -> None:
        headers: dict[str, str] = {}
        inject(headers)
        with queue.tracer.start_as_current_span(
            "orders publish", kind=SpanKind.PRODUCER, attributes=ORDERS
        ):
            queue.messages.put(Message(order_id, headers))

    return replaced(OrdersQueue, "publish", publish)


def renamed() -> AbstractContextManager[None]:
    """The producer span has another name."""
    return replaced(OrdersQueue, "publish", _publishing(name="order publish"))


def another_kind() -> AbstractContextManager[None]:
    """The producer span is of kind internal, as it is when nobody says otherwise."""
    return replaced(OrdersQueue, "publish", _publishing(kind=SpanKind.INTERNAL))


def attribute_missing() -> AbstractContextManager[None]:
    """The producer span does not say where the message goes."""
    without = {"messaging.system": ORDERS["messaging.system"]}
    return replaced(OrdersQueue, "publish", _publishing(attributes=without))


def duplicated() -> AbstractContextManager[None]:
    """A retry where none was needed: the customer is charged twice."""
    charge_once = Payments.charge

    def charge(payments: Payments, order_id: int, cents: int) -> None:
        charge_once(payments, order_id, cents)
        charge_once(payments, order_id, cents)

    return replaced(Payments, "charge", charge)


def never_ended() -> AbstractContextManager[None]:
    """The consumer span is started, and nobody ends it."""

    def process(queue: OrdersQueue, message: Message) -> None:
        queue.tracer.start_span(
            "orders process",
            context=extract(message.headers),
            kind=SpanKind.CONSUMER,
            attributes=ORDERS,
        )

    return replaced(OrdersQueue, "process", process)


def context_lost() -> AbstractContextManager[None]:
    """The worker ignores the headers, and its thread has no context: another trace begins."""

    def ignore(_: Mapping[str, str]) -> Context:
        return Context()

    return replaced(orders_queue, "extract", ignore)


def traceparent_lost() -> AbstractContextManager[None]:
    """Requests have client spans but no ``traceparent``: each service begins another trace."""

    def ignore(_: object) -> None:
        pass

    return replaced(httpx_instrumentation, "inject", ignore)


def n_plus_one() -> AbstractContextManager[None]:
    """One statement for the numbers of the items, then one more for each of the five."""

    def load_items(session: Session, order_id: int) -> Sequence[db.Item]:
        numbers = session.scalars(select(db.Item.id).where(db.Item.order_id == order_id)).all()
        return [
            session.scalars(select(db.Item).where(db.Item.id == number)).one() for number in numbers
        ]

    return replaced(db, "load_items", load_items)


@contextmanager
def out_of_order() -> Iterator[None]:
    """The customer pays before anything is reserved."""
    reserve_now, charge_now = Inventory.reserve, Payments.charge
    postponed: list[Callable[[], None]] = []

    def reserve(inventory: Inventory, order_id: int, articles: Sequence[str]) -> None:
        postponed.append(lambda: reserve_now(inventory, order_id, articles))

    def charge(payments: Payments, order_id: int, cents: int) -> None:
        charge_now(payments, order_id, cents)
        postponed.pop()()

    with replaced(Inventory, "reserve", reserve), replaced(Payments, "charge", charge):
        yield


def failed() -> AbstractContextManager[None]:
    """The bank cannot be reached: the payments service fails with an exception."""

    def bank_accepts(_: int) -> bool:
        msg = "the bank does not answer"
        raise ConnectionError(msg)

    return replaced(services, "bank_accepts", bank_accepts)


def slow() -> AbstractContextManager[None]:
    """The bank takes its time."""
    accepts_now = services.bank_accepts

    def bank_accepts(cents: int) -> bool:
        time.sleep(0.6)
        return accepts_now(cents)

    return replaced(services, "bank_accepts", bank_accepts)


def _publishing(
    *,
    name: str = "orders publish",
    kind: SpanKind = SpanKind.PRODUCER,
    attributes: Mapping[str, str] = ORDERS,
) -> Callable[[OrdersQueue, int], None]:
    def publish(queue: OrdersQueue, order_id: int) -> None:
        with queue.tracer.start_as_current_span(name, kind=kind, attributes=attributes):
            headers: dict[str, str] = {}
            inject(headers)
            queue.messages.put(Message(order_id, headers))

    return publish


@contextmanager
def replaced(owner: object, name: str, replacement: object) -> Iterator[None]:
    """One attribute is another while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, replacement)
        yield
